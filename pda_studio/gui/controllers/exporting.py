"""Writing the figure of all panels, or one map's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from pda_studio.errors import UsageError
from pda_studio.gui.controllers.jobs import Jobs
from pda_studio.gui.models.display import Display
from pda_studio.gui.models.session import Session

if TYPE_CHECKING:
    from pda_studio.methods.evidence import EvidenceMap

FIGURES = ".pdf", ".png", ".svg"


class Exporting(QObject):
    """Saves finished maps in the background."""

    saved = Signal(object)
    failed = Signal(object, str)

    def __init__(
        self, session: Session, display: Display, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._display = session, display
        self._jobs = jobs

    def selected_map(self) -> EvidenceMap | None:
        """The finished map of the selected panel."""
        session, column = self._session, self._session.selected_column
        return None if column is None else session.finished(session.selected_row, column)

    def export_figure(self, path: Path) -> None:
        """Write all panels, drawn as they are shown, as PNG, PDF or SVG by the name's ending."""
        maps, rows = self._session.all_finished(), len(self._session.work.rows)
        appearance = self._display.appearance

        def work() -> Path:
            if not maps:
                raise UsageError("Some maps are not finished: wait for them, or press Run.")
            from pda_studio.figures.panel import save_panel

            save_panel(maps, path, rows=rows, appearance=appearance)
            return path

        self._ask(work)

    def save_map(self, path: Path) -> None:
        """Write the selected panel's map with all its numbers (.npz)."""
        chosen = self.selected_map()

        def work() -> Path:
            if chosen is None:
                raise UsageError("This map is not finished: wait for it, or press Run.")
            from pda_studio.workspace.maps import save_map

            save_map(chosen, path)
            return path

        self._ask(work)

    def _ask(self, work: Callable[[], Path]) -> None:
        self._jobs.ask(work, self.saved.emit, self.failed.emit)
