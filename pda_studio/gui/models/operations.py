"""How a variant of the picture is made: turning, flipping, cropping the original."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Rotate:
    """Turn the picture clockwise by an angle in degrees."""

    degrees: float

    def __call__(self, image: Pixels) -> Pixels:
        """Return the turned picture; quarter turns keep every pixel as it is."""
        if self.degrees % 90 == 0:
            return np.ascontiguousarray(np.rot90(image, -int(self.degrees // 90)))
        # What comes in at the corners has the colour that the picture has at its border.
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        fill = tuple(int(value) for value in np.median(border, axis=0))
        turned = Image.fromarray(image).rotate(
            -self.degrees, Image.Resampling.BICUBIC, fillcolor=fill
        )
        return np.asarray(turned)

    def __str__(self) -> str:
        way = "clockwise" if self.degrees > 0 else "counter-clockwise"
        return (
            "rotated 180°" if abs(self.degrees) == 180 else f"rotated {abs(self.degrees):g}° {way}"
        )


@dataclass(frozen=True)
class Flip:
    """Mirror the picture: left and right change places, or top and bottom."""

    axis: Literal["horizontal", "vertical"]

    def __call__(self, image: Pixels) -> Pixels:
        """Return the mirrored picture."""
        return np.ascontiguousarray(image[:, ::-1] if self.axis == "horizontal" else image[::-1])

    def __str__(self) -> str:
        return "flipped left–right" if self.axis == "horizontal" else "flipped top–bottom"


@dataclass(frozen=True)
class Crop:
    """Keep a rectangle, in pixels of the picture that is cropped."""

    left: int
    top: int
    width: int
    height: int

    def __call__(self, image: Pixels) -> Pixels:
        """Return the rectangle."""
        rows = slice(self.top, self.top + self.height)
        return np.ascontiguousarray(image[rows, self.left : self.left + self.width])

    def __str__(self) -> str:
        return f"cropped to {self.width} × {self.height}"


Operation = Rotate | Flip | Crop


def extended(operations: Sequence[Operation], operation: Operation) -> tuple[Operation, ...]:
    """Add an operation at the end; turns add up, and a flip undoes the same flip."""
    before, last = tuple(operations[:-1]), operations[-1] if operations else None
    if isinstance(last, Rotate) and isinstance(operation, Rotate):
        degrees = _half_open(last.degrees + operation.degrees)
        return (*before, Rotate(degrees)) if degrees else before
    if isinstance(last, Flip) and last == operation:
        return before
    return (*operations, operation)


def applied(image: Pixels, operations: Sequence[Operation]) -> Pixels:
    """Carry out the operations, one after the other."""
    for operation in operations:
        image = operation(image)
    return image


def described(operations: Sequence[Operation]) -> str:
    """Name a variant for people, such as “Rotated 90° clockwise, flipped left–right”."""
    text = ", ".join(map(str, operations)) or "original"
    return text[0].upper() + text[1:]


def _half_open(degrees: float) -> float:
    """The same angle within −180 (excluded) to 180."""
    return 180 - (180 - degrees) % 360
