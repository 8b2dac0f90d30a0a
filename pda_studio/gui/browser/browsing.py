"""Images by the folder: dropped, opened, and walked through with two keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from natsort import natsorted, ns
from PySide6.QtCore import QObject, Signal

from pda_studio.batch.results import holds_results
from pda_studio.document.workspace import SUFFIX, SourceImage
from pda_studio.errors import PdaStudioError
from pda_studio.gui.actions.action import FILE, Action
from pda_studio.gui.actions.registry import Actions
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening, is_classifier
from pda_studio.gui.session.session import Session
from pda_studio.images import medical
from pda_studio.images.formats import is_named_as_image


class FolderBrowser(QObject):
    """Opens what is dropped, and the neighbours of the image that is open.

    The neighbours are the images of its folder, or those it was dropped with.
    """

    noted = Signal(str)
    """Where the image stands among its neighbours."""
    workspace_requested = Signal(object)
    """A file of saved work is to be opened, in the place of all that is open."""
    folder_opened = Signal(object)
    """A folder that somebody chose, to be shown as a whole."""
    failed = Signal(object, str)

    def __init__(
        self,
        session: Session,
        opening: Opening,
        jobs: Jobs,
        dialogs: Dialogs,
        registry: Actions,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        registry.add(
            Action(
                "open-folder",
                self.tr("Open folder …"),
                partial(dialogs.choose_folder, self.show_folder),
                place=FILE.at(11),
                shortcut="Ctrl+Alt+F",
                icon="folder",
            ),
            Action(
                "previous",
                self.tr("Previous image in the folder"),
                partial(self.step, -1),
                place=FILE.at(20),
                shortcut="PgUp",
            ),
            Action(
                "next",
                self.tr("Next image in the folder"),
                partial(self.step, 1),
                place=FILE.at(21),
                shortcut="PgDown",
            ),
        )
        self._session, self._opening, self._jobs = session, opening, jobs
        self._pending: Path | None = None  # what is read now, or could not be read
        self._together: list[Path] = []
        self._steps = 0
        self._asking = False
        self.walkers: list[Callable[[int], bool]] = []
        """Asked first to go so many places on; each says whether what is open is of its order."""
        opening.image_opened.connect(self._on_image)

    def open_files(self, paths: list[Path]) -> None:
        """Open saved work; else images, a folder's, or a classifier."""
        work = next((path for path in paths if path.suffix.lower() == SUFFIX), None)
        if work is not None:
            self.workspace_requested.emit(work)
            return
        images: list[Path] = []
        for path in paths:
            if is_classifier(path):
                self._opening.open_classifier(path)
            elif path.is_dir() and holds_results(path):
                self.folder_opened.emit(path)
            elif path.is_dir():
                self.open_folder(path)
            else:
                images.append(path)
        if images:
            self._together = images if len(images) > 1 else []
            self._open(images[0])

    def open_folder(self, folder: Path, *, shown: bool = False) -> None:
        """Open the first image of a folder; shown, all of them are to be seen beside it."""

        def first() -> Path:
            images = images_in(folder)
            if not images and _is_series(folder):
                return folder
            if not images:
                raise PdaStudioError(f"There are no images in {folder}; name another folder.")
            return images[0]

        def done(path: Path) -> None:
            self._together = []
            self._open(path)
            if shown and path != folder:
                self.folder_opened.emit(folder)

        self._jobs.read(first, done, self.failed.emit)

    def show_folder(self, folder: Path) -> None:
        """Show the results of a folder; or open its first image, and show all of them."""
        if holds_results(folder):
            self.folder_opened.emit(folder)
        else:
            self.open_folder(folder, shown=True)

    def step(self, by: int) -> None:
        """Open the image that many places further on; the last and the first are the ends."""
        if any(walk(by) for walk in self.walkers):
            return
        start = self._start
        if start is None:
            self.noted.emit(self.tr("This image lies in no folder"))
            return
        self._steps += by
        if not self._asking and self._steps:
            self._ask(start)

    def stay(self) -> None:
        """Start from the image that is shown: a workspace was opened."""
        self._pending, self._together, self._steps = None, [], 0
        self.noted.emit("")

    @property
    def _start(self) -> Path | None:
        """Where the next step starts: what is being read, or else the image that is shown."""
        image = self._session.work.image
        return self._pending or (image.path if image else None)

    def _ask(self, start: Path) -> None:
        """Prediction for neighbours in the background: folders may be large and far away."""
        by, self._steps = self._steps, 0
        together = list(self._together) if start in self._together else []
        self._asking = True

        def found() -> tuple[Path, int, int]:
            images = together or images_in(start.parent)
            if start not in images:  # it has another ending, or is gone
                images = _in_order([*images, start])
            place = min(max(images.index(start) + by, 0), len(images) - 1)
            return images[place], place + 1, len(images)

        def done(found: tuple[Path, int, int]) -> None:
            self._asking = False
            path, number, count = found
            if path != start:
                self._open(path, chosen=False)
            self.noted.emit(self.tr("Image {0} of {1}").format(number, count))
            if self._steps:
                self.step(0)

        def failed(error: BaseException, details: str) -> None:
            self._asking = False
            self.failed.emit(error, details)

        self._jobs.read(found, done, failed)

    def _open(self, path: Path, *, chosen: bool = True) -> None:
        self._pending = path
        self._opening.open_image(path, chosen=chosen)

    def _on_image(self, image: SourceImage) -> None:
        if image.path is None or image.path != self._pending:
            self.stay()
        self._pending = None


def images_in(folder: Path) -> list[Path]:
    """The images of a folder by their names' endings, in the order people expect.

    Raises
    ------
    PdaStudioError
        If the folder cannot be read.
    """
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        reason = error.strerror or str(error)
        raise PdaStudioError(f"Cannot read the folder {folder}: {reason}.") from error
    images = [
        path
        for path in entries
        if is_named_as_image(path.name) and not path.name.startswith(".") and path.is_file()
    ]
    return _in_order(images)


def _is_series(folder: Path) -> bool:
    """Whether a folder holds a DICOM series, whose files need no endings."""
    return medical.read_folder(folder) is not None


def _in_order(paths: list[Path]) -> list[Path]:
    """By name, numbers within names by their size: 9 comes before 10."""
    return natsorted(paths, key=lambda path: path.name, alg=ns.IGNORECASE)
