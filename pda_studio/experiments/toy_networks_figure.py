"""The figure of toy networks: maps of growing networks, and how much of the image they show."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.experiments.toy_networks import KINDS, RULES, Kind, Recoveries, Rule
from pda_studio.figures.saving import DPI

_WIDTH = 7.2  # inches
_CURVES, _MAPS = 1.7, 1.0  # inches of height
_MARKS: dict[Rule, tuple[str, str]] = {
    "gradient": ("o", "#5f5f5f"),
    "guided backprop": ("s", "#b2182b"),
    "deconvnet": ("^", "#2166ac"),
}
_UNITS: dict[Kind, str] = {
    "convolution": "filters",
    "max-pooling": "filters, then max-pooling",
    "fully connected": "hidden units, fully connected",
}
_STRIPS: tuple[tuple[Kind, Rule], ...] = (
    ("convolution", "gradient"),
    ("convolution", "guided backprop"),
    ("max-pooling", "deconvnet"),
    ("fully connected", "guided backprop"),
)
_TITLES = {
    ("convolution", "gradient"): "convolution,\ngradient",
    ("convolution", "guided backprop"): "convolution,\nguided backprop",
    ("max-pooling", "deconvnet"): "max-pooling,\ndeconvnet",
    ("fully connected", "guided backprop"): "fully connected,\nguided backprop",
}


def draw_toy_networks(found: Recoveries) -> Figure:
    """Draw r with the image against the width of each kind of network, and the maps behind it.

    Parameters
    ----------
    found : Recoveries
        As far as they are known.
    """
    shown = found.shown or {}
    strips = [strip for strip in _STRIPS if any((kind, rule) == strip for kind, _, rule in shown)]
    across = 1 + max((len(_widths(found, kind)) for kind, _ in strips), default=1)
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9, "lines.markersize": 3}):
        size = _WIDTH, _CURVES + 0.4 + _MAPS * len(strips)
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        shares = [_CURVES, max(_MAPS * len(strips), 0.1)]
        above, below = figure.subfigures(2, 1, height_ratios=shares)  # type: ignore[misc]
        _draw_curves(above, found)
        if strips:
            grid = below.subplots(len(strips), across, squeeze=False)
            for row, strip in zip(grid, strips, strict=True):
                _draw_strip(row, found, *strip)
    return figure


def _widths(found: Recoveries, kind: Kind) -> list[int]:
    return sorted({one.width for one in found.each if one.kind == kind})


def _draw_curves(figure: Any, found: Recoveries) -> None:
    panels = figure.subplots(1, len(KINDS), sharey=True)
    for axes, kind in zip(panels, KINDS, strict=True):
        widths = _widths(found, kind)
        for rule in RULES:
            mark, colour = _MARKS[rule]
            values = [[one.of_image for one in found.of(kind, width, rule)] for width in widths]
            means = [float(np.mean(each)) for each in values]
            axes.plot(widths, means, marker=mark, color=colour, label=rule, clip_on=False)
            low, high = ([end(each) for each in values] for end in (min, max))
            axes.fill_between(widths, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
        axes.set_xscale("log", base=2)
        axes.set_xticks(widths, [f"{width:,}" for width in widths])
        axes.minorticks_off()
        axes.set_ylim(-0.25, 1.02)
        axes.set_xlabel(_UNITS[kind])
        _tidy(axes)
    panels[0].set_ylabel("Pearson’s r with the image")
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=len(RULES),
        frameon=False,
        fontsize=6,
    )


def _draw_strip(row: Any, found: Recoveries, kind: Kind, rule: Rule) -> None:
    """The input, then the maps of ever wider networks."""
    shown, inputs = found.shown or {}, found.inputs or {}
    for axes in row:
        axes.set_axis_off()
    row[0].imshow(_pixels(inputs[kind]))
    height, width = inputs[kind].shape[1:]
    row[0].set_title(f"input, {width}×{height}", fontsize=5.5, color=INK, pad=2)
    row[0].text(
        -0.08,
        0.5,
        _TITLES[kind, rule],
        transform=row[0].transAxes,
        ha="right",
        va="center",
        fontsize=6,
        color=INK,
    )
    for axes, count in zip(row[1:], _widths(found, kind), strict=False):
        values = shown.get((kind, count, rule))
        if values is None:
            continue
        axes.imshow(_pixels(values))
        axes.set_title(f"{count:,}", fontsize=5.5, color=INK, pad=2)


def _pixels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of a map (C, H, W) what is shown: without its extreme thousandths, from 0 to 1."""
    low, high = np.percentile(values, [0.5, 99.5])
    scaled: NDArray[np.float32] = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    scaled = scaled.transpose(1, 2, 0)
    return scaled if scaled.shape[2] == 3 else scaled[..., :1].repeat(3, axis=2)


def _tidy(axes: Axes) -> None:
    axes.xaxis.label.set_fontsize(6)
    axes.yaxis.label.set_fontsize(6)
    without_box(axes, labelsize=6)
