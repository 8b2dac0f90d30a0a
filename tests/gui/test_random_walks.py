"""Whatever a user does, in whatever order: nothing breaks, nothing leaks, and all can be undone."""

import gc
import sys
import tempfile
import time
import traceback
from pathlib import Path

import hypothesis.strategies as st
from driver import no_thread_of
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtWidgets import QApplication

from pda_studio.document.operations import Crop, Flip, Rotate
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.window.studio import Studio, application
from pda_studio.methods.prediction_difference import PredictionDifference
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
_TARGETS = [None, ContrastTarget(1, 7), ContrastTarget(3, 8), UnitTarget("features.0", 3)]
_MOST_ROWS, _MOST_COLUMNS = 3, 4

at = st.integers(0, 3)


class Walk(RuleBasedStateMachine):
    """One user, one window, some fifty actions."""

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
        self.studio.show()
        self.until(lambda: bool(self.session.all_finished()))
        self.session.configure_column(0, stride=4)
        self.studio.saving.begin()
        self.begun = self.session.work

    # What the user does

    @rule(number=st.integers(0, 9))
    def open_sample(self, number: int) -> None:
        self.studio.open_image(self.studio.samples[number])

    @rule(index=st.integers(0, 9))
    def choose_class(self, index: int) -> None:
        self.session.set_target(index)

    @rule(asked=st.sampled_from(_TARGETS), at=at)
    def ask_in_column(self, asked: object, at: int) -> None:
        self.session.ask_in_column(self.column(at), asked)

    @rule(method=st.sampled_from(_METHODS))
    def add_column(self, method: str) -> None:
        if len(self.session.work.columns) < _MOST_COLUMNS:
            self.session.add_column(method)

    @rule(at=at, method=st.sampled_from(_METHODS))
    def set_method(self, at: int, method: str) -> None:
        self.session.set_method(self.column(at), method)

    @rule(at=at)
    def remove_column(self, at: int) -> None:
        self.session.remove_column(self.column(at))

    @rule(at=at, random=st.booleans())
    def copy_column(self, at: int, random: bool) -> None:
        if len(self.session.work.columns) < _MOST_COLUMNS:
            choice = ClassifierChoice("digits", "random") if random else None
            self.session.duplicate_column(self.column(at), classifier=choice)

    @rule(at=at, by=st.sampled_from([-1, 1]))
    def move_column(self, at: int, by: int) -> None:
        self.session.move_column(self.column(at), by)

    @rule(at=at, window=st.integers(3, 9), stride=st.integers(3, 9))
    def configure(self, at: int, window: int, stride: int) -> None:
        column = self.session.work.column(self.column(at))
        if column is not None and isinstance(column.method, PredictionDifference):
            self.session.configure_column(column.key, window=window, stride=min(stride, window))

    @rule(at=at, style=st.sampled_from(["map", "overlay", "both"]))
    def set_style(self, at: int, style: str) -> None:
        self.session.set_style(self.column(at), style)

    @rule(operation=st.sampled_from(_OPERATIONS))
    def transform(self, operation: object) -> None:
        if len(self.session.work.rows) < _MOST_ROWS:
            self.session.transform(operation)

    @rule(at=at, number=st.integers(0, 9))
    def add_row(self, at: int, number: int) -> None:
        if len(self.session.work.rows) < _MOST_ROWS:
            self.studio.opening.add_image(self.studio.samples[number])

    @rule(at=at, back=st.booleans())
    def turn_back(self, at: int, back: bool) -> None:
        self.session.turn_back(self.row(at), back)

    @rule(at=at)
    def remove_row(self, at: int) -> None:
        self.session.remove_row(self.row(at))

    @rule(at=at, by=st.sampled_from([-1, 1]))
    def move_row(self, at: int, by: int) -> None:
        self.session.move_row(self.row(at), by)

    @rule(row=at, column=at)
    def select(self, row: int, column: int) -> None:
        self.session.select(self.row(row), self.column(column))

    @rule(name=st.sampled_from(["undo", "undo", "redo", "stop", "run", "reset", "fit", "zoom-in"]))
    def act(self, name: str) -> None:
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

    def teardown(self) -> None:
        if not hasattr(self, "studio"):
            return
        try:
            self.pump(0.02)
            # What was still being opened when the walk ended is an edit like any other.
            self.until(lambda: not self.studio.explainer.busy or self.studio.explainer._held)
            for _ in range(200):
                if not self.studio.saving.history.can_undo:
                    break
                self.studio.saving.undo()
            assert self.session.work == self.begun
            self.studio.explainer.run()
            self.until(lambda: bool(self.session.all_finished()))
            self.nothing_has_broken()
        finally:
            self.end()

    def end(self) -> None:
        self.studio.window.close()
        assert no_thread_of(self.studio)
        self.studio.window.deleteLater()
        self.studio.deleteLater()
        del self.studio, self.session, self.begun
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self.pump(0.0)
        gc.collect()
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
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,  # the same walks on every machine: a failure can be looked at
    suppress_health_check=list(HealthCheck),
)
TestWalks = Walk.TestCase
