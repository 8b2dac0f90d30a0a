"""Whatever a user does, in whatever order: nothing breaks, nothing leaks, and all can be undone.

The walk keeps a list of its own of what every edit changed. Each undo must come to what was before
an edit of that list, each redo exactly to what was taken back, and the maps that are shown then
must be those that were shown before, and those that a call without a window computes.
"""

import gc
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from driver import no_thread_of
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtWidgets import QApplication

from pda_studio.document.operations import Crop, Flip, Rotate, applied
from pda_studio.document.workspace import ClassifierChoice, Column, Row, Workspace
from pda_studio.gui.maps.requests import Request
from pda_studio.gui.window.studio import Studio, application
from pda_studio.methods import run
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.results import EvidenceMap, Subject
from pda_studio.targets import ContrastTarget, UnitTarget

_METHODS = ["efficient-pda", "occlusion", "saliency", "grad-cam", "input-x-gradient", "combined"]
_OPERATIONS = [
    Rotate(90),
    Rotate(-90),
    Rotate(15),
    Flip("horizontal"),
    Flip("vertical"),
    Crop(2, 3, 20, 22),
]
_TARGETS = [
    None,
    ContrastTarget(1, 7),
    ContrastTarget(3, 8),
    UnitTarget("conv2", 3),
    UnitTarget("features.0", 3),
]
_MOST_ROWS, _MOST_COLUMNS = 3, 4
_ALONE: dict[object, EvidenceMap] = {}  # maps of calls without a window, for all walks

at = st.integers(0, 3)


@dataclass(frozen=True)
class Edit:
    """What an edit changed."""

    before: Workspace
    after: Workspace

    @property
    def is_one_column_s_parameters(self) -> bool:
        """Whether it may be a part of a slider's way, which is undone as one."""
        columns = tuple(
            replace(new, method=old.method) if type(new.method) is type(old.method) else new
            for old, new in zip(self.before.columns, self.after.columns, strict=False)
        )
        changed = sum(a != b for a, b in zip(self.before.columns, self.after.columns, strict=False))
        return changed == 1 and replace(self.after, columns=columns) == self.before


