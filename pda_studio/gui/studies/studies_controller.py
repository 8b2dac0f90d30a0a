"""Studies in the window: opens their dialogs, carries them out on the worker, saves results."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog

from pda_studio.document.workspace import Column
from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.gui.actions.action import Action, Menu
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.jobs.workload import STUDY, Task
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.studies.offering import offer_layers
from pda_studio.gui.studies.open_inputs import Carried, carried, inputs_in_words, open_inputs
from pda_studio.gui.studies.study_dialog import StudyDialog, image_of_figure
from pda_studio.gui.window.main_window import MainWindow

if TYPE_CHECKING:
    from pda_studio.figures.image_places import ImagePlace
    from pda_studio.studies import Study, StudyProgress, StudyResult

STUDY_MENU = Menu(QT_TRANSLATE_NOOP("menus", "&Study"), bar=50)
_KEYS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the second key of a study's shortcut
_DPI = 150  # of a figure on the screen
_FIGURES = ("PDF (*.pdf)", "SVG (*.svg)", "PNG (*.png)", "TIFF (*.tif)")


@dataclass(frozen=True, eq=False)
class _Shown:
    """A step as the window shows it: its figure is rendered on the background thread."""

    step: StudyProgress
    pixels: Any
    places: Sequence[ImagePlace] = ()


class StudiesController(QObject):
    """Opens the dialogs of studies; one study runs at a time."""

    failed = Signal(object, str)
    saved = Signal(object)
    finished = Signal(object)
    """What was carried out to its end, and what it found."""
    progressed = Signal()
    """Something about the study that is carried out has changed."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        opening: Opening,
        jobs: Jobs,
        inspection: Inspection,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._jobs = window, session, jobs
        self._inspection, self._opening = inspection, opening
        window.registry.menu(STUDY_MENU)
        window.method_box.sweep_wanted.connect(self.sweep)
        opening.engine_ready.connect(self._offer)
        self.dialog: StudyDialog | None = None
        self.result: StudyResult | None = None
        self._job: Job | None = None
        self._step: StudyProgress | None = None
        self._title = ""
        self._carried: Carried | None = None
        self._drawn: tuple[object, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether a study is carried out."""
        return self._job is not None

    @property
    def task(self) -> Task | None:
        """The study that is carried out, as the list of jobs shows it."""
        if self._job is None:
            return None
        step = self._step
        part = step.done / step.total if step and step.total else None
        doing, left = (step.doing, step.seconds_left) if step else ("", None)
        return Task(STUDY, self._title, doing, "running", part, seconds=left)

    def _offer(self, *_: object) -> None:
        """Put every study of the registry into the menu."""
        from pda_studio.studies import STUDIES

        keys = iter(_KEYS)
        self._window.registry.add(
            *(
                Action(
                    f"study-{name}",
                    f"{kind.title} …",
                    partial(self.open, name),
                    place=STUDY_MENU.at(10 + number),
                    shortcut=f"Ctrl+Shift+Y, {key}" if (key := next(keys, "")) else "",
                    help=kind.summary,
                )
                for number, (name, kind) in enumerate(STUDIES.items())
            )
        )

    def sweep(self, parameter: str) -> None:
        """Show the dialog of the study of one parameter of the methods."""
        self.open("sweep", vary=parameter)

    def open(self, name: str, **values: object) -> None:
        """Show the dialog of a study, with these values of its parameters."""
        from pda_studio.studies import study_named

        kind = study_named(name)
        if self.dialog is not None and self.dialog.kind is not kind:
            self.dialog.close()
            self.dialog.deleteLater()
            self.dialog = None
        if self.dialog is None:
            self.dialog = dialog = StudyDialog(kind, self._window)
            dialog.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
            dialog.run_wanted.connect(self.run)
            dialog.stop_wanted.connect(self.stop)
            dialog.table_wanted.connect(self._ask_for_table)
            dialog.figure_wanted.connect(self._ask_for_figure)
            dialog.columns_wanted.connect(self.take_columns)
            dialog.image_wanted.connect(self._opening.open_image)
            self._show(None, None)
        self.dialog.take_values(values)
        offer_layers(self.dialog, self._session, self._jobs, self.failed.emit)
        self.dialog.show_inputs(inputs_in_words(self._session, kind))
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def run(self, study: Study) -> None:
        """Carry out a study on what is open."""
        dialog = self.dialog
        if dialog is None:
            return
        self.stop()
        try:
            inputs = open_inputs(self._session, self._inspection, type(study))
        except PdaStudioError as error:
            dialog.show_problem(str(error))
            return
        self._show(None, None)
        dialog.show_inputs(inputs_in_words(self._session, type(study)))
        dialog.show_running(True)

        def steps() -> Generator[StudyProgress, None, _Shown]:
            step = None
            for step in study.steps(inputs):
                yield step
            assert step is not None, "a study takes a step"
            return self._snapshot(step)

        job = Job(
            steps,
            done=lambda shown: self._on_done(job, shown),
            failed=lambda error, details: self._on_failed(job, error, details),
            partial=lambda shown: self._on_partial(job, shown),
            snapshot=self._snapshot,
            gives_way=True,
        )
        self._title, self._step = type(study).title, None
        self._carried = carried(self._session, study)
        self._job = self._jobs.start(job)
        self.progressed.emit()

    def stop(self) -> None:
        """Cancel the study that is carried out; what is known so far stays."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            if self.dialog is not None:
                self.dialog.show_running(False, stopped=True)
            self.progressed.emit()

    def forget(self) -> None:
        """Stop and close: the window is closing."""
        self.stop()
        if self.dialog is not None:
            self.dialog.close()

    def take_columns(self) -> None:
        """Put the maps of the result beside the columns of the window, as one edit."""
        session = self._session
        here = {(repr(one.method), one.target) for one in session.work.columns}
        wanted = [
            Column(-1, one.method, target=one.target, suited=True)
            for one in (self.result.columns if self.result else ())
            if (repr(one.method), one.target) not in here
        ]
        if wanted:
            session.columns.replace_all((*session.work.columns, *wanted))

    def save_table(self, path: Path) -> None:
        """Write the table as comma-separated values."""
        if self.result is None:
            return
        text = self.result.table.csv()

        def work() -> Path:
            with written_whole(path) as file:
                file.write(text.encode())
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)

    def save_figure(self, path: Path) -> None:
        """Write the figure as PDF, SVG, PNG or TIFF, by the name's ending."""
        result = self.result
        if result is None:
            return

        def work() -> Path:
            from pda_studio.figures.saving import check_figure, save_figure

            check_figure(path)
            save_figure(result.draw(), path)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)

    # Results

    def _snapshot(self, step: StudyProgress) -> _Shown:
        """On the background thread: draw the figure of a step, once for each result."""
        if step.result is None:
            return _Shown(step, None)
        if self._drawn is None or self._drawn[0] is not step.result:
            from pda_studio.figures.image_places import drawn_with_places

            self._drawn = step.result, drawn_with_places(step.result.draw(), _DPI)
        return _Shown(step, *self._drawn[1])

    def _on_partial(self, job: Job, shown: _Shown) -> None:
        if job is not self._job or self.dialog is None:
            return
        self._step = step = shown.step
        self.progressed.emit()
        self.dialog.show_progress(step.done, step.total, step.doing, step.time_left)
        if step.result is not None and step.result is not self.result:
            self._show(step.result, shown)

    def _on_done(self, job: Job, shown: _Shown) -> None:
        if job is not self._job:
            return
        self._job = None
        self.progressed.emit()
        if self.dialog is not None:
            self.dialog.show_running(False)
        self._show(shown.step.result, shown)
        if self._carried is not None and shown.step.result is not None:
            self.finished.emit(replace(self._carried, result=shown.step.result))

    def _on_failed(self, job: Job, error: BaseException, details: str) -> None:
        if job is not self._job:
            return
        self._job = None
        self.progressed.emit()
        if self.dialog is None:
            return
        self.dialog.show_running(False)
        if isinstance(error, PdaStudioError):
            self.dialog.show_problem(str(error))
        else:
            self.failed.emit(error, details)

    def _show(self, result: StudyResult | None, shown: _Shown | None) -> None:
        self.result = result
        if self.dialog is None:
            return
        if shown is None or shown.pixels is None:
            self.dialog.show_result(result, None)
        else:
            self.dialog.show_result(result, image_of_figure(shown.pixels), shown.places)

    def _ask_for_table(self) -> None:
        self._ask(self.tr("Save table"), ("CSV (*.csv)",), self.save_table)

    def _ask_for_figure(self) -> None:
        self._ask(self.tr("Save figure"), _FIGURES, self.save_figure)

    def _ask(self, title: str, kinds: tuple[str, ...], save: Any) -> None:
        dialog = QFileDialog(self.dialog, title, "", ";;".join(kinds))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(kinds[0].partition("*.")[2].rstrip(")"))
        dialog.selectFile(self.dialog.kind.name if self.dialog else "study")
        dialog.filterSelected.connect(
            lambda kind: dialog.setDefaultSuffix(kind.partition("*.")[2].rstrip(")"))
        )
        dialog.fileSelected.connect(lambda path: save(Path(path)))
        dialog.open()
