"""The figure of invariance: agreement after each transformation, beside an example of it."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pda_studio.experiments.charts import CHART_STYLE
from pda_studio.experiments.invariance import Invariance
from pda_studio.experiments.matrices import INK, draw_matrix
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels

_ROW, _COLUMN, _REST = 0.36, 0.55, 1.35  # inches: of a transformation, of a method, of the names
_NAMES = 2.4  # inches for thumbnails, names and the colour bar


def draw_invariance(found: Invariance) -> Figure:
    """Draw the mean correlation after each transformation, of each method, with the mean of all."""
    means = found.means("correlation")
    rows, columns = [*found.transformations, "mean"], list(found.methods)
    values = np.vstack([means, [_mean(column) for column in means.T]])
    size = _NAMES + _COLUMN * max(len(columns), 2), _REST + _ROW * len(rows)
    with matplotlib.rc_context(CHART_STYLE):
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        image = draw_matrix(axes, values, rows, columns)
        axes.axhline(len(rows) - 1.5, color="white", linewidth=3)
        axes.tick_params("y", pad=8 + 72 * _ROW)  # thumbnails stand between names and matrix
        for place, view in enumerate(found.examples):
            shown: Any = shown_pixels(view)
            top = 1 - (place + 1) / len(rows)
            width = _ROW / (_COLUMN * max(len(columns), 2))
            small = axes.inset_axes(
                (-1.04 * width, top + 0.04 / len(rows), width, 0.92 / len(rows))
            )
            small.imshow(shown)
            small.set_axis_off()
        bar = figure.colorbar(image, ax=axes, fraction=0.06, pad=0.03)
        bar.set_label("Pearson’s r in the original frame", color=INK)
        bar.ax.tick_params(length=2, width=0.5, labelsize=6)
        bar.outline.set_visible(False)
    return figure


def _mean(values: Any) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
