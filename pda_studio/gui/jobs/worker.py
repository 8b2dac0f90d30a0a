"""One worker on one background thread: the window never waits for the engine.

A *job* is long work in steps, one at a time: explaining, loading a classifier. A *question* is
short work that is answered between two steps of the job: reading an image, predicting, saving.
Answers arrive on the window's thread.
"""

import atexit
import logging
import queue
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

_MOST_A_SECOND = 15  # partial answers
_DRAWING_SHARE = 0.1  # of the worker's time, at most, goes into partial answers
_log = logging.getLogger(__name__)


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
    """Workspace for the background thread and who hears of it on the window's thread.

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
        Takes the answer on the background thread, when it is on its way to the window: what
        nobody waits for. It is carried out even if the window is closed meanwhile.
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
        self._thread = _WorkerThread()
        self._thread.answered.connect(self._deliver)  # queued: it is emitted by the worker
        self._open = True
        atexit.register(self.close)  # a thread that outlives its Qt object ends the process
        self._thread.start()

    @property
    def open(self) -> bool:
        """Whether work is still taken."""
        return self._open

    def start(self, job: Job) -> Job:
        """Queue long work."""
        if self._open:
            self._thread.jobs.put(job)
            self._thread.wake.set()
        return job

    def ask(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue short work; it is done even while a job runs."""

        def steps() -> Generator[None, None, Any]:
            return work()
            yield  # makes it a generator: work without steps

        job = Job(steps, done, failed)
        if self._open:
            self._thread.questions.put(job)
            self._thread.wake.set()
        return job

    def close(self) -> None:
        """No new work, let go of the old, and wait for the thread's end."""
        if not self._open:
            return
        self._open = False
        atexit.unregister(self.close)
        self._thread.closing.set()
        self._thread.wake.set()
        self._thread.answered.disconnect(self._deliver)
        self._thread.quit()
        self._thread.wait()

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


class _WorkerThread(QThread):
    answered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("PDA Studio worker")
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.questions: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.wake = threading.Event()
        self.closing = threading.Event()

    def run(self) -> None:
        """Workspace until closed; on the background thread."""
        while not self.closing.is_set():
            self.wake.wait()
            self.wake.clear()
            self._answer_questions()
            while not self.closing.is_set():
                try:
                    job = self.jobs.get_nowait()
                except queue.Empty:
                    break
                self._carry_out(job, self._answer_questions)
                self._answer_questions()

    def _answer_questions(self) -> None:
        while not self.closing.is_set():
            try:
                question = self.questions.get_nowait()
            except queue.Empty:
                return
            self._carry_out(question, lambda: None)

    def _carry_out(self, job: Job, between: Callable[[], None]) -> None:
        try:
            kind, value = self._steps(job, between)
        except Exception as error:  # whatever it is, the user is told and the next job runs
            _log.debug("A job failed", exc_info=True)
            self.answered.emit(_Answer(job, "failed", error, traceback.format_exc()))
        else:
            self.answered.emit(_Answer(job, kind, value))
            if kind == "done" and job.afterwards is not None:
                self._follow_up(job.afterwards, value)

    def _follow_up(self, work: Callable[[Any], None], value: Any) -> None:
        try:
            work(value)
        except Exception:  # the answer is there: this is no reason to trouble anybody
            _log.warning("What follows a job failed", exc_info=True)

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
