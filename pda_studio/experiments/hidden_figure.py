"""The figure of hidden features: the strongest maps of a layer, or where its evidence lies."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pda_studio.counts import written
from pda_studio.experiments.charts import CHART_STYLE, shortened, without_box
from pda_studio.experiments.hidden_features import HiddenEvidence, HiddenFeatures
from pda_studio.experiments.layer_statistics import largest_first
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels

_WIDTH, _HEIGHT = 7.2, 2.7  # inches
_BLUE, _RED = "#2166ac", "#b2182b"
_FOR, _AGAINST, _MAPS, _IMAGES = 8, 4, 8, 4
_LETTERS = 26  # of a name


def draw_hidden_features(found: HiddenFeatures, intervals: NDArray[np.float64]) -> Figure:
    """Draw the maps that matter most, or the evidence of a layer's places over the images.

    Parameters
    ----------
    found : HiddenFeatures
        With one image at least.
    intervals : (n, 2) float
        Ends of the interval around each mean evidence; not numbers where there is none.
    """
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9}):
        if found.each[0].grid is not None:
            return _places(found)
        return _maps(found, intervals)


def _maps(found: HiddenFeatures, intervals: NDArray[np.float64]) -> Figure:
    mean, first = found.mean, found.each[0]
    order = largest_first(mean)
    has_places = first.values[0].size > 1
    figure = _figure(_HEIGHT)
    outer = figure.add_gridspec(1, 3, width_ratios=[1.35, 1.7, 1.9 if has_places else 0.7])
    curve = figure.add_subplot(outer[0])
    ranks = np.arange(1, len(mean) + 1)
    curve.fill_between(ranks, mean[order], where=(mean[order] > 0).tolist(), color=_RED, alpha=0.6)
    curve.fill_between(ranks, mean[order], where=(mean[order] < 0).tolist(), color=_BLUE, alpha=0.6)
    half = found.share_of_half()
    if half:
        curve.axvline(half, color=GREY, linewidth=0.7, linestyle="--")
        curve.annotate(
            f"half of what is for it: {half}",
            (half, 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            va="top",
            fontsize=5.5,
            color=GREY,
        )
    curve.axhline(0, color=GREY, linewidth=0.5)
    curve.set_xlim(0.5, len(mean) + 0.5)
    curve.set_xlabel(f"maps of {shortened(found.layer, _LETTERS)}, by evidence")
    curve.set_ylabel(f"evidence ({first.unit})")
    bars = figure.add_subplot(outer[1])
    shown = _strongest(mean, order)
    places = np.arange(len(shown))
    bars.barh(places, mean[shown], 0.62, color=[_RED if mean[one] > 0 else _BLUE for one in shown])
    reach = np.abs(intervals[shown].T - mean[shown])
    if np.isfinite(reach).any():
        bars.errorbar(
            mean[shown], places, xerr=reach, fmt="none", ecolor=INK, elinewidth=0.7, capsize=1.5
        )
    bars.axvline(0, color=INK, linewidth=0.5)
    bars.set_yticks(places, [f"{'map' if has_places else 'unit'} {one}" for one in shown])
    bars.invert_yaxis()
    bars.set_xlabel(f"evidence ({first.unit})")
    without_box(curve)
    without_box(bars)
    if not has_places:
        image = figure.add_subplot(outer[2])
        _image(image, first)
        return figure
    inner = outer[2].subgridspec(3, 3)
    _image(figure.add_subplot(inner[0, 0]), first)
    for number, channel in enumerate(order[:_MAPS], 1):
        axes = figure.add_subplot(inner[number // 3, number % 3])
        axes.imshow(first.values[channel], cmap="gray")
        axes.set_title(f"map {channel}", fontsize=5.5, color=INK, pad=2)
        axes.set_axis_off()
    return figure


def _places(found: HiddenFeatures) -> Figure:
    shown = found.each[:_IMAGES]
    beside = len(shown) <= 2
    figure = _figure(0.8 * _HEIGHT if beside else 1.15 * _HEIGHT, 0.5 if len(shown) == 1 else 1)
    panels: Any = figure.subplots(1 if beside else 2, 2 * len(shown) if beside else len(shown))
    pairs = panels.reshape(-1, 2) if beside else panels.T
    for (image_axes, below), one in zip(pairs, shown, strict=True):
        _image(image_axes, one)
        places = one.places
        assert places is not None
        limit = float(np.abs(places).max()) or 1.0
        height, width = one.view.shape[:2]
        below.imshow(shown_pixels(one.view).mean(2), cmap="gray", alpha=0.35)
        image = below.imshow(
            places,
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            alpha=0.8,
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )
        below.set_axis_off()
        bar = figure.colorbar(image, ax=below, fraction=0.05, pad=0.03, format=_number)
        bar.ax.tick_params(labelsize=5, length=1.5, width=0.4)
        bar.outline.set_visible(False)
        bar.set_label(f"evidence ({one.unit})", fontsize=5.5)
    return figure


def _image(axes: Axes, one: HiddenEvidence) -> None:
    axes.imshow(shown_pixels(one.view))
    axes.set_axis_off()
    axes.set_title(shortened(one.target, _LETTERS), fontsize=6, color=INK, pad=2)


def _strongest(mean: NDArray[np.float64], order: Any) -> list[int]:
    """Those most for the target, then those most against it."""
    above = [one for one in order if mean[one] > 0][:_FOR]
    below = [one for one in order if mean[one] < 0][-_AGAINST:]
    return above + below or list(order[:1])


def _figure(height: float, share: float = 1.0) -> Figure:
    size = share * _WIDTH, height
    return Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")


def _number(value: float, _: object = None) -> str:
    return written(value, ".2g")
