"""Pictures by the folder: dropped, opened, and walked through with two keys."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from pda_studio.document.work import SUFFIX, ClassifierChoice, Picture
from pda_studio.errors import PdaStudioError
from pda_studio.gui.controllers.jobs import Jobs
from pda_studio.gui.controllers.opening import PICTURES, WEIGHTS, Opening
from pda_studio.gui.models.session import Session


class Browsing(QObject):
    """Opens what is dropped, and the neighbours of the picture that is open.

    The neighbours are the pictures of its folder, or those it was dropped with.
    """

    told = Signal(str)
    """Where the picture stands among its neighbours."""
    work_wanted = Signal(object)
    """A file of saved work is to be opened, in the place of all that is open."""
    failed = Signal(object, str)

    def __init__(
        self, session: Session, opening: Opening, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._opening, self._jobs = session, opening, jobs
        self._at: Path | None = None  # what was asked for last; it may be on its way
        self._together: list[Path] = []
        self._steps = 0
        self._asking = False
        opening.picture_opened.connect(self._on_picture)

    def open_files(self, paths: list[Path]) -> None:
        """Open saved work; else pictures, a folder's, or weights for the open classifier."""
        work = next((path for path in paths if path.suffix.lower() == SUFFIX), None)
        if work is not None:
            self.work_wanted.emit(work)
            return
        pictures: list[Path] = []
        for path in paths:
            if path.is_dir():
                self.open_folder(path)
            elif path.suffix.lower() in WEIGHTS:
                name = self._opening.name_for(path)
                self._opening.use_classifier(ClassifierChoice(name, str(path)))
            else:
                pictures.append(path)
        if pictures:
            self._together = pictures if len(pictures) > 1 else []
            self._open(pictures[0])

    def open_folder(self, folder: Path) -> None:
        """Open the first picture of a folder."""

        def first() -> Path:
            pictures = pictures_in(folder)
            if not pictures:
                raise PdaStudioError(f"There are no pictures in {folder}; name another folder.")
            return pictures[0]

        def done(path: Path) -> None:
            self._together = []
            self._open(path)

        self._jobs.ask(first, done, self.failed.emit)

    def step(self, by: int) -> None:
        """Open the picture that many places further on; the last and the first are the ends."""
        if self._at is None:
            self.told.emit(self.tr("This picture lies in no folder"))
            return
        self._steps += by
        if not self._asking and self._steps:
            self._ask(self._at)

    def _ask(self, start: Path) -> None:
        """Look for neighbours in the background: folders may be large and far away."""
        by, self._steps = self._steps, 0
        together = list(self._together)
        self._asking = True

        def look() -> tuple[Path, int, int]:
            pictures = together or pictures_in(start.parent)
            if start not in pictures:  # it has another ending, or is gone
                pictures = sorted([*pictures, start], key=_in_order)
            place = min(max(pictures.index(start) + by, 0), len(pictures) - 1)
            return pictures[place], place + 1, len(pictures)

        def done(found: tuple[Path, int, int]) -> None:
            self._asking = False
            path, number, count = found
            if path != start:
                self._open(path)
            self.told.emit(self.tr("Picture {0} of {1}").format(number, count))
            if self._steps:
                self.step(0)

        def failed(error: BaseException, details: str) -> None:
            self._asking = False
            self.failed.emit(error, details)

        self._jobs.ask(look, done, failed)

    def _open(self, path: Path) -> None:
        self._at = path
        self._opening.open_picture(path)

    def _on_picture(self, picture: Picture) -> None:
        if picture.path is None or picture.path != self._at:
            self._at, self._together, self._steps = picture.path, [], 0
            self.told.emit("")


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by their names' endings, in the order people expect.

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
    pictures = [
        path
        for path in entries
        if path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()
    ]
    return sorted(pictures, key=_in_order)


def _in_order(path: Path) -> list[tuple[int, int, str]]:
    """Numbers within names by their size: 9 comes before 10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
