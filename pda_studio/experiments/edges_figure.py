"""The figure of edges: an image, its edges and maps, and how far maps follow edges."""

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pda_studio.experiments.charts import (
    CHART_STYLE,
    draw_correlations,
    from_minus_one_to_one,
    shortened,
)
from pda_studio.experiments.edges import Edges
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels

_WIDTH, _SIDE, _ROWS = 7.2, 0.95, 8  # inches, and methods whose maps are shown
_LONGEST = 22  # characters of a method's name
_MARKS = {
    "trained": ("edges and map", "#2166ac", "o"),
    "random": ("edges and map of random weights", "#ef8a62", "s"),
    "networks": ("the two maps", "#b2182b", "D"),
    "rest": ("the two maps, edges taken out", "#5f5f5f", "x"),
}
Means = Callable[[str], list[tuple[Any, Any, Any]]]


def draw_edges(found: Edges, means: Means) -> Figure:
    """Draw the first image's edges and maps, and beside them the correlations over all images.

    Parameters
    ----------
    found : Edges
        With one image at least.
    means : callable
        Mean and interval of each method, from the name of a correlation.
    """
    assert found.view is not None, "there is an image"
    shown = list(zip(found.methods, found.maps, strict=True))[:_ROWS]
    rows = len(shown) + 1
    with matplotlib.rc_context(CHART_STYLE):
        size = _WIDTH, max(_SIDE * rows + 0.3, 2.6)
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 2.2])  # type: ignore[misc]
        grid: Any = left.subplots(rows, 2, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        _tile(grid[0, 0], shown_pixels(found.view), "image")
        _tile(grid[0, 1], found.edges, "edges")
        for row, (name, pair) in zip(grid[1:], shown, strict=True):
            for axes, evidence, network in zip(row, pair, ("trained", "random"), strict=True):
                size_of = np.abs(evidence)
                _tile(
                    axes,
                    np.minimum(size_of, np.percentile(size_of, 99)),  # as the papers show maps
                    f"{shortened(name, _LONGEST)},\n{network}",
                )
        axes = right.subplots()
        _draw_means(axes, found, means)
        told = axes.get_legend_handles_labels()
        right.legend(*told, loc="outside upper center", ncols=2, frameon=False, fontsize=6)
    return figure


def _tile(axes: Axes, values: Any, title: str) -> None:
    if np.ptp(values) == 0:
        axes.text(
            0.5, 0.5, "the same\neverywhere", ha="center", va="center", fontsize=5, color=GREY
        )
    else:
        axes.imshow(values, cmap="gray_r", interpolation="nearest")
    axes.set_title(title, fontsize=5.5, color=INK, pad=2)


def _draw_means(axes: Axes, found: Edges, means: Means) -> None:
    places = np.arange(len(found.methods))
    for at, (key, (label, colour, mark)) in enumerate(_MARKS.items()):
        draw_correlations(axes, means(key), places + 0.16 * (at - 1.5), mark, colour, label)
    for place in places[1:]:
        axes.axhline(place - 0.5, color=GREY, linewidth=0.3, alpha=0.4)
    names = [shortened(name, _LONGEST) for name in found.methods]
    from_minus_one_to_one(axes, names, "Spearman’s ρ of the size of evidence")
