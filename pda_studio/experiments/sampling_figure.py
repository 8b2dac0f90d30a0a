"""The figure of sampling: one window against the number of samples, and whole maps."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.experiments.sampling import Sampling
from pda_studio.figures.saving import DPI
from pda_studio.images import View, shown_pixels

_WIDTH, _HEIGHT = 7.2, 2.5  # inches
_BLUE, _RED = "#2166ac", "#b2182b"
_MOST = 2000  # samples of maps that the curve shows


def draw_sampling(found: Sampling, view: View, alike: float, unit: str) -> Figure:
    """Draw the window, its score against the number of samples, and the maps' reliability.

    Parameters
    ----------
    found : Sampling
        With one repeat at least.
    view : (H, W, 3) uint8 or float32
        The image as the network sees it.
    alike : float
        From which correlation on maps are stable.
    unit : str
        What the scores are.
    """
    reliability = found.reliability
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9}):
        size = _WIDTH, _HEIGHT
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        shares = [1.2, 3, 2] if reliability else [1.2, 5]
        panels: Any = figure.subplots(1, len(shares), width_ratios=shares)
        image, curve = panels[:2]
        image.imshow(shown_pixels(view))
        at = found.rectangle
        outline = Rectangle(
            (at.left - 0.5, at.top - 0.5), at.width, at.height, fill=False, edgecolor=_RED
        )
        image.add_patch(outline)
        image.set_axis_off()
        running = np.abs(found.running() - found.by_mean)
        samples = np.arange(1, running.shape[1] + 1, dtype=np.float64)
        for row in running:
            curve.plot(samples, row, color=_BLUE, alpha=0.35, linewidth=0.5)
        low, high = found.band(samples)
        curve.fill_between(samples, low, high, color=_BLUE, alpha=0.13, linewidth=0)
        curve.axhline(abs(found.mean - found.by_mean), color=_RED, linewidth=0.8, linestyle="--")
        curve.set_xscale("log")
        curve.set_xlim(1, len(samples))
        curve.set_ylim(bottom=0)
        curve.set_xlabel("samples S of the window")
        curve.set_ylabel(f"|{unit} with S samples − with the mean infill|", fontsize=6)
        curve.set_title("repeats, and where 95 % of them lie", fontsize=6.5, color=INK)
        _tidy(curve)
        if reliability is not None:
            axes = panels[2]
            wanted = reliability.samples_for(alike) or 100
            counts = np.geomspace(1, min(max(4 * wanted, 10 * reliability.samples), _MOST), 60)
            axes.plot(counts, reliability.correlation(counts), color=_BLUE)
            axes.plot(reliability.samples, reliability.found, "o", color=_RED, markersize=3.5)
            axes.axhline(alike, color=GREY, linewidth=0.6, linestyle="--")
            axes.set_xscale("log")
            axes.set_ylim(0, 1.03)
            axes.set_xlabel("samples S of each window")
            axes.set_ylabel("r of two maps")
            axes.set_title("expected; two maps (point)", fontsize=6.5, color=INK)
            _tidy(axes)
    return figure


def _tidy(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.4g}")
    without_box(axes)
