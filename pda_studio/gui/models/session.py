"""The session: the open work, what is known about it, and the few edits that change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from psygnal import Signal

from pda_studio.document.operations import Operation, Rotate, extended
from pda_studio.document.targets import ClassTarget, Target
from pda_studio.document.work import (
    COMBINED,
    ClassifierChoice,
    Column,
    Picture,
    Row,
    Style,
    Work,
)
from pda_studio.gui.models import asking, fitting
from pda_studio.gui.models.cells import Cell, Look, LookKey, Request, as_text

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.methods.evidence import EvidenceMap

_IDLE_CLASSIFIERS = 2

Edit = Literal["edit", "follow", "restore"]
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
    classifiers : dict
        The loaded networks, by choice.
    looks : dict
        What a classifier says of a row, by `LookKey`; filled by the worker.
    cells : dict
        The panels, by row's and column's key.
    selection : tuple of int
        Row's and column's key of the selected panel.
    visible : frozenset
        Keys of the panels that are in sight: their maps come first.
    last_edit : str
        Whether the newest work is the user's edit, only follows from one (as the parameters that
        suit a classifier do once it is loaded), or was there before (undo, a saved file).
    """

    changed = Signal(Work, Work)
    cell_changed = Signal(int, int)
    looks_changed = Signal()
    selection_changed = Signal()

    def __init__(self) -> None:
        self.work = Work()
        self.classifiers: dict[ClassifierChoice, Classifier] = {}
        self.looks: dict[LookKey, Look] = {}
        self.cells: dict[Key, Cell] = {}
        self.selection: Key = (0, 0)
        self.visible: frozenset[Key] = frozenset()
        self.last_edit: Edit = "edit"
        self._next_key = 1

    # What follows from the work

    @property
    def classifier(self) -> Classifier | None:
        """The loaded network of `work.classifier`."""
        return self.classifiers.get(self.work.classifier) if self.work.classifier else None

    @property
    def target(self) -> Target | None:
        """What is asked about, once it is known."""
        if self.work.target is not None:
            return self.work.target
        look = self.look(self.work.rows[0].key)
        return ClassTarget(look.subject.target) if look else None

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
        """All panels: what is in sight first, of that the selected column, from top to bottom."""
        selected = self.selected_column
        columns = sorted(self.work.columns, key=lambda column: column != selected)
        keys = [(row.key, column.key) for column in columns for row in self.work.rows]
        return sorted(keys, key=lambda key: bool(self.visible) and key not in self.visible)

    def classifier_of(self, column: Column) -> Classifier | None:
        """The loaded network that a column asks."""
        choice = self.work.choice_of(column)
        return self.classifiers.get(choice) if choice else None

    def look(self, row: int, column: Column | None = None) -> Look | None:
        """What the open classifier, or a column's, says of a row's classes."""
        choice = self.work.choice_of(column) if column else self.work.classifier
        return self.looks.get(LookKey(row, choice)) if choice else None

    def target_of(self, column: Column) -> Target | None:
        """What a column asks about, once it is known.

        A column with a classifier of its own asks about the class of the same name; where there
        is none, about the most likely one.
        """
        if column.target is not None:
            return column.target
        if column.classifier in (None, self.work.classifier):
            return self.target
        own, first = self.classifier_of(column), self.look(self.work.rows[0].key, column)
        if self.classifier is None or own is None or self.target is None:
            return None
        same = asking.translated(self.target, self.classifier, own)
        return same or (ClassTarget(first.subject.target) if first else None)

    def needed_looks(self) -> Iterator[LookKey]:
        """What must be known before all panels can be asked for; what is needed first, first."""
        work = self.work
        seen: set[LookKey] = set()
        for row in work.rows:
            plain = [work.classifier, *map(work.choice_of, work.columns)]
            keys = [LookKey(row.key, choice) for choice in plain if choice]
            for column in work.columns:
                choice, target = work.choice_of(column), self.target_of(column)
                if choice and target and asking.is_derived(target):
                    keys.append(LookKey(row.key, choice, target))
            for key in keys:
                if key not in seen:
                    seen.add(key)
                    yield key

    def subject_look(self, row: Row, column: Column) -> Look | None:
        """The look whose subject a panel's map is about."""
        choice, target = self.work.choice_of(column), self.target_of(column)
        if choice is None or target is None:
            return None
        derived = target if asking.is_derived(target) else None
        return self.looks.get(LookKey(row.key, choice, derived))

    def sources(self, column: Column) -> list[Column]:
        """The columns that a combined one is made of: those that ask the same of the same."""
        asked = self.work.choice_of(column), self.target_of(column)
        return [
            other
            for other in self.work.columns
            if other.method != COMBINED
            and fitting.kind_of(other.method).has_evidence
            and (self.work.choice_of(other), self.target_of(other)) == asked
        ]

    def request(self, row: Row, column: Column) -> Request | None:
        """What a panel asks for; None until its row has been looked at."""
        picture, classifier = self.work.picture_of(row), self.classifier_of(column)
        target = self.target_of(column)
        look = self.subject_look(row, column)
        if picture is None or classifier is None or target is None or look is None:
            return None
        if column.method == COMBINED:
            asked = [self.request(row, source) for source in self.sources(column)]
            parameters = as_text({"of": [one and (one.method, one.parameters) for one in asked]})
        elif column.parameters is None:
            return None
        else:
            parameters = as_text(column.parameters)
        return Request(
            picture=picture.digest,
            classifier=classifier.fingerprint,
            operations=row.operations,
            method=column.method,
            parameters=parameters,
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

    def edit(self, work: Work, how: Edit = "edit") -> None:
        """Replace the work: every other edit, undo and restoring end here."""
        before, self.work, self.last_edit = self.work, work, how
        rows, columns = {row.key for row in work.rows}, {column.key for column in work.columns}
        self._next_key = max(self._next_key, 1 + max(rows | columns, default=0))
        self.cells = {
            key: cell for key, cell in self.cells.items() if key[0] in rows and key[1] in columns
        }
        earlier = {row.key: (before.picture_of(row), row.operations) for row in before.rows}
        same = {
            row.key
            for row in work.rows
            if earlier.get(row.key) == (work.picture_of(row), row.operations)
        }
        self.looks = {key: look for key, look in self.looks.items() if key.row in same}
        self._let_go_of_classifiers()
        self.changed.emit(before, work)
        row, column = self.selection
        if row not in rows or (column not in columns and columns):
            last = work.columns[-1].key if work.columns else column
            self.select(row if row in rows else 0, column if column in columns else last)

    def open_picture(self, picture: Picture | None) -> None:
        """Show another picture, without variants; its most likely class becomes the target."""
        columns = tuple(
            replace(column, target=None) if isinstance(column.target, ClassTarget) else column
            for column in self.work.columns
        )
        self.cells = {}
        self.edit(replace(self.work, picture=picture, rows=(Row(0),), target=None, columns=columns))

    def use_classifier(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Put a loaded classifier to work."""
        self._load(choice, classifier)
        self.cells = {}
        columns = tuple(
            column if column.classifier else self._suited(column, classifier)
            for column in self.work.columns
        )
        self.edit(replace(self.work, classifier=choice, columns=columns, target=None))

    def put_classifier(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Tell that a classifier that the work asks for is loaded."""
        self._load(choice, classifier)
        columns = tuple(
            self._moved(column, classifier) if self.work.choice_of(column) == choice else column
            for column in self.work.columns
        )
        self.edit(replace(self.work, columns=columns), "follow")

    def restore(self, work: Work) -> None:
        """Go back to a work that was there before."""
        self.edit(work, "restore")

    def set_target(self, target: Target | int | None) -> None:
        """Ask about something else."""
        asked = ClassTarget(target) if isinstance(target, int) else target
        if asked != self.work.target:
            self.edit(replace(self.work, target=asked))

    def transform(self, operation: Operation) -> Row:
        """Add a variant of the selected row; turning once more turns on from there."""
        start = self.selected_row
        known = {row.operations: row for row in self.work.rows if row.picture is start.picture}
        operations = extended(start.operations, operation)
        while operations in known and operations and isinstance(operation, Rotate):
            operations = extended(operations, operation)
        if operations in known:
            row = known[operations]
        else:
            row = Row(self._new_key(), operations, start.picture)
            self.edit(replace(self.work, rows=(*self.work.rows, row)))
        return row

    def add_picture(self, picture: Picture) -> Row:
        """Put another picture below the others, to be asked the same."""
        row = Row(self._new_key(), (), picture)
        self.edit(replace(self.work, rows=(*self.work.rows, row)))
        return row

    def remove_row(self, key: int) -> None:
        """Take a row away; the opened picture itself stays."""
        first = self.work.rows[0]
        rows = tuple(row for row in self.work.rows if row is first or row.key != key)
        if rows != self.work.rows:
            self.edit(replace(self.work, rows=rows))

    def reset_rows(self) -> None:
        """Take all variants away."""
        if len(self.work.rows) > 1:
            self.edit(replace(self.work, rows=self.work.rows[:1]))

    def move_row(self, key: int, by: int) -> None:
        """Move a row up (negative) or down; the opened picture stays on top."""
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
        method: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        target: Target | None = None,
        classifier: ClassifierChoice | None = None,
    ) -> Column:
        """Put a method beside the others; without parameters, with those that suit it."""
        selected = self.selected_column
        style: Style = selected.style if selected else "map"
        column = Column(self._new_key(), method, parameters, style, target, classifier)
        loaded = self.classifier_of(column)
        if parameters is None and loaded is not None and method != COMBINED:
            earlier = (selected.parameters if selected else None) or {}
            suited = fitting.carried_over(method, earlier, loaded, new_classifier=False)
            column = replace(column, parameters=suited)
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
        if column is None or classifier is None or column.method == COMBINED:
            return
        parameters = fitting.fitted(
            fitting.kind_of(column.method), {**(column.parameters or {}), **changes}, classifier
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
        classifier = self.classifier_of(column) if column else None
        if column is not None and classifier is not None and column.method != COMBINED:
            method = fitting.kind_of(column.method).create(classifier, **parameters)
            self._replace_column(replace(column, parameters=method.model_dump()))

    def set_method(self, key: int, method: str) -> None:
        """Give a column another method; what the user set stays where it means the same."""
        column = self.work.column(key)
        if column is None or column.method == method:
            return
        parameters: Mapping[str, Any] | None = None
        classifier = self.classifier_of(column)
        if classifier is not None and method != COMBINED:
            parameters = fitting.carried_over(
                method, column.parameters or {}, classifier, new_classifier=False
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

    def put_look(self, key: LookKey, look: Look) -> None:
        """Tell what a classifier says of a row."""
        self.looks[key] = look
        self.looks_changed.emit()

    def put_cell(self, row: int, column: int, cell: Cell) -> None:
        """Tell how far a panel has come."""
        self.cells[row, column] = cell
        self.cell_changed.emit(row, column)

    def _suited(self, column: Column, classifier: Classifier) -> Column:
        """The column with parameters that suit another classifier."""
        if column.method == COMBINED:
            return column
        parameters = fitting.carried_over(
            column.method, column.parameters or {}, classifier, new_classifier=True
        )
        return replace(column, parameters=parameters)

    def _moved(self, column: Column, classifier: Classifier) -> Column:
        """The column with the same parameters, as far as the classifier's input has room."""
        if column.method == COMBINED:
            return column
        if column.parameters is None:
            return self._suited(column, classifier)
        kind = fitting.kind_of(column.method)
        return replace(column, parameters=fitting.fitted(kind, column.parameters, classifier))

    def _without_layers(self, column: Column) -> Column:
        """The column as another network can take it, which has other layers."""
        if column.parameters is None or column.method == COMBINED:
            return column
        kind = fitting.kind_of(column.method)
        layers = {p.name: p.default for p in kind.parameters() if p.kind == "layer"}
        column = replace(column, parameters={**column.parameters, **layers})
        loaded = self.classifier_of(column)
        return column if loaded is None else self._moved(column, loaded)

    def _load(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        if self.classifiers.get(choice) is not classifier:
            self.looks = {key: one for key, one in self.looks.items() if key.classifier != choice}
        self.classifiers.pop(choice, None)
        self.classifiers[choice] = classifier  # at the end: the newest

    def _let_go_of_classifiers(self) -> None:
        """Keep the networks that are asked, and a few that undo may bring back."""
        asked = {self.work.classifier, *map(self.work.choice_of, self.work.columns)}
        idle = [choice for choice in self.classifiers if choice not in asked]
        for choice in idle[: max(len(idle) - _IDLE_CLASSIFIERS, 0)]:
            del self.classifiers[choice]
        self.looks = {
            key: one for key, one in self.looks.items() if key.classifier in self.classifiers
        }

    def _replace_column(self, column: Column) -> None:
        columns = tuple(column if c.key == column.key else c for c in self.work.columns)
        if columns != self.work.columns:
            self.edit(replace(self.work, columns=columns))

    def _new_key(self) -> int:
        self._next_key += 1
        return self._next_key - 1
