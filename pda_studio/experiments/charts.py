"""Figures of studies: bars with intervals, as a journal prints them."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pda_studio.figures.saving import DPI, STYLE

_WIDTH = 3.5  # inches: one column of a journal
_BAR = 0.3  # inches that a bar and its gap take
_MARGIN = 0.75  # inches for the axis
_INK, _GREY = "#1a1a1a", "#5f5f5f"
_COLOURS = ("#2166ac", "#67a9cf", "#b2182b", "#ef8a62", "#999999", "#4d4d4d")
CHART_STYLE: Any = {**STYLE, "font.family": "DejaVu Sans", "font.size": 7, "text.color": _INK}


def draw_bars(
    names: Sequence[str],
    values: Sequence[Any],
    label: str,
    *,
    intervals: Sequence[tuple[Any, Any]] | None = None,
    line: tuple[float, str] | None = None,
) -> Figure:
    """Draw a bar for each name.

    Parameters
    ----------
    names : sequence of str
        From the top to the bottom.
    values : sequence of float
        Where they end; a bar that is not a number is left out.
    label : str
        What is measured.
    intervals : sequence of (float, float), optional
        Confidence intervals.
    line : (float, str), optional
        A value to compare with, and what it is.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.
    """
    places = np.arange(len(names))
    lengths = np.array([np.nan if value is None else value for value in values], float)
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = _axes(len(names))
        axes.barh(places, lengths, height=0.62, color=_COLOURS[0])
        if intervals is not None:
            ends = np.array([[np.nan if e is None else e for e in pair] for pair in intervals])
            reach = np.abs(ends.T.astype(float) - lengths)
            axes.errorbar(
                lengths, places, xerr=reach, fmt="none", ecolor=_INK, elinewidth=0.8, capsize=2
            )
        if line is not None:
            axes.axvline(line[0], color=_GREY, linewidth=0.7, linestyle=":")
            axes.annotate(
                line[1],
                (line[0], 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=6,
                color=_GREY,
            )
        axes.set_yticks(places, names)
        axes.set_xlabel(label)
    return figure


def draw_grouped_bars(groups: Mapping[str, Mapping[str, float]], label: str) -> Figure:
    """Draw a group of bars for each name, a colour for each of the things that are compared."""
    kinds = list(dict.fromkeys(kind for values in groups.values() for kind in values))
    count = max(len(kinds), 1)
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = _axes(max(len(groups) * (count + 1) * 0.5, 3))
        for index, kind in enumerate(kinds):
            places = [
                place + (index - (count - 1) / 2) * 0.8 / count
                for place, values in enumerate(groups.values())
                if kind in values
            ]
            lengths = [values[kind] for values in groups.values() if kind in values]
            colour = _COLOURS[index % len(_COLOURS)]
            axes.barh(places, lengths, height=0.72 / count, color=colour, label=kind)
        axes.axvline(1, color=_GREY, linewidth=0.7, linestyle=":")
        axes.set_yticks(range(len(groups)), list(groups))
        axes.set_xlabel(label)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=6)
    return figure


def draw_correlations(
    axes: Axes,
    means: Sequence[tuple[Any, Any, Any]],
    places: Any,
    mark: str,
    colour: str,
    name: str,
) -> None:
    """Draw a mean with its interval in each place of an axis of correlations.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The chart.
    means : sequence of (float, float, float)
        Mean, lower and upper end; None where there is none.
    places : (N,) float
        Where they stand, from the top.
    mark, colour, name : str
        Of the means, and what they are.
    """
    told = np.array(means, float).reshape(-1, 3)
    axes.plot(told[:, 0], places, mark, color=colour, markersize=3.5, label=name)
    axes.hlines(places, told[:, 1], told[:, 2], color=colour, linewidth=0.8)


def from_minus_one_to_one(axes: Axes, names: Sequence[str], label: str) -> None:
    """Let an axis of correlations have a line at 0, and a name at each place."""
    axes.axvline(0, color=_GREY, linewidth=0.6, linestyle=":")
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.set_xlabel(label, fontsize=6)
    without_box(axes, labelsize=6)


def without_box(axes: Axes, **ticks: Any) -> None:
    """Leave a chart its left and its bottom line, thin, with small ticks.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The chart.
    **ticks
        What else `tick_params` takes.
    """
    axes.tick_params(**{"length": 2, "width": 0.5, "color": _INK, "labelcolor": _INK, **ticks})
    for side, spine in axes.spines.items():
        spine.set_linewidth(0.5)
        spine.set_visible(side in ("left", "bottom"))


def shortened(name: str, letters: int) -> str:
    """The beginning of a name, with an ellipsis where it is longer than so many letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def ending(name: str, letters: int) -> str:
    """The end of a name: of layers it tells most."""
    return name if len(name) <= letters else f"…{name[1 - letters :].lstrip('.')}"


def _axes(bars: float) -> tuple[Figure, Any]:
    height = _MARGIN + _BAR * max(bars, 2)
    figure = Figure(figsize=(_WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    axes.invert_yaxis()
    without_box(axes)
    axes.xaxis.label.set_color(_INK)
    return figure, axes
