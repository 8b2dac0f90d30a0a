"""Opens folders of results and of images in a grid, and from there in the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from pda_studio.document.workspace import SourceImage
from pda_studio.errors import PdaStudioError
from pda_studio.gui.actions.action import FILE, Action
from pda_studio.gui.browser.browsing import FolderBrowser
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.jobs.job import at_once
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.results.predicting import PredictingAsOneLooks
from pda_studio.gui.results.results_window import ResultsWindow
from pda_studio.gui.results.working import reading, work
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

if TYPE_CHECKING:
    from pda_studio.batch.table import ResultTable
    from pda_studio.document.state import State

_TABLES = ("CSV (*.csv)",)
_FIGURES = ("PDF (*.pdf)", "SVG (*.svg)", "PNG (*.png)")


class ResultsController(QObject):
    """Shows the grid of a folder, inspects what is chosen there, and walks in its order.

    Attributes
    ----------
    grid : ResultsWindow or None
        The window of the grid, once a folder was opened.
    """

    failed = Signal(object, str)
    saved = Signal(object)
    noted = Signal(str)
    """Where what is shown stands among the results; what had to be decided as it was opened."""
    shown = Signal()
    """A grid is there, or has another order."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        opening: Opening,
        saving: Saving,
        jobs: Jobs,
        dialogs: Dialogs,
        display: Display,
        browsing: FolderBrowser,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._opening = window, session, opening
        self._saving, self._jobs, self._dialogs = saving, jobs, dialogs
        self._display = display
        self.grid: ResultsWindow | None = None
        self._at = -1  # the row of the table that is inspected
        self._predicting = PredictingAsOneLooks(session, jobs, self)
        follow(self, session.events.image, self._on_image)
        browsing.walkers.append(self.walk)
        browsing.folder_opened.connect(self.open)
        window.registry.add(
            Action(
                "open-results",
                self.tr("Open results …"),
                self._choose,
                place=FILE.at(12),
                shortcut="Ctrl+Alt+B",
                help=self.tr("Open a folder that pda-studio batch wrote, as a grid of thumbnails"),
            ),
            Action(
                "mark-result",
                self.tr("Mark the inspected result"),
                self.mark_inspected,
                place=FILE.at(23),
                shortcut="Ctrl+Alt+M",
                help=self.tr("Mark the result that was opened from the grid, or unmark it"),
            ),
        )

    def open(self, folder: Path) -> None:
        """Show a folder of results, or of images, as a grid."""

        def done(opened: Any) -> None:
            grid = self._made()
            self._at = -1
            self._predicting.begin(opened.table)
            grid.thumbnails.begin(_source(opened.table))
            kind = self.tr("Results") if opened.table.computed else self.tr("Images")
            grid.show_table(f"{kind}: {folder.name}", opened.columns)
            grid.show_order(opened.table, opened.order)
            grid.show()
            grid.raise_()
            grid.activateWindow()
            grid.grid.setFocus()
            self.shown.emit()

        work = at_once(lambda: reading().read(folder), done, self.failed.emit)
        self._jobs.look(work)  # a folder of a million images holds up no other file

    def inspect(self, at: int) -> None:
        """Open a row of the table in the window: its image with its classifier, method and map."""
        grid = self.grid
        table = grid.model.table if grid else None
        if grid is None or table is None:
            return
        self._at = at
        place = grid.model.place_of(at)
        if place >= 0:
            grid.select(place)
        if not table.computed:
            self._opening.open_image(Path(table.column("path")[at]), chosen=False)
            self._note_place()
            return

        asked = self._opening.give_way()

        def done(state: State) -> None:
            if self._opening.is_newest(asked):
                self._saving.put(state)
                self._session.select(state.work.rows[0].key, state.work.columns[0].key)
                self._note_place()
                for note in state.notes:
                    self.noted.emit(note)

        self._jobs.read(lambda: work().opened_result(table, at), done, self.failed.emit)

    def walk(self, by: int) -> bool:
        """Inspect what stands that many places further on; whether what is shown is of the grid."""
        grid = self.grid
        if grid is None or self._at < 0:
            return False
        order = grid.model.order
        place = grid.model.place_of(self._at)
        if len(order):
            there = min(max(place + by, 0), len(order) - 1)
            if there != place:
                self.inspect(int(order[there]))
            self._note_place()
        return True

    def mark_inspected(self) -> None:
        """Mark the row that is inspected, or take its mark away."""
        table = self.grid.model.table if self.grid else None
        if table is None or self._at < 0:
            self.noted.emit(self.tr("Open a result from a grid first: it is what is marked"))
            return
        marked = not table.marks.is_marked(table.column("job")[self._at])
        self._mark([self._at], marked)
        self.noted.emit(self.tr("Marked") if marked else self.tr("Not marked any more"))

    def close(self) -> None:
        """Read nothing more: the window is closing."""
        if self.grid is not None:
            self.grid.thumbnails.close()
            self.grid.close()

    def _on_image(self, image: SourceImage | None) -> None:
        """End the walk where another image was opened; what cannot be read ends nothing."""
        table = self.grid.model.table if self.grid else None
        if table is not None and self._at >= 0:
            here = Path(table.column("path")[self._at])
            if image is None or image.path != here:
                self._at = -1

    def _note_place(self) -> None:
        if self.grid is not None:
            place, count = self.grid.model.place_of(self._at), len(self.grid.model.order)
            if place >= 0:
                self.noted.emit(self.tr("Result {0} of {1}").format(place + 1, f"{count:,}"))

    def _choose(self) -> None:
        self._dialogs.choose_folder(self.open, self.tr("Open results"))

    def _made(self) -> ResultsWindow:
        if self.grid is None:
            self.grid = grid = ResultsWindow(self._window)
            grid.opened.connect(self._on_opened)
            grid.order_wanted.connect(self._order)
            grid.marks_wanted.connect(self._mark)
            grid.noted.connect(self._note)
            grid.table_wanted.connect(lambda: self._export(_TABLES, "marked.csv"))
            grid.figure_wanted.connect(lambda: self._export(_FIGURES, "marked.pdf"))
            grid.grid.looked_at.connect(self._predicting.want)
            self._predicting.predicted.connect(grid.model.changed)
            self._predicting.predicted.connect(lambda at: self._on_predicted(at))
            self._predicting.forgotten.connect(grid.grid.viewport().update)
        return self.grid

    def _on_opened(self, at: int) -> None:
        self.inspect(at)
        self._window.raise_()
        self._window.activateWindow()

    def _on_predicted(self, at: int) -> None:
        if self.grid is not None and at == self.grid.current:
            self.grid.show_selected()

    def _order(self, text: str, column: str, descending: bool) -> None:
        grid = self.grid
        table = grid.model.table if grid else None
        if grid is None or table is None:
            return

        def done(order: Any) -> None:
            if grid.model.table is table:
                grid.show_order(table, order)
                self.shown.emit()

        def failed(error: BaseException, details: str) -> None:
            if isinstance(error, PdaStudioError):
                grid.show_problem(str(error))
            else:
                self.failed.emit(error, details)

        self._jobs.read(lambda: reading().ordered(table, text, column, descending), done, failed)

    def _mark(self, rows: list[int], marked: bool) -> None:
        table = self.grid.model.table if self.grid else None
        if table is not None:
            for at in rows:
                table.marks.mark(table.column("job")[at], marked)
            self._keep_marks(table, rows)

    def _note(self, at: int, note: str) -> None:
        table = self.grid.model.table if self.grid else None
        if table is not None and table.marks.note(table.column("job")[at]) != note:
            table.marks.set_note(table.column("job")[at], note)
            self._keep_marks(table, [at])

    def _keep_marks(self, table: ResultTable, rows: list[int]) -> None:
        grid = self.grid
        assert grid is not None
        for at in rows:
            grid.model.changed(at)
        grid.show_count()
        grid.show_selected()

        def failed(error: BaseException, details: str) -> None:
            grid.show_problem(str(error))
            self.failed.emit(error, details)

        self._jobs.write(table.marks.save, lambda _: None, failed)

    def _export(self, kinds: tuple[str, ...], name: str) -> None:
        grid = self.grid
        table = grid.model.table if grid else None
        if grid is None or table is None:
            return
        self._dialogs.choose_file(self.tr("Export marked"), kinds, name, self._write, grid)

    def _write(self, path: Path) -> None:
        """Write the marked rows, in the order of the grid; what it does not show comes last."""
        grid = self.grid
        table = grid.model.table if grid else None
        if grid is None or table is None:
            return
        jobs, marks = table.column("job"), table.marks
        rows = [at for at in range(len(table)) if marks.is_marked(jobs[at])]
        places = {at: grid.model.place_of(at) for at in rows}
        rows.sort(key=lambda at: (places[at] < 0, places[at], at))
        appearance = self._display.appearance

        def done(path: Path) -> None:
            grid.show_problem("")
            self.saved.emit(path)

        def failed(error: BaseException, details: str) -> None:
            grid.show_problem(str(error))
            self.failed.emit(error, details)

        self._jobs.write(lambda: work().export(table, rows, path, appearance), done, failed)


def _source(table: ResultTable) -> Any:
    """Where the thumbnails of a table's rows come from."""
    paths = table.column("path")

    def source(at: int) -> tuple[Path | None, Path | None]:
        small = table.file(at, "thumbnail") if table.computed else None
        return small, Path(paths[at]) if paths[at] else None

    return source
