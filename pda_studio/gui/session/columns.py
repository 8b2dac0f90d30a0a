"""The edits of columns that a user makes, one method each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pda_studio.document.workspace import ClassifierChoice, Column
from pda_studio.gui.session.suiting import with_method, without_layers
from pda_studio.methods import Method, method_named
from pda_studio.rendering import shown_by_every_map
from pda_studio.targets import Target

if TYPE_CHECKING:
    from pda_studio.gui.session.session import Session


class ColumnEdits:
    """Edits the columns of a session's workspace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        method: str | Method,
        *,
        target: Target | None = None,
        classifier: ClassifierChoice | None = None,
    ) -> Column:
        """Put a method beside the others: as it is, or by its name, with parameters that suit."""
        session, selected = self._session, self._session.selected_column
        named = method_named(method)() if isinstance(method, str) else method
        column = Column(session.new_key(), named, target=target, classifier=classifier)
        if selected is not None:
            column = replace(column, style=shown_by_every_map(selected.style))
        column = with_method(column, method, session.classifier_of(column), selected)
        return self._insert(column, len(session.work.columns))

    def duplicate(self, key: int, **changes: Any) -> Column | None:
        """Put a copy of a column beside it; it may have another target or classifier."""
        columns = self._session.work.columns
        at = next((i for i, column in enumerate(columns) if column.key == key), None)
        if at is None:
            return None
        copy = replace(columns[at], key=self._session.new_key(), **changes)
        if copy.classifier != columns[at].classifier:
            copy = without_layers(copy, self._session.classifier_of(copy))
        return self._insert(copy, at + 1)

    def replace_all(self, columns: tuple[Column, ...]) -> None:
        """Replace all columns at once; a key below 0 stands for a new column."""
        new_key = self._session.new_key
        fresh = tuple(
            replace(column, key=new_key()) if column.key < 0 else column for column in columns
        )
        if fresh:
            self._replace(fresh)

    def move(self, key: int, by: int) -> None:
        """Move a column to the left (negative) or right."""
        columns = list(self._session.work.columns)
        at = next((i for i, column in enumerate(columns) if column.key == key), 0)
        columns.insert(min(max(at + by, 0), len(columns) - 1), columns.pop(at))
        self._replace(tuple(columns))

    def remove(self, key: int) -> None:
        """Take a method away; the last one stays."""
        columns = tuple(column for column in self._session.work.columns if column.key != key)
        if columns:
            self._replace(columns)

    def set_target(self, key: int, target: Target | None) -> None:
        """Let a column explain a target of its own, or with None the one that all explain."""
        column = self._session.work.column(key)
        if column is not None:
            self._put(replace(column, target=target))

    def set_classifier(self, key: int, choice: ClassifierChoice | None) -> None:
        """Give a column a classifier of its own, or with None the open one."""
        column = self._session.work.column(key)
        if column is None or column.classifier == choice:
            return
        changed = replace(column, classifier=choice, target=None)
        self._put(without_layers(changed, self._session.classifier_of(changed)))

    def configure(self, key: int, **changes: Any) -> None:
        """Change parameters of a column; their partners follow into their bounds."""
        column = self._session.work.column(key)
        classifier = self._session.classifier_of(column) if column else None
        if column is None or classifier is None:
            return
        method = column.method.with_changes(classifier.shorter_side, **changes)
        self._put(replace(column, method=method, suited=True))

    def set_method(self, key: int, method: str | Method) -> None:
        """Give a column another method: as it is, or by its name.

        By its name, what the user has set stays where it means the same.
        """
        column = self._session.work.column(key)
        if column is None or method in (column.method, column.method.name):
            return
        changed = with_method(column, method, self._session.classifier_of(column), column)
        if changed.method.name != column.method.name:
            changed = replace(changed, style=shown_by_every_map(column.style))
        self._put(changed)

    def set_style(self, key: int, style: str) -> None:
        """Show a column as heat map, overlay or both, or show how uncertain its maps are."""
        column = self._session.work.column(key)
        if column is not None:
            self._put(replace(column, style=style))

    def _insert(self, column: Column, at: int) -> Column:
        """Put a new column at a place, and select it."""
        session, columns = self._session, self._session.work.columns
        self._replace((*columns[:at], column, *columns[at:]))
        session.select(session.selection[0], column.key)
        return column

    def _put(self, column: Column) -> None:
        """Put a column in the place of the one that has its key."""
        columns = self._session.work.columns
        self._replace(tuple([column if one.key == column.key else one for one in columns]))

    def _replace(self, columns: tuple[Column, ...]) -> None:
        work = self._session.work
        if columns != work.columns:
            self._session.edit(replace(work, columns=columns))
