"""The one place where a target becomes a network with an output whose score is explained.

Targets other than a class are a classifier of their own, made from the first. Every method
explains it as it explains a class, by its logit, and the incremental forward goes no further than
it must.
"""

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.endings import Contrast, Hidden
from pda_studio.classifiers.layers import layer_shape, patch_grid
from pda_studio.errors import UsageError
from pda_studio.targets import (
    ClassTarget,
    ContrastTarget,
    OutputKind,
    OutputTarget,
    Target,
    UnitTarget,
    name_of,
)


@dataclass(frozen=True, eq=False)
class Scored:
    """What methods need to know of a target.

    Attributes
    ----------
    classifier : Classifier
        Its network has an output that is the target.
    index : int
        Of that output.
    """

    classifier: Classifier
    index: int


_KNOWN = 32
_known: WeakKeyDictionary[Classifier, dict[Target, Scored]] = WeakKeyDictionary()
"""The last targets of each classifier: what is learnt of their networks' speed stays with them."""


def scored(classifier: Classifier, target: Target) -> Scored:
    """Make the classifier that scores a target.

    Of a class it is the classifier itself. A contrast has the two logits z_a − z_b and 0: the
    log-odds of the first are log p_a / p_b; of sigmoid outputs they are the logarithm of the ratio
    of both odds, and of plain values their difference is explained. A sigmoid output has z and 0,
    so that its probability is σ(z) and its log-odds are z. A hidden unit has one output, its
    activation; the network ends there.

    Raises
    ------
    UsageError
        If the classifier has no such class, layer or unit, or a class is set against itself.
    """
    target = classifier.target_of(target)
    if isinstance(target, ClassTarget):
        return Scored(classifier, target.index)
    known = _known.setdefault(classifier, {})
    made = known.pop(target, None) or _made(classifier, target)
    known[target] = made  # at the end: the newest
    if len(known) > _KNOWN:
        del known[next(iter(known))]
    return made


def _made(classifier: Classifier, target: ContrastTarget | UnitTarget | OutputTarget) -> Scored:
    if isinstance(target, ContrastTarget):
        return _contrast(classifier, target)
    if isinstance(target, UnitTarget):
        return _unit(classifier, target)
    return _output(classifier, target)


def _contrast(classifier: Classifier, target: ContrastTarget) -> Scored:
    names = classifier.class_names
    a, b = classifier.class_index(target.first), classifier.class_index(target.second)
    if a == b:
        raise UsageError(f"{names[a]} cannot be set against itself: name another class.")
    reverse = ContrastTarget(b, a)
    return _ending(
        classifier,
        Contrast(classifier.network, a, b, len(names)),
        target,
        class_names=(name_of(target, names), name_of(reverse, names)),
        output="softmax" if classifier.has_probabilities else classifier.output,
    )


def _output(classifier: Classifier, target: OutputTarget) -> Scored:
    name = classifier.class_names[classifier.class_index(target.index)]
    if classifier.output == "sigmoid":
        return _ending(
            classifier,
            Contrast(classifier.network, target.index, None, len(classifier.class_names)),
            target,
            class_names=(name, f"not {name}"),
        )
    output = "scalar" if classifier.has_probabilities else classifier.output
    return Scored(replace(classifier, output=output, target=target), target.index)


def _unit(classifier: Classifier, target: UnitTarget) -> Scored:
    layer, channel, row, column = target.layer, target.channel, target.row, target.column
    shape = layer_shape(classifier, layer)
    sizes = _sizes(shape, classifier.input_size)
    if channel >= sizes[0]:
        raise UsageError(
            f"The layer {layer} of {classifier.name} has {sizes[0]} maps; there is no map"
            f" {channel}: choose one from 0 to {sizes[0] - 1}."
        )
    if row is not None and column is not None:
        if len(sizes) == 1:
            raise UsageError(f"The layer {layer} has no rows and columns: name the channel alone.")
        if row >= sizes[1] or column >= sizes[2]:
            raise UsageError(
                f"The maps of {layer} have {sizes[1]} rows and {sizes[2]} columns, counted from 0;"
                f" row {row}, column {column} lies outside."
            )
    place = _place(shape, target, classifier.input_size)
    return _ending(
        classifier,
        Hidden(classifier.network, layer, channel, place, channels_last=len(shape) == 2),
        target,
        class_names=(name_of(target, ()),),
        output="activation",
    )


def _ending(
    classifier: Classifier,
    network: nn.Module,
    target: Target,
    class_names: tuple[str, ...],
    output: OutputKind = "softmax",
) -> Scored:
    """The classifier with another ending, whose first output is the target."""
    made = replace(
        classifier,
        network=network.to(classifier.device).eval(),
        class_names=class_names,
        output=output,
        target=target,
        batch_sizes={},
    )
    return Scored(made, 0)


def _sizes(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, ...]:
    """Channels, rows and columns; of tokens, those of the grid of patches where there is one."""
    if len(shape) != 2:
        return shape
    grid = patch_grid(shape[0] - 1, size)
    return (shape[1],) if grid is None else (shape[1], *grid)


def _place(
    shape: tuple[int, ...], unit: UnitTarget, size: tuple[int, int]
) -> tuple[int, ...] | None:
    if unit.row is None or unit.column is None:
        return None
    if len(shape) == 3:
        return unit.row, unit.column
    _, columns = patch_grid(shape[0] - 1, size) or (1, 1)
    return (1 + unit.row * columns + unit.column,)  # after the class token
