"""The colour bar below maps: its colours, round values beside it, and what it counts in."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pda_studio.figures.page import AGAINST, FOR, GREY, INK, SMALL, Page
from pda_studio.rendering import Appearance, colour_scale, map_colours, scale_start
from pda_studio.results import EvidenceMap

COLOURS = "RdBu_r"
"""Blue against, white zero, red for."""

BAR = 27  # dots
BAR_TEXT = 81  # the numbers and the unit below a colour bar
_Span = tuple[float, float, Literal["left", "center", "right"]]
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Scale:
    """A colour scale.

    Attributes
    ----------
    start, end : float
        In `unit`.
    pixels : (1, N) float or (1, N, 3) uint8
        Its colours; numbers from −1 to 1 stand for those of `COLOURS`.
    unit : str
        What evidence is counted in.
    colours : str
        Name of the colour map.
    """

    start: float
    end: float
    pixels: NDArray[Any]
    unit: str
    colours: str = COLOURS

    @classmethod
    def plain(cls, evidence_map: EvidenceMap) -> "Scale":
        """A map's own scale, blue to red."""
        limit = evidence_map.limit
        return cls(-limit, limit, np.linspace(-1, 1, 255)[None, :], evidence_map.unit)

    @classmethod
    def of(cls, evidence_map: EvidenceMap, appearance: Appearance, limit: float) -> "Scale":
        """The scale of a map that ends at a limit."""
        return cls(
            scale_start(evidence_map, appearance, limit),
            limit,
            colour_scale(evidence_map, appearance, limit)[None],
            evidence_map.unit,
            map_colours(evidence_map, appearance).name,
        )

    @property
    def signed(self) -> bool:
        """Whether its ends are red for and blue against, as words beside it may be."""
        return self.colours in (COLOURS, "red-blue")


def draw_scale(
    page: Page,
    x: float,
    y: float,
    width: float,
    scale: Scale,
    *,
    size: float = SMALL,
    bar: int = BAR,
    below: int = BAR_TEXT - 6,
    ink: str = INK,
    grey: str = GREY,
    ends: tuple[str, str] = (AGAINST, FOR),
) -> None:
    """Draw a colour bar with its values and its unit; in little room, with fewer of them.

    Parameters
    ----------
    page : Page
        Where.
    x, y, width : float
        The bar's upper left corner and its width, in dots.
    scale : Scale
        What.
    size : float
        Of the text, in points.
    bar, below : int
        Height of the bar, and from there to the baseline of the unit, in dots.
    ink, grey : str
        Colours of the text.
    ends : tuple of str
        Colours of “against” and “for” where the colours are red and blue.
    """
    type = page.type
    # Red and blue words would promise what is not there.
    against, in_favour = ends if scale.signed else (grey, grey)
    axes = page.axes(x, y, width, bar)
    axes.imshow(
        scale.pixels,
        cmap=COLOURS,
        interpolation="none",
        aspect="auto",
        extent=(scale.start, scale.end, 0, 1),
    )
    ticks, labels, power = _ticks(scale.end)
    first = 0 if scale.start else ticks.index(0.0)
    ticks, labels = ticks[first:], labels[first:]
    spans = _spans(page, ticks, labels, scale, width, size)
    while len(ticks) > 1 and not _apart(page, spans, size):
        ticks, labels = (ticks[::2], labels[::2]) if len(ticks) > 2 else (ticks[:1], labels[:1])
        spans = _spans(page, ticks, labels, scale, width, size)
    families = type.families
    axes.set_xticks(
        ticks,
        labels,
        fontsize=size,
        color=ink,
        family=families[0] if len(families) == 1 else families,
    )
    for label, (_, _, alignment) in zip(axes.get_xticklabels(), spans, strict=True):
        label.set_horizontalalignment(alignment)
    axes.tick_params(axis="x", length=2, width=0.5, pad=1.5, color=ink)
    y += bar + below
    shown = f"10{str(power).translate(_SUPERSCRIPTS)} " if power else ""
    unit = f"evidence ({shown}{scale.unit})"
    side, gap = type.width("◂ against", size), round(0.16 * type.dpi)
    short = f"{shown}{scale.unit}"
    if width > 2 * side + gap + min(type.width(short, size), side):
        if scale.start:
            page.text(x, y, "◂ against", size=size, color=against)
        page.text(x + width, y, "for ▸", size=size, color=in_favour, ha="right")
        room = width - 2 * side - gap
    else:
        room = width
    if type.width(unit, size) > room:
        unit = type.fitted(short, room, size)
    page.text(x + width / 2, y, unit, size=size, color=ink, ha="center")


def _spans(
    page: Page,
    ticks: list[float],
    labels: list[str],
    scale: Scale,
    width: float,
    size: float,
) -> list[_Span]:
    """From where to where each label reaches, and how it stands at its tick.

    In the middle, unless it would reach into what stands beside the bar.
    """
    slack = page.type.width("0", size) / 2
    spans: list[_Span] = []
    for tick, label in zip(ticks, labels, strict=True):
        at = (tick - scale.start) / (scale.end - scale.start) * width
        wide = page.type.width(label, size)
        if at - wide / 2 < -slack:
            spans.append((at, at + wide, "left"))
        elif at + wide / 2 > width + slack:
            spans.append((at - wide, at, "right"))
        else:
            spans.append((at - wide / 2, at + wide / 2, "center"))
    return spans


def _apart(page: Page, spans: list[_Span], size: float) -> bool:
    """Whether labels leave room between one another."""
    room = page.type.width("0", size)
    return all(one[1] + room <= other[0] for one, other in pairwise(spans))


def _ticks(limit: float) -> tuple[list[float], list[str], int]:
    """Five round values, symmetric about zero, away from the ends; labels; a power of ten.

    The labels are the values divided by the power, which is 0 for values of a handy size.
    """
    farthest = 0.9 * limit
    power = int(np.floor(np.log10(farthest)))
    end = max(m for m in (1, 1.5, 2, 3, 4, 5, 6, 8) if m <= farthest / 10.0**power * (1 + 1e-9))
    shared = power if not -3 <= power <= 3 else 0
    mantissas = [-end, -end / 2, 0.0, end / 2, end]
    labels = [f"{m * 10.0 ** (power - shared):.5g}".replace("-", "−") for m in mantissas]
    return [m * 10.0**power for m in mantissas], labels, shared
