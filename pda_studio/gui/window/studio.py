"""The studio: makes the session, the worker and the window, and ties them together."""

from __future__ import annotations

import gc
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.actions import feature as actions
from pda_studio.gui.batch import feature as batch
from pda_studio.gui.browser import feature as browser
from pda_studio.gui.composer import feature as composer
from pda_studio.gui.display import feature as display
from pda_studio.gui.grid import feature as grid
from pda_studio.gui.images import feature as images
from pda_studio.gui.inspector import feature as inspector
from pda_studio.gui.jobs import feature as jobs
from pda_studio.gui.methods import feature as methods
from pda_studio.gui.opening import feature as opening
from pda_studio.gui.opening.opening import FIRST_SAMPLE
from pda_studio.gui.results import feature as results
from pda_studio.gui.session import feature as workspaces
from pda_studio.gui.studies import feature as studies
from pda_studio.gui.targets import feature as targets
from pda_studio.gui.window import feature as main_window
from pda_studio.gui.window.parts import Parts
from pda_studio.images import Image, Pixels


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
    pixels : (H, W, 3) uint8 or Image, optional
        An image that is no file.
    folder : Path, optional
        Results of a batch, or images, to show as a grid.
    """

    def __init__(
        self,
        application: QApplication,
        settings: QSettings,
        image: Path | None = None,
        classifier: str | None = None,
        weights: str | None = None,
        workspace: Path | None = None,
        pixels: Pixels | Image | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        parts = Parts.made(self, application, settings)
        self.window, self.session, self.samples = parts.window, parts.session, parts.samples
        self.display, self.viewport, self.inspection = (
            parts.display,
            parts.viewport,
            parts.inspection,
        )
        self.jobs, self.explainer, self.opening = parts.jobs, parts.explainer, parts.opening
        self.exporting, self.saving = parts.exporting, parts.saving
        self.dialogs, self.messages = parts.dialogs, parts.messages
        self.memory, self.theme = parts.memory, parts.theme
        self._image = image or next(p for p in self.samples if p.stem == FIRST_SAMPLE)
        self._workspace, self._pixels = workspace, pixels
        self._folder = folder
        self._closed = self._froze = False
        start = ClassifierChoice(classifier or "digits", weights)
        example = image is None and workspace is None and pixels is None
        if example and start == ClassifierChoice():
            self.window.starting.show_example(self._image)
        # Each feature declares its actions and connects itself with its views.
        self.composing = composer.install(parts)
        self.target_menus = targets.install(parts)
        self.studies = studies.install(parts)
        self.jobs_controller = jobs.install(parts, self.studies)
        self.browsing, self.clipboard, self.thumbnails = browser.install(parts)
        self.results = results.install(parts, self.browsing)
        self.batch = batch.install(parts, self.results, self.jobs_controller)
        self.drawing = opening.install(parts, start, newcomer=example)
        self.inspecting = inspector.install(parts)
        grid.install(parts)
        methods.install(parts)
        display.install(parts)
        self.images = images.install(parts)
        workspaces.install(parts)
        self.window_settings = main_window.install(parts)
        self.commands = actions.install(parts, self.studies)
        self.theme.style()
        self.window.closing.connect(self.close)
        self.window.strip.stopped.connect(self.stop)
        self.opening.engine_ready.connect(self._freeze)

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
        self.results.close()
        self.studies.forget()
        self.batch.forget()
        self.composing.stop()
        self.explainer.stop()
        self.opening.stop()
        self.jobs.close()
        if self._froze:
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
        if not gc.get_freeze_count():  # by another window, or by who runs this one
            gc.freeze()  # PyTorch's objects stay: to look through them again holds up the window
            self._froze = True

    def _start(self) -> None:
        self.window.strip.show_idle(self.tr("Starting the engine …"))
        self.opening.start_engine()
        if self._workspace is not None:
            self.saving.open(self._workspace)
        elif (pixels := self._pixels) is not None:
            self.opening.open_pixels(self.tr("Image"), lambda: pixels)
        else:
            self.open_image(self._image)
        self.thumbnails.add_recent()
        if self._folder is not None:
            self.results.open(self._folder)


def application() -> QApplication:
    """The running application, or a new one."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QCoreApplication.setOrganizationName("PDA Studio")
    QCoreApplication.setApplicationName("PDA Studio")
    return QApplication(["pda-studio"])
