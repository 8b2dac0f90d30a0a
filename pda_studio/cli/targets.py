"""The target as a command line names it: a class, a contrast, or a hidden unit."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pda_studio.results import Subject

Target = Annotated[
    str | None,
    Parameter(
        metavar="CLASS",
        help="Name or index of the target class; without it, the most likely one.",
        allow_leading_hyphen=True,
    ),
]
Against = Annotated[
    str | None,
    Parameter(
        metavar="CLASS",
        help="Class that the target is contrasted with.",
        allow_leading_hyphen=True,
    ),
]
Layer = Annotated[
    str | None,
    Parameter(
        metavar="LAYER",
        help="Layer whose unit is the target instead of a class: one that pda-studio layers lists.",
    ),
]
UnitText = Annotated[
    str | None,
    Parameter(
        metavar="C[,Y,X]",
        help="Channel of the layer, or one place of it; without it, the channel with the"
        " strongest mean.",
    ),
]


def check(target: str | None, against: str | None, layer: str | None, unit: str | None) -> None:
    """Refuse what does not go together, before anything is loaded.

    Raises
    ------
    UsageError
        If a class and a hidden layer are named, or a unit without its layer.
    """
    if unit is not None and layer is None:
        raise UsageError("--unit needs --layer: name the layer that the unit belongs to.")
    if layer is not None and (target is not None or against is not None):
        raise UsageError(
            "The target is a class (--target, --against) or a unit of a --layer, not both."
        )
    if unit is not None and layer is not None:
        from pda_studio.targets import UnitTarget

        UnitTarget.parse(layer, unit)


def label(subject: "Subject") -> str:
    """The target in words; of a class its index, too."""
    from pda_studio.targets import ClassTarget

    name, target = subject.target_name, subject.target
    return f"{name} (class {target.index})" if isinstance(target, ClassTarget) else name
