"""An image as its file holds it: values of any depth, and which are shown black and white."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from pda_studio.counts import written
from pda_studio.errors import UsageError
from pda_studio.images.geometry import PLANES, Geometry, Plane

Pixels = npt.NDArray[np.uint8]
View = npt.NDArray[np.uint8 | np.float32]
"""A model input before it is normalised, (H, W, 3 or more): uint8, or float32 where 0 is black and
1 is white."""
Values = npt.NDArray[np.uint8 | np.uint16 | np.float32]

_USUAL = (0.2, 99.8)  # percentiles
_MOST_COUNTED = 4_000_000  # values, for percentiles
_ROWS_AT_ONCE = 16_000_000  # values: floats of a whole large image would take gigabytes


@dataclass(frozen=True)
class DisplayLimits:
    """Which values of an image are shown black and white; where black is the larger, inverted.

    Attributes
    ----------
    black, white : float
        In the file's own values, not the same.
    note : str
        What a user should know of them; "" where they are what anybody expects.

    Raises
    ------
    UsageError
        If they are the same, or not finite.
    """

    black: float
    white: float
    note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "black", float(self.black))  # an integer is the same value
        object.__setattr__(self, "white", float(self.white))
        if not (np.isfinite(self.black) and np.isfinite(self.white)):
            raise UsageError("Display limits must be two finite numbers.")
        if self.black == self.white:
            raise UsageError(
                f"Display limits must be two different values, not {self.black:g} and"
                f" {self.white:g}: name those that are shown black and white."
            )

    @property
    def inverted(self) -> Self:
        """The same with black and white exchanged."""
        return replace(self, black=self.white, white=self.black, note="")

    def scaled(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Values (H, W, …) as float32 where black is 0 and white 1, and nothing lies outside."""
        result = np.empty(values.shape, np.float32)
        for rows in strips(values):
            part = (values[rows].astype(np.float64) - self.black) / (self.white - self.black)
            result[rows] = np.clip(part, 0, 1)
        return result

    def as_pixels(self, values: npt.NDArray[Any]) -> Pixels:
        """Values (H, W, …) as eight bits: black becomes 0, white 255."""
        if values.dtype == np.uint8 and (self.black, self.white) == (0, 255):
            return values
        result = np.empty(values.shape, np.uint8)
        span = float(self.white) - float(self.black)
        for rows in strips(values):
            # The narrowest floats that are exact enough.
            some = values[rows]
            wide: npt.NDArray[np.floating[Any]] = some.astype(np.result_type(some, np.float32))
            wide -= self.black
            wide *= 255 / span
            np.rint(wide, out=wide)
            result[rows] = np.clip(wide, 0, 255)
        return result

    def __str__(self) -> str:
        return f"{written(self.black, 'g')} (black) to {written(self.white, 'g')} (white)"


EIGHT_BITS = DisplayLimits(0, 255)


@dataclass(frozen=True, eq=False)
class Image:
    """An image as its file holds it, turned the way it is meant to be seen.

    Attributes
    ----------
    values : (H, W, C) uint8, uint16 or float32
        Grey (C = 1), RGB in sRGB (C = 3), or other channels. Transparency is laid over white.
    limits : DisplayLimits
        Which values are black and white: for people, and for networks that were trained on images
        with black and white.
    other_notes : tuple of str
        Sentences on what was left out or had to be decided, besides the limits: colour profiles.
    page, pages : int
        Which page, frame or slice of the file this is, counted from 1, and how many there are.
    spacing : (float, float) or None
        Millimetres from row to row and from column to column, where the file says so.
    geometry : Geometry or None
        Where the pixels lie in space, where the file says so.
    plane : {"axial", "coronal", "sagittal"} or None
        In which plane this is a slice of a volume.
    """

    values: Values
    limits: DisplayLimits = EIGHT_BITS
    other_notes: tuple[str, ...] = ()
    page: int = 1
    pages: int = 1
    spacing: tuple[float, float] | None = None
    geometry: Geometry | None = None
    plane: Plane | None = None

    @property
    def planes(self) -> tuple[Plane, ...]:
        """The planes in which there are slices: those of a volume, or none."""
        return PLANES if self.plane else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was left out or had to be decided."""
        return (*([self.limits.note] if self.limits.note else []), *self.other_notes)

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.values.shape[0])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.values.shape[1])

    @property
    def channels(self) -> int:
        """How many values a pixel has."""
        return int(self.values.shape[2])

    @property
    def is_eight_bit(self) -> bool:
        """Whether it is shown as it is: grey or RGB with eight bits, from 0 to 255."""
        return (
            self.values.dtype == np.uint8 and self.limits == EIGHT_BITS and self.channels in (1, 3)
        )

    @cached_property
    def pixels(self) -> Pixels:
        """What is shown, (H, W, 3), C-contiguous."""
        return np.ascontiguousarray(three_channels(self.limits.as_pixels(self.shown_channels)))

    @property
    def shown_channels(self) -> Values:
        """The channels that are shown, (H, W, 1 or 3): the first three, or of two the first."""
        return self.values[:, :, : 3 if self.channels >= 3 else 1]

    def with_values(self, values: Values) -> Self:
        """The same image after something was done to its values."""
        return replace(self, values=values)

    def with_limits(self, limits: DisplayLimits) -> Self:
        """The same image shown otherwise."""
        return replace(self, limits=limits)

    @property
    def automatic_limits(self) -> DisplayLimits:
        """Black and white at the percentiles 0.2 and 99.8 of what is shown."""
        return automatic_limits(self.shown_channels)


def automatic_limits(values: npt.NDArray[Any]) -> DisplayLimits:
    """Black and white at the percentiles 0.2 and 99.8, or at the extremes where these are one."""
    step = max(1, values.size // _MOST_COUNTED)
    some = np.asarray(values).reshape(-1)[::step]
    low, high = (float(value) for value in np.percentile(some, _USUAL))
    if low == high:
        low, high = float(values.min()), float(values.max())
    return DisplayLimits(low, high if high > low else low + 1)


def image_of(array: View | Image) -> Image:
    """An array (H, W, C) as an image: uint8, or float32 from 0 to 1; an image stays what it is."""
    if isinstance(array, Image):
        return array
    return Image(array, EIGHT_BITS if array.dtype == np.uint8 else DisplayLimits(0, 1))


def shown_pixels(view: View) -> Pixels:
    """A model input as people see it, (H, W, 3) uint8; of more channels the first three."""
    if view.dtype == np.uint8 and view.shape[2] == 3:
        pixels: Pixels = view  # type: ignore[assignment]
        return pixels
    return np.rint(np.clip(view[:, :, :3], 0, 1) * 255).astype(np.uint8)


def three_channels(values: Pixels) -> Pixels:
    """Grey or RGB (H, W, 1 or 3) as RGB."""
    return values.repeat(3, axis=2) if values.shape[2] == 1 else values


def strips(values: npt.NDArray[Any]) -> Iterator[slice]:
    """Slices of rows that are small enough to be widened."""
    rows = max(1, _ROWS_AT_ONCE // max(1, values[0].size))
    for start in range(0, len(values), rows):
        yield slice(start, start + rows)
