"""Matrices of numbers as figures: a colour and a number in each cell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pda_studio.counts import written

INK, GREY = "#1a1a1a", "#5f5f5f"
_SMALL = 6.0  # points


def draw_matrix(
    axes: Axes,
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    size: float = _SMALL,
    turn: float = 90.0,
) -> Any:
    """Draw correlations from −1 (blue) over 0 (white) to 1 (red), each with its number.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    values : (R, C) float
        What is not a number is left empty.
    rows, columns : sequence of str
        Their names.
    size : float
        Of the numbers, in points.
    turn : float
        Of the columns' names, in degrees.

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar.
    """
    image = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.65 else INK
            axes.text(
                column, row, written(value), ha="center", va="center", color=ink, fontsize=size
            )
    axes.set_xticks(range(len(columns)), columns)
    axes.tick_params("x", rotation=turn)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0, labelcolor=INK, labelsize=_SMALL)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return image
