"""Starting the window, and taking its image without anybody watching."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, cast

from PySide6.QtCore import QEventLoop, QSettings, QTimer

from pda_studio.document.workspace import SourceImage
from pda_studio.errors import PdaStudioError
from pda_studio.files import check_writable
from pda_studio.gui.collection import without_collection
from pda_studio.gui.display.display import Theme
from pda_studio.gui.jobs.worker import leave
from pda_studio.gui.opening.clipboard import write_png
from pda_studio.gui.session.recovery import Recovery
from pda_studio.gui.window.settings import Memory
from pda_studio.gui.window.studio import Studio, application
from pda_studio.images import Image
from pda_studio.images.fit import CropBox, Fit
from pda_studio.methods import method_named
from pda_studio.pda.allocator import keep_freed_memory

_LONGEST = 24 * 3600.0  # seconds that a screenshot waits


def run_window(
    image: Path | None = None,
    classifier: str | None = None,
    weights: str | None = None,
    workspace: Path | None = None,
    folder: Path | None = None,
) -> int:
    """Show the window until it is closed; returns the exit status.

    Parameters
    ----------
    image : Path, optional
        The image to open; without it, the last workspace, or at first a sample digit.
    classifier, weights : str, optional
        As `load_classifier` takes them; without them, the digit classifier.
    workspace : Path, optional
        Saved work to open instead of an image; without anything named, the last workspace.
    folder : Path, optional
        Results of a batch, or images, to show as a grid.
    """
    keep_freed_memory()  # before there are threads
    running = application()
    settings = QSettings()
    if (
        workspace is None
        and image is None
        and (classifier or "digits", weights) == ("digits", None)
    ):
        workspace = _last_workspace(settings)
    with without_collection():
        studio = Studio(running, settings, image, classifier, weights, workspace, folder=folder)
        running.aboutToQuit.connect(studio.close)
        studio.show()
    sys.excepthook = studio.messages.show_unexpected
    try:
        status = running.exec()
    finally:
        sys.excepthook = sys.__excepthook__
        studio.close()
    return leave(int(status))


def take_screenshot(
    image: Path,
    output: Path,
    *,
    classifier: str,
    weights: str | None = None,
    method: str | None = None,
    parameters: dict[str, Any] | None = None,
    target: str | int | None = None,
    size: tuple[int, int] = (1280, 800),
    theme: str = "system",
    opened: Image | None = None,
    fit: Fit | None = None,
    crop: CropBox | None = None,
) -> None:
    """Open the real window, let every map finish, and save the window's image as PNG.

    Parameters
    ----------
    image, output : Path
        The image to open and the PNG file to write.
    classifier, weights : str
        As `load_classifier` takes them.
    method : str, optional
        A name in `METHODS`.
    parameters : dict, optional
        Parameters of the method; the others suit the classifier.
    target : str or int, optional
        Name or index of a class; without it, the most likely one.
    size : tuple of int
        Width and height of the window, in pixels.
    theme : {"system", "light", "dark"}
        Colours of the window.
    opened : Image, optional
        The image as it was read, where another page or other limits were wanted.
    fit, crop : optional
        What of the image becomes the model input: see `Classifier.with_fit`.

    Raises
    ------
    PdaStudioError
        Whatever the window would have shown as a message.
    """
    check_writable(output)
    keep_freed_memory()
    running = application()
    with tempfile.TemporaryDirectory() as folder:  # leaves the user's own settings alone
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings, image, classifier, weights)
        try:
            studio.theme.choose(cast(Theme, theme))
            studio.window.resize(*size)
            studio.show()
            watch = _Watch(studio)
            session = studio.session
            watch.until(lambda: bool(session.predictions))
            loaded = session.classifier
            assert loaded is not None
            if opened is not None:
                session.open_image(SourceImage.of(image.name, opened, image))
            choice = session.work.classifier
            if choice is not None and (fit or crop):
                loaded = loaded.with_fit(fit, crop)
                session.model_inputs.use(replace(choice, fit=fit, crop=crop), loaded)
            column = session.work.columns[0].key
            if parameters:
                kind = method_named(method or session.work.columns[0].method.name)
                session.columns.set_method(column, kind.create(loaded, **parameters))
            elif method is not None:
                session.columns.set_method(column, method)
            if target is not None:
                session.set_target(loaded.class_index(target))
            watch.until(lambda: bool(session.all_finished()))
            studio.window.banner.hide()
            watch.rest()
            write_png(studio.clipboard.image_of_window(), output)
        finally:
            studio.window.close()
            studio.close()
            studio.window.deleteLater()
            studio.deleteLater()


def _last_workspace(settings: QSettings) -> Path | None:
    """What was open last, where the user wants it; after a crash the window offers what is left."""
    recovery = Recovery(settings)
    if not Memory(settings).start_with_last or recovery.left_behind():
        return None
    return recovery.last


class _Watch:
    """Runs the event loop until something is so, or until the window tells of a problem."""

    def __init__(self, studio: Studio) -> None:
        self._errors: list[BaseException] = []
        for source in (studio.opening, studio.explainer):
            source.failed.connect(lambda error, _: self._errors.append(error))

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait; raises what the window would have shown."""
        end = monotonic() + _LONGEST
        loop = QEventLoop()
        timer = QTimer(interval=15)
        timer.timeout.connect(lambda: loop.quit() if is_so() or self._errors else None)
        timer.start()
        while not is_so() and not self._errors and monotonic() < end:
            loop.exec()
        timer.stop()
        if self._errors:
            error = self._errors[0]
            if isinstance(error, PdaStudioError):
                raise error
            raise PdaStudioError(f"The window failed: {error!r}") from error

    def rest(self) -> None:
        """Let the window draw itself."""
        loop = QEventLoop()
        QTimer.singleShot(150, loop.quit)
        loop.exec()
