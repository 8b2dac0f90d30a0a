"""The colour bar below maps: its colours, round values beside it, and what it counts in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from itertools import pairwise, product
from typing import Any, Literal

from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from pda_studio.figures.page import Page
from pda_studio.figures.typesetting import Type
from pda_studio.rendering import Appearance, colour_scale, map_colours, scale_start
from pda_studio.results import EvidenceMap

AGAINST_WORD, FOR_WORD = "◂ against", "for ▸"
_SIGNED = ("red-blue", "RdBu_r")
_INTERVALS = 4, 3, 5, 6, 8, 10  # between round values, as they are tried
_STEPS = [1, 2, 2.5, 5, 10]
_BESIDE = 1.5  # points that a number may stand out at either end of its bar
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Side = Literal["left", "center", "right"]
_Ticks = tuple[tuple[float, str], ...]
Line = tuple[tuple[str, Side], ...]
"""Texts that stand on one line below a bar."""


@dataclass(frozen=True, eq=False)
class Scale:
    """A colour scale.

    Attributes
    ----------
    start, end : float
        In `unit`.
    pixels : (1, N, 3) uint8
        Its colours.
    unit : str
        What evidence is counted in.
    colours : str
        Name of the colour map.
    """

    start: float
    end: float
    pixels: NDArray[Any]
    unit: str
    colours: str

    @classmethod
    def of(cls, evidence_map: EvidenceMap, appearance: Appearance, limit: float) -> Scale:
        """The scale of a map that ends at a limit."""
        return cls(
            scale_start(evidence_map, appearance, limit),
            limit,
            colour_scale(evidence_map, appearance, limit)[None],
            evidence_map.unit,
            map_colours(evidence_map, appearance).name,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """What stands at its ends."""
        return (AGAINST_WORD, FOR_WORD) if self.start else (FOR_WORD,)

    def unit_with(self, power: int) -> str:
        """The unit of numbers that are to be multiplied by a power of ten."""
        shown = f"10{str(power).translate(_SUPERSCRIPTS)} " if power else ""
        return f"{shown}{self.unit}"

    @property
    def signed(self) -> bool:
        """Whether its ends are red for and blue against, as words beside it may be."""
        return self.colours in _SIGNED


def distinct(scales: Iterable[Scale]) -> list[Scale]:
    """Those that differ in unit, colours or ends, each once."""
    found: dict[object, Scale] = {}
    for scale in scales:
        found.setdefault((scale.unit, scale.colours, scale.start, scale.end), scale)
    return list(found.values())


class Form(Enum):
    """How words and unit stand below the bars of a figure, from the clearest to the smallest."""

    ONE_LINE = auto()
    """Against, what is counted in which unit, for."""
    TWO_LINES = auto()
    """The words, and below them what is counted in which unit."""
    UNIT_BETWEEN = auto()
    """Against, the unit, for."""
    UNIT_BELOW = auto()
    """The words, and below them the unit, on as many lines as it takes."""
    WORDS_STACKED = auto()
    """Each word on a line of its own, and the unit."""
    UNIT_ALONE = auto()
    """Nothing but the unit: there is no room for words."""


@dataclass(frozen=True)
class Marks:
    """What is written below a bar of some width.

    Attributes
    ----------
    ticks : tuple of (float, str)
        Values and what stands below them, centred.
    lines : tuple
        The lines below these: which end is which, and the unit.
    """

    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]


def form_of(bars: Sequence[tuple[Scale, float]], type: Type, size: float) -> Form:
    """The clearest form that all bars, each a scale and a width in dots, have room for."""
    for form in Form:
        if all(_has_room(scale, width, type, size, form) for scale, width in bars):
            return form
    return Form.UNIT_ALONE


def _has_room(scale: Scale, width: float, type: Type, size: float, form: Form) -> bool:
    def wide(text: str) -> int:
        return type.width(text, size)

    unit = scale.unit_with(_ticks(scale, width, type, size)[1])
    gap = type.width("  ", size)
    words = scale.words
    within = width - 2 * max(map(wide, words)) - 2 * gap
    side_by_side = sum(map(wide, words)) + gap * (len(words) - 1) <= width
    match form:
        case Form.ONE_LINE:
            return wide(_counted(unit)) <= within
        case Form.TWO_LINES:
            return side_by_side and wide(_counted(unit)) <= width
        case Form.UNIT_BETWEEN:
            return wide(unit) <= within
        case Form.UNIT_BELOW:
            return side_by_side
        case Form.WORDS_STACKED:
            return max(map(wide, words)) <= width
    return True


def marks(scale: Scale, width: float, type: Type, size: float, form: Form) -> Marks:
    """Find as many round values as have room, and lines for the words and the unit.

    Parameters
    ----------
    scale : Scale
        What the bar shows.
    width : float
        Of the bar, in dots.
    type, size : Type and float
        What the text is set in, and its size in points.
    form : Form
        How words and unit stand.
    """
    ticks, power = _ticks(scale, width, type, size)
    unit = scale.unit_with(power)
    sides: tuple[Side, ...] = ("left", "right")
    words: Line = tuple(zip(scale.words, sides[-len(scale.words) :], strict=True))
    below: list[Line] = [((text, "center"),) for text in type.folded(unit, width, size, 2)]
    match form:
        case Form.ONE_LINE:
            lines: list[Line] = [(*words, (_counted(unit), "center"))]
        case Form.TWO_LINES:
            lines = [words, ((_counted(unit), "center"),)]
        case Form.UNIT_BETWEEN:
            lines = [(*words, (unit, "center"))]
        case Form.UNIT_BELOW:
            lines = [words, *below]
        case Form.WORDS_STACKED:
            lines = [*((word,) for word in words), *below]
        case Form.UNIT_ALONE:
            lines = below
    return Marks(ticks, tuple(lines))


def _counted(unit: str) -> str:
    return f"evidence ({unit})"


def draw_scale(
    page: Page,
    x: float,
    y: float,
    width: float,
    scale: Scale,
    *,
    size: float,
    form: Form,
    bar: int,
    ink: str,
    grey: str,
    ends: tuple[str, str],
) -> None:
    """Draw a colour bar with its values, its ends' meaning and its unit.

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
    form : Form
        How words and unit stand.
    bar : int
        Height of the bar, in dots.
    ink, grey : str
        Colours of the text.
    ends : tuple of str
        Colours of “against” and “for” where the colours are red and blue.
    """
    type = page.type
    axes = page.axes(x, y, width, bar)
    axes.imshow(
        scale.pixels,
        interpolation="none",
        aspect="auto",
        extent=(scale.start, scale.end, 0, 1),
    )
    below = marks(scale, width, type, size, form)
    values, labels = zip(*below.ticks, strict=True)
    family = page.family("".join(labels))
    axes.set_xticks(values, labels, fontsize=size, color=ink, family=family)
    axes.tick_params(axis="x", length=2, width=0.5, pad=1.5, color=ink)
    # Red and blue words would promise what is not there.
    colours = dict(zip((AGAINST_WORD, FOR_WORD), ends, strict=True)) if scale.signed else {}
    places = {"left": x, "center": x + width / 2, "right": x + width}
    baseline = y + bar + first_line(size) / 72 * type.dpi
    for line in below.lines:
        for text, side in line:
            usual = grey if text in (AGAINST_WORD, FOR_WORD) else ink
            colour = colours.get(text, usual)
            page.text(places[side], baseline, text, size=size, color=colour, ha=side)
        baseline += 1.2 * size / 72 * type.dpi


def first_line(size: float) -> float:
    """From a bar to the baseline of the first line below its numbers, in points."""
    return 3.5 + 2.15 * size


def height_below(lines: int, size: float) -> float:
    """What stands below a bar takes so much, in points."""
    last = first_line(size) + 1.2 * size * (lines - 1) if lines else 3.5 + 1.2 * size
    return last + 0.3 * size


def _ticks(scale: Scale, width: float, type: Type, size: float) -> tuple[_Ticks, int]:
    """Round values whose labels have room, zero among them; and their power of ten."""
    return _ticks_between(scale.start, scale.end, width, type, size)


@lru_cache(maxsize=2_000)
def _ticks_between(
    start: float, end: float, width: float, type: Type, size: float
) -> tuple[_Ticks, int]:
    """Ticks as they come; with less room, of a shared power of ten; with even less, without 0."""
    for zero, limits in product((True, False), ((-3, 3), (0, 0))):
        formatter = ScalarFormatter(useOffset=False)
        formatter.create_dummy_axis()
        assert formatter.axis is not None
        formatter.axis.set_view_interval(start, end)  # else it counts what lies within 0 and 1
        formatter.set_powerlimits(limits)
        for intervals in _INTERVALS:
            found = MaxNLocator(nbins=intervals, steps=_STEPS).tick_values(start, end)
            # Rounded, so that both sides have the same.
            values = [float(f"{value:.12g}") for value in found if start <= value <= end]
            named = zip(values, formatter.format_ticks(values), strict=True)
            ticks = tuple((value, label if value else "0") for value, label in named)
            chosen = _with_room(ticks, start, end, width, type, size, zero=zero)
            if len(chosen) > 1:
                _, _, power = formatter.get_offset().partition("e")  # as "1e−5"
                return chosen, int(power.replace("−", "-") or 0)
    return ((0.0, "0"),), 0


def _with_room(
    ticks: _Ticks, start: float, end: float, width: float, type: Type, size: float, *, zero: bool
) -> _Ticks:
    """As many of the ticks as have room, the same on both sides; with zero, or without."""
    beside, apart = _BESIDE / 72 * type.dpi, type.width("0", size)
    halves = {label: type.width(label, size) / 2 for _, label in ticks}

    def place(tick: tuple[float, str]) -> tuple[float, float]:
        at = (tick[0] - start) / (end - start) * width
        return at - halves[tick[1]], at + halves[tick[1]]

    inside = [
        tick for tick in ticks if place(tick)[1] <= width + beside and place(tick)[0] >= -beside
    ]
    sizes = sorted({abs(value) for value, _ in inside if value})
    if start:
        sizes = [one for one in sizes if sum(abs(value) == one for value, _ in inside) == 2]
    usual = [(0, *sizes), *((0, one) for one in reversed(sizes))]
    for kept in usual if zero else [(one,) for one in reversed(sizes)]:
        chosen = tuple(tick for tick in ticks if abs(tick[0]) in kept)
        if all(place(a)[1] + apart <= place(b)[0] for a, b in pairwise(chosen)):
            return chosen
    return ()
