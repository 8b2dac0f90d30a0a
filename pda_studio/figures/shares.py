"""The share of the bias in a logit, from layer to layer (Chen et al., Fig. 3)."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from pda_studio.errors import UsageError
from pda_studio.figures.saving import DPI, STYLE, save_figure

_WIDTH, _HEIGHT = 7.24, 3.2  # inches: both columns of a journal
_NAMES = 40  # layers that are named below the axis; of more, every second, third …
_INK, _GREY, _LINE = "#1a1a1a", "#5f5f5f", "#2166ac"


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
    with matplotlib.rc_context({**STYLE, "font.family": "DejaVu Sans", "text.color": _INK}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        axes.plot(
            places, values, color=_LINE, linewidth=1, marker="o", markersize=2.5, clip_on=False
        )
        axes.set_ylim(0, max(1.05, 1.05 * max(values)))
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.axhline(1, color=_GREY, linewidth=0.5, linestyle=":")
        axes.set_xticks(named, [names[place] for place in named], rotation=90, fontsize=5.5)
        axes.tick_params(length=2, width=0.5, color=_INK)
        axes.tick_params(axis="y", labelsize=6.5)
        axes.set_ylabel("|bias| / |logit|", fontsize=7.5)
        axes.set_title(title, loc="left", fontsize=8, fontweight="bold", parse_math=False)
        axes.set_title(note, loc="right", fontsize=6.5, color=_GREY, parse_math=False)
        for side, spine in axes.spines.items():
            spine.set_linewidth(0.5)
            spine.set_visible(side in ("left", "bottom"))
    return figure


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
