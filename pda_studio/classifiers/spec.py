"""What a file or a module does not say of itself, declared once: input, output, class names.

Python, the command line and the window fill in the same values, and a small TOML file beside the
weights keeps them.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from pda_studio.classifiers.outputs import output_named
from pda_studio.classifiers.preprocessing import ChannelOrder, Interpolation, Preprocessing
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import written_whole
from pda_studio.images.fit import Fit
from pda_studio.reading import refused_as

LARGEST_INPUT = 4096
SUFFIX = ".toml"
_MOST_CHANNELS = 64
_LONGEST = 1 << 24  # bytes of a file of answers
_BGR = "BGR is an order of three channels, and the network takes another number"

Side = Annotated[int, Ge(1), Le(LARGEST_INPUT)]
Values = Annotated[tuple[float, ...], MinLen(1)]


class ClassifierSpec(BaseModel):
    """How to make a network's input and read its output; None where nobody has said so.

    Attributes
    ----------
    architecture : str, optional
        The network that a file of weights belongs to, by its name in the catalogue.
    input_size : int or (int, int), optional
        Side of a square input, or height and width, in pixels.
    resize : int, optional
        Length of the shorter side before the middle is cut out, in pixels; without it nothing is
        cut off there.
    channels : int, optional
        1 (grey), 3 (colours), or as many as the images have.
    channel_order : {"RGB", "BGR"}, optional
        In what order the network gets the colours: BGR as OpenCV reads and Caffe's networks take
        them; RGB where nothing is said.
    mean, std : tuple of float, optional
        Normalisation, one value for each channel in the network's order or one for all, in the
        values of `value_range`.
    value_range : tuple of float, optional
        What black and white become before they are normalised: 0 and 1 where nothing is said.
    image_values : tuple of float, optional
        The image's own values that are black and white to the network, as 0 and 4095; without it,
        these are an image's display limits.
    fit : str, optional
        What of an image becomes the input: crop, stretch, pad or full.
    interpolation : str, optional
        How pixels are resampled.
    output : str, optional
        What the outputs are, by name in `OUTPUTS`.
    select : str, optional
        Which of several outputs: a key, a place, or several joined by dots.
    class_names : tuple of str, optional
        One for each output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str | None = None
    input_size: Side | tuple[Side, Side] | None = None
    resize: Side | None = None
    channels: Annotated[int, Ge(1), Le(_MOST_CHANNELS)] | None = None
    channel_order: ChannelOrder | None = None
    mean: Values | None = None
    std: Values | None = None
    value_range: tuple[float, float] | None = None
    image_values: tuple[float, float] | None = None
    fit: Fit | None = None
    interpolation: Interpolation | None = None
    output: str | None = None
    select: str | None = None
    class_names: tuple[str, ...] | None = None

    @field_validator("input_size")
    @classmethod
    def _one_if_square(cls, value: int | tuple[int, int] | None) -> int | tuple[int, int] | None:
        return one_if_square(value) if isinstance(value, tuple) else value

    @field_validator("output")
    @classmethod
    def _known_output(cls, value: str | None) -> str | None:
        try:
            return None if value is None else output_named(value).name
        except UsageError as error:
            raise ValueError(str(error)) from error

    @field_validator("channel_order", mode="before")
    @classmethod
    def _known_order(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("mean", "std", "value_range", "image_values")
    @classmethod
    def _finite(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not all(abs(number) < 1e30 for number in value):
            raise ValueError("it holds a value that is not finite")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.std is not None and not all(value > 0 for value in self.std):
            raise ValueError("The std must be above 0")
        for ends in (self.value_range, self.image_values):
            if ends is not None and not ends[0] < ends[1]:
                raise ValueError("A range must go from its lower to its higher end")
        if self.input_size and self.resize and self.resize < min(_sides(self.input_size)):
            raise ValueError("The resize must be at least the input_size, which is cut out of it")
        lengths = {len(values) for values in (self.mean, self.std) if values is not None}
        lengths |= {self.channels} if self.channels else set()
        if len(lengths - {1}) > 1:
            raise ValueError("The mean and std need one value, or one for each channel")
        if self.channel_order == "BGR" and (self.channels not in (None, 3) or lengths - {1, 3}):
            raise ValueError(_BGR)
        return self

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Make one of values; what is None is left unsaid.

        Raises
        ------
        UsageError
            If a value is none, or they do not fit each other.
        """
        try:
            return cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise UsageError(_in_words(error)) from error

    def with_answers(self, answers: "ClassifierSpec") -> "ClassifierSpec":
        """The same, where `answers` says something as it says.

        Another input size has no crop of the old one, another number of channels no order.

        Raises
        ------
        UsageError
            If both together do not fit.
        """
        own = self.said()
        if answers.input_size is not None:
            own.pop("resize", None)
        if answers.channels not in (None, 3):
            own.pop("channel_order", None)
        return type(self).of(**{**own, **answers.said()})

    def said(self) -> dict[str, Any]:
        """What is said, by name."""
        return self.model_dump(exclude_none=True)

    def preprocessing(self, input_size: int | tuple[int, int], channels: int) -> Preprocessing:
        """From an image to the input, for this size (pixels) and number of channels if unsaid."""
        size = _sides(self.input_size or input_size)
        low, high = self.value_range or (0.0, 1.0)
        values = self.mean or (0.0,), self.std or (1.0,)
        count = self.channels or max(*map(len, values), 1 if any(values[0]) else channels)
        if self.channels is None and max(map(len, values)) == 1:
            count = channels
        mean, std = (value * count if len(value) == 1 else value for value in values)
        if self.channel_order == "BGR" and count != 3:
            raise UsageError(f"channel_order: {_BGR}.")
        # Preprocessing normalises pixels in 0..1: the range of values is folded into it.
        return Preprocessing(
            resize=self.resize or min(size),
            size=size,
            mean=tuple((one - low) / (high - low) for one in mean),
            std=tuple(one / (high - low) for one in std),
            interpolation=self.interpolation or "bilinear",
            values=self.image_values,
            fit=self.fit or "crop",
            channel_order="BGR" if self.channel_order == "BGR" else None,
        )

    @classmethod
    def of_preprocessing(cls, preprocessing: Preprocessing) -> Self:
        """What a preprocessing says."""
        return cls.of(
            input_size=one_if_square(preprocessing.usual_size),
            resize=preprocessing.resize,
            channels=preprocessing.channels,
            channel_order=preprocessing.channel_order,
            mean=preprocessing.mean,
            std=preprocessing.std,
            interpolation=preprocessing.interpolation,
            image_values=preprocessing.values,
            fit=preprocessing.fit,
        )

    def to_toml(self) -> str:
        """What is said as TOML, one line each."""
        lines = (
            f"{name} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in self.model_dump(mode="json", exclude_none=True).items()
        )
        return "# How PDA Studio makes this network's input and reads its output.\n" + "".join(
            f"{line}\n" for line in lines
        )


def one_if_square(size: tuple[int, int]) -> int | tuple[int, int]:
    """Height and width of an input, or its side if it is square, in pixels."""
    return size[0] if size[0] == size[1] else size


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def read_spec(path: Path) -> ClassifierSpec:
    """Read the answers that a TOML file holds.

    Raises
    ------
    PdaStudioError
        If there is no such file, it is no TOML, or says what cannot be.
    """
    if not path.is_file():
        raise PdaStudioError(f"There is no file of answers at {path}; check the name.")
    with refused_as(f"{path.name} is no TOML file with answers; correct or delete it.", path):
        data = path.read_bytes()
        if len(data) > _LONGEST:
            raise ValueError("too long")
        answers = tomllib.loads(data.decode())
    try:
        return ClassifierSpec.of(**answers)
    except UsageError as error:
        raise PdaStudioError(f"{path.name} cannot be used: {error}") from error


def write_spec(spec: ClassifierSpec, path: Path) -> None:
    """Write answers as TOML, whole or not at all.

    Raises
    ------
    PdaStudioError
        If the file cannot be written.
    """
    with written_whole(path) as file:
        file.write(spec.to_toml().encode())


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    what = ".".join(map(str, first["loc"][:1]))
    if first["type"] == "extra_forbidden":
        known = ", ".join(ClassifierSpec.model_fields)
        return f"There is no answer “{what}”: choose among {known}."
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    if "tuple" in message.lower() or first["type"] == "missing":  # as Python calls what is a list
        message = "It must be a list of as many values as it takes"
    return f"{what}: {message}." if what else f"{message}."
