"""The figure of random weights: similarity to the trained network's maps against depth."""

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pda_studio.experiments.charts import CHART_STYLE, ending, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.experiments.randomisation import Randomisation
from pda_studio.figures.saving import DPI
from pda_studio.metrics.similarity import Similarity

_WIDTH, _HEIGHT = 7.2, 3.1  # inches
_LETTERS = 18  # of a layer's name
_MARKS = "osD^vP*Xh<>p"
_PANELS = {"spearman": "Spearman’s ρ", "ssim": "SSIM", "hog": "HOG, Pearson’s r"}


def draw_randomisation(
    found: Randomisation,
    of_rows: Callable[[list[list[Similarity]], str], list[tuple[Any, Any, Any]]],
) -> Figure:
    """Draw three similarities against what is random, and that of maps of other classes.

    Parameters
    ----------
    found : Randomisation
        As far as it is known.
    of_rows : callable
        Mean and interval of each method, from the images' similarities and the name of one.
    """
    known = found.known
    cascading = all(told.count == told.lowest for told, _ in known) and len(found.ranges) > 1
    names = [ending(told.layer, _LETTERS) for told, _ in known]
    colours = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9, "lines.markersize": 3}):
        size = _WIDTH, _HEIGHT
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        panels = figure.subplots(1, 4, sharey=True, width_ratios=[3, 3, 3, 1.6])
        for axes, (measure, title) in zip(panels, _PANELS.items(), strict=False):
            each = [of_rows(rows, measure) for _, rows in known]
            for place, method in enumerate(found.methods):
                values = np.array([one[place] for one in each], float).reshape(-1, 3)
                if cascading:
                    values = np.vstack([[1, np.nan, np.nan], values])
                _draw_line(axes, values, method, colours[place % 10], _MARKS[place % 12])
            for place, (level, *_) in enumerate(of_rows(list(found.of_independent), measure)):
                if level is not None:
                    axes.axhline(level, color=colours[place % 10], linewidth=0.7, linestyle=":")
            ticks = ["trained", *names] if cascading else names
            axes.set_xticks(range(len(ticks)), ticks, rotation=90, fontsize=5.5)
            axes.set_title(title, fontsize=7, color=INK)
            _tidy(axes)
        if found.of_independent:
            panels[0].plot([], [], ":", color=GREY, label="independent map")
        panels[0].set_ylabel("similarity to the trained network’s map")
        axes = panels[3]
        classes = [(name, rows) for name, rows in (found.by_class or {}).items() if rows]
        for at, (_, rows) in enumerate(classes):
            for place, (mean, *_) in enumerate(of_rows(rows, "spearman")):
                if mean is not None:
                    mark = _MARKS[place % 12]
                    axes.plot(at, mean, mark, color=colours[place % 10], alpha=0.85)
        labels = [name.replace(" class", "\nclass") for name, _ in classes]
        axes.set_xticks(range(len(classes)), labels, rotation=90, fontsize=5.5)
        axes.set_xlim(-0.7, max(len(classes), 1) - 0.3)
        axes.set_title("other class, ρ", fontsize=7, color=INK)
        _tidy(axes)
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=min(len(found.methods) + 1, 4),
            frameon=False,
            fontsize=6,
        )
    return figure


def _draw_line(axes: Axes, values: NDArray[Any], name: str, colour: Any, mark: str) -> None:
    """Draw means with their intervals as a band."""
    places = np.arange(len(values))
    axes.plot(places, values[:, 0], marker=mark, color=colour, label=name, clip_on=False)
    axes.fill_between(places, values[:, 1], values[:, 2], color=colour, alpha=0.15, linewidth=0)


def _tidy(axes: Axes) -> None:
    axes.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_ylim(-1.05, 1.05)
    without_box(axes)
