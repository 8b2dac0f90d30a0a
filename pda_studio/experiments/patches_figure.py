"""The figure of patches over a training: accuracies, and how far two metrics choose the same."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.matrices import GREY
from pda_studio.experiments.patch_runs import RunScores
from pda_studio.figures.saving import DPI

_SIZE = 7.2, 2.6  # inches: two columns of a journal
_COLOURS = ("#2166ac", "#b2182b")


def draw_training(found: Sequence[RunScores], random: float, overlap_at_random: float) -> Figure:
    """Draw Figs. 2 and 3 of Lengerich et al.

    Parameters
    ----------
    found : sequence of RunScores
        Of the checkpoints, the earliest first.
    random : float
        Share of patches that guessing classifies correctly.
    overlap_at_random : float
        Jaccard index of neurons that are drawn at random.
    """
    names = [run.name for run in found]
    places = np.arange(len(found))
    network = [np.nan if run.accuracy is None else run.accuracy for run in found]
    style = {**CHART_STYLE, "lines.linewidth": 1.0, "lines.markersize": 3}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=_SIZE, dpi=DPI, facecolor="white", layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes in (left, right):
            axes.plot(places, network, "o-", color=GREY, label="the network, whole images")
        metrics = list(dict.fromkeys(one.metric for run in found for one in run.scores))
        for colour, metric in zip(_COLOURS, metrics, strict=False):
            known = [
                next((one.accuracy for one in run.scores if one.metric == metric), np.nan)
                for run in found
            ]
            left.plot(places, known, "o-", color=colour, label=f"patches of {metric}")
        left.axhline(random, color=GREY, linewidth=0.7, linestyle=":", label="guessing")
        overlaps = [run.scores[0].overlap if run.scores else np.nan for run in found]
        right.plot(places, overlaps, "o-", color=_COLOURS[0], label="Jaccard index of the neurons")
        right.axhline(
            overlap_at_random,
            color=_COLOURS[0],
            linewidth=0.7,
            linestyle=":",
            label="of neurons drawn at random",
        )
        left.set_ylabel("accuracy")
        left.yaxis.set_major_formatter(PercentFormatter(1, 0))
        for axes in (left, right):
            axes.set_ylim(-0.02, 1.02)
            axes.set_xticks(places, names, rotation=45, ha="right")
            without_box(axes)
            axes.legend(frameon=False, fontsize=6)
    return figure
