"""Background work in two lanes: the window never waits for the engine, and files wait for neither.

The engine's lane carries out *jobs*, long work in steps, one at a time (explaining, loading a
classifier), and *short jobs*, done between two steps of the job (predicting). A job that gives
way (a study) lets other jobs be carried out between two of its steps, too. The lane of files reads
and writes: saving and opening never wait for a map. A third one, made when it is needed, looks
through folders. Answers arrive on the window's thread.
"""

import atexit
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from PySide6.QtCore import QObject, QThread

from pda_studio.gui.jobs.job import Job, at_once
from pda_studio.gui.jobs.lanes import READ, WRITE, Answer, EngineLane, FileLane

_PATIENCE = 300  # milliseconds that closing waits for the step that is being computed
_abandoned: list[QThread] = []
"""Engine lanes that were in a long step when they were closed: held, as Qt ends a process whose
running thread is destroyed."""


class Jobs(QObject):
    """Takes jobs from the window's thread and brings their answers back."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._files = FileLane()
        self._engine = EngineLane(self._files)
        self._looking: FileLane | None = None  # most windows never need it
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
        return all(lane.isFinished() for lane in self._lanes)

    @property
    def _lanes(self) -> list[EngineLane | FileLane]:
        return [one for one in (self._engine, self._files, self._looking) if one is not None]

    def start(self, job: Job) -> Job:
        """Queue long work of the engine."""
        if self._open:
            self._engine.jobs.put(job)
            self._engine.wake.set()
        return job

    def start_short(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue short work of the engine; it is done between two steps of a job."""
        job = at_once(work, done, failed)
        if self._open:
            self._engine.short.put(job)
            self._engine.wake.set()
        return job

    def read(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue work with files; what is not begun when the window closes is left undone."""
        return self._in_files(READ, at_once(work, done, failed))

    def look(self, job: Job) -> Job:
        """Queue looking through folders, which can take minutes: no file waits for it."""
        if self._open:
            if self._looking is None:
                self._looking = FileLane()
                self._looking.answered.connect(self._deliver)
                self._looking.start()
            self._looking.put(READ, job)
        return job

    def write(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException, str], None],
    ) -> Job:
        """Queue the writing of a file: it comes before all reading, and is done in any case."""
        return self._in_files(WRITE, at_once(work, done, failed))

    def close(self) -> None:
        """No new work, let go of the old, and end: what is to be written is still written.

        A step of the engine that takes longer than a moment is abandoned: its thread goes on
        without anybody who hears of it, until its step or the process ends.
        """
        if not self._open:
            return
        self._open = False
        atexit.unregister(self.close)
        for lane in self._lanes:
            lane.closing.set()
            lane.answered.disconnect(self._deliver)
        self._engine.wake.set()
        if not self._engine.wait(_PATIENCE):
            _abandoned.append(self._engine)
            atexit.register(self._engine.wait)  # for whoever does not end by `leave`
        for files in (self._files, self._looking):
            if files is not None:
                files.put(WRITE, None)
                files.wait()

    def _in_files(self, urgency: int, job: Job) -> Job:
        if self._open:
            self._files.put(urgency, job)
        return job

    def _deliver(self, answer: Answer) -> None:
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


def leave(status: int) -> NoReturn:
    """End the process at once, after what was registered for its end.

    Python would take a second or more to take PyTorch apart. An abandoned step that still computes
    may need what would be taken apart: then nothing is, as Qt aborts over a thread that runs.
    """
    if not any(lane.isRunning() for lane in _abandoned):
        atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
