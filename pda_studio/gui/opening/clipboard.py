"""The clipboard, and images of the window: what goes to other programs and comes from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QIODevice, QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage, QKeySequence

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import check_writable, written_whole
from pda_studio.gui.actions.action import FILE, Action
from pda_studio.gui.browser.browsing import FolderBrowser
from pda_studio.gui.composer.exporting import EXPORT, Exporting
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.superqt_widgets import qimage_to_array
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.pixmaps import image_of

_SIDE = 512  # pixels that a copied map has at least


class ClipboardController(QObject):
    """Pastes images, copies maps, and saves what the window looks like."""

    failed = Signal(object, str)
    saved = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        exporting: Exporting,
        opening: Opening,
        jobs: Jobs,
        browsing: FolderBrowser,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._exporting, self._opening, self._jobs = exporting, opening, jobs
        self._browsing, self._dialogs = browsing, dialogs
        window.dropped.connect(self.take)
        window.registry.add(
            Action(
                "paste",
                self.tr("Paste image"),
                self.paste,
                place=FILE.at(12),
                shortcut=QKeySequence.StandardKey.Paste,
            ),
            Action(
                "save-map",
                self.tr("Save map …"),
                self._dialogs.choose_map_file,
                place=(FILE.at(51), EXPORT.at(11)),
                shortcut="Ctrl+Shift+E",
                enabled=lambda context: context.finished,
            ),
            Action(
                "name-patient",
                self.tr("Name the patient in DICOM maps"),
                toggled=self._on_name_patient,
                place=(FILE.at(54), EXPORT.at(13)),
                shortcut="Ctrl+Alt+D",
                help=self.tr(
                    "A map saved as .dcm takes over the patient's and the study's data of the DICOM"
                    " image; else nothing that is written names a patient."
                ),
            ),
            Action(
                "copy-map",
                self.tr("Copy map as an image"),
                self.copy_map,
                place=(FILE.at(52), EXPORT.at(12)),
                shortcut=QKeySequence.StandardKey.Copy,
                enabled=lambda context: context.finished,
            ),
            Action(
                "screenshot",
                self.tr("Save image of the window …"),
                self.choose_and_save_window,
                place=FILE.at(53),
                shortcut="F12",
            ),
        )

    def _on_name_patient(self, on: bool) -> None:
        self._exporting.names_patient = on

    def paste(self) -> None:
        """Open the clipboard's image, or the files whose names it holds."""
        if not self.take(QGuiApplication.clipboard().mimeData()):
            error = UsageError("There is no image on the clipboard: copy one first.")
            self.failed.emit(error, "")

    def take(self, data: QMimeData) -> bool:
        """Open files or an image that were pasted or dropped; whether there were any."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        if paths:
            self._browsing.open_files(paths)
            self._focus_grid()
            return True
        image = QImage(data.imageData()) if data.hasImage() else QImage()
        if image.isNull():
            return False
        self._opening.open_pixels(self.tr("Pasted image"), lambda: pixels_of(image))
        return True

    def _focus_grid(self) -> None:
        """Take the keys away from lists and fields: PageDown is to open the next image."""
        entry = self._window.grid.entry
        if entry is not None and entry.isVisible():
            entry.setFocus()
        else:
            self._window.splitter.setFocus()

    def copy_map(self) -> None:
        """Put the selected map on the clipboard as it is drawn, every pixel a square."""
        column = self._session.selected_column
        if column is None or self._exporting.selected_map() is None:
            error = UsageError("This map is not finished: wait for it, or press Run.")
            self.failed.emit(error, "")
            return
        panel = self._window.grid.maps[self._session.selected_row.key, column.key]
        shown = [view.pixels for view in panel.views if view.pixels is not None]
        image = image_of(np.hstack(shown))
        factor = -(-_SIDE // min(image.width(), image.height()))
        QGuiApplication.clipboard().setImage(
            image.scaled(image.width() * factor, image.height() * factor)
        )
        title = column.method.title
        self._window.strip.note(self.tr("Copied the map: {0}").format(title))

    def image_of_window(self) -> QImage:
        """What the window looks like now, in the screen's own pixels."""
        return self._window.grab().toImage()

    def choose_and_save_window(self) -> None:
        """Choose where the image goes; it is taken before the dialog lies over the window."""
        image = self.image_of_window()
        self._dialogs.choose_screenshot_file(lambda path: self.save_window(image, path))

    def save_window(self, image: QImage, path: Path) -> None:
        """Write an image of the window as PNG."""

        def work() -> Path:
            write_png(image, path)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)


def write_png(image: QImage, path: Path) -> None:
    """Write an image as PNG, whole or not at all.

    Raises
    ------
    PdaStudioError
        If it cannot be encoded or written.
    """
    check_writable(path)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise PdaStudioError("The window's image cannot be encoded as PNG.")
    with written_whole(path) as file:
        file.write(buffer.data().data())


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """A Qt image's pixels, (H, W, 3) uint8; transparency is laid over white."""
    from pda_studio.images import as_rgb

    return as_rgb(qimage_to_array(image))
