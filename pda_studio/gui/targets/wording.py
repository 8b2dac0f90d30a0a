"""What is asked about: targets in words, for other classifiers, and as the engine's classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pda_studio.document.targets import ClassTarget, ContrastTarget, Target, UnitTarget

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier


def is_derived(target: Target) -> bool:
    """Whether a classifier of its own has to be made to ask about it."""
    return not isinstance(target, ClassTarget)


def derived(classifier: Classifier, target: Target) -> Classifier:
    """The classifier whose class 0 is the target: for the background thread.

    Raises
    ------
    UsageError
        If the classifier has no such class, layer or unit.
    """
    from pda_studio.classifiers.targets import Unit, contrast, hidden

    match target:
        case ContrastTarget(first, second):
            return contrast(classifier, first, second)
        case UnitTarget(layer, channel, row, column):
            return hidden(classifier, layer, Unit(channel, row, column))
        case _:
            return classifier


def translated(target: Target, known: Classifier, other: Classifier) -> Target | None:
    """The same target for another classifier, by the names of classes; None if it has none."""

    def index(one: int) -> int | None:
        name = known.class_names[one]
        if other.class_names[one : one + 1] == (name,):
            return one
        return other.class_names.index(name) if name in other.class_names else None

    match target:
        case ClassTarget(one):
            same = index(one)
            return None if same is None else ClassTarget(same)
        case ContrastTarget(one, two):
            first, second = index(one), index(two)
            return None if first is None or second is None else ContrastTarget(first, second)
        case _:
            return None


def named(target: Target, classifier: Classifier | None) -> str:
    """A target in words."""

    def name(index: int) -> str:
        names = classifier.class_names if classifier else ()
        return names[index] if index < len(names) else str(index)

    match target:
        case ClassTarget(index):
            return name(index)
        case ContrastTarget(first, second):
            return f"{name(first)} rather than {name(second)}"
        case UnitTarget(layer, channel, None, _):
            return f"{layer}, map {channel}"
        case UnitTarget(layer, channel, row, column):
            return f"{layer}, map {channel}, row {row}, column {column}"
