"""Writing one map's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, Signal

from pda_studio.errors import UsageError
from pda_studio.gui.actions.action import Menu
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session

if TYPE_CHECKING:
    from pda_studio.results import Result


EXPORT = Menu(QT_TRANSLATE_NOOP("menus", "Export"))
"""Opens beside the tool that exports a figure."""


class Exporting(QObject):
    """Saves a finished map in the background."""

    saved = Signal(object)
    failed = Signal(object, str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs

    def selected_map(self) -> Result | None:
        """The finished map of the selected panel."""
        session, column = self._session, self._session.selected_column
        return None if column is None else session.finished(session.selected_row, column)

    def save_map(self, path: Path) -> None:
        """Write the selected panel's map with all its numbers (.npz)."""
        chosen = self.selected_map()

        def work() -> Path:
            if chosen is None:
                raise UsageError("This map is not finished: wait for it, or press Run.")
            from pda_studio.store.maps import save_map

            save_map(chosen, path)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)
