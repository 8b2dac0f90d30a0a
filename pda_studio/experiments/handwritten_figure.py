"""The figure of all digits: each image and its maps, by a trained and an untrained network."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from pda_studio.experiments.charts import CHART_STYLE
from pda_studio.experiments.handwritten import TRAINED, UNTRAINED, Digits
from pda_studio.experiments.matrices import INK
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels
from pda_studio.results import EvidenceMap

_TILE, _WIDTH, _TOP = 0.72, 7.2, 0.45  # inches
_TITLES = ("original PDA", "efficient PDA")


def draw_digits(found: Digits) -> Figure:
    """Draw two digits a row: image, then original and efficient PDA of both networks (Fig. 13)."""
    rows = -(-len(found.each) // 2)
    with matplotlib.rc_context(CHART_STYLE):
        close = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
        size = _WIDTH, _TOP + rows * _TILE
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout=close)
        panels: Any = figure.subplots(
            rows, 11, squeeze=False, width_ratios=[1] * 5 + [0.2] + [1] * 5
        )
        for axes in panels.flat:
            axes.set_axis_off()
        for number, one in enumerate(found.each):
            row, side = number // 2, 6 * (number % 2)
            tiles = panels[row, side : side + 5]
            view = next(iter(one.maps.values()))[0].view
            tiles[0].imshow(shown_pixels(view))
            if not row:
                tiles[0].set_title("image", fontsize=5.5, color=INK, pad=2)
            for at, network in enumerate((TRAINED, UNTRAINED)):
                for method, made in enumerate(one.maps[network]):
                    axes = tiles[1 + 2 * at + method]
                    _overlay(axes, made)
                    if not row:
                        title = f"{_TITLES[method]},\n{network}"
                        axes.set_title(title, fontsize=5.5, color=INK, pad=2)
    return figure


def _overlay(axes: Axes, made: EvidenceMap) -> None:
    """The digit in grey, and the evidence over it."""
    limit = made.limit
    strength = np.clip(made.evidence / limit, -1, 1)
    colours = matplotlib.colormaps["RdBu_r"]((strength + 1) / 2)
    grey = shown_pixels(made.view).mean(2, keepdims=True) / 255
    back = 1 - 0.35 * grey
    share = np.abs(strength)[..., None] ** 0.6
    axes.imshow(np.clip(colours[..., :3] * share + back * (1 - share), 0, 1))
