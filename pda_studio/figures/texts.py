"""The texts of one figure: names of columns and rows, notes below maps, the caption."""

from __future__ import annotations

from dataclasses import dataclass

from pda_studio.figures.composition import INPUT, Composition
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.figures.typesetting import clean
from pda_studio.figures.words import NO_BREAK, caption, decision, headline_of, unfinished, value_of
from pda_studio.results import Result


@dataclass(frozen=True)
class Note:
    """A line below a map.

    Attributes
    ----------
    text : str
        What it says.
    warns : bool
        Whether it says that something is not as it should be.
    """

    text: str
    warns: bool = False


class Texts:
    """Words of a figure, before anything is measured.

    Parameters
    ----------
    grid : Grid
        What is shown: rows and columns that are left out are gone.
    composition : Composition
        Which texts it has.
    """

    def __init__(self, grid: Grid, composition: Composition) -> None:
        self.grid, self.composition = grid, composition
        self.headline = self._headline()
        self.titles = {column.key: self._title(column) for column in grid.columns}
        self.titles[INPUT] = composition.titles.get(INPUT) or "Input", ""
        self._swap_titles()
        if not composition.show_titles:
            self.titles = dict.fromkeys(self.titles, ("", ""))
        self.beside = {row.key: self._beside(row) for row in grid.rows}

    def notes(self, row: Row, column: Column) -> list[Note]:
        """What stands below a map: what it is about if that differs, how far it agrees."""
        one = row.maps.get(column.key)
        if one is None:
            return []
        notes = [Note(unfinished(one), warns=True)]
        if self.composition.show_numbers:
            if not self._headline_has_value and not self.beside[row.key][1]:
                notes.append(Note(self._probability(one)))
            notes.append(Note(row.agreements.get(column.key, "")))
        return [note for note in notes if note.text]

    def caption(self, letters: dict[int, list[str]], *, ends_labelled: bool) -> list[str]:
        """The paragraphs below the figure.

        Parameters
        ----------
        letters : dict of int to list of str
            The letters of each column's panels, by its key; empty without letters.
        ends_labelled : bool
            Whether the words against and for stand below every bar.
        """
        composition = self.composition
        if not composition.show_caption:
            return []
        if composition.caption:
            return composition.caption.split("\n")
        names = []
        for at, column in enumerate(self.grid.columns, 1):
            maps = [row.maps[column.key] for row in self.grid.rows if column.key in row.maps]
            own = composition.titles.get(column.key, "")
            name = ", ".join(letters.get(column.key, ())) or own or f"Column {at}"
            names.append((name, maps))
        paragraphs = caption(names)
        if explained := self._explained(ends_labelled):
            paragraphs.append(explained)
        return paragraphs

    @property
    def _headline_has_value(self) -> bool:
        """Whether the headline states the probability of every map."""
        return self.headline is not None and bool(self.headline[1])

    def _headline(self) -> tuple[str, str] | None:
        """The target, and its probability if the figure has only one."""
        if not self.composition.show_headline or not self.grid.target:
            return None
        first = self.grid.maps[0]
        name = clean(first.target_name) or "class without a name"
        if not self.composition.show_numbers:
            return name, ""
        same = len({decision(one) for one in self.grid.maps}) == 1
        return name, headline_of(first) if same else ""

    def _title(self, column: Column) -> tuple[str, str]:
        """A column's name, and how it differs from the others."""
        title, more = clean(column.title), self.grid.details(column)
        return title, more if more != title else ""

    def _swap_titles(self) -> None:
        """Where all columns have one method, their differences are their names."""
        columns = self.grid.columns
        usual = not any(self.composition.titles.get(column.key) for column in columns)
        same = len({self.titles[column.key][0] for column in columns}) == 1
        if len(columns) > 1 and usual and same:
            for column in columns:
                title, more = self.titles[column.key]
                self.titles[column.key] = (more, title) if more else (title, "")

    def _beside(self, row: Row) -> tuple[str, str]:
        """Name and probability of a row, in the margin; of a single row only if it is named."""
        named = len(self.grid.rows) > 1 or bool(self.composition.labels.get(row.key))
        if not (self.composition.show_labels and named):
            return "", ""
        label = clean(row.label).replace(" × ", f"{NO_BREAK}×{NO_BREAK}")
        maps = list(row.maps.values())
        if (
            not self.composition.show_numbers
            or self._headline_has_value
            or len({*map(decision, maps)}) > 1
        ):
            return label, ""
        return label, self._probability(maps[0]).replace(" %", f"{NO_BREAK}%")

    def _probability(self, one: Result) -> str:
        return value_of(one, named=self.headline is None)

    def _explained(self, ends_labelled: bool) -> str:
        """What signs and colours mean that the figure has no room to say."""
        grid, sentences = self.grid, []
        notes = [note.text for row in grid.rows for column in grid.columns
                 for note in self.notes(row, column)]  # fmt: skip
        beside = [probability for _, probability in self.beside.values()]
        if not ends_labelled:
            sentences.append("Red: evidence for the target; blue: against it.")
        if any(text.startswith("P(") for text in (*notes, *beside)):
            sentences.append("P: probability that the classifier gives the class.")
        if any(text.startswith("r ") for text in notes):
            sentences.append(
                "r: correlation with the map of the original, turned back; top 5 %: share of the"
                " strongest 5 % of pixels that both maps have."
            )
        return " ".join(sentences)
