"""Reports in the window: what was found and shown, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from pda_studio.gui.actions.action import Action
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.gui.studies.open_inputs import Carried, left_out, origin_of
from pda_studio.gui.studies.report_dialog import ReportDialog
from pda_studio.gui.studies.studies_controller import STUDY_MENU, StudiesController
from pda_studio.gui.window.main_window import MainWindow

if TYPE_CHECKING:
    from pda_studio.report import MapPart, StudyPart

_HTML, _PDF = "HTML (*.html)", "PDF (*.pdf)"


class Reporting(QObject):
    """Collects studies that were carried out, and binds them and the grid's maps into a report."""

    failed = Signal(object, str)
    saved = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        studies: StudiesController,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._jobs = window, session, jobs
        self._carried: dict[str, Carried] = {}
        self._parts: list[MapPart | StudyPart] = []
        self.dialog: ReportDialog | None = None
        studies.finished.connect(self._on_finished)
        window.registry.add(
            Action(
                "report",
                self.tr("Report …"),
                self.open,
                place=STUDY_MENU.at(900),
                shortcut="Ctrl+Shift+Y, 0",  # the other keys are those of studies
                help=self.tr(
                    "Binds studies and maps into one HTML or PDF file that says how to repeat them."
                ),
            )
        )

    def open(self) -> None:
        """Show the dialog, with all maps and studies that there are."""
        if self.dialog is None:
            self.dialog = ReportDialog(self._window)
            self.dialog.save_wanted.connect(self._ask)
        self._parts = [*self._maps(), *self._studies()]
        titles = [part.title for part in self._parts]
        self.dialog.show_parts(
            [
                f"{title} ({place + 1})" if titles.count(title) > 1 else title
                for place, title in enumerate(titles)
            ]
        )
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def save(self, title: str, places: list[int], path: Path) -> None:
        """Write the report of the chosen parts."""
        parts = [self._parts[place] for place in places]

        def work() -> Path:
            from pda_studio.files import written_whole
            from pda_studio.report import Report, report_bytes

            content = report_bytes(Report(title or path.stem, parts), path.suffix)
            with written_whole(path) as file:
                file.write(content)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)

    def _on_finished(self, carried: Carried) -> None:
        self._carried[repr((carried.study, carried.origin))] = carried

    def _studies(self) -> list[StudyPart]:
        from pda_studio.report import StudyPart, study_command

        return [
            StudyPart(one.study, one.result, study_command(one.study, one.origin), one.note)
            for one in self._carried.values()
            if one.result is not None
        ]

    def _maps(self) -> list[MapPart]:
        """The finished maps of the grid, row by row."""
        from pda_studio.report import MapPart, explain_command

        session = self._session
        found: list[MapPart] = []
        for row in session.work.rows:
            for column in session.work.columns:
                panel = session.panels.get((row.key, column.key))
                if panel is None or panel.state != "done" or panel.evidence is None:
                    continue
                if column.method.combines:
                    continue
                target = panel.evidence.target
                words = explain_command(column.method, origin_of(session, row, column, target))
                found.append(MapPart(panel.evidence, words, left_out(row)))
        return found

    def _ask(self, title: str, places: list[int]) -> None:
        dialog = QFileDialog(self.dialog, self.tr("Save report"), "", f"{_HTML};;{_PDF}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("html")
        dialog.filterSelected.connect(
            lambda chosen: dialog.setDefaultSuffix("pdf" if chosen == _PDF else "html")
        )
        dialog.selectFile("report")
        dialog.fileSelected.connect(lambda path: self._on_named(title, places, path))
        dialog.finished.connect(lambda _: dialog.deleteLater())
        dialog.open()

    def _on_named(self, title: str, places: list[int], path: Any) -> None:
        self.save(title, places, Path(path))
        if self.dialog is not None:
            self.dialog.accept()
