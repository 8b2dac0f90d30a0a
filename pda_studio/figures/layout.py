"""Where everything of a figure stands, in whole dots, before anything is drawn.

A figure is made of tables of one size of tiles. Usually there is one; where a page has no room for
it, columns are wrapped into lines below one another, or rows are split into blocks side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NoReturn

from pda_studio.errors import UsageError
from pda_studio.figures.composition import INPUT, Composition, fonts
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.figures.labels import RowLabels
from pda_studio.figures.scale import Form, Scale, distinct, form_of, height_below, marks
from pda_studio.figures.tables import Arrangement, Place, Table, letter, letters, parts
from pda_studio.figures.texts import Note, Texts
from pda_studio.figures.typesetting import FONT, Type
from pda_studio.figures.words import held
from pda_studio.results import MadeImage

_SMALLEST = 8.0  # points: tiles that are smaller show nothing
_SNAP = 0.93  # of a tile, at least, is left when each pixel gets as many dots
_MOST_LINES = 3  # of a name
_TRIES = 6  # until what is written beside and below tiles of some size is as large as it was
_WIDEST_BAR = 70 / 25.4 * 72  # points, of a shared colour bar


class Layout:
    """Measures a figure.

    Parameters
    ----------
    grid : Grid
        What is shown: rows and columns that are left out are gone.
    composition : Composition
        How.
    texts : Texts
        Its texts.
    scales : Mapping
        The colour scale of each map, by the keys of its row and column.
    arrangement : Arrangement
        How rows and columns are divided.

    Raises
    ------
    UsageError
        If the tiles would be too small to show anything.
    """

    def __init__(
        self,
        grid: Grid,
        composition: Composition,
        texts: Texts,
        scales: Mapping[tuple[int, int], Scale],
        arrangement: Arrangement,
    ) -> None:
        self.grid, self.composition, self.texts, self.scales = grid, composition, texts, scales
        family = composition.font if composition.font in fonts() else FONT
        self.type = Type(family, composition.dpi)
        size = composition.font_size
        self.large, self.normal, self.small = size * 4 / 3, size, size * 13 / 15
        self.margin = self.dots(3)
        self.width = round(composition.width / 25.4 * composition.dpi)
        self.pair_gap = self.dots(min(max(0.008 * composition.width, 1.5), 5))
        self.column_gap = 2 * self.pair_gap + self.dots(1)
        self.block_gap = 2 * self.column_gap + self.dots(2)
        self.columns = parts(grid.columns, arrangement.lines)
        self.rows = parts(grid.rows, arrangement.blocks)
        self.fills = True  # whether it is as wide as it may be
        self.labels = RowLabels(texts.beside.values(), self.type, self.small)
        self._find_tile()

    def dots(self, points: float) -> int:
        """A length in dots."""
        return round(points / 72 * self.composition.dpi)

    def line(self, size: float) -> int:
        """From one line of text to the next, in dots."""
        return self.dots(1.35 * size)

    # The size of tiles

    def _find_tile(self) -> None:
        """Take the largest tiles with which the figure is neither too wide nor too high."""
        most = round(self.composition.height / 25.4 * self.composition.dpi)
        across = max(len(rows) for rows in self.rows) * len(self.columns)
        room: float = 1e9
        for _ in range(_TRIES):
            self._measure(room)
            if self.height <= most:
                return
            self.fills = False
            room = self.tile_height - (self.height - most) / across
        self._refuse()

    def _measure(self, room: float) -> None:
        """Find tiles that are at most so high, and everything that hangs on their size."""
        for _ in range(1 + 2 * self.labels.shown):  # what labels take makes tiles smaller
            self.left = self._left()
            self.tile, self.tile_height, self.gap = self._tile(room)
            self._suit_labels()
        self.left = self._left()
        self.tile, self.tile_height, self.gap = self._tile(room)
        texts, columns = self.texts, self.grid.columns
        titles = [texts.titles[column.key] for column in columns]
        self.title_size = self.type.suited((t for t, _ in titles), self.tile, self.normal, "bold")
        self.details_size = self.type.suited((more for _, more in titles), self.tile, self.small)
        notes = [note.text for row in self.grid.rows for one in columns
                for note in texts.notes(row, one)]  # fmt: skip
        pieces = [held(part) for text in notes for part in text.split(" · ")]
        self.note_size = self.type.suited(pieces, self.tile, self.small)
        self.places = [self._places_of(part) for part in self.columns]
        self.notes = {
            (row.key, column.key): self._notes(row, column) for row, column in self.pairs()
        }
        self.bar_width = self._shared_width()
        shared = self.composition.colour_bar == "shared"
        bars = [
            (scale, self.bar_width if shared else self.place(key).width)
            for (_, key), scale in self.scales.items()
        ]
        self.form = form_of(bars, self.type, self.small)
        below = (marks(*bar, self.type, self.small, self.form) for bar in bars)
        self.bar_lines = max((len(one.lines) for one in below), default=0)
        drawn = self.composition.colour_bar != "none" and self.form is not Form.UNIT_ALONE
        labelled = drawn or not any(scale.signed for scale, _ in bars)
        keys = [[place.key for place in places] for places in self.places]
        self.letters = letters(self.grid.rows, keys, self.composition)
        by_column: dict[int, list[str]] = {}
        for (_, key), letter_ in self.letters.items():
            by_column.setdefault(key, []).append(letter_)
        paragraphs = texts.caption(by_column, ends_labelled=labelled)
        inside = self.width - 2 * self.margin
        self.caption = self.type.wrapped(paragraphs, inside, self.small)
        self.tables = list(self._tables())

    def _tile(self, room: float) -> tuple[int, int, int]:
        """Width and height of a tile, and the gap between columns that fills the width."""
        counts = [[self._count(key) for key in self._keys(part)] for part in self.columns]
        blocks = len(self.rows)
        inside = self.width - 2 * self.margin - self.block_gap * (blocks - 1)
        block = inside // blocks - self.left
        view = next(iter(self.grid.rows[0].maps.values())).view
        height, width = view.shape[:2]
        tile = min(
            (block - self.column_gap * (len(line) - 1) - self.pair_gap * (sum(line) - len(line)))
            // sum(line)
            for line in counts
        )
        tile = min(tile, int(room * width / height))
        if tile < self.dots(_SMALLEST):
            self._refuse()
        if (snapped := tile // width * width) >= _SNAP * tile:
            tile = snapped  # each pixel gets as many dots
        gap = self.column_gap
        widest = max(counts, key=sum)
        if self.fills and len(widest) > 1:
            used = sum(widest) * tile + self.pair_gap * (sum(widest) - len(widest))
            gap = max((block - used) // (len(widest) - 1), gap)
        return tile, round(tile * height / width), gap

    def _refuse(self) -> NoReturn:
        tiles = sum(self._count(key) for key in self._keys(self.grid.columns))
        page = f"{self.composition.width:g} × {self.composition.height:g} mm"
        raise UsageError(
            f"{len(self.grid.rows)} × {tiles} images and their texts do not fit into {page}:"
            " choose a larger page, smaller text, or fewer rows and columns."
        )

    def _count(self, key: int) -> int:
        """How many tiles stand side by side in a column."""
        if key == INPUT:
            return 1
        made = any(isinstance(row.maps.get(key), MadeImage) for row in self.grid.rows)
        return 1 if made else len(self.column(key).choice.parts)

    def _keys(self, columns: Sequence[Column]) -> list[int]:
        return [INPUT] * self.composition.show_input + [column.key for column in columns]

    # Heights

    @property
    def headline_height(self) -> int:
        """Of the target over the figure."""
        return self.line(self.large) + self.dots(2) if self.texts.headline else 0

    @property
    def letter_height(self) -> int:
        """Of the letters over the tiles of a row."""
        own = self.composition.letters == "panels" and not self.lettered_titles
        return self.line(self.normal) if own else 0

    @property
    def lettered_titles(self) -> bool:
        """Whether letters stand before the names of columns."""
        lettered = self.composition.letters
        alone = len(self.grid.rows) == 1 and self.composition.show_titles
        return lettered == "columns" or (lettered == "panels" and alone)

    @property
    def bar(self) -> int:
        """Height of a colour bar."""
        return self.dots(0.85 * self.small)

    @property
    def bar_height(self) -> int:
        """Of a colour bar with all that belongs to it."""
        return self.dots(4 + height_below(self.bar_lines, self.small)) + self.bar

    def row_height(self, at: int) -> int:
        """Of the rows side by side at a place: letters, tiles and what stands below them."""
        rows = [part[at] for part in self.rows if at < len(part)]
        below = self.bar_height if self.composition.colour_bar == "each" else 0
        pairs = [(row, column) for row, column in self.pairs() if row in rows]
        if any(self.lines_of(row, column) for row, column in pairs):
            below = max(below, 2 * self.line(self.small) + self.dots(2))
        notes = max((len(self.notes[row.key, one.key]) for row, one in pairs), default=0)
        lines = notes * self.line(self.note_size) + (self.dots(2) if notes else 0)
        return self.letter_height + self.tile_height + below + lines

    @property
    def row_gap(self) -> int:
        """Between rows."""
        plain = self.composition.colour_bar != "each" and not any(self.notes.values())
        return self.column_gap if plain else max(self.column_gap, self.dots(6))

    @property
    def tables_end(self) -> int:
        """Where the last row ends."""
        last = self.tables[-1]
        return last.y + last.titles_height + self.rows_height - self.row_gap

    @property
    def rows_height(self) -> int:
        """Of the rows of a table, each with its gap."""
        rows = range(max(len(rows) for rows in self.rows))
        return sum(self.row_height(at) + self.row_gap for at in rows)

    @property
    def height(self) -> int:
        """Of the whole figure."""
        height = self.tables_end + self.margin
        if self.composition.colour_bar == "shared":
            height += self.dots(3) + self.bar_height
        if self.caption:
            height += self.dots(5) + len(self.caption) * self.line(self.small)
        return height

    # Places

    def column(self, key: int) -> Column:
        """A column by its key."""
        return next(column for column in self.grid.columns if column.key == key)

    def place(self, key: int) -> Place:
        """Where a column stands in its table."""
        return next(place for line in self.places for place in line if place.key == key)

    def pairs(self) -> Iterator[tuple[Row, Column]]:
        """All rows and columns that have a map."""
        both = product(self.grid.rows, self.grid.columns)
        return ((row, column) for row, column in both if column.key in row.maps)

    def _places_of(self, columns: Sequence[Column]) -> list[Place]:
        composition, x, places = self.composition, self.left, []
        first = self._keys(self.grid.columns)
        for key in self._keys(columns):
            count = self._count(key)
            width = count * self.tile + (count - 1) * self.pair_gap
            title, more = self.texts.titles[key]
            if self.lettered_titles:
                title = f"{letter(first.index(key), composition)} {title}".strip()
            named = self.type.folded(title, width, self.title_size, _MOST_LINES, "bold")
            more_lines = self.type.folded(more, width, self.details_size, 2)
            places.append(Place(key, x, width, tuple(named), tuple(more_lines)))
            x += width + self.gap
        return places

    def _tables(self) -> Iterator[Table]:
        y = self.margin + self.headline_height
        rows_height = self.rows_height
        for places in self.places:
            titles = max(len(place.title) for place in places) * self.line(self.title_size)
            titles += max(len(place.details) for place in places) * self.line(self.details_size)
            titles += self.dots(2) if titles else 0
            across = places[-1].x + places[-1].width
            step = (self.width - 2 * self.margin + self.block_gap) // len(self.rows)
            if not self.fills:
                step = min(step, across + self.block_gap)
            for at, part in enumerate(self.rows):
                yield Table(self.margin + at * step, y, tuple(part), tuple(places), titles)
            y += titles + rows_height
            y += self.dots(4) if len(self.places) > 1 else 0

    # Words

    def lines_of(self, row: Row, column: Column) -> list[str]:
        """The lines below an image that a method made, in the place of a colour bar."""
        one = row.maps[column.key]
        if not isinstance(one, MadeImage):
            return []
        return self.type.folded(one.how, self.place(column.key).width, self.small, 2)

    def _notes(self, row: Row, column: Column) -> list[Note]:
        """The lines below a map."""
        width, lines = self.place(column.key).width, []
        for note in self.texts.notes(row, column):
            text = held(note.text)
            if self.type.width(note.text, self.note_size) <= width:
                lines.append(note)
                continue
            for piece in text.split(" · "):
                folded = self.type.folded(piece, width, self.note_size, 2)
                lines += [Note(line, note.warns) for line in folded]
        return lines

    def _left(self) -> int:
        """Room for the names of rows, which stand upright, and their letters."""
        lines = self.labels.lines + self.labels.beside
        room = lines * self.line(self.labels.size) + (self.dots(2) if lines else 0)
        if self.composition.letters == "rows":
            widest = max(
                self.type.width(letter(at, self.composition), self.normal, "bold")
                for at in range(len(self.grid.rows))
            )
            room = max(room, widest + self.dots(3))
        return room

    def _suit_labels(self) -> None:
        lettered = self.composition.letters == "rows"
        above = self.line(self.normal) + self.dots(2) if lettered else 0
        bars = self.composition.colour_bar == "each" and bool(self.scales)
        below = self.dots(4 + height_below(1, self.small)) + self.bar if bars else 0
        self.labels.suit(self.tile_height - above, below)

    @property
    def shared_scales(self) -> list[Scale]:
        """One scale for each unit and colour map."""
        return distinct(self.scales.values())

    def _shared_width(self) -> int:
        """How wide each of the shared colour bars is."""
        count = max(len(self.shared_scales), 1)
        inside = self.width - 2 * self.margin - self.left
        room = (inside + self.column_gap) // count - self.column_gap
        return min(room, self.dots(_WIDEST_BAR))
