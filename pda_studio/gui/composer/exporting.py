"""Writing one map's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, Signal

from pda_studio.document.turning import seen
from pda_studio.errors import UsageError
from pda_studio.files import check_is_not
from pda_studio.gui.actions.action import Menu
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.store.map_formats import write_map

if TYPE_CHECKING:
    from pda_studio.results import Result
    from pda_studio.store.placed import Placed


EXPORT = Menu(QT_TRANSLATE_NOOP("menus", "Export"))
"""Opens beside the tool that exports a figure."""


class Exporting(QObject):
    """Saves a finished map in the background.

    Attributes
    ----------
    names_patient : bool
        Whether DICOM maps take over the patient's and the study's data of a DICOM image.
    """

    saved = Signal(object)
    failed = Signal(object, str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.names_patient = False

    def selected_map(self) -> Result | None:
        """The finished map of the selected panel."""
        session, column = self._session, self._session.selected_column
        return None if column is None else session.finished(session.selected_row, column)

    def save_map(self, path: Path) -> None:
        """Write the selected panel's map, in the format that the file's name asks for."""
        chosen, place = self.selected_map(), self._place()
        opened = self._session.work.image_of(self._session.selected_row)
        image_file = None if opened is None else opened.path
        source = image_file if self.names_patient else None

        def work() -> Path:
            if chosen is None:
                raise UsageError("This map is not finished: wait for it, or press Run.")
            if image_file is not None:
                check_is_not(path, image_file, "map", "image")
            write_map(chosen, path, place() if place is not None else None, source)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)

    def _place(self) -> Callable[[], Placed] | None:
        """What finds where the selected panel's map lies in the image that was opened."""
        session = self._session
        row, column = session.selected_row, session.selected_column
        opened = session.work.image_of(row)
        classifier = None if column is None else session.classifier_of(column)
        if opened is None or classifier is None:
            return None
        image, preprocessing = opened.image, classifier.preprocessing

        def place() -> Placed:
            from pda_studio.store.placed import Placed

            return Placed.through(seen(preprocessing, row, image.width, image.height), image)

        return place
