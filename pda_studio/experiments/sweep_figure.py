"""The figure of a sweep: a strip of maps for each method, and the curve of stability."""

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pda_studio.counts import written
from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.experiments.sweep import Sweep
from pda_studio.figures.saving import DPI
from pda_studio.rendering import Appearance, overlay

_WIDTH, _CURVE = 7.2, 2.0  # inches
_MARKS = "osD^vP*Xh<>p"


def draw_sweep(
    found: Sweep, label: str, alike: float, means: Callable[[list[float]], tuple[Any, Any, Any]]
) -> Figure:
    """Draw the maps of the first image, and how like neighbours are over all images.

    Parameters
    ----------
    found : Sweep
        As far as it is known.
    label : str
        The parameter, with its unit.
    alike : float
        From which correlation on maps are alike.
    means : callable
        Mean and interval of correlations over images.
    """
    longest = max(len(strip.values) for strip in found.strips)
    side = (_WIDTH - 0.3) / longest
    height = _CURVE + len(found.strips) * (side + 0.32)
    colours = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9, "lines.markersize": 3}):
        figure = Figure(figsize=(_WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
        shares = [side + 0.32] * len(found.strips) + [_CURVE]
        grid = figure.add_gridspec(len(found.strips) + 1, longest, height_ratios=shares)
        for row, (strip, maps) in enumerate(zip(found.strips, found.maps, strict=True)):
            for column, value in enumerate(strip.values):
                axes = figure.add_subplot(grid[row, column])
                axes.set_axis_off()
                if column < len(maps):
                    one = maps[column]
                    axes.imshow(overlay(one, Appearance(), one.limit), interpolation="nearest")
                own = column == strip.own
                text = written(value, ".4g")
                weight = "bold" if own else "normal"
                axes.set_title(text, fontsize=6, color=INK, pad=2, fontweight=weight)
                if not column:
                    axes.text(
                        0, 1.22, strip.name, transform=axes.transAxes, fontsize=6.5, color=INK
                    )
        axes = figure.add_subplot(grid[len(found.strips), :])
        for row, strip in enumerate(found.strips):
            colour, mark = colours[row % 10], _MARKS[row % 12]
            for each, line in ((found.to_previous, "-"), (found.to_own, ":")):
                if not each:
                    continue
                values = np.array(strip.values)
                told = [means([one[row][place] for one in each]) for place in range(len(values))]
                known = np.array(told, float)
                if line == "-":
                    values, known = values[list(strip.spaced)], known[list(strip.spaced)]
                name = strip.name if line == "-" else None
                axes.plot(values, known[:, 0], line, marker=mark, color=colour, label=name)
                if line == "-":
                    axes.fill_between(values, *known[:, 1:].T, color=colour, alpha=0.15, lw=0)
        if all(strip.values[0] > 0 for strip in found.strips) and _is_wide(found):
            axes.set_xscale("log")
            axes.set_xticks(sorted({v for strip in found.strips for v in strip.values}))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:.4g}")
            axes.xaxis.set_minor_formatter("")
            axes.minorticks_off()
        axes.axhline(alike, color=GREY, linewidth=0.6, linestyle="--")
        axes.set_ylim(min(-0.05, axes.get_ylim()[0]), 1.03)
        axes.set_xlabel(label)
        axes.set_ylabel("Spearman’s ρ")
        without_box(axes)
        axes.plot([], [], "-", color=GREY, label="with the value before")
        axes.plot([], [], ":", color=GREY, label="with its own value (bold)")
        figure.legend(
            *axes.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=min(len(found.strips) + 2, 4),
            frameon=False,
            fontsize=6,
        )
    return figure


def _is_wide(found: Sweep) -> bool:
    return any(strip.values[-1] > 4 * strip.values[0] for strip in found.strips)