class Walk(RuleBasedStateMachine):
    """One user, one window, some forty actions."""

    @initialize()
    def start(self) -> None:
        self.errors: list[str] = []
        sys.excepthook = lambda *error: self.errors.append(
            "".join(traceback.format_exception(*error))
        )
        self.folder = tempfile.TemporaryDirectory()
        place = str(Path(self.folder.name) / "settings.ini")
        self.studio = Studio(application(), QSettings(place, QSettings.Format.IniFormat))
        self.session = self.studio.session
        self.begun = self.session.work
        self.done: list[Edit] = []
        self.moves = 0
        self.undone: list[tuple[Workspace, list[Edit]]] = []
        self.shown: dict[Request, bytes] = {}
        self.studio.show()
        self.started = False
        self.until(lambda: bool(self.session.all_finished()), 240)
        self.session.columns.configure(0, stride=4)
        self.studio.saving.begin()
        self.begun = self.session.work
        self.session.changed.connect(self.note)
        self.started = True

    # What the user does

    @rule(number=st.integers(0, 9))
    def open_sample(self, number: int) -> None:
        self.studio.open_image(self.studio.samples[number])

    @rule(index=st.integers(0, 9))
    def choose_class(self, index: int) -> None:
        self.session.set_target(index)

    @rule(asked=st.sampled_from(_TARGETS), at=at)
    def ask_in_column(self, asked: object, at: int) -> None:
        self.session.columns.set_target(self.column(at), asked)

    @rule(method=st.sampled_from(_METHODS))
    def add_column(self, method: str) -> None:
        if len(self.session.work.columns) < _MOST_COLUMNS:
            self.session.columns.add(method)

    @rule(at=at, method=st.sampled_from(_METHODS))
    def set_method(self, at: int, method: str) -> None:
        self.session.columns.set_method(self.column(at), method)

    @rule(at=at)
    def remove_column(self, at: int) -> None:
        self.session.columns.remove(self.column(at))

    @rule(at=at, random=st.booleans())
    def copy_column(self, at: int, random: bool) -> None:
        if len(self.session.work.columns) < _MOST_COLUMNS:
            choice = ClassifierChoice("digits", "random") if random else None
            self.session.columns.duplicate(self.column(at), classifier=choice)

    @rule(at=at, by=st.sampled_from([-1, 1]))
    def move_column(self, at: int, by: int) -> None:
        self.session.columns.move(self.column(at), by)

    @rule(at=at, window=st.integers(3, 9), stride=st.integers(3, 9))
    def configure(self, at: int, window: int, stride: int) -> None:
        column = self.session.work.column(self.column(at))
        if column is not None and isinstance(column.method, PredictionDifference):
            # A seed of its own, so that no slider comes back to a state where it was: undo, which
            # takes its whole way back, would not show from which of the two.
            self.moves += 1
            values = {"window": window, "stride": min(stride, window), "seed": self.moves}
            self.session.columns.configure(column.key, **values)

    @rule(at=at, style=st.sampled_from(["map", "overlay", "both"]))
    def set_style(self, at: int, style: str) -> None:
        self.session.columns.set_style(self.column(at), style)

    @rule(operation=st.sampled_from(_OPERATIONS))
    def transform(self, operation: object) -> None:
        if len(self.session.work.rows) < _MOST_ROWS:
            self.session.rows.transform(operation)

    @rule(at=at, number=st.integers(0, 9))
    def add_row(self, at: int, number: int) -> None:
        if len(self.session.work.rows) < _MOST_ROWS:
            self.studio.opening.add_image(self.studio.samples[number])

    @rule(at=at, back=st.booleans())
    def turn_back(self, at: int, back: bool) -> None:
        self.session.rows.turn_back(self.row(at), back)

    @rule(at=at)
    def remove_row(self, at: int) -> None:
        self.session.rows.remove(self.row(at))

    @rule(at=at, by=st.sampled_from([-1, 1]))
    def move_row(self, at: int, by: int) -> None:
        self.session.rows.move(self.row(at), by)

    @rule(row=at, column=at)
    def select(self, row: int, column: int) -> None:
        self.session.select(self.row(row), self.column(column))

    @rule(name=st.sampled_from(["undo", "undo", "redo", "stop", "run", "reset", "fit", "zoom-in"]))
    def act(self, name: str) -> None:
        if name in ("undo", "redo"):
            self.take_back() if name == "undo" else self.do_again()
            return
        action = self.studio.window.registry[name]
        if action.isEnabled():
            action.trigger()

    @rule(
        changes=st.sampled_from(
            [{"style": "contours"}, {"style": "hue"}, {"style": "blend"}, {"scale": "all"}]
        )
    )
    def show_otherwise(self, changes: dict) -> None:
        self.studio.display.change(**changes)

    @rule(x=st.floats(0, 28), y=st.floats(0, 28))
    def point(self, x: float, y: float) -> None:
        self.studio.viewport.crosshair = (x, y)

    @rule()
    def save(self) -> None:
        self.studio.saving.save(Path(self.folder.name) / "walk.pdastudio")

    @rule(seconds=st.sampled_from([0.0, 0.005, 0.05]))
    def wait(self, seconds: float) -> None:
        self.pump(seconds)

    # What always holds

    @invariant()
    def nothing_has_broken(self) -> None:
        if hasattr(self, "errors"):
            assert not self.errors, self.errors[0]
            told = self.studio.window.banner.message.text()
            assert "unexpected" not in told, self.studio.window.banner.details.toPlainText()

    def note(self, before: Workspace, after: Workspace) -> None:
        """What the session says of every change: the walk's own list, beside the program's."""
        if self.session.last_edit == "edit" and before != after:
            self.done.append(Edit(before, after))
            self.undone.clear()

    def take_back(self) -> bool:
        """Undo, and see where that comes to: before the last edit, or a slider's whole way."""
        action = self.studio.window.registry["undo"]
        assert action.isEnabled() == bool(self.done), "an edit cannot be undone"
        if not self.done:
            return False
        now = self.session.work
        action.trigger()
        back = self.session.work
        taken: list[Edit] = []
        while self.done:
            taken.insert(0, self.done.pop())
            if taken[0].before == back:
                break
        assert taken[0].before == back, "undo came to what never was"
        assert len(taken) == 1 or all(edit.is_one_column_s_parameters for edit in taken)
        self.undone.append((now, taken))
        return True

    def do_again(self) -> bool:
        """Redo, which must come to exactly what was taken back."""
        action = self.studio.window.registry["redo"]
        assert action.isEnabled() == bool(self.undone), "what was taken back cannot be done again"
        if not self.undone:
            return False
        wanted, taken = self.undone.pop()
        now = self.session.work
        action.trigger()
        assert self.session.work == wanted, "redo came to something else"
        self.done.extend([replace(taken[0], before=now), *taken[1:]])
        return True

    def compare_maps(self) -> None:
        """Each finished panel shows what it showed for the same request, and what it asks for."""
        work = self.session.work
        for row in work.rows:
            for column in work.columns:
                found = self.session.finished(row, column)
                request = self.session.request(row, column)
                if found is None or request is None:
                    continue
                values = found.evidence.tobytes()
                assert self.shown.setdefault(request, values) == values, request
                assert found.method == column.method.name
                self.compare_with_a_call(row, column, found)

    def compare_with_a_call(self, row: Row, column: Column, found: EvidenceMap) -> None:
        """The map is the one that is computed for the same image, target and method alone."""
        classifier = self.session.classifier_of(column)
        target = self.session.target_of(column)
        image = self.session.work.image_of(row)
        if column.method.combines or classifier is None or image is None:
            return
        pixels = applied(image.pixels, row.operations)
        asked = self.session.request(row, column), target
        if asked not in _ALONE:
            steps = column.method.steps(Subject.of(pixels, classifier, target, 16))
            _ALONE[asked] = run(steps)
        alone = _ALONE[asked]
        assert alone.target_name == found.target_name
        close = {"rtol": 0, "atol": 0.03 * alone.limit}  # of bfloat16 differences, where taken
        np.testing.assert_allclose(found.evidence, alone.evidence, **close)

    def teardown(self) -> None:
        if not hasattr(self, "studio"):
            return
        try:
            if self.started:
                self.take_all_back()
        finally:
            self.end()

    def take_all_back(self) -> None:
        """Undo everything, redo everything, undo everything; and look at the maps in between."""
        self.pump(0.02)
        # What was still being opened when the walk ended is an edit like any other.
        self.until(lambda: not self.studio.explainer.busy or self.studio.explainer.is_stopped)
        self.compare_maps()
        steps = 0
        while self.take_back():
            steps += 1
        assert self.session.work == self.begun
        assert sum(self.do_again() for _ in range(steps)) == steps
        while self.take_back():
            pass
        assert self.session.work == self.begun
        self.studio.explainer.run()
        self.until(lambda: bool(self.session.all_finished()))
        self.compare_maps()
        self.nothing_has_broken()

    def end(self) -> None:
        self.studio.window.close()
        assert no_thread_of(self.studio)
        self.studio.window.deleteLater()
        self.studio.deleteLater()
        del self.studio, self.session, self.begun, self.done, self.undone
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self.pump(0.0)
        gc.collect()
        gc.freeze()  # nothing of the window is left: later collections need not look at the rest
        sys.excepthook = sys.__excepthook__
        self.folder.cleanup()
        left = QApplication.topLevelWidgets()
        assert not [widget for widget in left if widget.isVisible()]

    def column(self, at: int) -> int:
        columns = self.session.work.columns
        return columns[at % len(columns)].key

    def row(self, at: int) -> int:
        rows = self.session.work.rows
        return rows[at % len(rows)].key

    def pump(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        QApplication.processEvents()
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.001)

    def until(self, is_so: object, limit: float = 60.0) -> None:
        end = time.monotonic() + limit
        while not is_so():
            QApplication.processEvents()
            time.sleep(0.002)
            assert time.monotonic() < end, [
                (key, panel.state, panel.message) for key, panel in self.session.panels.items()
            ]


Walk.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,  # the same walks on every machine: a failure can be looked at
    suppress_health_check=list(HealthCheck),
)
TestWalks = Walk.TestCase
