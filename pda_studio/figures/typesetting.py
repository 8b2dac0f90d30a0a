"""Text that is measured before it is written: how wide it is, where its lines break, in which font.

Names come from people and files: any sign may be in them, in any script.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontEntry, FontProperties, fontManager, get_font
from matplotlib.textpath import text_to_path

from pda_studio.figures.saving import DPI

FONT = "DejaVu Sans"
"""Comes with matplotlib, and has every sign that figures need."""

FINE = 5.0
"""What journals want at least, in points."""

_READABLE = (".ttf", ".ttc", ".otf")
_BLANKS = re.compile(r"[ \t\n\r\f\v\u0085\u2028\u2029]+")


def clean(text: str) -> str:
    """A text as one line, without signs that cannot be printed."""
    text = _BLANKS.sub(" ", text)
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs")).strip(" ")


@dataclass(frozen=True)
class Type:
    """What text is set in, and how many dots it takes.

    Attributes
    ----------
    font : str
        A family that is installed; signs that it lacks are taken from others.
    dpi : int
        Dots per inch.
    """

    font: str = FONT
    dpi: int = DPI

    def families(self, text: str) -> list[str]:
        """The fonts that a text takes its signs from, first to last: only what it needs."""
        return list(_families(self.font, _signs(text)))

    def missing(self, text: str) -> str:
        """The signs of a text that no installed font has."""
        entries = [_entry(family) for family in self.families(text)]
        return "".join(
            sign
            for sign in _signs(text)
            if not any(entry is not None and _has(entry.fname, sign) for entry in entries)
        )

    def outlined(self, text: str) -> bool:
        """Whether signs come from a font that files cannot embed: they are drawn as outlines."""
        entries = map(_entry, self.families(text)[1:])
        return any(one is not None and not one.fname.lower().endswith(".ttf") for one in entries)

    def width(self, text: str, size: float, weight: str = "normal") -> int:
        """Width of a line in dots."""
        return _dots(text, size, weight, self.font, self.dpi)

    def fitted(self, text: str, room: float, size: float, weight: str = "normal") -> str:
        """The text, or as much of its start as there is room for, with an ellipsis."""
        text = clean(text)
        if self.width(text, size, weight) <= room:
            return text
        while text and self.width(f"{text}…", size, weight) > room:
            text = text[:-1].rstrip(" ,;:")
        return f"{text}…"

    def wrapped(
        self, paragraphs: Iterable[str], room: float, size: float, weight: str = "normal"
    ) -> list[str]:
        """Break paragraphs into lines between words; a word that is too long is broken, too."""
        lines = []
        for paragraph in paragraphs:
            line = ""
            for word in clean(paragraph).split(" "):
                longer = f"{line} {word}".strip(" ")
                if self.width(longer, size, weight) <= room:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                *full, line = self._broken(word, room, size, weight)
                lines += full
            lines.append(line)
        return lines

    def _broken(self, word: str, room: float, size: float, weight: str) -> list[str]:
        """A word in parts that have room; at least one sign in each."""
        parts = [""]
        for sign in word:
            if parts[-1] and self.width(parts[-1] + sign, size, weight) > room:
                parts.append("")
            parts[-1] += sign
        return parts

    def folded(
        self, text: str, room: float, size: float, most: int, weight: str = "normal"
    ) -> list[str]:
        """At most so many lines of a text, the last one with an ellipsis if there is more."""
        if not text:
            return []
        lines = self.wrapped([text], room, size, weight)
        if len(lines) <= most:
            return lines
        rest = f"{lines[most - 1]}…"
        return [*lines[: most - 1], self.fitted(rest, room, size, weight).replace("……", "…")]

    def suited(
        self, texts: Iterable[str], room: float, size: float, weight: str = "normal"
    ) -> float:
        """The size, or a smaller one down to `FINE`, at which no word has to be broken."""
        words = {word for text in texts for word in clean(text).split(" ")}
        widest = max((self.width(word, size, weight) for word in words), default=0)
        return size if widest <= room else max(size * room / (widest + 1), min(size, FINE))


def _signs(text: str) -> str:
    """The signs that some fonts lack, each once."""
    return "".join(sorted({sign for sign in text if ord(sign) > 0xFF}))


@lru_cache(maxsize=2_000)
def _families(font: str, signs: str) -> tuple[str, ...]:
    """The font, DejaVu, and for what both lack the first installed font that has it."""
    found = list(dict.fromkeys((font, FONT)))
    entries = [_entry(family) for family in found]
    for sign in signs:
        if not any(entry is not None and _has(entry.fname, sign) for entry in entries):
            other = _with_sign(sign)
            if other is not None:
                found.append(other.name)
                entries.append(other)
    return tuple(found)


def _entry(family: str) -> FontEntry | None:
    return next((one for one in _installed() if one.name == family), None)


def _with_sign(sign: str) -> FontEntry | None:
    return next((one for one in _installed() if _has(one.fname, sign)), None)


def _installed() -> list[FontEntry]:
    """Upright fonts of usual weight: those that can be embedded, and sans-serif ones, first."""
    usual = [
        one
        for one in fontManager.ttflist
        if one.style == "normal" and not one.name.startswith("Last Resort")  # it has boxes only
        and one.fname.lower().endswith(_READABLE)
        and (one.weight in (400, "normal", "regular", "book"))
    ]  # fmt: skip

    def rank(one: FontEntry) -> tuple[bool, bool, str]:
        return not one.fname.lower().endswith(".ttf"), "sans" not in one.name.lower(), one.name

    return sorted(usual, key=rank)


@lru_cache(maxsize=50_000)
def _has(path: str, sign: str) -> bool:
    try:
        return bool(get_font(path).get_char_index(ord(sign)))
    except (OSError, RuntimeError):  # a font that cannot be read has nothing
        return False


@lru_cache(maxsize=20_000)
def _dots(text: str, size: float, weight: str, family: str, dpi: int) -> int:
    """The larger of two widths: of outlines, and of letters on whole dots, as bitmaps have them."""
    families = _families(family, _signs(text))
    name = families[0] if len(families) == 1 else list(families)
    font = FontProperties(family=name, size=size, weight=weight)
    with warnings.catch_warnings():  # of signs that no font has the figure itself tells
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        return _measured(text, font, dpi)


def _measured(text: str, font: FontProperties, dpi: int) -> int:
    outlines, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    letters, _, _ = _bitmap(dpi).get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return int(np.ceil(max(outlines / 72 * dpi, letters)))


@lru_cache(maxsize=8)
def _bitmap(dpi: int) -> RendererAgg:
    return RendererAgg(1, 1, dpi)  # type: ignore[no-untyped-call]
