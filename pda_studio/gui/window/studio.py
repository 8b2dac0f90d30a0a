"""The studio: makes the session, the worker and the window, and ties them together."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.actions.commands import Commands
from pda_studio.gui.actions.facts import Facts
from pda_studio.gui.actions.keys import Keys
from pda_studio.gui.browser.browsing import FolderBrowser
from pda_studio.gui.browser.thumbnails_controller import ThumbnailsController
from pda_studio.gui.composer.composing import Composing
from pda_studio.gui.composer.exporting import Exporting
from pda_studio.gui.display.display import Display
from pda_studio.gui.display.display_controller import DisplayController
from pda_studio.gui.grid.image_actions import ImageActions
from pda_studio.gui.grid.menus import GridMenus
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.inspector.inspecting import Inspecting
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.inspector.inspector_actions import InspectorActions
from pda_studio.gui.jobs.jobs_controller import JobsController
from pda_studio.gui.jobs.progress_readout import ProgressReadout
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.methods.cost_line import CostLine
from pda_studio.gui.methods.method_controller import MethodController
from pda_studio.gui.opening.classifier_controller import ClassifierController
from pda_studio.gui.opening.clipboard import ClipboardController
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.drawing import DigitDrawing
from pda_studio.gui.opening.hints_controller import HintsController
from pda_studio.gui.opening.opening import (
    FIRST_SAMPLE,
    Opening,
    sample_digits,
)
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.session.workspace_actions import WorkspaceActions
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.targets.predictions_controller import PredictionsController
from pda_studio.gui.targets.target_menus import TargetMenus
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.messages import Messages
from pda_studio.gui.window.readouts import Readouts
from pda_studio.gui.window.settings import Memory
from pda_studio.gui.window.theme import ThemeKeeper
from pda_studio.gui.window.window_actions import WindowActions
from pda_studio.gui.window.window_settings import WindowSettings

_log = logging.getLogger(__name__)


class Studio(QObject):
    """Everything behind one window.

    Parameters
    ----------
    application : QApplication
        The running application.
    settings : QSettings
        Where geometry, recent files and the theme are kept.
    image, classifier, weights
        What to open first; without them a sample digit and the digit classifier.
    workspace : Path, optional
        A saved workspace to open in place of an image.
    """

    def __init__(
        self,
        application: QApplication,
        settings: QSettings,
        image: Path | None = None,
        classifier: str | None = None,
        weights: str | None = None,
        workspace: Path | None = None,
    ) -> None:
        super().__init__()
        self.session = Session()
        self.display = Display()
        self.viewport = Viewport()
        self.memory = Memory(settings)
        self.display.appearance = self.memory.appearance
        self.theme = ThemeKeeper(application)
        self.theme.choose(self.memory.theme)
        self.jobs = Jobs(self)
        self.explainer = Explainer(self.session, self.jobs, self)
        self.opening = Opening(self.session, self.jobs, self)
        self.exporting = Exporting(self.session, self.jobs, self)
        self.saving = Saving(self.session, self.display, self.explainer, self.jobs, settings, self)
        self.inspection = Inspection(
            open=self.memory.inspector == "open", wanted=self.memory.inspector
        )
        self.inspecting = Inspecting(self.inspection, self.session, self.jobs, self)
        self.samples = sample_digits()
        self.window = MainWindow(
            self.session, self.display, self.viewport, self.theme, self.samples, self.inspection
        )
        self._image = image or next(p for p in self.samples if p.stem == FIRST_SAMPLE)
        self._workspace = workspace
        self._closed = False
        start = ClassifierChoice(classifier or "digits", weights)
        example = image is None and workspace is None
        if example and start == ClassifierChoice():
            self.window.starting.show_example(self._image)
        self._make_features(start, newcomer=example)
        self._connect()

    def _make_features(self, start: ClassifierChoice, *, newcomer: bool) -> None:
        """Make the features; each declares its actions and connects itself with its views."""
        window, session, jobs, memory = self.window, self.session, self.jobs, self.memory
        opening, saving, exporting = self.opening, self.saving, self.exporting
        self.dialogs = dialogs = Dialogs(window, opening, exporting, saving, memory, self)
        self.composing = Composing(
            window,
            session,
            self.display,
            jobs=jobs,
            saving=saving,
            memory=memory,
            dialogs=dialogs,
            parent=self,
        )
        self.target_menus = TargetMenus(window, session, jobs, self)
        self.grid_menus = GridMenus(window, session, opening, dialogs, memory, self)
        self.window_actions = WindowActions(window, self.theme, dialogs, self)
        self.studies = StudiesController(window, session, opening, jobs, self)
        self.jobs_controller = JobsController(
            window, session, self.explainer, opening, self.studies, self
        )
        self.browsing = FolderBrowser(session, opening, jobs, dialogs, window.registry, self)
        self.clipboard = ClipboardController(
            window,
            session,
            exporting=exporting,
            opening=opening,
            jobs=jobs,
            browsing=self.browsing,
            dialogs=dialogs,
            parent=self,
        )
        self.drawing = DigitDrawing(window, session, opening, self)
        self.commands = Commands(window, session, opening, self.samples, self)
        self.keys = Keys(window, session, self.viewport, self)
        self.hints = HintsController(
            window, session, opening=opening, memory=memory, newcomer=newcomer, parent=self
        )
        # After the hints, which clear the banner: what it offers there is to stay.
        self.workspace_actions = WorkspaceActions(
            window, session, saving=saving, opening=opening, dialogs=dialogs, parent=self
        )
        self.image_actions = ImageActions(window, session, dialogs, self)
        self.inspector_actions = InspectorActions(
            window, session, self.inspection, self.inspecting, self
        )
        self.classifier_controller = ClassifierController(
            window,
            session,
            opening=opening,
            saving=saving,
            dialogs=dialogs,
            memory=memory,
            start=start,
            parent=self,
        )
        self.method_controller = MethodController(
            window, session, opening=opening, jobs=jobs, parent=self
        )
        self.thumbnails = ThumbnailsController(
            window, opening=opening, jobs=jobs, memory=memory, samples=self.samples, parent=self
        )
        self.readouts = Readouts(
            window, session, self.viewport, opening=opening, saving=saving, parent=self
        )
        self.predictions = PredictionsController(window, session, self)
        self.display_controller = DisplayController(window, session, self.display, self)
        self.cost_line = CostLine(window, session, self.explainer, self)
        self.progress = ProgressReadout(window, session, self.explainer, self.studies, self)
        self.facts = Facts(
            window,
            session,
            explainer=self.explainer,
            opening=opening,
            saving=saving,
            studies=self.studies,
            parent=self,
        )
        self.window_settings = WindowSettings(
            window, memory, self.theme, self.display, self.inspection, self
        )
        self.messages = Messages(window, self)

    def _connect(self) -> None:
        """Connect the features with one another."""
        window, opening, saving, explainer = self.window, self.opening, self.saving, self.explainer
        window.closing.connect(self.close)
        window.welcome.open_wanted.connect(self.dialogs.choose_image)
        window.welcome.chosen.connect(opening.open_image)
        window.strip.stopped.connect(self.stop)
        self.messages.follow(
            opening,
            self.inspecting,
            self.exporting,
            explainer,
            self.target_menus,
            self.method_controller,
            saving,
            self.browsing,
            self.clipboard,
            self.composing,
            self.studies,
        )
        self.browsing.told.connect(window.strip.note)
        self.browsing.workspace_requested.connect(saving.open)
        saving.opened.connect(self.browsing.stay)
        explainer.slowed.connect(self.messages.show_notice)
        explainer.predicting.lacking.connect(opening.fetch)
        opening.refused.connect(explainer.predicting.refuse)
        opening.loading.connect(explainer.pause)
        opening.loaded.connect(explainer.resume)
        opening.engine_ready.connect(self._freeze)

    def show(self) -> None:
        """Show the window, then import the engine and open what comes first, in the background."""
        self.window.show()
        self.window.splitter.setFocus()  # no button is singled out until somebody presses Tab
        QTimer.singleShot(0, self._start)

    def close(self) -> None:
        """No new work, let go of the old, wait for the worker, save the settings."""
        if self._closed:
            return
        self._closed = True
        self.drawing.stop()
        self.studies.forget()
        self.composing.stop()
        self.explainer.stop()
        self.opening.stop()
        self.jobs.close()
        gc.unfreeze()  # what ends with the interpreter is to be found again
        self.inspecting.stop()
        self.saving.close()
        self.window_settings.close()

    # Opening

    def open_files(self, paths: list[Path]) -> None:
        """Open saved work, images, folders, or weights for the classifier that is open."""
        self.browsing.open_files(paths)

    def open_image(self, path: Path) -> None:
        """Read and show an image."""
        self.opening.open_image(Path(path))

    def stop(self) -> None:
        """Stop everything that runs."""
        self.jobs_controller.stop_all()

    def _freeze(self) -> None:
        gc.freeze()  # PyTorch's many objects stay: to look through them again holds up the window

    def _start(self) -> None:
        self.window.strip.show_idle(self.tr("Starting the engine …"))
        self.opening.start_engine()
        if self._workspace is not None:
            self.saving.open(self._workspace)
        else:
            self.open_image(self._image)
        self.thumbnails.add_recent()


def application() -> QApplication:
    """The running application, or a new one."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QCoreApplication.setOrganizationName("PDA Studio")
    QCoreApplication.setApplicationName("PDA Studio")
    return QApplication(["pda-studio"])
