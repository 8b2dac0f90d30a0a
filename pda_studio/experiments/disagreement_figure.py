"""The figure of methods that disagree: clusters, correlations, and where maps are apart."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from pda_studio.experiments.charts import CHART_STYLE, shortened
from pda_studio.experiments.disagreement import Disagreement
from pda_studio.experiments.matrices import GREY, INK, draw_matrix
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels

_WIDTH = 7.2  # inches: two columns of a journal
_CELL, _LEAST = 0.3, 1.3  # inches of a method, and of the figure's panels
_NAMES = 1.5  # inches for the names of methods below the matrix
_LETTERS = 24  # of a name over a panel


def draw_disagreement(found: Disagreement, alike: float, label: str) -> Figure:
    """Draw the clusters and the correlations of methods, and the spread of the least alike maps.

    Parameters
    ----------
    found : Disagreement
        Of at least one image.
    alike : float
        From which mean correlation on methods are one cluster.
    label : str
        What the colours of the matrix are.
    """
    order = found.order
    names = [found.names[place] for place in order]
    height = max(_CELL * len(names), _LEAST) + _NAMES
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9}):
        figure = Figure(figsize=(_WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
        shares = [0.7, 2.6, 1.7]
        left, middle, right = figure.subplots(1, 3, gridspec_kw={"width_ratios": shares})
        drawn = dendrogram(
            found.tree,
            orientation="left",
            ax=left,
            no_labels=True,
            color_threshold=0,
            above_threshold_color=INK,
        )
        assert drawn["leaves"] == order, "both are scipy's order"
        left.set_ylim(10 * len(names), 0)  # scipy gives each leaf ten units: from the top down
        left.axvline(1 - alike, color=GREY, linewidth=0.7, linestyle=":")
        left.set_xlim(right=-0.02)  # also a bar at no distance is seen
        left.set_xlabel("1 − r")
        left.tick_params(length=2, width=0.5)
        for side in ("top", "left", "right"):
            left.spines[side].set_visible(False)
        image = draw_matrix(middle, found.mean[np.ix_(order, order)], names, names)
        figure.colorbar(image, ax=middle, label=label, fraction=0.05, pad=0.02)
        spread = found.spread
        assert spread is not None, "there is one for each image"
        grey = shown_pixels(spread.view).mean(-1)
        right.imshow(grey, cmap="gray", vmin=0, vmax=255)
        top = float(np.quantile(spread.values, 0.995)) or 1.0
        shade = right.imshow(
            spread.values,
            cmap="magma",
            vmin=0,
            vmax=top,
            alpha=np.clip(spread.values / top, 0, 0.85),
        )
        right.set_title(f"spread in {shortened(spread.name, _LETTERS)}", fontsize=6.5, color=INK)
        right.set_axis_off()
        figure.colorbar(shade, ax=right, label="standard deviation (rms)", fraction=0.05, pad=0.02)
    return figure
