"""The figure of fidelity: for each metric, the methods with their intervals."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.fidelity import AT_RANDOM, Measured
from pda_studio.figures.saving import DPI

_WIDTH = 7.2  # inches: two columns of a journal
_MOST = 3  # panels in a row
_ROW, _MARGIN = 0.24, 0.75  # inches of a method, and of a panel's axis and title
_INK, _GREY = "#1a1a1a", "#5f5f5f"
_BEST, _OTHER, _RANDOM = "#2166ac", "#92c5de", "#bdbdbd"


def draw_fidelity(measured: Sequence[Measured]) -> Figure:
    """Draw a panel for each metric.

    Dark bars are the best and what differs from it by no more than chance; a hatched one optimises
    the metric. A dotted line is what a map at random has on average, where that is known.
    """
    columns = min(len(measured), _MOST)
    rows = -(-len(measured) // columns)
    names = list(dict.fromkeys(name for one in measured for name in one.names))
    if AT_RANDOM in names:
        names.remove(AT_RANDOM)
        names.append(AT_RANDOM)
    height = rows * (_MARGIN + _ROW * len(names))
    width = _WIDTH if columns > 1 else _WIDTH / 2
    with matplotlib.rc_context({**CHART_STYLE, "hatch.linewidth": 0.6}):
        figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place >= len(measured):
                axes.set_axis_off()
                continue
            _draw(axes, measured[place], names, named=place % columns == 0)
    return figure


def _draw(axes: Axes, one: Measured, names: Sequence[str], *, named: bool) -> None:
    ranking = one.ranking()
    best = {ranking[0].place, *ranking[0].tied}
    for known in ranking:
        name = one.names[known.place]
        if not np.isfinite(known.mean):
            continue
        place = names.index(name)
        colour = _BEST if known.place in best else _OTHER
        axes.barh(
            place,
            known.mean,
            height=0.66,
            color=_RANDOM if name == AT_RANDOM else colour,
            hatch="////" if name in one.optimise else None,
            edgecolor="white" if name in one.optimise else "none",
        )
        if np.isfinite(known.low):
            axes.plot([known.low, known.high], [place, place], color=_INK, linewidth=0.8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), list(names) if named else [""] * len(names))
    better = "higher" if one.metric.higher_is_better else "lower"
    axes.set_title(f"{one.metric.title} ({better} is better)", fontsize=6.5, color=_INK)
    without_box(axes)
    axes.axvline(0, color=_INK, linewidth=0.5)
    if one.at_random:
        axes.axvline(one.at_random, color=_GREY, linewidth=0.8, linestyle=":")
