"""The studio: makes the session, the worker and the window, and ties them together."""

from __future__ import annotations

import gc
import logging
import traceback
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from pda_studio.document.workspace import COMBINED, ClassifierChoice, SourceImage, Workspace
from pda_studio.errors import PdaStudioError
from pda_studio.gui.actions.commands import Commands
from pda_studio.gui.actions.keys import Keys
from pda_studio.gui.browser.browsing import Browsing
from pda_studio.gui.composer.composing import Composing
from pda_studio.gui.composer.exporting import Exporting
from pda_studio.gui.display.display import Display
from pda_studio.gui.grid.image_actions import ImageActions
from pda_studio.gui.grid.menus import GridMenus
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.inspector.inspecting import Inspecting
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.inspector.inspector_actions import InspectorActions
from pda_studio.gui.jobs.jobs_controller import JobsController
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.opening.clipboard import ClipboardController
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.drawing import Drawing
from pda_studio.gui.opening.hints_controller import Hinting
from pda_studio.gui.opening.opening import (
    FIRST_SAMPLE,
    Opening,
    read_image,
    sample_digits,
)
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.session.workspace_actions import WorkspaceActions
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.targets.layers import Layers, layers_of
from pda_studio.gui.targets.target_menus import TargetMenus
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.readouts import Readouts
from pda_studio.gui.window.settings import Memory
from pda_studio.gui.window.theme import ThemeKeeper
from pda_studio.gui.window.window_actions import WindowActions

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
    """

    def __init__(
        self,
        application: QApplication,
        settings: QSettings,
        image: Path | None = None,
        classifier: str | None = None,
        weights: str | None = None,
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
        self.inspection = Inspection(open=self.memory.inspector)
        self.inspecting = Inspecting(self.inspection, self.session, self.jobs, self)
        self.samples = sample_digits()
        self.window = MainWindow(
            self.session, self.display, self.viewport, self.theme, self.samples, self.inspection
        )
        self._image = image or next(p for p in self.samples if p.stem == FIRST_SAMPLE)
        self._choice = ClassifierChoice(classifier or "digits", weights)
        self._closed = self._begun = False
        self.dialogs = Dialogs(
            self.window, self.opening, self.exporting, self.saving, self.memory, self
        )
        self.composing = Composing(
            self.window,
            self.session,
            self.display,
            (self.jobs, self.saving, self.memory, self.dialogs),
            self,
        )
        self.asking = TargetMenus(self.window, self.session, self.jobs, self)
        self.grid_menus = GridMenus(
            self.window, self.session, self.opening, self.dialogs, self.memory, self
        )
        self.workspace_actions = WorkspaceActions(self.window, self.saving, self.dialogs, self)
        self.window_actions = WindowActions(self.window, self.theme, self.dialogs, self)
        self.working = JobsController(self.window, self.session, self.explainer, self.opening, self)
        self.browsing = Browsing(
            self.session, self.opening, self.jobs, self.dialogs, self.window.registry, self
        )
        self.sharing = ClipboardController(
            self.window,
            self.session,
            (self.exporting, self.opening, self.jobs, self.browsing, self.dialogs),
            self,
        )
        self.studies = StudiesController(self.window, self.session, self.opening, self.jobs, self)
        self.drawing = Drawing(self.window, self.session, self.opening, self)
        self.commands = Commands(self.window, self.session, self.opening, self.samples, self)
        self.keys = Keys(self.window, self.session, self.viewport, self)
        self.hinting = Hinting(
            self.window, self.session, self.memory, newcomer=image is None, parent=self
        )
        self.image_actions = ImageActions(self.window, self.session, self.dialogs, self)
        self.inspector_actions = InspectorActions(
            self.window, self.session, self.inspection, self.inspecting, self
        )
        self.readouts = Readouts(
            self.window,
            self.session,
            self.display,
            self.viewport,
            (self.explainer, self.exporting, self.opening, self.saving),
            self,
        )
        if image is None and self._choice == ClassifierChoice():
            self.window.starting.show_example(self._image)
        self._wire_window()
        self.readouts.show_file()
        self.window.place(self.memory.geometry)
        if self.memory.splitter:
            self.window.splitter.restoreState(self.memory.splitter)
        if self.memory.halves:
            self.window.halves.restoreState(self.memory.halves)

    def show(self) -> None:
        """Show the window, then import the engine and open the first image in the background."""
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
        self.saving.forget()
        self.jobs.close()
        gc.unfreeze()  # what ends with the interpreter is to be found again
        self.inspecting.forget()
        self.saving.close()
        self.session.changed.disconnect(self._on_changed)
        self.window.forget()
        self.readouts.forget()
        self.working.forget()
        self.memory.theme = self.theme.theme
        self.memory.appearance = self.display.appearance
        self.memory.geometry = self.window.normalGeometry()
        self.memory.splitter = self.window.splitter.saveState()
        self.memory.halves = self.window.halves.saveState()
        self.memory.inspector = self.inspection.open
        self.memory.save()

    # Wiring

    def _wire_window(self) -> None:
        window, opening = self.window, self.opening
        window.closing.connect(self.close)
        window.welcome.open_wanted.connect(self.dialogs.ask_for_image)
        window.welcome.chosen.connect(self.open_image)
        window.images.chosen.connect(self.open_image)
        window.predictions.chosen.connect(self.session.set_target)
        window.strip.stopped.connect(self.stop)
        window.method_box.finest_wanted.connect(self._on_finest)
        window.method_box.layers_wanted.connect(self._on_layers_wanted)
        box = window.classifier_box
        box.name_chosen.connect(self._on_classifier_name)
        box.wanted.connect(opening.use_classifier)
        box.file_wanted.connect(self.dialogs.ask_for_weights)
        box.stopped.connect(opening.stop)
        opening.engine_ready.connect(self._on_engine)
        opening.loading.connect(self._on_loading)
        opening.loaded.connect(self._on_loaded)
        opening.described.connect(box.show_about)
        opening.image_opened.connect(self._on_image)
        for source in (
            opening,
            self.inspecting,
            self.exporting,
            self.explainer,
            self.asking,
            self.saving,
            self.browsing,
            self.sharing,
            self.composing,
            self.studies,
        ):
            source.failed.connect(self.tell)
        self.browsing.told.connect(window.strip.note)
        self.browsing.work_wanted.connect(self.saving.open)
        self.explainer.slowed.connect(self._on_slowed)
        self.explainer.predicting.lacking.connect(opening.fetch)
        opening.refused.connect(self.explainer.predicting.refuse)
        for source in (self.exporting, self.sharing, self.saving, self.composing, self.studies):
            source.saved.connect(self._on_saved)
        self.saving.opened.connect(self._on_work_opened)
        self.saving.changed.connect(self.readouts.show_file)
        self.session.changed.connect(self._on_changed)

    # Opening

    def open_files(self, paths: list[Path]) -> None:
        """Open saved work, images, folders, or weights for the classifier that is open."""
        self.browsing.open_files(paths)

    def open_image(self, path: Path) -> None:
        """Read and show an image."""
        self.opening.open_image(Path(path))

    def stop(self) -> None:
        """Stop everything that runs."""
        self.working.stop_all()
        self.studies.stop()

    def tell(self, error: BaseException, details: str = "") -> None:
        """Show a problem in the window."""
        if isinstance(error, PdaStudioError):
            message = str(error)
        else:
            message = self.tr("Something unexpected went wrong ({0}). The next run works.").format(
                type(error).__name__
            )
        _log.warning("%s\n%s", message, details)
        self.window.banner.tell(message, details or repr(error))

    def tell_unexpected(self, _: type, error: BaseException, trace: Any) -> None:
        """Show an error of the window itself; for `sys.excepthook`."""
        self.tell(error, "".join(traceback.format_exception(error)))

    def _start(self) -> None:
        self.window.strip.show_idle(self.tr("Starting the engine …"))
        self.opening.start_engine()
        self.open_image(self._image)
        for path in reversed(self.memory.recent):
            self._add_thumbnail(path)

    def _add_thumbnail(self, path: Path) -> None:
        def small() -> Any:
            image = read_image(path).pixels
            step = max(min(image.shape[:2]) // 160, 1)
            return image[::step, ::step]

        def add(image: Any) -> None:
            self.window.images.add(path, image, first=True)

        def forget(error: BaseException, details: str) -> None:
            self.memory.forget_image(path)

        self.jobs.read(small, add, forget)

    def _on_engine(self, names: list[str]) -> None:
        from pda_studio.methods import METHODS, by_family
        from pda_studio.methods.combined import Combined

        gc.freeze()  # PyTorch's many objects stay: to look through them again holds up the window
        families = by_family([*METHODS.values(), Combined])
        self.window.method_box.offer_methods(
            {
                family: [(kind.name or COMBINED, kind.title, kind.summary) for kind in kinds]
                for family, kinds in families.items()
            }
        )
        self.window.classifier_box.offer_names(names)
        self.opening.use_classifier(self._choice)
        for path in self.samples:
            self.jobs.read(
                lambda p=path: read_image(p).pixels,  # type: ignore[misc]
                lambda image, p=path: self.window.images.add(p, image),  # type: ignore[misc]
                lambda *_: None,
            )

    def _on_image(self, image: SourceImage) -> None:
        self.window.banner.hide()
        samples = {path.resolve() for path in self.samples}
        if image.path is not None and image.path.resolve() not in samples:
            self.memory.add_image(image.path)
            height, width = image.pixels.shape[:2]
            step = max(min(height, width) // 160, 1)
            self.window.images.add(image.path, image.pixels[::step, ::step], first=True)
        self.hinting.tell()

    def _on_classifier_name(self, name: str) -> None:
        if name == "digits":
            self.opening.use_classifier(ClassifierChoice(name))
        else:
            self.opening.describe(name)

    def _on_loading(self, name: str, part: float) -> None:
        self.explainer.pause()
        self.window.classifier_box.show_loading(name, part)

    def _on_loaded(self) -> None:
        self.explainer.resume()
        self.window.banner.hide()
        choice = self.session.work.classifier
        if choice is not None:
            self.memory.add_classifier(choice)
        self._show_classifier()
        self.hinting.tell()
        self.readouts.show_page()
        if not self._begun and self.session.classifier is not None:
            self._begun = True
            self.saving.begin()
            self.workspace_actions.offer_recovery()

    def _show_classifier(self) -> None:
        classifier = self.session.classifier
        facts = ""
        if classifier is not None:
            facts = self.tr("{0} classes · {1} px · {2}").format(
                words.count(len(classifier.class_names)),
                classifier.input_size,
                "CPU" if classifier.device.type == "cpu" else "GPU",
            )
        self.window.classifier_box.show_open(self.session.work.classifier, facts)

    def _on_slowed(self, why: str) -> None:
        banner = self.window.banner
        if not (banner.isVisible() and banner.details.toPlainText()):  # a problem matters more
            banner.tell(why)

    def _on_changed(self, before: Workspace, after: Workspace) -> None:
        if before.classifier != after.classifier and self.session.last_edit == "restore":
            self._show_classifier()

    def _on_work_opened(self, path: Path | None) -> None:
        self.window.banner.hide()
        self._show_classifier()
        if path is not None:
            self.window.strip.show_idle(self.tr("Opened {0}").format(path.name))

    def _on_saved(self, path: Path) -> None:
        self.window.strip.show_idle(self.tr("Saved {0}").format(path.name))

    def _on_finest(self) -> None:
        column = self.session.selected_column
        if column is not None:
            self.session.configure_column(column.key, stride=1)

    def _on_layers_wanted(self) -> None:
        column = self.session.selected_column
        classifier = self.session.classifier_of(column) if column else None
        if classifier is None:
            return

        def done(layers: Layers) -> None:
            now = self.session.selected_column
            if now is not None and self.session.classifier_of(now) is classifier:
                self.window.method_box.offer_layers(layers)

        self.jobs.ask(lambda: layers_of(classifier), done, self.tell)


def application() -> QApplication:
    """The running application, or a new one."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QCoreApplication.setOrganizationName("PDA Studio")
    QCoreApplication.setApplicationName("PDA Studio")
    return QApplication(["pda-studio"])
