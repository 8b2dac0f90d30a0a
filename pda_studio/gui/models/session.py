"""The session: the open work, what is known about it, and the few edits that change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from pda_studio.gui.models import fitting
from pda_studio.gui.models.cells import Cell, Look, Request, as_text
from pda_studio.gui.models.operations import Operation, Rotate, extended
from pda_studio.gui.models.work import (
    ClassifierChoice,
    Column,
    Picture,
    Row,
    Style,
    Work,
)

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.methods.evidence import EvidenceMap

Key = tuple[int, int]
"""A row's and a column's key."""


class Session:
    """What is open in the window, observed by views and controllers.

    Every edit replaces `work`, an immutable value, and emits `changed` with the work before and
    after; undo and saved files need nothing else. Cells and looks follow from the work.

    Attributes
    ----------
    work : Work
        What the user has opened and set.
    classifier : Classifier or None
        The loaded network of `work.classifier`.
    looks : dict
        What the classifier says of each row, by the row's key; filled by the worker.
    cells : dict
        The panels, by row's and column's key.
    selection : tuple of int
        Row's and column's key of the selected panel.
    """

    changed = Signal(Work, Work)
    cell_changed = Signal(int, int)
    looks_changed = Signal()
    selection_changed = Signal()

    def __init__(self) -> None:
        self.work = Work()
        self.classifier: Classifier | None = None
        self.looks: dict[int, Look] = {}
        self.cells: dict[Key, Cell] = {}
        self.selection: Key = (0, 0)
        self._next_key = 1

    # What follows from the work

    @property
    def target(self) -> int | None:
        """The class that is asked about, once it is known."""
        if self.work.target is not None:
            return self.work.target
        look = self.looks.get(self.work.rows[0].key)
        return look.subject.target if look else None

    @property
    def selected_row(self) -> Row:
        """The row that turning, flipping and cropping start from."""
        return self.work.row(self.selection[0]) or self.work.rows[0]

    @property
    def selected_column(self) -> Column | None:
        """The column whose parameters are shown."""
        return self.work.column(self.selection[1]) or next(iter(self.work.columns), None)

    def cell(self, row: int, column: int) -> Cell:
        """State of a panel."""
        return self.cells.get((row, column), Cell())

    def panel_keys(self) -> list[Key]:
        """All panels: the selected column first, then the others, from top to bottom."""
        selected = self.selected_column
        columns = sorted(self.work.columns, key=lambda column: column != selected)
        return [(row.key, column.key) for column in columns for row in self.work.rows]

    def request(self, row: Row, column: Column) -> Request | None:
        """What a panel asks for; None until its row has been looked at."""
        picture, target = self.work.picture, self.target
        ready = picture and self.classifier and row.key in self.looks and column.parameters
        if not ready or target is None or picture is None or self.classifier is None:
            return None
        return Request(
            picture=picture.digest,
            classifier=self.classifier.fingerprint,
            operations=row.operations,
            method=column.method,
            parameters=as_text(column.parameters),
            target=target,
        )

    def finished(self, row: Row, column: Column) -> EvidenceMap | None:
        """The complete map of what a panel asks for now, if it is there."""
        cell = self.cell(row.key, column.key)
        asked = self.request(row, column)
        if asked is None or cell.request != asked or cell.answers != asked:
            return None
        whole = cell.state == "done" and cell.evidence is not None and cell.evidence.complete
        return cell.evidence if whole else None

    def all_finished(self) -> list[EvidenceMap]:
        """All maps, row by row; empty unless every panel is finished."""
        work = self.work
        maps = [self.finished(row, column) for row in work.rows for column in work.columns]
        whole = [one for one in maps if one is not None]
        return whole if len(whole) == len(maps) else []

    # Edits

    def edit(self, work: Work) -> None:
        """Replace the work: every other edit, and later undo and restoring, end here."""
        before, self.work = self.work, work
        rows, columns = {row.key for row in work.rows}, {column.key for column in work.columns}
        self._next_key = max(self._next_key, 1 + max(rows | columns, default=0))
        self.cells = {
            key: cell for key, cell in self.cells.items() if key[0] in rows and key[1] in columns
        }
        same_subject = before.picture is work.picture and before.classifier == work.classifier
        earlier = {row.key: row.operations for row in before.rows}
        self.looks = {
            row.key: self.looks[row.key]
            for row in work.rows
            if same_subject and row.key in self.looks and earlier.get(row.key) == row.operations
        }
        self.changed.emit(before, work)
        row, column = self.selection
        if row not in rows or (column not in columns and columns):
            last = work.columns[-1].key if work.columns else column
            self.select(row if row in rows else 0, column if column in columns else last)

    def open_picture(self, picture: Picture | None) -> None:
        """Show another picture, without variants; its most likely class becomes the target."""
        self.cells = {}
        self.edit(replace(self.work, picture=picture, rows=(Row(0),), target=None))

    def use_classifier(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Put a loaded classifier to work."""
        self.classifier = classifier
        self.cells = {}
        self.looks = {}
        columns = tuple(
            replace(
                column,
                parameters=fitting.carried_over(
                    column.method, column.parameters, classifier, new_classifier=True
                ),
            )
            for column in self.work.columns
        )
        self.edit(replace(self.work, classifier=choice, columns=columns, target=None))

    def set_target(self, target: int | None) -> None:
        """Ask about another class."""
        if target != self.work.target:
            self.edit(replace(self.work, target=target))

    def transform(self, operation: Operation) -> Row:
        """Add a variant of the selected row; turning once more turns on from there."""
        known = {row.operations: row for row in self.work.rows}
        operations = extended(self.selected_row.operations, operation)
        while operations in known and operations and isinstance(operation, Rotate):
            operations = extended(operations, operation)
        if operations in known:
            row = known[operations]
        else:
            row = Row(self._new_key(), operations)
            self.edit(replace(self.work, rows=(*self.work.rows, row)))
        return row

    def remove_row(self, key: int) -> None:
        """Take a variant away; the picture itself stays."""
        rows = tuple(row for row in self.work.rows if row.key != key or not row.operations)
        self.edit(replace(self.work, rows=rows))

    def reset_rows(self) -> None:
        """Take all variants away."""
        self.edit(replace(self.work, rows=self.work.rows[:1]))

    def add_column(self, method: str, parameters: Mapping[str, Any] | None = None) -> Column:
        """Put a method beside the others; without parameters, with those that suit it."""
        selected = self.selected_column
        if parameters is None and self.classifier is not None:
            earlier = selected.parameters if selected else {}
            parameters = fitting.carried_over(
                method, earlier, self.classifier, new_classifier=False
            )
        style: Style = selected.style if selected else "map"
        column = Column(self._new_key(), method, parameters or {}, style)
        self.edit(replace(self.work, columns=(*self.work.columns, column)))
        self.select(self.selection[0], column.key)
        return column

    def remove_column(self, key: int) -> None:
        """Take a method away; the last one stays."""
        columns = tuple(column for column in self.work.columns if column.key != key)
        if columns:
            self.edit(replace(self.work, columns=columns))

    def configure_column(self, key: int, **changes: Any) -> None:
        """Change parameters of a column; their partners follow into their bounds."""
        column = self.work.column(key)
        if column is None or self.classifier is None:
            return
        parameters = fitting.fitted(
            fitting.kind_of(column.method), {**column.parameters, **changes}, self.classifier
        )
        self._replace_column(replace(column, parameters=parameters))

    def set_parameters(self, key: int, parameters: Mapping[str, Any]) -> None:
        """Give a column parameters as they are; those not named suit the classifier.

        Raises
        ------
        UsageError
            If a value is out of its bounds or there is no such parameter.
        """
        column = self.work.column(key)
        if column is not None and self.classifier is not None:
            method = fitting.kind_of(column.method).create(self.classifier, **parameters)
            self._replace_column(replace(column, parameters=method.model_dump()))

    def set_method(self, key: int, method: str) -> None:
        """Give a column another method; what the user set stays where it means the same."""
        column = self.work.column(key)
        if column is None or column.method == method:
            return
        parameters: Mapping[str, Any] = {}
        if self.classifier is not None:
            parameters = fitting.carried_over(
                method, column.parameters, self.classifier, new_classifier=False
            )
        self._replace_column(replace(column, method=method, parameters=parameters))

    def set_style(self, key: int, style: Style) -> None:
        """Show a column as heat map, overlay or both."""
        column = self.work.column(key)
        if column is not None:
            self._replace_column(replace(column, style=style))

    # What is not part of the work

    def select(self, row: int, column: int) -> None:
        """Select a panel."""
        if (row, column) != self.selection:
            self.selection = (row, column)
            self.selection_changed.emit()

    def put_look(self, row: int, look: Look) -> None:
        """Tell what the classifier says of a row."""
        self.looks[row] = look
        self.looks_changed.emit()

    def put_cell(self, row: int, column: int, cell: Cell) -> None:
        """Tell how far a panel has come."""
        self.cells[row, column] = cell
        self.cell_changed.emit(row, column)

    def _replace_column(self, column: Column) -> None:
        columns = tuple(column if c.key == column.key else c for c in self.work.columns)
        if columns != self.work.columns:
            self.edit(replace(self.work, columns=columns))

    def _new_key(self) -> int:
        self._next_key += 1
        return self._next_key - 1
