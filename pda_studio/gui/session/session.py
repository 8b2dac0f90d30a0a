"""The session: the open work, what is known about it, and the few edits that change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from pda_studio.document.workspace import (
    ClassifierChoice,
    Column,
    Row,
    SourceImage,
    Workspace,
)
from pda_studio.gui.maps.panel_state import PanelState
from pda_studio.gui.maps.requests import Prediction, PredictionKey, Request
from pda_studio.gui.session.columns import ColumnEdits
from pda_studio.gui.session.events import WorkspaceEvents
from pda_studio.gui.session.model_inputs import ModelInputEdits
from pda_studio.gui.session.rows import RowEdits
from pda_studio.gui.session.suiting import fitted, suited
from pda_studio.targets import ClassTarget, OutputTarget, Target, translated

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.results import Result

_IDLE_CLASSIFIERS = 2

Edit = Literal["edit", "follow", "restore"]
Key = tuple[int, int]
"""A row's and a column's key."""


def meant(target: Target, classifier: Classifier | None) -> Target:
    """A target for a classifier: without a softmax it has outputs by themselves, no classes."""
    alone = classifier is not None and classifier.output != "softmax"
    return OutputTarget(target.index) if alone and isinstance(target, ClassTarget) else target


class Session:
    """What is open in the window, observed by views and controllers.

    Every edit replaces `work`, an immutable value. `changed` carries the workspace before and
    after, for undo; `events` says which fields are new, and `loaded` that a classifier is. Panels
    and predictions follow from the workspace.

    Attributes
    ----------
    work : Workspace
        What the user has opened and set.
    classifiers : dict
        The loaded networks, by choice.
    predictions : dict
        What a classifier says of a row, by `PredictionKey`; filled by the worker.
    panels : dict
        The panels, by row's and column's key.
    selection : tuple of int
        Row's and column's key of the selected panel.
    visible : frozenset
        Keys of the panels that are in sight: their maps come first.
    rows, columns, model_inputs : RowEdits, ColumnEdits, ModelInputEdits
        Edit the rows and the columns of `work`, and what of the image networks get.
    last_edit : str
        Whether the newest work is the user's edit, only follows from one (as the parameters that
        suit a classifier do once it is loaded), or was there before (undo, a saved file).
    """

    changed = Signal(Workspace, Workspace)
    loaded = Signal(ClassifierChoice)
    panel_changed = Signal(int, int)
    predictions_changed = Signal()
    selection_changed = Signal()

    def __init__(self) -> None:
        self.work = Workspace()
        self.events = WorkspaceEvents()
        self.classifiers: dict[ClassifierChoice, Classifier] = {}
        self.predictions: dict[PredictionKey, Prediction] = {}
        self.panels: dict[Key, PanelState] = {}
        self.selection: Key = (0, 0)
        self.visible: frozenset[Key] = frozenset()
        self.last_edit: Edit = "edit"
        self.rows, self.columns = RowEdits(self), ColumnEdits(self)
        self.model_inputs = ModelInputEdits(self)
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
            return meant(self.work.target, self.classifier)
        prediction = self.prediction(self.work.rows[0].key)
        return prediction.subject.target if prediction else None

    @property
    def selected_row(self) -> Row:
        """The row that turning, flipping and cropping start from."""
        return self.work.row(self.selection[0]) or self.work.rows[0]

    @property
    def selected_column(self) -> Column | None:
        """The column whose parameters are shown."""
        return self.work.column(self.selection[1]) or next(iter(self.work.columns), None)

    def panel(self, row: int, column: int) -> PanelState:
        """State of a panel."""
        return self.panels.get((row, column), PanelState())

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

    def prediction(self, row: int, column: Column | None = None) -> Prediction | None:
        """What the open classifier, or a column's, says of a row's classes."""
        choice = self.work.choice_of(column) if column else self.work.classifier
        return self.predictions.get(PredictionKey(row, choice)) if choice else None

    def target_of(self, column: Column) -> Target | None:
        """What a column asks about, once it is known.

        A column with a classifier of its own asks about the class of the same name; where there
        is none, about the most likely one.
        """
        if column.target is not None:
            return meant(column.target, self.classifier_of(column))
        if column.classifier in (None, self.work.classifier):
            return self.target
        own, first = self.classifier_of(column), self.prediction(self.work.rows[0].key, column)
        if self.classifier is None or own is None or self.target is None:
            return None
        same = translated(self.target, self.classifier.class_names, own.class_names)
        return meant(same, own) if same else first.subject.target if first else None

    def needed_predictions(self) -> Iterator[PredictionKey]:
        """What must be known before all panels can be asked for; what is needed first, first."""
        work = self.work
        choices = list(map(work.choice_of, work.columns))
        wanted: dict[tuple[ClassifierChoice, Target | None], None] = {}  # a set with an order
        for choice in (work.classifier, *choices):
            if choice:
                wanted[choice, None] = None
        for choice, target in zip(choices, map(self.target_of, work.columns), strict=True):
            if choice and target and not isinstance(target, ClassTarget):
                wanted[choice, target] = None
        for row in work.rows:
            for choice, target in wanted:
                yield PredictionKey(row.key, choice, target)

    def subject_prediction(self, row: Row, column: Column, target: Target) -> Prediction | None:
        """The prediction whose subject a panel's map of a target is about."""
        choice = self.work.choice_of(column)
        if choice is None:
            return None
        derived = None if isinstance(target, ClassTarget) else target
        return self.predictions.get(PredictionKey(row.key, choice, derived))

    def sources(self, column: Column) -> list[Column]:
        """The columns that a combined one is made of: those that ask the same of the same."""
        explained = self.work.choice_of(column), self.target_of(column)
        return [
            other
            for other in self.work.columns
            if not other.method.combines
            and other.method.has_evidence
            and (self.work.choice_of(other), self.target_of(other)) == explained
        ]

    def request(self, row: Row, column: Column) -> Request | None:
        """What a panel asks for; None until its row has been looked at."""
        image, classifier = self.work.image_of(row), self.classifier_of(column)
        if image is None or classifier is None or not column.suited:
            return None
        target = self.target_of(column)
        if target is None or self.subject_prediction(row, column, target) is None:
            return None
        method = column.method
        if method.combines:
            method = method.model_copy(
                update={"of": tuple(source.method for source in self.sources(column))}
            )
        return Request(
            image=image.digest,
            classifier=classifier.fingerprint,
            operations=row.operations,
            crop=classifier.preprocessing.crop if row.image is None else None,
            method=method,
            target=target,
        )

    def finished(self, row: Row, column: Column) -> Result | None:
        """The complete map of what a panel asks for now, if it is there."""
        panel = self.panel(row.key, column.key)
        if panel.state != "done" or panel.evidence is None or not panel.evidence.complete:
            return None
        request = self.request(row, column)
        answered = request is not None and panel.request == panel.answers == request
        return panel.evidence if answered else None

    def all_finished(self) -> list[Result]:
        """All maps, row by row; empty unless every panel is finished."""
        work = self.work
        maps = [self.finished(row, column) for row in work.rows for column in work.columns]
        whole = [one for one in maps if one is not None]
        return whole if len(whole) == len(maps) else []

    # Edits

    def edit(self, work: Workspace, how: Edit = "edit") -> None:
        """Replace the work: every other edit, undo and restoring end here."""
        before, self.work, self.last_edit = self.work, work, how
        rows, columns = {row.key for row in work.rows}, {column.key for column in work.columns}
        self._next_key = max(self._next_key, 1 + max(rows | columns, default=0))
        self.panels = {
            key: panel for key, panel in self.panels.items() if key[0] in rows and key[1] in columns
        }
        if work.rows is not before.rows or work.image is not before.image:
            self._drop_predictions(before)
        if len(self.classifiers) > _IDLE_CLASSIFIERS:
            self._drop_classifiers()
        selected, self.selection = self.selection, self._selection_in(work)
        self.changed.emit(before, work)
        self.events.emit_changes(before, work)
        if self.selection != selected:
            self.selection_changed.emit()

    def _selection_in(self, work: Workspace) -> Key:
        """What is selected in a workspace: what was, or else the first row, the last column."""
        row, column = self.selection
        if work.row(row) is None:
            row = work.rows[0].key
        if work.column(column) is None and work.columns:
            column = work.columns[-1].key
        return row, column

    def new_key(self) -> int:
        """A key that no row and no column has."""
        self._next_key += 1
        return self._next_key - 1

    def set_target(self, target: Target | int | None) -> None:
        """Explain something else in all columns that have no target of their own."""
        wanted = ClassTarget(target) if isinstance(target, int) else target
        if wanted != self.work.target:
            self.edit(replace(self.work, target=wanted))

    def open_image(self, image: SourceImage | None) -> None:
        """Show another image, without variants; its most likely class becomes the target."""
        columns = tuple(
            replace(column, target=None)
            if isinstance(column.target, ClassTarget | OutputTarget)
            else column
            for column in self.work.columns
        )
        self.panels = {}
        work = replace(self.work, rows=(Row(0),), target=None, columns=columns)
        self.edit(self.model_inputs.without_crops(replace(work, image=image)))

    def use_classifier(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Put a loaded classifier to work."""
        self._load(choice, classifier)
        self.panels = {}
        columns = tuple(
            column if column.classifier else suited(column, classifier)
            for column in self.work.columns
        )
        self.edit(replace(self.work, classifier=choice, columns=columns, target=None))
        self.loaded.emit(choice)

    def put_classifier(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Tell that a classifier that the work asks for is loaded."""
        self._load(choice, classifier)
        columns = tuple(
            fitted(column, classifier) if self.work.choice_of(column) == choice else column
            for column in self.work.columns
        )
        self.edit(replace(self.work, columns=columns), "follow")
        self.loaded.emit(choice)

    # What is not part of the work

    def select(self, row: int, column: int) -> None:
        """Select a panel."""
        if (row, column) != self.selection:
            self.selection = (row, column)
            self.selection_changed.emit()

    def put_prediction(self, key: PredictionKey, prediction: Prediction) -> None:
        """Tell what a classifier says of a row."""
        self.predictions[key] = prediction
        self.predictions_changed.emit()

    def put_panel(self, row: int, column: int, panel: PanelState) -> None:
        """Tell how far a panel has come."""
        self.panels[row, column] = panel
        self.panel_changed.emit(row, column)

    def _load(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        if self.classifiers.get(choice) is not classifier:
            self.predictions = {
                key: one for key, one in self.predictions.items() if key.classifier != choice
            }
        self.classifiers.pop(choice, None)
        self.classifiers[choice] = classifier  # at the end: the newest

    def _drop_predictions(self, before: Workspace) -> None:
        """Keep what is known of the rows that show what they showed before."""
        work = self.work
        earlier = {row.key: (before.image_of(row), row.operations) for row in before.rows}
        same = {
            row.key
            for row in work.rows
            if earlier.get(row.key) == (work.image_of(row), row.operations)
        }
        self.predictions = {key: one for key, one in self.predictions.items() if key.row in same}

    def _drop_classifiers(self) -> None:
        """Keep the networks that are asked, and a few that undo may bring back."""
        used = {self.work.classifier, *map(self.work.choice_of, self.work.columns)}
        idle = [choice for choice in self.classifiers if choice not in used]
        for choice in idle[: max(len(idle) - _IDLE_CLASSIFIERS, 0)]:
            del self.classifiers[choice]
        self.predictions = {
            key: one for key, one in self.predictions.items() if key.classifier in self.classifiers
        }
