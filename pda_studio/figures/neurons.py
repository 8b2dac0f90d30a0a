"""A figure of important neurons: their boxes on the image, by depth, and what is in them."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pda_studio.attribution.neurons import Patch
from pda_studio.errors import UsageError
from pda_studio.figures.saving import DPI, STYLE, check_figure, save_figure
from pda_studio.results import Subject

COLOURS = ("#c0202b", "#1a8a3a", "#2255b5")
"""Of shallow, middle and deep layers, as in the paper: red, green, blue."""

_NAMES = ("Shallow", "Middle", "Deep")
_WIDTH = 7.24  # inches
_LARGE, _NORMAL, _SMALL = 9.0, 7.0, 5.5  # points
_GREY = "#5f5f5f"


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
    side = _WIDTH / (3 * (columns + 0.6))
    heights = (_WIDTH / 4 + 0.45, rows * (side + 0.14) + 0.1)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, sum(heights)), dpi=DPI, facecolor="white")
        parts: Any = figure.subfigures(2, 1, height_ratios=heights)
        above, below = parts
        above.suptitle(title, fontsize=_LARGE, weight="bold", x=0.012, y=0.97, ha="left")
        _draw_boxes(above, subject.view, thirds)
        for part, layers, colour in zip(below.subfigures(1, 3), thirds, COLOURS, strict=True):
            _draw_gallery(part, subject.view, layers, colour, rows, columns)
    return figure


def _thirds(patches: list[Patch]) -> list[list[list[Patch]]]:
    """Patches by layer, and the layers in three groups by their depth."""
    layers: dict[str, list[Patch]] = {}
    for patch in patches:
        layers.setdefault(patch.neuron.layer, []).append(patch)
    ordered = list(layers.values())
    cuts = [round(len(ordered) * part / 3) for part in range(4)]
    return [ordered[a:b] for a, b in pairwise(cuts)]


def _draw_boxes(part: SubFigure, view: NDArray[np.uint8], thirds: list[list[list[Patch]]]) -> None:
    tiles = part.subplots(1, 4, gridspec_kw={"wspace": 0.05})
    part.subplots_adjust(left=0.012, right=0.988, bottom=0.02, top=0.82)
    for tile, shown in zip(tiles, ({0, 1, 2}, {0}, {1}, {2}), strict=True):
        tile.imshow(view, interpolation="none")
        for spine in tile.spines.values():
            spine.set(color="#8c8c8c", linewidth=0.5)
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
        height, width = view.shape[:2]
        tile.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
        (first, *others) = sorted(shown)
        name = "All layers" if others else _heading(first, thirds[first])
        colour = "black" if others else COLOURS[first]
        tile.set_title(name, fontsize=_NORMAL, color=colour, loc="left", pad=3)


def _heading(third: int, layers: list[list[Patch]]) -> str:
    if not layers:
        return f"{_NAMES[third]}: none"
    first, last = layers[0][0].neuron.depth + 1, layers[-1][0].neuron.depth + 1
    which = f"layer {first}" if first == last else f"layers {first} to {last}"
    return f"{_NAMES[third]}: {which}"


def _draw_gallery(
    part: SubFigure,
    view: NDArray[np.uint8],
    layers: list[list[Patch]],
    colour: str,
    rows: int,
    columns: int,
) -> None:
    tiles = part.subplots(rows, columns, squeeze=False, gridspec_kw={"hspace": 0.3, "wspace": 0.1})
    part.subplots_adjust(left=0.055, right=0.985, bottom=0.02, top=0.97)
    for row, line in enumerate(tiles):
        layer = layers[row] if row < len(layers) else []
        for column, tile in enumerate(line):
            tile.set(xticks=[], yticks=[], aspect="equal", anchor="NW")
            if column >= len(layer):
                tile.axis("off")
                continue
            for spine in tile.spines.values():
                spine.set(color=colour, linewidth=0.6)
            box, neuron = layer[column].box, layer[column].neuron
            if box is not None:
                tile.imshow(view[box.top : box.bottom, box.left : box.right], interpolation="none")
            tile.set_title(f"{neuron.channel}", fontsize=_SMALL, color=_GREY, pad=1.2, loc="left")
        if layer:
            line[0].set_ylabel(
                f"{layer[0].neuron.depth + 1}", fontsize=_SMALL, color=colour, labelpad=1.5
            )
