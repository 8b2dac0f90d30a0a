"""Names of rows, which stand upright beside them: their size, their lines, the room they take."""

from __future__ import annotations

from collections.abc import Iterable

from pda_studio.figures.typesetting import Type

_MOST_LINES = 3  # of a name
_MOST_BESIDE = 2  # of what stands beside it


class RowLabels:
    """Suits names of rows, and a probability beside each, to the height of tiles.

    Parameters
    ----------
    texts : iterable of (str, str)
        Name and probability of each row.
    type : Type
        What they are set in.
    size : float
        Of the text, in points, where there is room.

    Attributes
    ----------
    size : float
        Of the text, in points.
    lines, beside : int
        How many lines the names take, and the probabilities.
    drop : int
        How far below the tiles they may begin, in dots.
    room : int
        How long a line may be, in dots.
    """

    def __init__(self, texts: Iterable[tuple[str, str]], type: Type, size: float) -> None:
        both = list(texts)
        self._texts = [
            *((label, "bold", _MOST_LINES) for label, _ in both),
            *((beside, "normal", _MOST_BESIDE) for _, beside in both),
        ]
        self._type, self._usual = type, size
        self.size, self.drop, self.room = size, 0, 0
        self.shown = any(label for label, _ in both)
        self.lines = int(self.shown)
        self.beside = int(self.shown and any(beside for _, beside in both))

    def suit(self, room: int, below: int) -> None:
        """Find size and lines for tiles that leave so much room, in dots.

        Where names need it, they may begin beside what stands `below` the tiles.
        """
        if not self.shown:
            return
        for drop in (0, below) if below else (0,):
            self.drop, self.room = drop, max(room + drop, 1)
            names = (text for text, _, _ in self._texts)
            self.size = self._type.suited(names, self.room, self._usual, "bold")
            if all(self._holds(*text) for text in self._texts):
                break
        self.lines, self.beside = self._most("bold"), self._most("normal")

    def _holds(self, text: str, weight: str, most: int) -> bool:
        """Whether a text has room in so many lines, with no word broken."""
        widths = (self._type.width(word, self.size, weight) for word in text.split(" "))
        lines = self._type.wrapped([text], self.room, self.size, weight)
        return max(widths) <= self.room and len(lines) <= most

    def _most(self, weight: str) -> int:
        chosen = ((text, most) for text, w, most in self._texts if w == weight)
        return max(
            len(self._type.folded(text, self.room, self.size, most, weight))
            for text, most in chosen
        )
