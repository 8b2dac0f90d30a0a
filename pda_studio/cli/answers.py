"""Options that tell what a classifier's file does not say of its input and output."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter, Token

from pda_studio.cli.options import whole
from pda_studio.errors import UsageError

_GROUP = Group(
    "A classifier of your own (--classifier FILE)",
    help="What is not given is read from FILE.toml, from the file itself, or found out.",
    sort_key=3,
)


def _numbers(_: type, tokens: Sequence[Token]) -> tuple[float, ...]:
    """Numbers from a text such as 0.485,0.456,0.406."""
    text = tokens[0].value
    try:
        return tuple(float(part) for part in re.split(r"[,;\s]+", text.strip()))
    except ValueError:
        raise UsageError(
            f"--{tokens[0].keyword or 'mean'} takes numbers with commas between them, such as"
            f" 0.485,0.456,0.406, not “{text}”."
        ) from None


def _size(_: type, tokens: Sequence[Token]) -> int | tuple[int, int]:
    """One side, or height and width, from a text such as 240x320."""
    text = tokens[0].value.strip()
    found = re.fullmatch(r"([0-9]{1,6})(?:\s*[x×,]\s*([0-9]{1,6}))?", text)
    if found is None:
        raise UsageError(
            f"--input-size takes a whole number of pixels, or height and width as 240x320, not"
            f" “{text}”."
        )
    height, width = found.groups()
    return int(height) if width is None else (int(height), int(width))


def _numbers_option(help: str) -> Any:
    return Parameter(
        metavar="X,Y,Z", help=help, converter=_numbers, n_tokens=1, accepts_keys=False, group=_GROUP
    )


def _option(metavar: str, help: str, **more: Any) -> Any:
    return Parameter(metavar=metavar, help=help, group=_GROUP, **more)


_Numbers = tuple[float, ...] | None


@dataclass(frozen=True)
class Answers:
    """What somebody says of a file, as options."""

    architecture: Annotated[
        str | None, _option("NAME", "The network that weights belong to, if it is not found.")
    ] = None
    input_size: Annotated[
        int | tuple[int, int] | None,
        _option(
            "N",
            "Side of a square input, or height and width as 240x320, in pixels.",
            converter=_size,
            n_tokens=1,
            accepts_keys=False,
        ),
    ] = None
    resize: Annotated[
        int | None,
        _option("N", "Length of the shorter side before the crop, in pixels.", converter=whole),
    ] = None
    channels: Annotated[
        int | None,
        _option("N", "1 (grey), 3 (colours), or as many as images have.", converter=whole),
    ] = None
    channel_order: Annotated[
        str | None, _option("ORDER", "RGB, or BGR for a network trained with OpenCV or Caffe.")
    ] = None
    mean: Annotated[_Numbers, _numbers_option("Mean of each channel, or one for all.")] = None
    std: Annotated[_Numbers, _numbers_option("Standard deviation of each channel.")] = None
    value_range: Annotated[
        _Numbers, _numbers_option("What black and white are before that: 0,1 or 0,255 or -1,1.")
    ] = None
    image_values: Annotated[
        _Numbers,
        _numbers_option("The image's own values that are black and white to it, as 0,4095."),
    ] = None
    output_kind: Annotated[
        str | None,
        _option(
            "KIND",
            "What its outputs are: logits, probabilities, log-probabilities, sigmoid-logits,"
            " sigmoid-probabilities or values.",
        ),
    ] = None
    select_output: Annotated[
        str | None, _option("NAME", "Which of several outputs: a name or a place.")
    ] = None
    class_names: Annotated[
        Path | None,
        _option("FILE", "Class names: one a line, CSV of index and name, or JSON."),
    ] = None
    answers: Annotated[
        Path | None, _option("FILE.toml", "A file with all of these, as lies beside another one.")
    ] = None
    save_answers: Annotated[
        bool, _option("", "Write these answers to FILE.toml, beside the classifier's file.")
    ] = False
    trust: Annotated[
        bool,
        _option("", "Run the code in such a file, now and later; without it, it is refused."),
    ] = False


Told = Annotated[Answers | None, Parameter(name="*")]
