"""The share of the bias in a logit, from layer to layer (Chen et al., Fig. 3)."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pda_studio.errors import UsageError
from pda_studio.figures.page import GREY, INK, Page
from pda_studio.figures.saving import DPI, STYLE, save_figure
from pda_studio.figures.typesetting import Type

_WIDTH, _HEIGHT = 521.0, 230.0  # points: both columns of a journal
_LONGEST = 90.0  # points that the name of a layer may take
_LARGE, _NORMAL, _SMALL, _FINE = 8.0, 7.5, 6.5, 5.5  # points, of text
_NAMES = 40  # layers that are named below the axis; of more, every second, third …
_LINE = "#2166ac"


def draw_bias_shares(shares: Sequence[tuple[str, float]], title: str, note: str = "") -> Figure:
    """Draw |b| / |S| against depth.

    Parameters
    ----------
    shares : sequence of (str, float)
        Layers in order, and the share of the bias at each, as `bias_shares` gives them.
    title, note : str
        What stands above: the classifier and what was asked; in grey, the image.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    UsageError
        If there are no layers.
    """
    if not shares:
        raise UsageError("There is no layer to draw.")
    names, values = zip(*shares, strict=True)
    places = list(range(len(names)))
    named = places[:: -(-len(places) // _NAMES)]
    type = Type()
    labels = [type.fitted(names[place], _dots(_LONGEST), _FINE) for place in named]
    with matplotlib.rc_context(STYLE):
        page = Page(_dots(_WIDTH), _dots(_HEIGHT), type)
        left, right, top = _dots(30), page.width - _dots(6), _dots(20)
        below = max(type.width(label, _FINE) for label in labels) + _dots(8)
        axes = page.axes(left, top, right - left, page.height - top - below)
        axes.plot(
            places, values, color=_LINE, linewidth=1, marker="o", markersize=2.5, clip_on=False
        )
        axes.set_ylim(0, max(1.05, 1.05 * max(values)))
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.axhline(1, color=GREY, linewidth=0.5, linestyle=":")
        family = page.family("".join(labels))
        axes.set_xticks(named, labels, rotation=90, fontsize=_FINE, family=family)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.tick_params(length=2, width=0.5, color=INK, labelcolor=INK, pad=2)
        axes.tick_params(axis="y", labelsize=_SMALL)
        for side, spine in axes.spines.items():
            spine.set_color(INK)
            spine.set_visible(side in ("left", "bottom"))
        middle = top + axes.get_position().height * page.height / 2
        style = {"size": _NORMAL, "rotation": 90, "va": "center", "ha": "center"}
        page.text(_dots(7), middle, "|bias| / |logit|", color=INK, **style)
        note = type.fitted(note, 0.4 * page.width, _SMALL)
        room = right - left - type.width(note, _SMALL) - _dots(8)
        shown = type.fitted(title, room, _LARGE, "bold")
        page.text(left, _dots(11), shown, size=_LARGE, weight="bold", color=INK)
        page.text(right, _dots(11), note, size=_SMALL, color=GREY, ha="right")
    return page.figure


def _dots(points: float) -> int:
    return round(points / 72 * DPI)


def save_bias_shares(
    shares: Sequence[tuple[str, float]], path: Path, title: str, note: str = ""
) -> None:
    """Draw shares as `draw_bias_shares` does and write them, whole or not at all.

    Raises
    ------
    UsageError
        If the suffix is not .png, .pdf, .svg or .tif.
    PdaStudioError
        If the file cannot be written.
    """
    save_figure(draw_bias_shares(shares, title, note), path)
