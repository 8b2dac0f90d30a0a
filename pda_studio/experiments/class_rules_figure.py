"""The figure of class rules: typical patches of each cluster, and what occurs together."""

from math import floor, log10
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pda_studio.counts import written
from pda_studio.experiments.charts import CHART_STYLE
from pda_studio.experiments.class_rules import EXAMPLES, ClassRules, Patch
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.figures.image_places import POINTS
from pda_studio.figures.saving import DPI
from pda_studio.images import View, shown_pixels

_WIDTH, _ROW, _LEFT = 7.2, 0.74, 5.1  # inches
_LEAST_ROWS = 4
_AROUND = 0.75  # of a patch's side that is shown around it
_LEAST_AROUND = 7  # pixels
_FRAME = "#f5c211"
_DOUBT = 0.05  # p below which a number is bold


def draw_class_rules(found: ClassRules) -> Figure:
    """Draw a row of patches for each cluster, and two matrices of pairs, where there are any."""
    has_pairs = bool(found.together or found.without)
    rows = max(len(found.clusters), _LEAST_ROWS if has_pairs else 1)
    with matplotlib.rc_context(CHART_STYLE):
        size = _WIDTH if has_pairs else _LEFT, _ROW * rows + 0.5
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        if not has_pairs:
            _rows(figure, found, rows)
            return figure
        parts: Any = figure.subfigures(1, 2, width_ratios=[_LEFT, _WIDTH - _LEFT])
        left, right = parts
        _rows(left, found, rows)
        top, bottom = right.subplots(2, 1)
        top.set_axis_off()
        bottom.set_axis_off()
        if found.together:
            _lifts(top, found)
        if found.without:
            _conditions(bottom, found)
    return figure


def _rows(figure: Any, found: ClassRules, rows: int) -> None:
    shares = {"width_ratios": [1.5, *[1] * EXAMPLES]}
    axes = figure.subplots(rows, EXAMPLES + 1, squeeze=False, gridspec_kw=shares)
    for each in axes.flat:
        each.set_axis_off()
    for one, row in zip(found.clusters, axes, strict=False):
        share = f"{one.images / len(found.of.images):.0%}".replace("%", " %")
        row[0].text(0, 0.72, one.name, fontsize=10, fontweight="bold", color=INK, va="center")
        told = f"in {share} of images\n{one.evidence:.2g} {found.unit} each"
        row[0].text(0, 0.28, told, fontsize=5.5, color=GREY, va="center")
        for (patch, view), shown in zip(one.examples, row[1:], strict=False):
            _patch(shown, patch, view, found.side)
            shown.set_gid(f"{POINTS}-{patch.image}")


def _patch(axes: Axes, patch: Patch, view: View, side: int) -> None:
    """A patch in a frame, with what is around it; the view may have any size."""
    pixels = shown_pixels(view)
    around = max(round(_AROUND * side), _LEAST_AROUND)
    axes.imshow(pixels, interpolation="nearest")
    whole = side + 2 * around
    left = _kept_inside(patch.column - around, whole, pixels.shape[1])
    top = _kept_inside(patch.row - around, whole, pixels.shape[0])
    axes.set_xlim(left - 0.5, left + whole - 0.5)
    axes.set_ylim(top + whole - 0.5, top - 0.5)
    corner = patch.column - 0.5, patch.row - 0.5
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=_FRAME, linewidth=0.9))


def _kept_inside(start: int, length: int, end: int) -> int:
    return max(min(start, end - length), 0)


def _lifts(axes: Axes, found: ClassRules) -> None:
    values, p = _empty(found), _empty(found)
    for one in found.together:
        at, to = _place(found, one.first), _place(found, one.other)
        values[at, to] = values[to, at] = one.lift
        p[at, to] = p[to, at] = one.p
    shown = np.clip(np.log2(np.maximum(values, 1e-9)), -1.5, 1.5)
    _matrix(axes, found, shown, 1.5, values, p)
    axes.set_title("together: lift", fontsize=6.5, color=INK)


def _conditions(axes: Axes, found: ClassRules) -> None:
    values, p = _empty(found), _empty(found)
    for one in found.without:
        at = _place(found, one.kind), _place(found, one.missing)
        values[at], p[at] = one.absent - one.present, one.p
    known = np.abs(values[np.isfinite(values)])
    limit = float(known.max()) if known.size and known.any() else 1.0
    _matrix(axes, found, values, limit, values, p)
    axes.set_title(f"row without column: {found.unit} more", fontsize=6.5, color=INK)


def _matrix(
    axes: Axes,
    found: ClassRules,
    colours: NDArray[np.float64],
    limit: float,
    values: NDArray[np.float64],
    p: NDArray[np.float64],
) -> None:
    axes.set_axis_on()
    axes.imshow(colours, cmap="PuOr_r", vmin=-limit, vmax=limit)
    size = 5.5 if len(values) <= 6 else 4.5
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max()) if known.size and known.any() else 1.0
    form = f".{max(2, 1 - floor(log10(largest)))}f"
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            bold = "bold" if p[row, column] < _DOUBT else "normal"
            ink = "white" if abs(colours[row, column]) > 0.7 * limit else INK
            text = written(float(value), form)
            axes.text(
                column, row, text, ha="center", va="center", fontsize=size, fontweight=bold,
                color=ink,
            )  # fmt: skip
    names = [one.name for one in found.clusters]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelcolor=INK, labelsize=6)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _empty(found: ClassRules) -> NDArray[np.float64]:
    return np.full((len(found.clusters), len(found.clusters)), np.nan)


def _place(found: ClassRules, name: str) -> int:
    return [one.name for one in found.clusters].index(name)
