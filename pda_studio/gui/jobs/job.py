"""A job: work in steps for a background thread, and who hears of it on the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any


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
    hasty : callable, optional
        Whether a step is told of at once, however soon after the last: the next may take long.
    snapshot : callable, optional
        Makes of a step what may leave the background thread.
    stopped : callable, optional
        Called when the worker has let go of cancelled work.
    afterwards : callable, optional
        Takes the answer in the lane of files, when it is on its way to the window: what nobody
        waits for. It is carried out even if the window is closed meanwhile.
    gives_way : bool
        Whether other jobs are carried out between two of its steps: they wait for one at most.
    """

    steps: Callable[[], Generator[Any, None, Any]]
    done: Callable[[Any], None]
    failed: Callable[[BaseException, str], None]
    partial: Callable[[Any], None] | None = None
    snapshot: Callable[[Any], Any] = lambda step: step
    hasty: Callable[[Any], bool] = lambda step: False
    stopped: Callable[[], None] | None = None
    afterwards: Callable[[Any], None] | None = None
    gives_way: bool = False
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
        """End the work after the step it is in; nothing more is heard but `stopped`."""
        self.cancelled.set()


def at_once(
    work: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Callable[[BaseException, str], None],
) -> Job:
    """Work without steps."""

    def steps() -> Generator[None, None, Any]:
        return work()
        yield  # makes it a generator

    return Job(steps, done, failed)
