"""What the tests of the window share."""

from collections.abc import Callable
from time import monotonic, process_time, sleep

from pytestqt.qtbot import QtBot

from pda_studio.gui.window.studio import Studio

WAIT = 60_000  # ms; a slow machine is no failure

Opened = Callable[..., Studio]


class Clock:
    """Seconds since it was made; those in which the machine worked for others do not count."""

    def __init__(self) -> None:
        self._began, self._used = monotonic(), process_time()

    def seconds(self) -> float:
        return min(monotonic() - self._began, process_time() - self._used)


def wait_for_maps(qtbot: QtBot, studio: Studio) -> None:
    """Wait until every panel shows the finished map of what is asked."""
    qtbot.waitUntil(lambda: bool(studio.session.all_finished()), timeout=WAIT)


def coarse(studio: Studio) -> None:
    """Let maps take a tenth of the time, where it does not matter what is in them."""
    for column in studio.session.work.columns:
        studio.session.columns.configure(column.key, stride=4)


def start_slow_map(qtbot: QtBot, studio: Studio) -> None:
    """Start a map that takes many seconds, and wait for its first partial map."""
    key = studio.session.work.columns[0].key
    studio.session.columns.configure(key, infill="marginal-samples", samples=500)
    qtbot.waitUntil(lambda: studio.session.panel(0, key).state == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: studio.session.panel(0, key).done > 0, timeout=WAIT)


def no_thread_of(studio: Studio) -> bool:
    """Whether the window's background work has come to its end, once its step is done."""
    end = monotonic() + WAIT / 1000
    while not studio.jobs.ended and monotonic() < end:
        sleep(0.01)
    return studio.jobs.ended
