"""Where everything of a composed figure stands, in whole dots, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from pda_studio.errors import UsageError
from pda_studio.figures.composition import INPUT, Composition, fonts
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.figures.page import FONT, Type
from pda_studio.figures.words import caption, decision, headline_of, value_of
from pda_studio.results import EvidenceMap

_SMALLEST = 8.0  # points: tiles that are smaller show nothing
_SNAP = 0.93  # of a tile, at least, is left when each pixel gets as many dots
_MOST_LINES = 3  # of a name
_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Place:
    """Where a column stands.

    Attributes
    ----------
    key : int
        The column's, or `INPUT`.
    x, width : int
        In dots.
    tiles : int
        How many stand side by side.
    title : tuple of str
        Its lines, in bold.
    details : tuple of str
        Lines below that tell it from the others.
    """

    key: int
    x: int
    width: int
    tiles: int
    title: tuple[str, ...]
    details: tuple[str, ...]


class Layout:
    """Measures a figure.

    Parameters
    ----------
    grid : Grid
        What is shown: rows and columns that are left out are gone.
    composition : Composition
        How.

    Raises
    ------
    UsageError
        If the tiles would be too small to show anything.
    """

    def __init__(self, grid: Grid, composition: Composition) -> None:
        self.grid, self.composition = grid, composition
        family = composition.font if composition.font in fonts() else FONT
        self.type = Type(family, composition.dpi)
        size = composition.font_size
        self.large, self.normal, self.small = size * 4 / 3, size, size * 13 / 15
        self.margin = self.dots(3)
        self.width = round(composition.width / 25.4 * composition.dpi)
        inside = self.width - 2 * self.margin
        self.pair_gap = self.dots(min(max(0.008 * composition.width, 1.5), 5))
        self.column_gap = 2 * self.pair_gap + self.dots(1)
        self.headline = self._headline()
        self.labels = self._labels_beside()
        self.label_size = self.small
        self.label_lines = int(any(label for label, _ in self.labels.values()))
        self.beside_lines = int(any(beside for _, beside in self.labels.values()))
        self.left = self.margin + self._left()
        for _ in range(2 if self.label_lines else 0):  # as what they take makes tiles smaller
            self._suit_labels()
            self.left = self.margin + self._left()
        self.tile, self.tile_height, self.column_gap = self._tiles()
        titles, room = [column.title for column in grid.columns], self.tile
        self.title_size = self.type.suited(titles, room, self.normal, "bold")
        self.details_size = self.type.suited(map(grid.details, grid.columns), room, self.small)
        agreed = [_held(text) for row in grid.rows for text in row.agreements.values()]
        self.note_size = self.type.suited(agreed, room, self.small)
        self.places = self._places()
        self.notes = {
            (row.key, column.key): self._note(row, column)
            for row in grid.rows
            for column in grid.columns
        }
        texts = [composition.caption] if composition.caption else caption(grid.maps)
        paragraphs = [part for text in texts for part in text.split("\n")]
        self.caption = (
            self.type.wrapped(paragraphs, inside, self.small) if composition.show_caption else []
        )

    def dots(self, points: float) -> int:
        """A length in dots."""
        return round(points / 72 * self.composition.dpi)

    def line(self, size: float) -> int:
        """From one line of text to the next, in dots."""
        return self.dots(1.35 * size)

    # Heights

    @property
    def headline_height(self) -> int:
        """Of the target over the figure."""
        return self.line(self.large) + self.dots(2) if self.headline else 0

    @property
    def titles_height(self) -> int:
        """Of the columns' names and what tells them apart."""
        titles = max((len(place.title) for place in self.places), default=0)
        details = max((len(place.details) for place in self.places), default=0)
        text = titles * self.line(self.title_size) + details * self.line(self.details_size)
        return text + self.dots(2) if text else 0

    @property
    def bar(self) -> int:
        """Height of a colour bar."""
        return self.dots(0.85 * self.small)

    @property
    def below_bar(self) -> int:
        """From a colour bar to the baseline of its unit."""
        return self.dots(2 + 2.3 * self.small)

    @property
    def bar_height(self) -> int:
        """Of a colour bar with all that belongs to it."""
        return self.dots(4) + self.bar + self.below_bar + self.dots(0.3 * self.small)

    def row_height(self, row: Row) -> int:
        """Of a row with what stands below its tiles."""
        below = self.bar_height if self.composition.colour_bar == "each" else 0
        notes = max((len(self.notes[row.key, one.key]) for one in self.grid.columns), default=0)
        made = any(self.lines_of(row, one) for one in self.grid.columns)
        lines = notes * self.line(self.note_size) + (self.dots(2) if notes else 0)
        if made and not below:
            below = 2 * self.line(self.small) + self.dots(2)
        return self.tile_height + below + lines

    @property
    def row_gap(self) -> int:
        """Between rows."""
        plain = self.composition.colour_bar != "each" and not any(self.notes.values())
        return self.column_gap if plain else max(self.column_gap, self.dots(6))

    @property
    def height(self) -> int:
        """Of the whole figure."""
        rows = self.grid.rows
        height = 2 * self.margin + self.headline_height + self.titles_height
        height += sum(map(self.row_height, rows)) + self.row_gap * (len(rows) - 1)
        if self.composition.colour_bar == "shared":
            height += self.dots(3) + self.bar_height
        if self.caption:
            height += self.dots(5) + len(self.caption) * self.line(self.small)
        return height

    # Words

    def lines_of(self, row: Row, column: Column) -> list[str]:
        """What is said below an image that a method made, in the place of a colour bar."""
        one = row.maps[column.key]
        if one.image is None or not one.forward:
            return []
        place = next(place for place in self.places if place.key == column.key)
        return self.type.folded(one.forward, place.width, self.small, 2)

    def _headline(self) -> tuple[str, str] | None:
        """The target, and its probability if the figure has only one."""
        if not self.composition.show_headline or not self.grid.target:
            return None
        first = self.grid.maps[0]
        if not self.composition.show_numbers:
            return first.target_name, ""
        same = len({decision(one) for one in self.grid.maps}) == 1
        return first.target_name, headline_of(first) if same else ""

    def _decided(self, row: Row) -> str:
        """The probability beside a row, if all its maps have the same and no headline tells it."""
        maps = [row.maps[column.key] for column in self.grid.columns]
        told = self.headline is not None and bool(self.headline[1])
        if not self.composition.show_numbers or told or len({decision(m) for m in maps}) > 1:
            return ""
        return self._probability(maps[0])

    def _probability(self, one: EvidenceMap) -> str:
        return value_of(one, named=self.headline is None)

    def _labels_beside(self) -> dict[int, tuple[str, str]]:
        """Name and probability of each row, in the margin; of a single row only if it is named."""
        labels = {}
        for row in self.grid.rows:
            named = len(self.grid.rows) > 1 or row.key in self.composition.labels
            label = (
                row.label.replace(" × ", f"{_NO_BREAK}×{_NO_BREAK}")
                if self.composition.show_labels and named
                else ""
            )
            beside = _held(self._decided(row)).replace(" ", _NO_BREAK) if label else ""
            labels[row.key] = label, beside
        return labels

    def _note(self, row: Row, column: Column) -> list[str]:
        """The lines below a map: what it is about if that differs, how far it agrees."""
        if not self.composition.show_numbers:
            return []
        place = next(place for place in self.places if place.key == column.key)
        told = self.headline is not None and bool(self.headline[1])
        parts = []
        if not told and not self.labels[row.key][1]:
            parts.append(self._probability(row.maps[column.key]))
        parts.append(row.agreements.get(column.key, ""))
        lines = []
        for part in filter(None, parts):
            if self.type.width(part, self.note_size) <= place.width:
                lines.append(part)
                continue
            for piece in part.split(" · "):
                lines += self.type.folded(_held(piece), place.width, self.note_size, 2)
        return lines

    # Widths

    def _left(self) -> int:
        """Room for the names of rows, which stand upright, and their letters."""
        lines = self.label_lines + self.beside_lines
        room = lines * self.line(self.label_size) + (self.dots(2) if lines else 0)
        if self.composition.letters == "rows":
            widest = max(
                self.type.width(letter(at, self.composition), self.normal, "bold")
                for at in range(len(self.grid.rows))
            )
            room = max(room, widest + self.dots(3))
        return room

    def _suit_labels(self) -> None:
        """Find the size and the number of lines at which names of rows stand beside tiles."""
        _, height, _ = self._tiles()
        labels = [label for label, _ in self.labels.values()]
        besides = [beside for _, beside in self.labels.values()]
        size = self.type.suited([*labels, *besides], height, self.small, "bold")
        lines = (len(self.type.wrapped([label], height, size, "bold")) for label in labels)
        self.label_size, self.label_lines = size, min(max(lines), _MOST_LINES)

    def _counts(self) -> list[tuple[int, int]]:
        """Key of each column and how many tiles stand in it."""
        counts = [(INPUT, 1)] if self.composition.show_input else []
        for column in self.grid.columns:
            made = any(row.maps[column.key].image is not None for row in self.grid.rows)
            counts.append((column.key, 1 if made else len(column.choice.parts)))
        return counts

    def _tiles(self) -> tuple[int, int, int]:
        """Width and height of a tile, and the gap between columns that fills the width."""
        counts = self._counts()
        tiles = sum(count for _, count in counts)
        pairs = tiles - len(counts)
        room = self.width - self.margin - self.left
        room -= self.column_gap * (len(counts) - 1) + self.pair_gap * pairs
        tile = room // tiles
        if tile < self.dots(_SMALLEST):
            raise UsageError(
                f"{tiles} images do not fit side by side into {self.composition.width:g} mm:"
                " choose a larger width, smaller text, or fewer columns."
            )
        first = self.grid.rows[0].maps[self.grid.columns[0].key].view
        height, width = first.shape[:2]
        if (snapped := tile // width * width) >= _SNAP * tile:
            tile = snapped  # each pixel gets as many dots
        spare = room + self.column_gap * (len(counts) - 1) - tiles * tile
        gap = spare // (len(counts) - 1) if len(counts) > 1 else 0
        return tile, round(tile * height / width), gap

    def _places(self) -> list[Place]:
        composition, x, places = self.composition, self.left, []
        columns = {column.key: column for column in self.grid.columns}
        for at, (key, tiles) in enumerate(self._counts()):
            width = tiles * self.tile + (tiles - 1) * self.pair_gap
            usual = composition.titles.get(INPUT) or "Input"
            title = columns[key].title if key in columns else usual
            more = self.grid.details(columns[key]) if key in columns else ""
            if not composition.show_titles:
                title = more = ""
            if composition.letters == "columns":
                title = f"{letter(at, composition)} {title}".strip()
            places.append(
                Place(
                    key,
                    x,
                    width,
                    tiles,
                    tuple(self.type.folded(title, width, self.title_size, _MOST_LINES, "bold")),
                    tuple(self.type.folded(more, width, self.details_size, 2)),
                )
            )
            x += width + self.column_gap
        return places


def _held(text: str) -> str:
    """A text whose numbers and their signs stay together."""
    return (
        text.replace(" %", f"{_NO_BREAK}%")
        .replace("r ", f"r{_NO_BREAK}")
        .replace("top 5", f"top{_NO_BREAK}5")
    )


def letter(at: int, composition: Composition) -> str:
    """The letter of what comes at this place: after z comes aa."""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        text = chr(ord("a") + rest) + text
    style = composition.letter_style
    return style.replace("a", text).replace("A", text.upper())
