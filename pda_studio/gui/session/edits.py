"""The edits that a user makes to the open work, one method each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pda_studio.document.operations import Operation, Rotate, extended
from pda_studio.document.workspace import (
    ClassifierChoice,
    Column,
    Row,
    SourceImage,
    Workspace,
)
from pda_studio.methods import Method, method_named
from pda_studio.rendering import shown_by_every_map
from pda_studio.targets import ClassTarget, Target

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier


class Edits:
    """What the session can be asked to do; what an edit sets off is the session's own affair."""

    work: Workspace
    selection: tuple[int, int]
    _next_key: int

    @property
    @abstractmethod
    def selected_row(self) -> Row:
        """The row that turning, flipping and cropping start from."""

    @property
    @abstractmethod
    def selected_column(self) -> Column | None:
        """The column whose parameters are shown."""

    @abstractmethod
    def classifier_of(self, column: Column) -> Classifier | None:
        """The loaded network that a column asks."""

    @abstractmethod
    def edit(self, work: Workspace) -> None:
        """Replace the work."""

    @abstractmethod
    def select(self, row: int, column: int) -> None:
        """Select a panel."""

    # The work as a whole

    def set_target(self, target: Target | int | None) -> None:
        """Ask about something else."""
        asked = ClassTarget(target) if isinstance(target, int) else target
        if asked != self.work.target:
            self.edit(replace(self.work, target=asked))

    def transform(self, operation: Operation) -> Row:
        """Add a variant of the selected row; turning once more turns on from there."""
        start = self.selected_row
        known = {row.operations: row for row in self.work.rows if row.image is start.image}
        operations = extended(start.operations, operation)
        while operations in known and operations and isinstance(operation, Rotate):
            operations = extended(operations, operation)
        if operations in known:
            row = known[operations]
        else:
            row = Row(self._new_key(), operations, start.image)
            self.edit(replace(self.work, rows=(*self.work.rows, row)))
        return row

    def add_image(self, image: SourceImage) -> Row:
        """Put another image below the others, to be asked the same."""
        row = Row(self._new_key(), (), image)
        self.edit(replace(self.work, rows=(*self.work.rows, row)))
        return row

    def remove_row(self, key: int) -> None:
        """Take a row away; the opened image itself stays."""
        first = self.work.rows[0]
        rows = tuple(row for row in self.work.rows if row is first or row.key != key)
        if rows != self.work.rows:
            self.edit(replace(self.work, rows=rows))

    def duplicate_row(self, key: int) -> None:
        """Put a copy of a row below it: a place to turn on from, with the first one kept."""
        rows = list(self.work.rows)
        at = next((i for i, row in enumerate(rows) if row.key == key), None)
        if at is not None:
            rows.insert(at + 1, replace(rows[at], key=self._new_key()))
            self.edit(replace(self.work, rows=tuple(rows)))

    def reset_rows(self) -> None:
        """Take all variants away."""
        if len(self.work.rows) > 1:
            self.edit(replace(self.work, rows=self.work.rows[:1]))

    def move_row(self, key: int, by: int) -> None:
        """Move a row up (negative) or down; the opened image stays on top."""
        rows = list(self.work.rows)
        at = next((i for i, row in enumerate(rows) if row.key == key), 0)
        to = min(max(at + by, 1), len(rows) - 1)
        if at and at != to:
            rows.insert(to, rows.pop(at))
            self.edit(replace(self.work, rows=tuple(rows)))

    def turn_back(self, key: int, back: bool) -> None:
        """Show a row's maps in the frame of the first row, or in its own."""
        rows = tuple(
            replace(row, turned_back=back) if row.key == key else row for row in self.work.rows
        )
        if rows != self.work.rows:
            self.edit(replace(self.work, rows=rows))

    def add_column(
        self,
        method: str | Method,
        *,
        target: Target | None = None,
        classifier: ClassifierChoice | None = None,
    ) -> Column:
        """Put a method beside the others: as it is, or by its name, with parameters that suit."""
        selected = self.selected_column
        named = method_named(method)() if isinstance(method, str) else method
        column = Column(self._new_key(), named, target=target, classifier=classifier)
        if selected is not None:
            column = replace(column, style=shown_by_every_map(selected.style))
        column = self._with_method(column, method, selected)
        self.edit(replace(self.work, columns=(*self.work.columns, column)))
        self.select(self.selection[0], column.key)
        return column

    def duplicate_column(self, key: int, **changes: Any) -> Column | None:
        """Put a copy of a column beside it; it may have another target or classifier."""
        columns = list(self.work.columns)
        at = next((i for i, column in enumerate(columns) if column.key == key), None)
        if at is None:
            return None
        copy = replace(columns[at], key=self._new_key(), **changes)
        if copy.classifier != columns[at].classifier:
            copy = self._without_layers(copy)
        columns.insert(at + 1, copy)
        self.edit(replace(self.work, columns=tuple(columns)))
        self.select(self.selection[0], copy.key)
        return copy

    def set_columns(self, columns: tuple[Column, ...]) -> None:
        """Replace all columns at once; a key below 0 stands for a new column."""
        fresh = tuple(
            replace(column, key=self._new_key()) if column.key < 0 else column for column in columns
        )
        if fresh:
            self.edit(replace(self.work, columns=fresh))

    def move_column(self, key: int, by: int) -> None:
        """Move a column to the left (negative) or right."""
        columns = list(self.work.columns)
        at = next((i for i, column in enumerate(columns) if column.key == key), 0)
        to = min(max(at + by, 0), len(columns) - 1)
        if at != to:
            columns.insert(to, columns.pop(at))
            self.edit(replace(self.work, columns=tuple(columns)))

    def remove_column(self, key: int) -> None:
        """Take a method away; the last one stays."""
        columns = tuple(column for column in self.work.columns if column.key != key)
        if columns and columns != self.work.columns:
            self.edit(replace(self.work, columns=columns))

    def ask_in_column(self, key: int, target: Target | None) -> None:
        """Let a column ask about something of its own, or with None about what all ask about."""
        column = self.work.column(key)
        if column is not None:
            self._replace_column(replace(column, target=target))

    def use_in_column(self, key: int, choice: ClassifierChoice | None) -> None:
        """Let a column ask a classifier of its own, or with None the open one."""
        column = self.work.column(key)
        if column is None or column.classifier == choice:
            return
        changed = replace(column, classifier=choice, target=None)
        self._replace_column(self._without_layers(changed))

    def configure_column(self, key: int, **changes: Any) -> None:
        """Change parameters of a column; their partners follow into their bounds."""
        column = self.work.column(key)
        classifier = self.classifier_of(column) if column else None
        if column is None or classifier is None:
            return
        method = column.method.with_changes(classifier.input_size, **changes)
        self._replace_column(replace(column, method=method, suited=True))

    def set_method(self, key: int, method: str | Method) -> None:
        """Give a column another method: as it is, or by its name.

        By its name, what the user has set stays where it means the same.
        """
        column = self.work.column(key)
        if column is None or method in (column.method, column.method.name):
            return
        changed = self._with_method(column, method, column)
        if changed.method.name != column.method.name:
            changed = replace(changed, style=shown_by_every_map(column.style))
        self._replace_column(changed)

    def set_style(self, key: int, style: str) -> None:
        """Show a column as heat map, overlay or both, or show how uncertain its maps are."""
        column = self.work.column(key)
        if column is not None:
            self._replace_column(replace(column, style=style))

    # What edits are made of

    def _with_method(self, column: Column, method: str | Method, earlier: Column | None) -> Column:
        """The column with a method; by its name, with what was set in an earlier column."""
        if not isinstance(method, str):
            return replace(column, method=method, suited=True)
        kind, classifier = method_named(method), self.classifier_of(column)
        if classifier is None:
            return replace(column, method=kind(), suited=False)
        known = earlier.method if earlier is not None and earlier.suited else None
        return replace(column, method=kind.adopting(known, classifier), suited=True)

    def _suited(self, column: Column, classifier: Classifier) -> Column:
        """The column with parameters that suit another classifier."""
        earlier = column.method if column.suited else None
        method = type(column.method).adopting(earlier, classifier, new_classifier=True)
        return replace(column, method=method, suited=True)

    def _moved(self, column: Column, classifier: Classifier) -> Column:
        """The column with the same parameters, as far as the classifier's input has room."""
        if not column.suited:
            return self._suited(column, classifier)
        return replace(column, method=column.method.with_changes(classifier.input_size))

    def _without_layers(self, column: Column) -> Column:
        """The column as another network can take it, which has other layers."""
        known = column.method.parameters()
        layers = {one.name: one.default for one in known if one.kind == "layer"}
        column = replace(column, method=column.method.model_copy(update=layers))
        loaded = self.classifier_of(column)
        return column if loaded is None else self._moved(column, loaded)

    def _replace_column(self, column: Column) -> None:
        columns = tuple(column if c.key == column.key else c for c in self.work.columns)
        if columns != self.work.columns:
            self.edit(replace(self.work, columns=columns))

    def _new_key(self) -> int:
        self._next_key += 1
        return self._next_key - 1
