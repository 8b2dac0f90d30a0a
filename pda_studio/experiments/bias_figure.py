"""The figure of bias shares over images: a curve with its interval for each network."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pda_studio.experiments.bias import NetworkShares, Shares
from pda_studio.experiments.charts import CHART_STYLE, ending, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.figures.saving import DPI
from pda_studio.metrics.relevance_gain import mean_over_images

_WIDTH, _HEIGHT = 7.2, 2.5  # inches
_LETTERS, _NAMES = 22, 60
_BLUE = "#2166ac"


def draw_shares(found: Shares) -> Figure:
    """Draw the mean share against depth, each network in a panel of its own (Chen, Fig. 3)."""
    networks = [one for one in found.networks if len(one.each)]
    highest = max(float(one.mean.max()) for one in networks)
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9, "lines.markersize": 2}):
        size = _WIDTH, _HEIGHT
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
        for axes, one in zip(panels, networks, strict=True):
            places = np.arange(len(one.layers))
            axes.plot(places, one.mean, marker="o", color=_BLUE, clip_on=False)
            if len(one.each) > 1:
                low, high = _ends(one)
                axes.fill_between(places, low, high, color=_BLUE, alpha=0.15, linewidth=0)
            axes.axhline(1, color=GREY, linewidth=0.5, linestyle=":")
            axes.set_ylim(0, 1.08 * max(highest, 1.0))
            axes.set_xlim(-0.5, len(places) - 0.5)
            step = -(-len(places) * len(networks) // _NAMES)
            names = [ending(name, _LETTERS) for name in one.layers]
            axes.set_xticks(places[::step], names[::step], rotation=90, fontsize=5)
            axes.set_title(one.classifier, fontsize=7, color=INK)
            without_box(axes)
        panels[0].set_ylabel("|bias| / |logit|")
    return figure


def _ends(one: NetworkShares) -> tuple[list[float], list[float]]:
    """Ends of the interval around the mean at each layer."""
    means = [mean_over_images(column.tolist()) for column in one.each.T]
    return [max(mean.low, 0.0) for mean in means], [mean.high for mean in means]
