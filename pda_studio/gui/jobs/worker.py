"""Background work in two lanes: the window never waits for the engine, and files wait for neither.

The engine's lane carries out *jobs*, long work in steps, one at a time (explaining, loading a
classifier), and *questions*, short work between two steps of the job (predicting). The lane of
files reads and writes: saving and opening never wait for a map. Answers arrive on the window's
thread.
"""

import atexit
import itertools
import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

_MOST_A_SECOND = 15  # partial answers
_DRAWING_SHARE = 0.1  # of the worker's time, at most, goes into partial answers
_PATIENCE = 300  # milliseconds that closing waits for the step that is being computed
_WRITE, _READ, _TIDY = range(3)  # what is more urgent comes first in the lane of files
_log = logging.getLogger(__name__)
_abandoned: list[QThread] = []
"""Engine lanes that were in a long step when they were closed: held, as Qt ends a process whose
running thread is destroyed."""


class Mailbox:
    """Holds the newest of what is put in until it is taken out: older values are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: list[Any] = []

    def put(self, value: Any) -> bool:
        """Put in a value; whether the box was empty before."""
        with self._lock:
            was_empty = not self._values
            self._values = [value]
            return was_empty

    def take(self) -> list[Any]:
        """The newest value, in a list, or an empty list."""
        with self._lock:
            values, self._values = self._values, []
            return values


@dataclass(eq=False)
class Job:
    """Work for the background thread and who hears of it on the window's thread.

    Attributes
    ----------
    steps : callable
        Starts the work; what the iterator returns at its end is the answer.
    done : callable
        Takes the answer.
    failed : callable
        Takes the exception and its traceback as text.
    partial : callable, optional
        Takes what `snapshot` made of the newest step, at most 15 times a second.
    snapshot : callable, optional
        Makes of a step what may leave the background thread.
    stopped : callable, optional
        Called when the worker has let go of cancelled work.
    afterwards : callable, optional
        Takes the answer in the lane of files, when it is on its way to the window: what nobody
        waits for. It is carried out even if the window is closed meanwhile.
    """

    steps: Callable[[], Generator[Any, None, Any]]
    done: Callable[[Any], None]
    failed: Callable[[BaseException, str], None]
    partial: Callable[[Any], None] | None = None
    snapshot: Callable[[Any], Any] = lambda step: step
    stopped: Callable[[], None] | None = None
    afterwards: Callable[[Any], None] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    newest: Mailbox = field(default_factory=Mailbox)
    pausing: threading.Event = field(default_factory=threading.Event)
    paused: Generator[Any, None, Any] | None = None
    """The work as far as it has come, once the worker has let go of what was to be paused."""

    def pause(self) -> None:
        """Cancel, but keep the work as far as it has come: another job can take it from there."""
        self.pausing.set()
        self.cancelled.set()

    def cancel(self) -> None:
        """Ask the worker to let go after the step it is in; nothing more is heard but `stopped`."""
        self.cancelled.set()


@dataclass(eq=False)
class _Answer:
    job: Job
    kind: str
    value: Any = None
    text: str = ""


class Jobs(QObject):
    """Takes jobs and questions from the window's thread and brings their answers back."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._files = _FileLane()
        self._engine = _EngineLane(self._files)
        for lane in (self._engine, self._files):
            lane.answered.connect(self._deliver)  # queued: it is emitted by the lane
            lane.start()
        self._open = True
        atexit.register(self.close)  # a thread that outlives its Qt object ends the process

    @property
    def open(self) -> bool:
        """Whether work is still taken."""
        return self._open

    @property
    def ended(self) -> bool:
        """Whether nothing is being carried out any more, and never will be."""
        return self._engine.isFinished() and self._files.isFinished()

    def start(self, job: Job) -> Job:
        """Queue long work of the engine."""
        if self._open:
            self._engine.jobs.put(job)
            self._engine.wake.set()
        return job

    def ask(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue short work of the engine; it is done between two steps of a job."""
        job = _at_once(work, done, failed)
        if self._open:
            self._engine.questions.put(job)
            self._engine.wake.set()
        return job

    def read(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue work with files; what is not begun when the window closes is left undone."""
        return self._in_files(_READ, _at_once(work, done, failed))

    def write(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue the writing of a file: it comes before all reading, and is done in any case."""
        return self._in_files(_WRITE, _at_once(work, done, failed))

    def close(self) -> None:
        """No new work, let go of the old, and end: what is to be written is still written.

        A step of the engine that takes longer than a moment is abandoned: its thread goes on
        without anybody who hears of it, until its step or the process ends.
        """
        if not self._open:
            return
        self._open = False
        atexit.unregister(self.close)
        for lane in (self._engine, self._files):
            lane.closing.set()
            lane.answered.disconnect(self._deliver)
        self._engine.wake.set()
        if not self._engine.wait(_PATIENCE):
            _abandoned.append(self._engine)
        self._files.put(_WRITE, None)
        self._files.wait()

    def _in_files(self, urgency: int, job: Job) -> Job:
        if self._open:
            self._files.put(urgency, job)
        return job

    def _deliver(self, answer: _Answer) -> None:
        """Hand an answer to who asked; on the window's thread."""
        job = answer.job
        if not self._open:
            return
        if answer.kind == "stopped" or job.cancelled.is_set():
            if answer.kind != "partial" and job.stopped is not None:
                job.stopped()
        elif answer.kind == "partial":
            for value in job.newest.take():
                if job.partial is not None:
                    job.partial(value)
        elif answer.kind == "failed":
            job.failed(answer.value, answer.text)
        else:
            job.done(answer.value)


def leave(status: int) -> int:
    """End the process, at once where an abandoned step still computes; else return the status.

    Python waits for no thread's long step otherwise: it would end under its feet.
    """
    if any(lane.isRunning() for lane in _abandoned):
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status)
    return status


def _at_once(
    work: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Callable[[BaseException, str], None],
) -> Job:
    """Work without steps."""

    def steps() -> Generator[None, None, Any]:
        return work()
        yield  # makes it a generator

    return Job(steps, done, failed)


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
            self.answered.emit(_Answer(job, "failed", error, traceback.format_exc()))
        else:
            self.answered.emit(_Answer(job, kind, value))
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
            if job.partial is not None and now >= due:
                if job.newest.put(job.snapshot(step)):  # else the window is still to take the last
                    self.answered.emit(_Answer(job, "partial"))
                took = monotonic() - now
                due = now + max(1 / _MOST_A_SECOND, took / _DRAWING_SHARE)
            between()


class _EngineLane(_Lane):
    def __init__(self, files: "_FileLane") -> None:
        super().__init__("PDA Studio engine")
        self._files = files
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.questions: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.wake = threading.Event()

    def run(self) -> None:
        """Work until closed; on the background thread."""
        while not self.closing.is_set():
            self.wake.wait()
            self.wake.clear()
            self._answer_questions()
            while not self.closing.is_set():
                try:
                    job = self.jobs.get_nowait()
                except queue.Empty:
                    break
                self.carry_out(job, self._answer_questions)
                self._answer_questions()

    def follow_up(self, job: Job, value: Any) -> None:
        """Leave what follows to the lane of files; the engine goes on."""
        work = job.afterwards
        if work is not None:
            self._files.put(_TIDY, _at_once(lambda: work(value), lambda _: None, _not_told))

    def _answer_questions(self) -> None:
        while not self.closing.is_set():
            try:
                question = self.questions.get_nowait()
            except queue.Empty:
                return
            self.carry_out(question)


class _FileLane(_Lane):
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
            if job is not None and not (urgency == _READ and self.closing.is_set()):
                self.carry_out(job)


def _not_told(error: BaseException, details: str) -> None:
    """The answer is there: that what follows it failed is no reason to trouble anybody."""
    _log.warning("What follows a job failed\n%s", details)
