"""Saved or open work as a figure's rows and columns: the same for the window and without it."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from pda_studio.classifiers import Preprocessing, preprocessing_of
from pda_studio.document import turning
from pda_studio.document.model_input import preprocessing_of_row
from pda_studio.document.operations import described, placed
from pda_studio.document.state import State
from pda_studio.document.workspace import Column, Row
from pda_studio.errors import UsageError
from pda_studio.figures.composition import Composition
from pda_studio.figures.grid import Column as GridColumn
from pda_studio.figures.grid import Grid
from pda_studio.figures.grid import Row as GridRow
from pda_studio.rendering import Appearance, panel_styles
from pda_studio.results import EvidenceMap, Result


def composition_of(state: State) -> Composition:
    """How a figure of this work is laid out; as usual where that was not said.

    Raises
    ------
    UsageError
        If what was said cannot be.
    """
    return Composition.from_json(state.figure)


def grid_of(state: State) -> Grid:
    """What a figure of this work is made of.

    Rows that are turned back in the window are turned back here, and variants are compared with
    the same image as it was opened.

    Raises
    ------
    UsageError
        If the work asks a classifier that is unknown.
    """
    return _Reading(state).grid()


class _Reading:
    def __init__(self, state: State) -> None:
        self.work = state.work
        self.maps = {(kept.row, kept.column): kept.evidence_map for kept in state.maps}
        self.appearance = Appearance()
        with suppress(UsageError):  # of a newer version: drawn as usual
            self.appearance = Appearance.from_json(dict(state.display))

    def grid(self) -> Grid:
        columns = tuple(
            GridColumn(
                column.key,
                _title(column),
                column.style,
            )
            for column in self.work.columns
        )
        rows = tuple(self._row(row) for row in self.work.rows)
        title = self.work.image.name if self.work.image else ""
        return Grid(title, rows, columns, self.appearance)

    def _row(self, row: Row) -> GridRow:
        label = described(row.operations)
        if row.image is not None:
            label = row.image.name if not row.operations else f"{row.image.name}: {label}"
        maps: dict[int, Result] = {}
        agreements: dict[int, str] = {}
        for column in self.work.columns:
            one = self.maps.get((row.key, column.key))
            if one is None:
                continue
            back = self._turned(row, column, one) if row.operations else one
            maps[column.key] = back if row.turned_back else one
            if said := self._agreement(row, column, back):
                agreements[column.key] = said
        return GridRow(row.key, label, self._view(row), maps, agreements)

    def _view(self, row: Row) -> np.ndarray | None:
        """What the open classifier sees of a row; else what another one sees."""
        columns = sorted(self.work.columns, key=lambda column: column.classifier is not None)
        found = (self.maps.get((row.key, column.key)) for column in columns)
        return next((one.view for one in found if one is not None), None)

    def _turned(self, row: Row, column: Column, one: Result) -> Result:
        image, choice = self.work.image_of(row), self.work.choice_of(column)
        if image is None or choice is None or not isinstance(one, EvidenceMap):
            return one
        preprocessing: Preprocessing = preprocessing_of(choice.name, one.weights)
        height, width = image.image.height, image.image.width
        own = {"crop": choice.crop, "fit": choice.fit or one.fit}
        _, across, down = placed(row.operations, width, height)
        preprocessing = preprocessing.model_copy(update=own).suited_to(one.view, across, down)
        here = turning.seen(preprocessing, row, width, height)
        there = turning.seen(preprocessing, row.upright, width, height)
        original = self.work.original_of(row)
        known = self.maps.get((original.key, column.key)) if original else None
        upright = (
            known.view
            if known is not None
            else preprocessing_of_row(preprocessing, row.upright, width, height).view(image.image)
        )
        return turning.turned(one, here @ np.linalg.inv(there), upright)

    def _agreement(self, row: Row, column: Column, back: Result) -> str:
        original = self.work.original_of(row)
        first = self.maps.get((original.key, column.key)) if original else None
        if not isinstance(first, EvidenceMap) or not isinstance(back, EvidenceMap):
            return ""
        return turning.in_words(turning.compared(first, back))


def _title(column: Column) -> str:
    title, note = column.method.title, panel_styles()[column.style].note
    return f"{title}: {note}" if note else title
