"""A figure of important neurons: their boxes on the image, by depth, and what is in them."""

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pda_studio.attribution.neurons import Patch
from pda_studio.errors import UsageError
from pda_studio.figures.page import GREY, INK, Page
from pda_studio.figures.saving import DPI, STYLE, check_figure, save_figure
from pda_studio.figures.typesetting import Type
from pda_studio.images import shown_pixels
from pda_studio.results import Subject

COLOURS = ("#c0202b", "#1a8a3a", "#2255b5")
"""Of shallow, middle and deep layers, as in the paper: red, green, blue."""

_NAMES = ("Shallow", "Middle", "Deep")
_WIDTH = 521.0  # points: both columns of a journal
_MARGIN, _GAP, _LABEL = 6.0, 6.0, 12.0  # points: around all, between tiles, for a layer's depth
_LARGE, _NORMAL, _SMALL = 9.0, 7.0, 5.5  # points


def save_neurons(subject: Subject, patches: list[Patch], title: str, path: Path) -> None:
    """Draw neurons as `draw_neurons` does and write them, whole or not at all.

    Raises
    ------
    UsageError
        If the file's suffix is not .png, .pdf, .svg or .tif, or there are no neurons.
    PdaStudioError
        If the file cannot be written.
    """
    check_figure(path)
    save_figure(draw_neurons(subject, patches, title), path)


def draw_neurons(subject: Subject, patches: list[Patch], title: str) -> Figure:
    """Draw the boxes of neurons on the image, and a gallery of what is in them.

    Parameters
    ----------
    subject : Subject
        The image.
    patches : list of Patch
        Layer by layer, the most important neuron of each first.
    title : str
        What chose them.

    Returns
    -------
    matplotlib.figure.Figure
        All boxes, then those of each third of the layers in its colour; below, a row for each
        layer. A neuron that is not active has an empty frame.

    Raises
    ------
    UsageError
        If there are no neurons.
    """
    if not patches:
        raise UsageError("The metric tells nothing of any neuron here: choose another metric.")
    thirds = _thirds(patches)
    rows = max(len(layers) for layers in thirds)
    columns = max(len(row) for layers in thirds for row in layers)
    width = _dots(_WIDTH)
    inside, gap = width - 2 * _dots(_MARGIN), _dots(_GAP)
    view = shown_pixels(subject.view)
    tile = (inside - 3 * gap) // 4
    height = round(tile * subject.view.shape[0] / subject.view.shape[1])
    block = (inside - 2 * gap) // 3
    side = (block - _dots(_LABEL)) // columns - _dots(2)
    row = side + _line(_SMALL)
    above = _line(_LARGE) + _line(_NORMAL) + _dots(3)
    gallery = above + height + 2 * gap
    with matplotlib.rc_context(STYLE):
        page = Page(width, gallery + rows * row + _dots(_MARGIN), Type())
        title = page.type.fitted(title, inside, _LARGE, "bold")
        page.text(_dots(_MARGIN), _dots(_LARGE + 2), title, size=_LARGE, weight="bold", color=INK)
        for place, shown in enumerate(({0, 1, 2}, {0}, {1}, {2})):
            x = _dots(_MARGIN) + place * (tile + gap)
            _draw_boxes(page, x, above, (tile, height), view, thirds, shown)
        for third, layers in enumerate(thirds):
            x = _dots(_MARGIN) + third * (block + gap)
            for at, layer in enumerate(layers):
                _draw_layer(page, x, gallery + at * row, side, view, layer, COLOURS[third])
    return page.figure


def _dots(points: float) -> int:
    return round(points / 72 * DPI)


def _line(size: float) -> int:
    """From one line of text to the next, in dots."""
    return _dots(1.45 * size)


def _thirds(patches: list[Patch]) -> list[list[list[Patch]]]:
    """Patches by layer, and the layers in three groups by their depth."""
    layers: dict[str, list[Patch]] = {}
    for patch in patches:
        layers.setdefault(patch.neuron.layer, []).append(patch)
    ordered = list(layers.values())
    cuts = [round(len(ordered) * part / 3) for part in range(4)]
    return [ordered[a:b] for a, b in pairwise(cuts)]


def _draw_boxes(
    page: Page,
    x: int,
    y: int,
    size: tuple[int, int],
    view: NDArray[np.uint8],
    thirds: list[list[list[Patch]]],
    shown: set[int],
) -> None:
    """The image with the boxes of some thirds of the layers, and what they are above it."""
    tile = page.image(x, y, size, view)
    for third in shown:
        for patch in (patch for layer in thirds[third] for patch in layer):
            if patch.box is None:
                continue
            b = patch.box
            tile.add_patch(
                Rectangle(
                    (b.left - 0.5, b.top - 0.5),
                    b.right - b.left,
                    b.bottom - b.top,
                    fill=False,
                    linewidth=0.6,
                    edgecolor=COLOURS[third],
                )
            )
    (first, *others) = sorted(shown)
    name = "All layers" if others else _heading(first, thirds[first])
    colour = INK if others else COLOURS[first]
    name = page.type.fitted(name, size[0], _NORMAL)
    page.text(x, y - _dots(3), name, size=_NORMAL, color=colour)


def _heading(third: int, layers: list[list[Patch]]) -> str:
    if not layers:
        return f"{_NAMES[third]}: none"
    first, last = layers[0][0].neuron.depth + 1, layers[-1][0].neuron.depth + 1
    which = f"layer {first}" if first == last else f"layers {first} to {last}"
    return f"{_NAMES[third]}: {which}"


def _draw_layer(
    page: Page,
    x: int,
    y: int,
    side: int,
    view: NDArray[np.uint8],
    layer: list[Patch],
    colour: str,
) -> None:
    """What is in the boxes of a layer's neurons, each under its channel; the layer's depth."""
    top = y + _line(_SMALL)
    depth = f"{layer[0].neuron.depth + 1}"
    page.text(x, top + _dots(_SMALL), depth, size=_SMALL, color=colour)
    for at, patch in enumerate(layer):
        left, box = x + _dots(_LABEL) + at * (side + _dots(2)), patch.box
        channel = f"{patch.neuron.channel}"
        page.text(left, top - _dots(1.5), channel, size=_SMALL, color=GREY)
        if box is None:
            axes = page.axes(left, top, side, side)
        else:
            pixels = view[box.top : box.bottom, box.left : box.right]
            scale = side / max(pixels.shape[:2])
            size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
            axes = page.image(left, top, size, pixels)
        for spine in axes.spines.values():
            spine.set(color=colour, linewidth=0.6)
