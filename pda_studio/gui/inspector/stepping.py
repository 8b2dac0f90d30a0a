"""Short work in steps on the worker, one short job a step: newer work ends older work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs

_OVER = object()


@dataclass(eq=False)
class _Run:
    make: Callable[[], Iterator[Any]]
    take: Callable[[Any], None]
    wanted: Callable[[], bool]
    steps: Iterator[Any] | None = None
    job: Job | None = None
    over: bool = False

    def advance(self) -> Any:
        """Take the next step; on the background thread."""
        if self.steps is None:
            self.steps = self.make()
        return next(self.steps, _OVER)


class Stepper:
    """Takes an iterator's steps as long as they are wanted; between two of them maps go on.

    Parameters
    ----------
    jobs : Jobs
        The worker.
    failed : callable
        Takes the exception and its traceback as text.
    """

    def __init__(self, jobs: Jobs, failed: Callable[[BaseException, str], None]) -> None:
        self._jobs = jobs
        self._failed = failed
        self._run: _Run | None = None

    @property
    def busy(self) -> bool:
        """Whether a step is on its way."""
        return self._run is not None and self._run.job is not None

    def start(
        self,
        make: Callable[[], Iterator[Any]],
        take: Callable[[Any], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin new work.

        Parameters
        ----------
        make : callable
            Makes the iterator, on the background thread.
        take : callable
            Takes each step, on the window's thread.
        wanted : callable
            Whether to take another one.
        """
        self.stop()
        self._run = _Run(make, take, wanted)
        self.go_on()

    def stop(self) -> None:
        """Let go of the work: nothing more is heard of it."""
        if self._run is not None and self._run.job is not None:
            self._run.job.cancel()
        self._run = None

    def go_on(self) -> None:
        """Take the next step, if it is wanted and none is on its way."""
        run = self._run
        if run is not None and run.job is None and not run.over and run.wanted():
            run.job = self._jobs.start_short(
                run.advance, partial(self._on_step, run), partial(self._on_failure, run)
            )

    def _on_step(self, run: _Run, value: Any) -> None:
        run.job = None
        if run is not self._run:
            return
        if value is _OVER:
            run.over = True
            return
        run.take(value)
        self.go_on()

    def _on_failure(self, run: _Run, error: BaseException, details: str) -> None:
        run.job, run.over = None, True
        if run is self._run:
            self._failed(error, details)
