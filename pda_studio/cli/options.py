"""Options that several verbs take, and what is checked of them before any work begins."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import Parameter, Token
from cyclopts.validators import Number

from pda_studio.errors import UsageError
from pda_studio.files import check_is_not, check_writable
from pda_studio.images.formats import NAMES

Image = Annotated[
    Path,
    Parameter(
        help=f"An image: {NAMES}; - reads it from standard input.",
        allow_leading_hyphen=True,
    ),
]
ClassifierName = Annotated[
    str,
    Parameter(
        metavar="NAME",
        help="One that pda-studio classifiers lists, or a file that holds one.",
    ),
]
WeightsFile = Annotated[
    str | None,
    Parameter(
        metavar="FILE",
        help="A file of weights (safetensors, or a state_dict); default for torchvision's own,"
        " downloaded once; random for untrained ones.",
    ),
]
DeviceName = Annotated[
    str, Parameter(metavar="NAME", help="Where the network runs: auto, cpu, cuda or mps.")
]
MethodName = Annotated[str, Parameter(metavar="NAME", help="One that pda-studio methods lists.")]


def whole(type_: Any, tokens: Sequence[Token]) -> int | str:
    """Take a whole number as such alone: cyclopts would round 7.5 to 8.

    A word that the type allows stays a word.

    Raises
    ------
    ValueError
        If it is neither.
    """
    text = tokens[0].value
    if any(text in get_args(part) for part in (type_, *get_args(type_))):
        return text
    if not re.fullmatch("[+-]?[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


class NumberOrWord(Number):
    """Bounds of a number in whose place a word may stand."""

    def __call__(self, type_: Any, value: Any) -> None:
        """Refuse a number out of bounds."""
        if not isinstance(value, str):
            super().__call__(type_, value)


BatchSize = Annotated[
    int | Literal["auto"],
    Parameter(
        metavar="N",
        help="Images per forward pass; auto finds the fastest.",
        converter=whole,
        validator=NumberOrWord(gte=1),
        show_choices=False,
    ),
]
AsJson = Annotated[bool, Parameter(name="--json", help="Write JSON instead of a table.")]
MapOutput = Annotated[
    Path,
    Parameter(
        metavar="MAP.npz",
        help="Where to write the map: .npz with all its numbers; explain also writes .nii, .nii.gz"
        " (evidence in the image's place in space) and .dcm (DICOM secondary capture).",
    ),
]
FigureOutput = Annotated[
    Path | None,
    Parameter(metavar="FILE", help="Where to write a figure as well: .png, .pdf, .svg or .tif."),
]


def check_output(path: Path, suffixes: str | tuple[str, ...], what: str) -> None:
    """Refuse a name that ends otherwise than in one of the suffixes, or that cannot be written.

    Raises
    ------
    UsageError
        If the name ends otherwise.
    PdaStudioError
        If the file cannot be written.
    """
    allowed = (suffixes,) if isinstance(suffixes, str) else suffixes
    if path.suffix.lower() not in allowed:
        raise UsageError(
            f"The name of {what} must end in {' or '.join(allowed)}, not “{path.name}”."
        )
    check_writable(path)


def check_figure(path: Path | None, source: Path | None = None, what: str = "image") -> None:
    """Refuse a figure that cannot be written, or that would replace what it is made from.

    Raises
    ------
    UsageError
        If the suffix is no figure's, or the figure is the source.
    PdaStudioError
        If the file cannot be written.
    """
    if path is None:
        return
    from pda_studio.figures import check_figure as check

    check(path)
    if source is not None:
        check_is_not(path, source, "figure", what)


def print_json(value: object) -> None:
    """Write a value as JSON to standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
