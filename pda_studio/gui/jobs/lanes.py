"""The two background threads: the lane of the engine, and the lane of files."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from PySide6.QtCore import QThread, Signal

from pda_studio.gui.jobs.job import Job, at_once

_MOST_A_SECOND = 15  # partial answers
_DRAWING_SHARE = 0.1  # of the worker's time, at most, goes into partial answers
WRITE, READ, TIDY = range(3)
"""What is more urgent comes first in the lane of files."""
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Answer:
    """What a lane tells of a job: "done", "failed", "partial" or "stopped"."""

    job: Job
    kind: str
    value: Any = None
    text: str = ""


class _Lane(QThread):
    """A background thread that carries out what is queued."""

    answered = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.closing = threading.Event()

    def follow_up(self, job: Job, value: Any) -> None:
        """See to what follows a job that is done."""

    def carry_out(self, job: Job, between: Callable[[], None] = lambda: None) -> None:
        """Do the work, in its steps, and send the answer."""
        try:
            kind, value = self._steps(job, between)
        except Exception as error:  # whatever it is, the user is told and the next job runs
            _log.debug("A job failed", exc_info=True)
            self.answered.emit(Answer(job, "failed", error, traceback.format_exc()))
        else:
            self.answered.emit(Answer(job, kind, value))
            if kind == "done":
                self.follow_up(job, value)

    def _steps(self, job: Job, between: Callable[[], None]) -> tuple[str, Any]:
        if job.cancelled.is_set():
            return "stopped", None
        steps = job.steps()
        due = 0.0
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                return "done", stop.value
            if job.cancelled.is_set() or self.closing.is_set():
                if job.pausing.is_set() and not self.closing.is_set():
                    job.paused = steps
                else:
                    steps.close()
                return "stopped", None
            now = monotonic()
            if job.partial is not None and (now >= due or job.hasty(step)):
                if job.newest.put(job.snapshot(step)):  # else the window is still to take the last
                    self.answered.emit(Answer(job, "partial"))
                took = monotonic() - now
                due = now + max(1 / _MOST_A_SECOND, took / _DRAWING_SHARE)
            between()


class EngineLane(_Lane):
    """Carries out jobs, one at a time, and short ones between their steps."""

    def __init__(self, files: FileLane) -> None:
        super().__init__("PDA Studio engine")
        self._files = files
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.short: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.wake = threading.Event()

    def run(self) -> None:
        """Work until closed; on the background thread."""
        while not self.closing.is_set():
            self.wake.wait()
            self.wake.clear()
            self._carry_out_short()
            while not self.closing.is_set():
                if not self._carry_out_next():
                    break

    def _carry_out_next(self) -> bool:
        """Carry out the next job, and what is asked meanwhile; whether there was one."""
        try:
            job = self.jobs.get_nowait()
        except queue.Empty:
            return False
        self.carry_out(job, self._others if job.gives_way else self._carry_out_short)
        self._carry_out_short()
        return True

    def _others(self) -> None:
        """Between two steps of a job that gives way: carry out everything else."""
        self._carry_out_short()
        while not self.closing.is_set() and self._carry_out_next():
            pass

    def follow_up(self, job: Job, value: Any) -> None:
        """Leave what follows to the lane of files; the engine goes on."""
        work = job.afterwards
        if work is not None:
            self._files.put(TIDY, at_once(lambda: work(value), lambda _: None, _log_failure))

    def _carry_out_short(self) -> None:
        while not self.closing.is_set():
            try:
                job = self.short.get_nowait()
            except queue.Empty:
                return
            self.carry_out(job)


class FileLane(_Lane):
    """Reads and writes; what is to be written comes first."""

    def __init__(self) -> None:
        super().__init__("PDA Studio files")
        self._queue: queue.PriorityQueue[tuple[int, int, Job | None]] = queue.PriorityQueue()
        self._order = itertools.count()

    def put(self, urgency: int, job: Job | None) -> None:
        """Queue work; None ends the lane once it is closing and everything is written."""
        self._queue.put((urgency, next(self._order), job))

    def run(self) -> None:
        """Work until closed and everything is written; on the background thread."""
        while not (self.closing.is_set() and self._queue.empty()):
            urgency, _, job = self._queue.get()
            if job is not None and not (urgency == READ and self.closing.is_set()):
                self.carry_out(job)


def _log_failure(error: BaseException, details: str) -> None:
    """The answer is there: that what follows it failed is no reason to trouble anybody."""
    _log.warning("What follows a job failed\n%s", details)
