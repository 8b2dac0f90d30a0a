"""The figure of the approximation: its error over images, unit inputs, and maxout units."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pda_studio.experiments.approximation import ERROR, MEAN, SPREAD, Approximation
from pda_studio.experiments.charts import CHART_STYLE, ending, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.experiments.maxout import UNITS
from pda_studio.figures.saving import DPI

_WIDTH, _HEIGHT = 7.2, 4.3  # inches
_BLUE, _RED, _ORANGE = "#2166ac", "#b2182b", "#ef8a62"
_LETTERS, _NAMES = 22, 26


def draw_approximation(found: Approximation) -> Figure:
    """Draw the error over images, inputs and error by layer, histograms, and maxout units.

    Parameters
    ----------
    found : Approximation
        With one image at least.
    """
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9, "lines.markersize": 2.5}):
        size = _WIDTH, _HEIGHT
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        outer = figure.add_gridspec(2, 1, height_ratios=[1.25, 1])
        above = outer[0].subgridspec(1, 2, width_ratios=[1, 1.9])
        below = outer[1].subgridspec(1, 3)
        _errors(figure.add_subplot(above[0]), found)
        _layers(figure.add_subplot(above[1]), found)
        units = found.each[0].units
        for number, axes in enumerate(figure.add_subplot(below[at]) for at in range(2)):
            if number < len(units):
                _histogram(axes, units[number], found.layers[-1 - len(units) + number])
            else:
                axes.set_axis_off()
        _maxout(figure.add_subplot(below[2]))
    return figure


def _errors(axes: Axes, found: Approximation) -> None:
    reach = max(float(np.abs(found.errors).max()), float(np.abs(found.from_softmax).max()), 1e-6)
    bins = np.linspace(-reach, reach, 26).tolist()
    axes.hist(found.errors, bins, color=_BLUE, alpha=0.75, label="mean infill")
    axes.hist(found.from_softmax, bins, histtype="step", color=_RED, label="mean logits")
    axes.axvline(0, color=GREY, linewidth=0.5, linestyle=":")
    axes.set_xlabel("probability, less the arithmetic mean")
    axes.set_ylabel("images")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.legend(frameon=False, fontsize=5.5, loc="upper left")
    without_box(axes)


def _layers(axes: Axes, found: Approximation) -> None:
    rows = found.by_layer()
    places = np.arange(len(rows))
    marks = {
        MEAN: ("mean input, size", _BLUE, "o"),
        SPREAD: ("spread over samples", _RED, "s"),
        ERROR: ("error of the mean infill / spread", _ORANGE, "^"),
    }
    for which, (label, colour, mark) in marks.items():
        values = np.where(rows[:, which] > 0, rows[:, which], np.nan)
        axes.plot(places, values, marker=mark, color=colour, label=label)
    axes.set_yscale("log")
    axes.set_xlim(-0.5, len(rows) - 0.5)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.25)
    step = -(-len(rows) // _NAMES)
    names = [ending(name, _LETTERS) for name in found.layers]
    axes.set_xticks(places[::step], names[::step], rotation=90, fontsize=5)
    axes.set_title("median over units that the window reaches", fontsize=6, color=INK)
    axes.legend(frameon=False, fontsize=5.5, ncols=3, loc="upper center")
    without_box(axes)


def _histogram(axes: Axes, units: Any, layer: str) -> None:
    ends = np.quantile(units, [0.005, 0.995])
    low, high = min(float(ends[0]), 0.0), max(float(ends[1]), 1e-9)
    bins = np.linspace(low, high, 41).tolist()
    axes.hist(units[0], bins, color=_BLUE, alpha=0.75, label="mean")
    axes.hist(units[1], bins, color=_RED, alpha=0.6, label="spread")
    axes.set_title(f"unit inputs of {ending(layer, _LETTERS)}", fontsize=6, color=INK)
    axes.set_ylabel("units")
    axes.legend(frameon=False, fontsize=5.5)
    without_box(axes)


def _maxout(axes: Axes) -> None:
    deviations = np.linspace(0.01, 1.5, 60)
    for unit, colour in zip(UNITS, (_BLUE, _RED, _ORANGE), strict=True):
        gaps = [unit.expected(0.0, one) - float(unit(0.0)) for one in deviations]
        axes.plot(deviations, gaps, color=colour, label=unit.name)
    bounds = [UNITS[0].bound(one) for one in deviations]
    axes.plot(deviations, bounds, color=GREY, linestyle="--", label="bound for ReLU (Eq. 31)")
    axes.set_ylim(0, 2.4)
    axes.set_xlim(0, 1.5)
    axes.set_xlabel("spread of the input, around 0")
    axes.set_ylabel("E[f(x)] − f(E[x])")
    axes.set_title("maxout units", fontsize=6, color=INK)
    axes.legend(frameon=False, fontsize=5.5, loc="upper left")
    without_box(axes)
