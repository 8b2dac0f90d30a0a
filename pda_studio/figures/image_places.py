"""Where a drawn figure shows images, so that a click can open them."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pda_studio.figures.saving import figure_pixels

POINTS = "images"
"""Marks points of a figure (`set_gid`) that stand for images, one each in their order; axes that
show the nth image bear the number as well, as `images-3`."""

_REACH = 5.0  # points (1/72 inch) around a point's middle


@dataclass(frozen=True)
class ImagePlace:
    """A part of a figure that stands for an image.

    Attributes
    ----------
    image : int
        Which one of the study's images.
    left, top, right, bottom : float
        From 0 to 1 over the figure's width and height.
    """

    image: int
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a place of the figure lies in it."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def distance(self, x: float, y: float) -> float:
        """How far its middle is from a place of the figure."""
        return abs((self.left + self.right) / 2 - x) + abs((self.top + self.bottom) / 2 - y)


def drawn_with_places(figure: Figure, dpi: float) -> tuple[NDArray[np.uint8], list[ImagePlace]]:
    """Draw a figure as `figure_pixels` does, and say where it shows images."""
    return figure_pixels(figure, dpi), image_places(figure)


def image_places(figure: Figure) -> list[ImagePlace]:
    """All parts of a figure that stand for images, once it is drawn."""
    width, height = figure.get_size_inches() * figure.dpi
    reach = _REACH * figure.dpi / 72

    def place(image: int, left: float, low: float, right: float, high: float) -> ImagePlace:
        return ImagePlace(image, left / width, 1 - high / height, right / width, 1 - low / height)

    found = []
    for axes in (one for one in figure.findobj(Axes) if isinstance(one, Axes)):
        number = str(axes.get_gid() or "").removeprefix(f"{POINTS}-")
        if number.isdigit():
            found.append(place(int(number), *axes.get_window_extent().extents))
        for points in axes.collections:
            if isinstance(points, PathCollection) and points.get_gid() == POINTS:
                middles = points.get_offset_transform().transform(points.get_offsets())
                found += [
                    place(image, x - reach, y - reach, x + reach, y + reach)
                    for image, (x, y) in enumerate(middles.tolist())
                ]
    return found
