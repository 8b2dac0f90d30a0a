"""A page in whole dots: tiles with sharp edges, and text that is measured before it is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from pda_studio.figures.saving import DPI

FONT = "DejaVu Sans"
"""Comes with matplotlib, and has every sign that figures need."""

LARGE, NORMAL, SMALL = 10.0, 7.5, 6.5
"""Sizes of text in points."""

FINE = 5.0
"""What journals want at least."""

INK, GREY = "#1a1a1a", "#5f5f5f"
FOR, AGAINST = "#b2182b", "#2166ac"
_FRAME = "#8c8c8c"


@dataclass(frozen=True)
class Type:
    """What text is set in, and how many dots it takes.

    Attributes
    ----------
    font : str
        A family that is installed; signs that it lacks are taken from `FONT`.
    dpi : int
        Dots per inch.
    """

    font: str = FONT
    dpi: int = DPI

    @property
    def families(self) -> list[str]:
        """Where to look for each sign, first to last."""
        return list(dict.fromkeys((self.font, FONT)))

    def width(self, text: str, size: float, weight: str = "normal") -> int:
        """Width of a line in dots."""
        return int(np.ceil(_points(text, size, weight, tuple(self.families)) / 72 * self.dpi))

    def fitted(self, text: str, room: float, size: float, weight: str = "normal") -> str:
        """The text, or as much of its start as there is room for, with an ellipsis."""
        if self.width(text, size, weight) <= room:
            return text
        while text and self.width(f"{text}…", size, weight) > room:
            text = text[:-1].rstrip(" ,;:")
        return f"{text}…"

    def wrapped(
        self, paragraphs: list[str], room: float, size: float, weight: str = "normal"
    ) -> list[str]:
        """Break paragraphs into lines between words; a word that is too long is cut."""
        lines = []
        for paragraph in paragraphs:
            line = ""
            for word in paragraph.split(" "):
                word = self.fitted(word, room, size, weight)
                longer = f"{line} {word}".strip()
                if line and self.width(longer, size, weight) > room:
                    lines.append(line)
                    line = word
                else:
                    line = longer
            lines.append(line)
        return lines

    def folded(
        self, text: str, room: float, size: float, most: int, weight: str = "normal"
    ) -> list[str]:
        """At most so many lines of a text, the last one with an ellipsis if there is more."""
        if not text:
            return []
        lines = self.wrapped([text], room, size, weight)
        if len(lines) <= most:
            return lines
        return [*lines[: most - 1], self.fitted(" ".join(lines[most - 1 :]), room, size, weight)]

    def suited(
        self, texts: Iterable[str], room: float, size: float, weight: str = "normal"
    ) -> float:
        """The size, or a smaller one down to `FINE`, at which no word has to be cut."""
        words = {word for text in texts for word in text.split(" ")}
        widest = max((self.width(word, size, weight) for word in words), default=0)
        return size if widest <= room else max(size * room / (widest + 1), min(size, FINE))


@lru_cache(maxsize=20_000)
def _points(text: str, size: float, weight: str, families: tuple[str, ...]) -> float:
    name = families[0] if len(families) == 1 else list(families)
    font = FontProperties(family=name, size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


class Page:
    """A figure in the making; lengths are dots from the upper left corner.

    Parameters
    ----------
    width, height : int
        In dots.
    type : Type
        What text is set in, and the dots per inch.
    paper : str
        Colour of the background, or "none".
    """

    def __init__(self, width: int, height: int, type: Type, paper: str = "white") -> None:
        self.width, self.height, self.type = width, height, type
        self.figure = Figure(
            figsize=(width / type.dpi, height / type.dpi), dpi=type.dpi, facecolor=paper
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Make axes with a thin frame and nothing else."""
        axes: Axes = self.figure.add_axes(
            (
                x / self.width,
                1 - (y + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_linewidth(0.5)
            spine.set_color(_FRAME)
        return axes

    def image(
        self, x: float, y: float, size: tuple[int, int], pixels: NDArray[Any], **style: Any
    ) -> Axes:
        """Draw an image as a tile of this width and height, each pixel as it is."""
        axes = self.axes(x, y, *size)
        axes.imshow(pixels, interpolation="none", aspect="auto", **style)
        return axes

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write text on its baseline (or as `va` says), dollar signs and all."""
        families = self.type.families
        family = families[0] if len(families) == 1 else families
        style = {"family": family, "va": "baseline", **style}
        self.figure.text(x / self.width, 1 - y / self.height, text, parse_math=False, **style)
