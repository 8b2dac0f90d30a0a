"""The figure of adversarial images: maps before and after, and how alike they are."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pda_studio.experiments.adversarial import Adversarial
from pda_studio.experiments.charts import (
    CHART_STYLE,
    draw_correlations,
    from_minus_one_to_one,
    shortened,
)
from pda_studio.experiments.matrices import INK
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels
from pda_studio.metrics.similarity import Similarity
from pda_studio.rendering import Appearance, overlay

_WIDTH, _SIDE, _ROWS = 7.2, 1.05, 6  # inches, and methods whose maps are shown
_LETTERS, _LONGEST = 16, 25  # of a method's name in one line, and of a title
_BLUE, _RED = "#2166ac", "#b2182b"

Means = Callable[[Sequence[list[Similarity]]], Sequence[tuple[Any, Any, Any]]]


def draw_adversarial(found: Adversarial, means: Means) -> Figure:
    """Draw the first image and its maps before and after, and ρ over all images.

    Parameters
    ----------
    found : Adversarial
        With one image at least.
    means : callable
        Mean and interval of ρ of each method, from the images' similarities.
    """
    shown = list(zip(found.methods, found.maps, strict=True))[:_ROWS]
    rows = len(shown) + 1
    with matplotlib.rc_context(CHART_STYLE):
        height = (_SIDE + 0.1) * rows + 0.35
        size = _WIDTH, height
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1])  # type: ignore[misc]
        grid = left.subplots(rows, 3, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        _draw_images(grid[0], found)
        for row, (name, maps) in zip(grid[1:], shown, strict=True):
            for axes, one in zip(row, maps, strict=True):
                axes.imshow(overlay(one, Appearance(), one.limit), interpolation="nearest")
            _name_row(row[0], name)
        attack = found.attacks[0]
        heads = f"of {attack.before}", f"after, of {attack.before}", f"after, of {attack.after}"
        for axes, head in zip(grid[1], heads, strict=True):
            axes.set_title(shortened(head, _LONGEST), fontsize=6, color=INK, pad=2)
        needed = min(0.9 + 0.3 * len(found.methods), height)
        upper, rest = right.subplots(2, 1, height_ratios=[needed, max(height - needed, 0.01)])
        rest.set_axis_off()
        _draw_means(upper, found, means)
    return figure


def _name_row(axes: Axes, name: str) -> None:
    axes.text(
        -0.06,
        0.5,
        name.replace(" ", "\n", 1) if len(name) > _LETTERS else name,
        transform=axes.transAxes,
        rotation=90,
        ha="right",
        va="center",
        fontsize=6,
        color=INK,
    )


def _draw_images(row: Any, found: Adversarial) -> None:
    before, after = (shown_pixels(view) for view in found.views)
    attack = found.attacks[0]
    change = after.astype(np.int16) - before
    largest = max(int(np.abs(change).max()), 1)
    factor = 127 // largest
    titles = (
        shortened(f"image: {attack.before}", _LONGEST),
        shortened(f"after: {attack.after}", _LONGEST),
        f"change, ×{factor}",
    )
    amplified = np.clip(128 + change * factor, 0, 255).astype(np.uint8)
    for axes, pixels, title in zip(row, (before, after, amplified), titles, strict=True):
        axes.imshow(pixels, interpolation="nearest")
        axes.set_title(title, fontsize=6, color=INK, pad=2)


def _draw_means(axes: Axes, found: Adversarial, means: Means) -> None:
    places = np.arange(len(found.methods))
    kinds = [("same class", found.of_class, _BLUE, -0.15)]
    fooled = found.of_fooled()
    if fooled:
        kinds.append(("decision", tuple(fooled), _RED, 0.15))
    for name, each, colour, shift in kinds:
        draw_correlations(axes, means(each), places + shift, "o", colour, name)
    from_minus_one_to_one(axes, found.methods, "Spearman’s ρ of maps before and after")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=6)
