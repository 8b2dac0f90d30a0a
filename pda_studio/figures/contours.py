"""Contours as lines of a figure: sharp in print, at any size."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from pda_studio.rendering import Contour


def draw_contours(axes: Axes, contours: Iterable[Contour], opacity: float) -> None:
    """Draw lines over a tile: in colour, with a light edge that parts them from the image."""
    for contour in contours:
        # An image's pixel is centred on its index.
        lines = [line - 0.5 for line in contour.lines]
        for colour, width, strength in (("white", 1.7, 0.6), (contour.colour, 0.8, 1.0)):
            axes.add_collection(
                LineCollection(
                    lines,
                    colors=[colour],
                    linewidths=width,
                    alpha=strength * opacity,
                    capstyle="butt",
                    joinstyle="round",
                ),
                autolim=False,
            )
