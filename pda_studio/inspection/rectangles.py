"""A rectangle of whole pixels in the image as the network sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pda_studio.errors import UsageError


@dataclass(frozen=True)
class Rectangle:
    """A rectangle, in input pixels.

    Attributes
    ----------
    top, left : int
        Its first row and column.
    height, width : int
        Its size; at least 1.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.left + self.width

    @classmethod
    def around(cls, pixel: tuple[int, int], side: int, shape: tuple[int, int]) -> Self:
        """The square around a column and row, moved into an image of this height and width."""
        left, top = (
            min(max(at - side // 2, 0), length - side)
            for at, length in zip(pixel, shape[::-1], strict=True)
        )
        return cls(top, left, side, side)

    @property
    def corner(self) -> NDArray[np.int64]:
        """(1, 2): top row and left column, as infills take them."""
        return np.array([[self.top, self.left]])

    @property
    def inside(self) -> tuple[Any, slice, slice]:
        """Its pixels in an array (..., H, W)."""
        return (..., slice(self.top, self.bottom), slice(self.left, self.right))

    def overlaps(self, other: Rectangle) -> bool:
        """Whether both share a pixel."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )

    def check_within(self, height: int, width: int) -> None:
        """Refuse a rectangle that is empty or does not lie within an image.

        Raises
        ------
        UsageError
            With its size and the image's.
        """
        whole = self.height >= 1 and self.width >= 1 and self.top >= 0 and self.left >= 0
        if not whole or self.bottom > height or self.right > width:
            raise UsageError(
                f"A region of {self.width}×{self.height} pixels at x {self.left}, y {self.top} does"
                f" not lie within the classifier's input of {width}×{height}: choose another."
            )
