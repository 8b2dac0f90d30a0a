"""The dialog of *Run on a folder …*, and the plan that is carried out from it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QFileDialog

from pda_studio.batch.inputs import BatchImage, listing
from pda_studio.batch.plan import Plan, write_plan
from pda_studio.counts import counted
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.batch.batch_dialog import BatchDialog
from pda_studio.gui.batch.batch_run import BatchRun
from pda_studio.gui.batch.open_plan import (
    LABEL,
    LIKELIEST,
    NAMED,
    OPEN,
    choices_of,
    computed_columns,
    has_own_target,
    open_plan,
    seconds_an_image,
)
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.targets import name_of


class BatchController(QObject):
    """Opens the dialog, runs the plan of what is open, and shows how far it is.

    Attributes
    ----------
    run_of : BatchRun
        The plan that is carried out.
    images : int
        How many the dialog names.
    """

    failed = Signal(object, str)
    saved = Signal(object)
    results_wanted = Signal(object)
    """A folder of results that is to be shown."""

    def __init__(
        self, window: MainWindow, session: Session, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._jobs = window, session, jobs
        self.dialog: BatchDialog | None = None
        self.images = 0
        self._counting: Job | None = None
        self.run_of = BatchRun(jobs, self)
        self.run_of.progressed.connect(self._follow)
        self.run_of.refused.connect(self._refuse)

    @property
    def running(self) -> bool:
        """Whether a plan is carried out."""
        return self.run_of.running

    def open(self) -> None:
        """Show the dialog, with what is open."""
        if self.dialog is None:
            self.dialog = dialog = BatchDialog(self._window)
            dialog.edited.connect(self._count)
            dialog.run_wanted.connect(self.run)
            dialog.stop_wanted.connect(self.run_of.stop)
            dialog.plan_wanted.connect(self._ask_for_plan)
            dialog.results_wanted.connect(self.open_results)
        if not self.running:  # else the dialog is about what runs
            self._show_open(self.dialog)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _show_open(self, dialog: BatchDialog) -> None:
        """Show what would be run now."""
        session = self._session
        choices = choices_of(session)
        alike = len({choice.network for choice in choices}) == len(choices)
        names = [
            one.described if alike else f"{one.described} ({one.fit or 'crop'})" for one in choices
        ]
        titles = dict.fromkeys(one.method.title for one in computed_columns(session))
        dialog.show_plan(", ".join(names), ", ".join(titles))
        classes = session.classifier.class_names if session.classifier is not None else ()
        dialog.offer_targets(self._targets(classes), classes)
        self._count()

    def _targets(self, classes: tuple[str, ...]) -> dict[str, str]:
        offered = {
            LIKELIEST: self.tr("Likeliest class of each image"),
            LABEL: self.tr("Class of the image's folder or label"),
            NAMED: self.tr("One class"),
        }
        target = self._session.work.target
        if has_own_target(self._session) and target is not None:
            offered[OPEN] = self.tr("As open: {0}").format(name_of(target, classes))
        return offered

    def plan(self) -> Plan:
        """The plan of what is open, on the images of the dialog.

        Raises
        ------
        UsageError
            If nothing is open, no images are named, or there is no such class.
        """
        dialog = self.dialog
        assert dialog is not None, "the dialog names the images"
        text = dialog.images.text().strip()
        if not text:
            raise UsageError(self.tr("Choose a folder of images, or a list."))
        target = str(dialog.target.currentData())
        return open_plan(self._session, str(Path(text).absolute()), target, dialog.named.text())

    def save_plan(self, path: Path) -> None:
        """Write the plan, which `pda-studio batch --plan` takes."""
        try:
            plan = self.plan()
        except PdaStudioError as error:
            self._refuse(error)
            return

        def work() -> Path:
            write_plan(plan, path)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)

    def run(self) -> None:
        """Do what is missing of the plan."""
        dialog = self.dialog
        if dialog is None or self.running:
            return
        folder = dialog.results.text().strip()
        if not folder:
            dialog.show_problem(self.tr("Choose a folder for the results."))
            return
        try:
            plan = self.plan()
        except PdaStudioError as error:
            self._refuse(error)
            return
        self._stop_counting()
        dialog.show_problem("")
        classifier = self._session.classifier
        device = classifier.device.type if classifier is not None else "auto"
        self.run_of.begin(plan, Path(folder), device)

    def forget(self) -> None:
        """End with the window."""
        self._stop_counting()
        self.run_of.forget()
        if self.dialog is not None:
            self.dialog.close()

    def open_results(self) -> None:
        """Show the results as a grid of thumbnails."""
        if self.dialog is not None:
            self.results_wanted.emit(Path(self.dialog.results.text().strip()))

    # What is there, and how far it is

    def _stop_counting(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None

    def _count(self) -> None:
        """Count the images in the background; what is found so far is shown."""
        dialog = self.dialog
        if dialog is None or self.running:
            return
        text, output = dialog.images.text().strip(), dialog.results.text().strip()
        self._stop_counting()
        dialog.show_problem("")
        dialog.show_count("", "")
        self.images = 0
        if not text:
            return

        def steps() -> Generator[int, None, list[BatchImage]]:
            return (yield from listing([text], output=Path(output) if output else None))

        def partial(found: int) -> None:
            dialog.show_count(self.tr("{0} found …").format(counted(found, "image")), "")

        def done(images: list[BatchImage]) -> None:
            self._counting = None
            self._show_count(images)

        def failed(error: BaseException, details: str) -> None:
            self._counting = None
            self._refuse(error, details)

        self._counting = self._jobs.look(Job(steps, done, failed, partial))

    def _show_count(self, images: list[BatchImage]) -> None:
        dialog = self.dialog
        if dialog is None:
            return
        self.images = count = len(images)
        columns, choices = computed_columns(self._session), choices_of(self._session)
        maps = count * len(choices) * len({repr(column.method) for column in columns})
        each = seconds_an_image(self._session)
        parts = [counted(maps, "map")]
        if each is not None:
            parts.append(self.tr("about {0}").format(words.duration(each * count)))
        found = self.tr("{0} found").format(counted(count, "image"))
        labels = len({image.label for image in images if image.label})
        if labels:
            found += self.tr(", with {0}").format(counted(labels, "label"))
        dialog.show_count(found, ", ".join(parts))

    def _follow(self) -> None:
        dialog, run = self.dialog, self.run_of
        if dialog is None:
            return
        if run.running:
            dialog.show_running(True)
            dialog.show_progress(run.done, run.total, run.progress_in_words())
        elif run.state == "finished":
            text = self.tr("{0} finished").format(counted(run.done - run.failures, "map"))
            if run.failures:
                text += " · " + self.tr("{0} failed").format(words.count(run.failures))
            dialog.show_finished(text)
            self._window.strip.note(self.tr("Run on a folder: {0}").format(text))
            if not (self._window.isActiveWindow() or dialog.isActiveWindow()):
                QApplication.alert(self._window)  # the taskbar tells; nothing comes to the front
        else:
            dialog.show_running(False, stopped=run.state in ("stopped", "failed"))
            if run.state == "failed":
                dialog.show_problem(run.problem)

    def _refuse(self, error: BaseException, details: str = "") -> None:
        if isinstance(error, PdaStudioError) and self.dialog is not None:
            self.dialog.show_problem(str(error))
        else:
            self.failed.emit(error, details)

    def _ask_for_plan(self) -> None:
        dialog = QFileDialog(self.dialog, self.tr("Save plan"), "", "TOML (*.toml)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.selectFile("plan.toml")
        dialog.fileSelected.connect(lambda path: self.save_plan(Path(path)))
        dialog.open()
