"""How a variant of the image is made: turning, flipping, cropping the original.

Each operation also knows where it puts every point of the image: as a matrix (3, 3) that maps
points (x, y, 1), in pixels from the upper left corner, so that a pixel's middle lies at a half.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pda_studio.errors import Cancelled, UsageError
from pda_studio.images import Image as OpenedImage

Values = NDArray[np.uint8 | np.uint16 | np.float32]
"""Of an image, (H, W, C)."""
Matrix = NDArray[np.float64]

MOST_OPERATIONS = 200
"""Of one view: each takes time anew whenever the view is made."""


@dataclass(frozen=True)
class Rotate:
    """Turn the image clockwise by an angle in degrees."""

    degrees: float

    def __call__(self, image: Values) -> Values:
        """Return the turned image; quarter turns keep every pixel as it is."""
        if self.degrees % 90 == 0:
            return np.ascontiguousarray(np.rot90(image, -int(self.degrees // 90)))
        # What comes in at the corners has the colour that the image has at its border.
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        colour = np.median(border, axis=0)
        if image.dtype != np.uint8 or image.shape[2] != 3:
            turned = [self._turned(image[:, :, at], fill) for at, fill in enumerate(colour)]
            return np.stack(turned, axis=2)
        fill = tuple(int(value) for value in colour)
        whole = Image.fromarray(image)
        return np.asarray(whole.rotate(-self.degrees, Image.Resampling.BICUBIC, fillcolor=fill))

    def _turned(self, channel: Values, fill: float) -> Values:
        """One channel (H, W): of eight bits as such, else as float32, so that none is rounded."""
        eight = channel.dtype == np.uint8
        whole = Image.fromarray(channel if eight else channel.astype(np.float32))
        colour = int(fill) if eight else float(fill)
        return np.asarray(whole.rotate(-self.degrees, Image.Resampling.BICUBIC, fillcolor=colour))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the turned image: a small turn keeps them."""
        return (height, width) if self.degrees % 180 == 90 else (width, height)

    def matrix(self, width: int, height: int) -> Matrix:
        """Where the points of an image of this size go."""
        new_width, new_height = self.size(width, height)
        angle = np.deg2rad(self.degrees)
        cosine, sine = np.cos(angle), np.sin(angle)
        turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        whole: Matrix = moved(new_width / 2, new_height / 2) @ turn @ moved(-width / 2, -height / 2)
        return whole

    def __str__(self) -> str:
        way = "clockwise" if self.degrees > 0 else "counter-clockwise"
        return (
            "rotated 180°" if abs(self.degrees) == 180 else f"rotated {abs(self.degrees):g}° {way}"
        )


@dataclass(frozen=True)
class Flip:
    """Mirror the image: left and right change places, or top and bottom."""

    axis: Literal["horizontal", "vertical"]

    def __call__(self, image: Values) -> Values:
        """Return the mirrored image."""
        return np.ascontiguousarray(image[:, ::-1] if self.axis == "horizontal" else image[::-1])

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the mirrored image."""
        return width, height

    def matrix(self, width: int, height: int) -> Matrix:
        """Where the points of an image of this size go."""
        if self.axis == "horizontal":
            return moved(width, 0.0) @ np.diag([-1.0, 1.0, 1.0])
        return moved(0.0, height) @ np.diag([1.0, -1.0, 1.0])

    def __str__(self) -> str:
        return "flipped left–right" if self.axis == "horizontal" else "flipped top–bottom"


@dataclass(frozen=True)
class Crop:
    """Keep a rectangle, in pixels of the image that is cropped."""

    left: int
    top: int
    width: int
    height: int

    def __call__(self, image: Values) -> Values:
        """Return the rectangle."""
        rows = slice(self.top, self.top + self.height)
        return np.ascontiguousarray(image[rows, self.left : self.left + self.width])

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the rectangle."""
        return self.width, self.height

    def matrix(self, width: int, height: int) -> Matrix:
        """Where the points of an image of this size go."""
        return moved(-self.left, -self.top)

    def __str__(self) -> str:
        return f"cropped to {self.width} × {self.height}"


Operation = Rotate | Flip | Crop


def extended(operations: Sequence[Operation], operation: Operation) -> tuple[Operation, ...]:
    """Add an operation at the end; turns add up, and a flip undoes the same flip.

    Raises
    ------
    UsageError
        If there are as many as there can be.
    """
    before, last = tuple(operations[:-1]), operations[-1] if operations else None
    if isinstance(last, Rotate) and isinstance(operation, Rotate):
        degrees = _half_open(last.degrees + operation.degrees)
        return (*before, Rotate(degrees)) if degrees else before
    if isinstance(last, Flip) and last == operation:
        return before
    if len(operations) >= MOST_OPERATIONS:
        raise UsageError(
            f"A view can be rotated, flipped and cropped {MOST_OPERATIONS} times: reset it first."
        )
    return (*operations, operation)


def check_operations(operations: Sequence[Operation], width: int, height: int) -> None:
    """Check that operations leave something of an image of this size, without carrying them out.

    Raises
    ------
    UsageError
        If a rectangle lies outside, or an angle is none.
    """
    for operation in operations:
        if isinstance(operation, Crop):
            left, top = operation.left, operation.top
            inside = 0 <= left < width and 0 <= top < height
            width = min(operation.width, width - left)
            height = min(operation.height, height - top)
            if not inside or width < 1 or height < 1:
                raise UsageError("A rectangle to be cropped to must lie within the image.")
        elif isinstance(operation, Rotate) and not math.isfinite(operation.degrees):
            raise UsageError("An angle must be a finite number of degrees.")
        else:
            width, height = operation.size(width, height)


def applied(
    image: Values, operations: Sequence[Operation], wanted: Callable[[], bool] | None = None
) -> Values:
    """Carry out the operations, one after the other.

    Raises
    ------
    Cancelled
        If `wanted`, which is asked before each of them, says that the result is not wanted any
        more: of a large image each takes seconds.
    """
    for operation in operations:
        if wanted is not None and not wanted():
            raise Cancelled("The view is not wanted any more.")
        image = operation(image)
    return image


def changed(
    image: OpenedImage,
    operations: Sequence[Operation],
    wanted: Callable[[], bool] | None = None,
) -> OpenedImage:
    """Carry out the operations on an image; as `applied`, which takes and returns its values."""
    return image.with_values(applied(image.values, operations, wanted)) if operations else image


def moved(x: float, y: float) -> Matrix:
    """Matrix of a shift, in pixels."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def placed(operations: Sequence[Operation], width: int, height: int) -> tuple[Matrix, int, int]:
    """Where the points of an image of this size go, and the variant's width and height."""
    whole = np.eye(3)
    for operation in operations:
        whole = operation.matrix(width, height) @ whole
        width, height = operation.size(width, height)
    return whole, width, height


def described(operations: Sequence[Operation]) -> str:
    """Name a variant for people, such as “Rotated 90° clockwise, flipped left–right”."""
    text = ", ".join(map(str, operations)) or "original"
    return text[0].upper() + text[1:]


def _half_open(degrees: float) -> float:
    """The same angle within −180 (excluded) to 180."""
    return 180 - (180 - degrees) % 360
