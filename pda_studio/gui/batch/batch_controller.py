"""Carries a plan out on many images, in a process of its own that the window follows.

The process is `pda-studio batch` itself: the results are its own, the window stays free, and what
was stopped or cut off goes on where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

from PySide6.QtCore import QObject, QProcess, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, write_plan
from pda_studio.batch.results import KnownRows, ResultFolder
from pda_studio.counts import counted
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.batch.batch_dialog import BatchDialog
from pda_studio.gui.batch.open_plan import choices_of, computed_columns, open_plan, seconds_an_image
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow

_LOOK = 500  # ms between two looks at what is finished


class BatchController(QObject):
    """Opens the dialog, runs the plan of what is open, and follows it."""

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
        self._process: QProcess | None = None
        self._stopped = False
        self._total = 0
        self._rows: KnownRows | None = None
        self._began, self._first = 0.0, -1
        self._look = QTimer(self, interval=_LOOK)
        self._look.timeout.connect(self._follow)

    @property
    def running(self) -> bool:
        """Whether a plan is carried out."""
        return self._process is not None

    def open(self) -> None:
        """Show the dialog, with what is open."""
        if self.dialog is None:
            self.dialog = dialog = BatchDialog(self._window)
            dialog.edited.connect(self._count)
            dialog.run_wanted.connect(self.run)
            dialog.stop_wanted.connect(self.stop)
            dialog.plan_wanted.connect(self._ask_for_plan)
            dialog.results_wanted.connect(self.open_results)
        names = ", ".join(choice.described for choice in choices_of(self._session))
        titles = dict.fromkeys(one.method.title for one in computed_columns(self._session))
        self.dialog.show_plan(names, ", ".join(titles))
        self._count()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def plan(self) -> Plan:
        """The plan of what is open, on the images of the dialog.

        Raises
        ------
        UsageError
            If nothing is open, or no images are named.
        """
        assert self.dialog is not None, "the dialog names the images"
        text = self.dialog.images.text().strip()
        if not text:
            raise UsageError(self.tr("Choose a folder of images, or a list."))
        return open_plan(self._session, str(Path(text).absolute()))

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
        results = ResultFolder(Path(folder))
        try:
            plan = self.plan()
            images = images_of(plan.inputs, output=results.folder)
            names = [image.name for image in images]
            settings = [setting.name for setting in settings_of(plan)]
            results.make()
            write_plan(plan, results.plan)
        except PdaStudioError as error:
            self._refuse(error)
            return
        self._total = len(names) * len(settings)
        self._rows, self._first, self._stopped = KnownRows(results, names, settings), -1, False
        self._began = monotonic()
        self._process = process = QProcess(self)
        process.finished.connect(self._on_end)
        process.errorOccurred.connect(self._on_error)
        dialog.show_problem("")
        dialog.show_running(True)
        start = [] if getattr(sys, "frozen", False) else ["-m", "pda_studio"]
        classifier = self._session.classifier
        device = classifier.device.type if classifier is not None else "auto"
        process.start(
            sys.executable,
            [*start, "batch", "--output", str(results.folder), "--device", device],
        )
        self._look.start()

    def stop(self) -> None:
        """Stop the process; what is finished stays, and the rest is done when it is run again."""
        if self._process is not None:
            self._stopped = True
            self._process.kill()

    def forget(self) -> None:
        """End with the window."""
        process = self._process
        if process is not None:
            process.finished.disconnect(self._on_end)
            process.errorOccurred.disconnect(self._on_error)
            process.kill()
            process.waitForFinished()
            self._process = None
        self._look.stop()
        if self.dialog is not None:
            self.dialog.close()

    def open_results(self) -> None:
        """Show the results as a grid of thumbnails."""
        if self.dialog is not None:
            self.results_wanted.emit(Path(self.dialog.results.text().strip()))

    # What is there, and how far it is

    def _count(self) -> None:
        """Count the images, on a background thread."""
        dialog = self.dialog
        if dialog is None or self.running:
            return
        text, output = dialog.images.text().strip(), dialog.results.text().strip()
        dialog.show_problem("")
        dialog.show_count("", "")
        self.images = 0
        if text:
            self._jobs.read(
                lambda: len(images_of([text], output=Path(output) if output else None)),
                lambda count: self._show_count(text, count),
                lambda error, details: self._refuse(error, details),
            )

    def _show_count(self, text: str, count: int) -> None:
        dialog = self.dialog
        if dialog is None or dialog.images.text().strip() != text:
            return
        self.images = count
        plan = self.plan()
        maps = count * len(plan.classifiers) * len(plan.methods)
        each = seconds_an_image(self._session)
        parts = [counted(maps, "map")]
        if each is not None:
            parts.append(self.tr("about {0}").format(words.duration(each * count)))
        dialog.show_count(self.tr("{0} found").format(counted(count, "image")), ", ".join(parts))

    def _progress(self) -> tuple[int, int]:
        """How many maps are finished, and how many of these failed."""
        assert self._rows is not None, "it is followed once it runs"
        self._rows.refresh()
        return self._rows.counts()

    def _follow(self) -> None:
        done, failed = self._progress()
        if self._first < 0:
            self._first = done
        now, total = done - self._first, self._total
        parts = [self.tr("{0} of {1} maps").format(words.count(done), words.count(total))]
        if now > 0:
            rate = now / (monotonic() - self._began)
            parts.append(self.tr("{0} a minute").format(words.count(60 * rate)))
            parts.append(self.tr("{0} left").format(words.duration((total - done) / rate)))
        if failed:
            parts.append(self.tr("{0} failed").format(words.count(failed)))
        text = " · ".join(parts)
        if self.dialog is not None:
            self.dialog.show_progress(done, total, text)

    def _on_end(self, *_: object) -> None:
        process, self._process = self._process, None
        self._look.stop()
        if process is None or self.dialog is None:
            return
        said = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        code = process.exitCode()
        process.deleteLater()
        self._follow()
        done, failed = self._progress()
        if self._stopped:
            self.dialog.show_running(False, stopped=True)
        elif done < self._total or code not in (0, 1):
            self.dialog.show_running(False, stopped=True)
            self.dialog.show_problem(said.splitlines()[-1] if said else self.tr("It ended early."))
        else:
            text = self.tr("{0} finished").format(counted(done - failed, "map"))
            if failed:
                text += " · " + self.tr("{0} failed").format(words.count(failed))
            self.dialog.show_finished(text)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._on_end()

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
