"""The edits of rows that a user makes, one method each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pda_studio.document.operations import Crop, Operation, Rotate, extended
from pda_studio.document.workspace import Row, SourceImage

if TYPE_CHECKING:
    from pda_studio.gui.session.session import Session


class RowEdits:
    """Edits the rows of a session's workspace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def transform(self, operation: Operation) -> Row:
        """Add a variant of the selected row; turning once more turns on from there."""
        start, rows = self._session.selected_row, self._session.work.rows
        known = {row.operations: row for row in rows if row.image is start.image}
        operations = extended(start.operations, operation)
        while operations in known and operations and isinstance(operation, Rotate):
            operations = extended(operations, operation)
        if operations in known:
            return known[operations]
        return self._add(Row(self._session.new_key(), operations, start.image))

    def add_image(self, image: SourceImage) -> Row:
        """Put another image below the others, to be asked the same."""
        return self._add(Row(self._session.new_key(), (), image))

    def remove(self, key: int) -> None:
        """Take a row away; the opened image itself stays."""
        first, *others = self._session.work.rows
        self._replace((first, *(row for row in others if row.key != key)))

    def reset(self) -> None:
        """Take all variants away."""
        self._replace(self._session.work.rows[:1])

    def duplicate(self, key: int) -> None:
        """Put a copy of a row below it: a place to turn on from, with the first one kept."""
        rows = list(self._session.work.rows)
        at = next((i for i, row in enumerate(rows) if row.key == key), None)
        if at is not None:
            rows.insert(at + 1, replace(rows[at], key=self._session.new_key()))
            self._replace(tuple(rows))

    def move(self, key: int, by: int) -> None:
        """Move a row up (negative) or down; the opened image stays on top."""
        rows = list(self._session.work.rows)
        at = next((i for i, row in enumerate(rows) if row.key == key), 0)
        if at:
            rows.insert(min(max(at + by, 1), len(rows) - 1), rows.pop(at))
            self._replace(tuple(rows))

    def turn_back(self, key: int, back: bool) -> None:
        """Show a row's maps in the frame of the first row, or in its own."""
        rows = self._session.work.rows
        self._replace(
            tuple(replace(row, turned_back=back) if row.key == key else row for row in rows)
        )

    def exchange(self, old: SourceImage, new: SourceImage) -> None:
        """Put an image in the place of another, in every row that shows it.

        Rectangles belong to images of one size: with another size, rows that crop it go.
        """
        work = self._session.work
        kept = work.rows
        if old.size != new.size:
            kept = tuple(
                row
                for row in kept
                if work.image_of(row) is not old
                or not any(isinstance(operation, Crop) for operation in row.operations)
            )
        rows = tuple(replace(row, image=new) if row.image is old else row for row in kept)
        work = replace(work, rows=rows)
        if work.image is old:
            work = self._session.model_inputs.for_image(work, new)
        self._session.edit(work)

    def _add(self, row: Row) -> Row:
        self._replace((*self._session.work.rows, row))
        return row

    def _replace(self, rows: tuple[Row, ...]) -> None:
        work = self._session.work
        if rows != work.rows:
            self._session.edit(replace(work, rows=rows))
