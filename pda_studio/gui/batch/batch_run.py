"""A plan that is carried out: by a process of its own, which the window follows.

The process is `pda-studio batch` itself: the results are its own, the window stays free, and what
was stopped or cut off goes on where it was. The background lists images and reads rows.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from pda_studio.batch.inputs import BatchImage, listing
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, write_plan
from pda_studio.batch.results import KnownRows, ResultFolder
from pda_studio.counts import counted
from pda_studio.gui.jobs.job import Job, at_once
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.jobs.workload import BATCH, Task
from pda_studio.gui.window import numbers as words

_LOOK = 500  # ms between two looks at what is finished

RunState = Literal["idle", "listing", "running", "stopped", "failed", "finished"]


class BatchRun(QObject):
    """Carries a plan out, and tells how far it is.

    Attributes
    ----------
    state : {"idle", "listing", "running", "stopped", "failed", "finished"}
        Where it stands.
    problem : str
        Why it failed.
    found : int
        Images that are listed by now.
    done, failures, total : int
        Maps that are finished, how many of these failed, and all.
    seconds_left : float or None
        How long it still takes, once that can be said.
    """

    progressed = Signal()
    refused = Signal(object, str)
    """An error, and its traceback: the plan cannot be begun."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.state: RunState = "idle"
        self.problem = ""
        self.found = self.done = self.failures = self.total = 0
        self.seconds_left: float | None = None
        self._rate = 0.0  # maps a second
        self._plan, self._results, self._device = Plan(), ResultFolder(Path()), "auto"
        self._listing: Job | None = None
        self._reading: Job | None = None
        self._process: QProcess | None = None
        self._rows: KnownRows | None = None
        self._began, self._first = 0.0, 0
        self._look = QTimer(self, interval=_LOOK)
        self._look.timeout.connect(self._read)

    @property
    def running(self) -> bool:
        """Whether a plan is carried out."""
        return self.state in ("listing", "running")

    @property
    def task(self) -> Task | None:
        """The run as the list of jobs shows it; None if there is nothing to tell."""
        if not self.running and self.state != "failed":
            return None
        failed = self.state == "failed"
        known = self.state == "running" and self.total > 0
        return Task(
            BATCH,
            self.tr("Run on a folder"),
            self._results.folder.name,
            "failed" if failed else "running",
            self.done / self.total if known else None,
            seconds=self.seconds_left,
            error=self.problem,
            stage=self.progress_in_words(left=False),
        )

    def progress_in_words(self, *, left: bool = True) -> str:
        """How far it is; with how long it still takes, or without."""
        if self.state == "listing":
            return self.tr("{0} found").format(counted(self.found, "image"))
        done, total = words.count(self.done), words.count(self.total)
        parts = [self.tr("{0} of {1} maps").format(done, total)]
        if self._rate:
            parts.append(self.tr("{0} a minute").format(words.count(60 * self._rate)))
        if left and self.seconds_left is not None:
            parts.append(self.tr("{0} left").format(words.duration(self.seconds_left)))
        if self.failures:
            parts.append(self.tr("{0} failed").format(words.count(self.failures)))
        return " · ".join(parts)

    def begin(self, plan: Plan, output: Path, device: str) -> None:
        """Do what is missing of a plan."""
        if self.running:
            return
        self._plan, self._results, self._device = plan, ResultFolder(output), device
        self.run()

    def run(self) -> None:
        """Do what is missing of the last plan."""
        if self.running:
            return
        self.state, self.problem = "listing", ""
        self.found = self.done = self.failures = self.total = 0
        self.seconds_left, self._rate = None, 0.0
        plan, results = self._plan, self._results

        def steps() -> Generator[int, None, tuple[KnownRows, int]]:
            images: list[BatchImage] = yield from listing(plan.inputs, output=results.folder)
            names = [image.name for image in images]
            settings = [setting.name for setting in settings_of(plan)]
            results.make()
            write_plan(plan, results.plan)
            rows = KnownRows(results, names, settings)
            rows.refresh()
            return rows, len(names) * len(settings)

        self._listing = self._jobs.look(Job(steps, self._start, self._refuse, self._count))
        self.progressed.emit()

    def stop(self) -> None:
        """Stop; what is finished stays, and the rest is done when it is run again."""
        if not self.running:
            return
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
        process = self._released()
        if process is not None:
            process.finished.connect(process.deleteLater)
            process.kill()
        self._end("stopped")

    def forget(self) -> None:
        """End with the window."""
        process = self._released()
        if self._listing is not None:
            self._listing.cancel()
        if process is not None:
            process.kill()
            process.waitForFinished()

    def _released(self) -> QProcess | None:
        """The process, of which nothing is heard any more."""
        process, self._process = self._process, None
        self._look.stop()
        if process is not None:
            process.finished.disconnect(self._on_end)
            process.errorOccurred.disconnect(self._on_error)
        return process

    def _count(self, found: int) -> None:
        self.found = found
        self.progressed.emit()

    def _refuse(self, error: BaseException, details: str) -> None:
        self._listing = None
        self._end("idle")
        self.refused.emit(error, details)

    def _start(self, listed: tuple[KnownRows, int]) -> None:
        self._listing = None
        self._rows, self.total = listed
        self.done, self.failures = self._rows.counts()
        self._first, self._began = self.done, monotonic()
        self._process = process = QProcess(self)
        process.finished.connect(self._on_end)
        process.errorOccurred.connect(self._on_error)
        start = [] if getattr(sys, "frozen", False) else ["-m", "pda_studio"]
        output = str(self._results.folder)
        words_of_line = [*start, "batch", "--output", output, "--device", self._device]
        self.state = "running"
        process.start(sys.executable, words_of_line)
        self._look.start()
        self.progressed.emit()

    def _read(self) -> None:
        """Read in the background what is finished, one look after the other."""
        rows = self._rows
        if self._reading is not None or rows is None:
            return

        def done(counts: tuple[int, int]) -> None:
            self._reading = None
            if rows is self._rows:
                self._show(*counts)

        self._reading = self._jobs.look(at_once(lambda: _counts(rows), done, self._cannot_read))

    def _cannot_read(self, error: BaseException, details: str) -> None:
        """What cannot be read now may be at the next look, or at the end."""
        self._reading = None

    def _show(self, done: int, failures: int) -> None:
        self.done, self.failures = done, failures
        now = done - self._first
        if now > 0 and self.running:
            self._rate = now / (monotonic() - self._began)
            self.seconds_left = (self.total - done) / self._rate
        self.progressed.emit()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._on_end()

    def _on_end(self, *_: Any) -> None:
        """Read the rows once more when the process has ended: they tell how."""
        process, rows = self._released(), self._rows
        if process is None or rows is None:
            return
        said = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        refused = process.exitStatus() == QProcess.ExitStatus.NormalExit
        refused &= process.exitCode() not in (0, 1)  # its last line says why
        process.deleteLater()

        def done(counts: tuple[int, int]) -> None:
            if rows is not self._rows or self.state != "running":  # it was stopped meanwhile
                return
            self.done, self.failures = counts
            if self.done < self.total or refused:
                early = self.tr("It ended early. Run it again: it goes on where it was.")
                self.problem = said.splitlines()[-1] if refused and said else early
                self._end("failed")
            else:
                self._end("finished")

        def failed(error: BaseException, details: str) -> None:
            self.problem = str(error)
            self._end("failed")

        self._jobs.look(at_once(lambda: _counts(rows), done, failed))

    def _end(self, state: RunState) -> None:
        self.state, self.seconds_left = state, None
        self.progressed.emit()


def _counts(rows: KnownRows) -> tuple[int, int]:
    """How many maps are finished by now, and how many of these failed."""
    rows.refresh()
    return rows.counts()
