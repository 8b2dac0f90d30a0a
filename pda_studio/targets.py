"""What is explained, as a value: a class, one class rather than another, a hidden unit, an output.

A target goes unchanged from a click, a command or a call through to the map, its file and the
key in the cache. `pda_studio.classifiers.scored` turns it into a network whose score is explained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import ConfigDict, Discriminator, Tag, TypeAdapter

from pda_studio.errors import UsageError

OutputKind = Literal["softmax", "sigmoid", "scalar", "activation", "unknown"]
"""How a network's outputs are read: logits of classes of which one is true (softmax); logits of
which each has a probability of its own (sigmoid); plain values, as of a regression (scalar); the
activation of a hidden unit, also where a file of version 0.1 does not tell it (unknown)."""

UNITS: dict[OutputKind, str] = {
    "softmax": "logit",
    "sigmoid": "logit",
    "scalar": "value",
    "activation": "activation",
    "unknown": "activation",
}
"""In what the outputs of a network are counted before any probability."""

Index = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class ClassTarget:
    """A class: by its log-odds, probability or logit, as the method says.

    Attributes
    ----------
    index : int
        Of the class, among the classifier's.
    """

    index: Index
    kind: Literal["class"] = field(default="class", kw_only=True, repr=False)


@dataclass(frozen=True)
class ContrastTarget:
    """The first class rather than the second.

    Attributes
    ----------
    first, second : int
        Indices of the classes.
    """

    first: Index
    second: Index
    kind: Literal["contrast"] = field(default="contrast", kw_only=True, repr=False)


@dataclass(frozen=True)
class UnitTarget:
    """The activation of a hidden layer's map, or of one place of it.

    Attributes
    ----------
    layer : str
        The layer's name in the network.
    channel : int
        Which of its maps; of a vision transformer's tokens, which feature.
    row, column : int or None
        The place, in pixels of the map; None for the mean over all of them.
    """

    layer: str
    channel: Index
    row: Index | None = None
    column: Index | None = None
    kind: Literal["unit"] = field(default="unit", kw_only=True, repr=False)

    @classmethod
    def parse(cls, layer: str, text: str) -> "UnitTarget":
        """Read C or C,Y,X: a map of a layer, or a place of it.

        Raises
        ------
        UsageError
            If the text is neither.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in (1, 3) or not all(p.isascii() and p.isdigit() for p in parts):
            raise UsageError(
                f"A unit is a channel, such as 12, or a channel, row and column, such as 12,3,5;"
                f" “{text}” is neither."
            )
        return cls(layer, *(int(part) for part in parts))


@dataclass(frozen=True)
class OutputTarget:
    """One output of the network by itself, set against no other.

    A sigmoid output has a probability and log-odds of its own; of any other output its plain value
    is explained: a regression's, or a class's logit before the softmax.

    Attributes
    ----------
    index : int
        Of the output.
    """

    index: Index
    kind: Literal["output"] = field(default="output", kw_only=True, repr=False)


def _kind(value: Any) -> str:
    """The kind of a target; files of version 0.1 do not name it, and knew three."""
    if not isinstance(value, dict):
        return str(getattr(value, "kind", ""))
    if "kind" in value:
        return str(value["kind"])
    return "unit" if "layer" in value else "contrast" if "first" in value else "class"


Target = Annotated[
    Annotated[ClassTarget, Tag("class")]
    | Annotated[ContrastTarget, Tag("contrast")]
    | Annotated[UnitTarget, Tag("unit")]
    | Annotated[OutputTarget, Tag("output")],
    Discriminator(_kind),
]

_adapter: TypeAdapter[Target] = TypeAdapter(Target, config=ConfigDict(defer_build=True))


def as_json(target: Target) -> dict[str, Any]:
    """A target as it stands in files and keys: JSON values."""
    values: dict[str, Any] = _adapter.dump_python(target, mode="json")
    return values


def from_json(values: object) -> Target:
    """Read a target from a file.

    Raises
    ------
    ValueError
        If the values are no target's.
    """
    target: Target = _adapter.validate_python(values)
    return target


def options_of(target: Target) -> dict[str, str]:
    """A target by the names and values that the command line and plans give it."""
    match target:
        case ClassTarget(index) | OutputTarget(index):
            return {"target": f"index:{index}"}
        case ContrastTarget(first, second):
            return {"target": f"index:{first}", "against": f"index:{second}"}
        case UnitTarget():
            places = target.channel, target.row, target.column
            unit = ",".join(str(one) for one in places if one is not None)
            return {"layer": target.layer, "unit": unit}


def name_of(target: Target, class_names: Sequence[str]) -> str:
    """A target in words; classes without a name go by their index."""

    def name(index: int) -> str:
        return class_names[index] if index < len(class_names) else str(index)

    match target:
        case ClassTarget(index) | OutputTarget(index):
            return name(index)
        case ContrastTarget(first, second):
            return f"{name(first)} rather than {name(second)}"
        case UnitTarget(layer, channel, None, _) | UnitTarget(layer, channel, _, None):
            return f"{layer}, map {channel}"
        case UnitTarget(layer, channel, row, column):
            return f"{layer}, map {channel}, row {row}, column {column}"


def translated(
    target: Target, class_names: Sequence[str], others: Sequence[str]
) -> "Target | None":
    """The same target for another classifier, by the names of classes.

    Parameters
    ----------
    target : Target
        Of the first classifier.
    class_names, others : sequence of str
        Classes of the first and of the other classifier.

    Returns
    -------
    Target or None
        None if the other has no such class, and of hidden units.
    """

    def index(one: int) -> int | None:
        name = class_names[one]
        if tuple(others[one : one + 1]) == (name,):
            return one
        return others.index(name) if name in others else None

    match target:
        case ClassTarget(one) | OutputTarget(one):
            same = index(one)
            return None if same is None else type(target)(same)
        case ContrastTarget(one, two):
            first, second = index(one), index(two)
            return None if first is None or second is None else ContrastTarget(first, second)
        case UnitTarget():
            return None
