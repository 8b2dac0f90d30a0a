"""How soon the window is there, and how it feels while a stride-1 map is computed.

Run by hand: `python tests/benchmarks/window.py IMAGE [--weights FILE] [--seconds N]`, with
QT_QPA_PLATFORM=offscreen where there is no display. A timer on the window's thread is due every
5 ms; how late it comes is what a user feels. Prints how long a new process takes until its window
is painted (the median of five), the timer's quantiles while the map runs, when the
preview and the exact map are on the screen after the slider was let go, and how long Stop takes.
With `--busy` it measures instead how long saving, adding an image, Stop and quitting take at random
moments of original PDA (window 40, outer patch 41, joint colours), whose distributions take
minutes. The cache of finished maps is left alone.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer

from pda_studio.gui.jobs.worker import leave
from pda_studio.gui.window.studio import Studio, application
from pda_studio.pda.allocator import keep_freed_memory

_DUE = 5  # ms
_LONGEST = 300.0  # seconds


def wait(until: Callable[[], bool], seconds: float = _LONGEST) -> float:
    """Run the event loop until something is so; returns the seconds it took."""
    began = perf_counter()
    loop = QEventLoop()
    timer = QTimer(interval=1)
    timer.timeout.connect(lambda: loop.quit() if until() or perf_counter() - began > seconds else 0)
    timer.start()
    loop.exec()
    return perf_counter() - began


_START = """
import sys, time
from pda_studio.gui.collection import without_collection
with without_collection():  # as the command line does
    from PySide6.QtCore import QEvent, QObject, QSettings, QTimer
    import pda_studio.gui.app
    from pda_studio.gui.window.studio import Studio, application

class Painted(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            print(time.time() - float(sys.argv[1]), flush=True)
            QTimer.singleShot(0, running.quit)
            watched.removeEventFilter(self)
        return False

running = application()
with without_collection():
    studio = Studio(running, QSettings(sys.argv[2], QSettings.Format.IniFormat))
    painted = Painted()
    studio.window.pages.currentWidget().installEventFilter(painted)
    studio.show()
running.exec()
import os
os._exit(0)
"""


def seconds_until_painted(rounds: int = 5) -> list[float]:
    """Seconds from the start of a process until its window is painted, the first time aside."""
    seconds: list[float] = []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            settings = str(Path(folder, "settings.ini"))
            arguments = [sys.executable, "-c", _START, str(time.time()), settings]
            done = subprocess.run(arguments, capture_output=True, text=True, check=True)
            seconds.append(float(done.stdout))
    return sorted(seconds[1:])


class Delays:
    """Notes by how many milliseconds a 5 ms timer comes too late."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last = perf_counter()
        self._timer = QTimer(interval=_DUE, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._last = perf_counter()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = perf_counter()
        self.late.append(max(1000 * (now - self._last) - _DUE, 0.0))
        self._last = now


def first_times(studio: Studio, stride: int, seconds: float) -> tuple[dict[str, float], Delays]:
    """Ask for a stride; returns when what was first shown, and the delays meanwhile."""
    session, delays = studio.session, Delays()
    column = session.work.columns[0].key
    began = perf_counter()
    at: dict[str, float] = {}

    def note(*_: object) -> None:
        panel = session.panel(0, column)
        now = perf_counter() - began
        if panel.request is None or panel.request.method.stride != stride:
            return
        preview = panel.preview
        if panel.previewed and preview is not None:
            at.setdefault("half of the preview", now)
            if not studio.explainer.previewing:
                at.setdefault("all of it", now)
            if preview.covered is not None and preview.covered.any():
                at.setdefault("first exact pixels", now)
        elif panel.done and not panel.stale:
            at.setdefault("all pixels exact", now)
        if panel.state == "done":
            at.setdefault("done", now)

    def shown(*_: object) -> None:
        # What is put in a panel is painted at the next turn of the event loop.
        QTimer.singleShot(0, note)

    session.panel_changed.connect(shown)
    delays.start()
    session.columns.configure(column, stride=stride)
    wait(lambda: session.panel(0, column).state == "done" and "done" in at, seconds)
    delays.stop()
    session.panel_changed.disconnect(shown)
    return at, delays


def busy(image: Path, classifier: str, weights: str | None, moments: int, seed: int) -> None:
    """Print how long files and Stop take while original PDA prepares and runs, and how it ends."""
    running, chance = application(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings, image, classifier, weights)
        studio.show()
        session, saved = studio.session, []
        wait(lambda: bool(session.all_finished()))
        studio.saving.saved.connect(saved.append)
        session.columns.set_method(0, "original-pda")
        session.columns.configure(0, window=40, outer=41, colour="joint", stride=2)
        took: dict[str, list[float]] = {"save": [], "add image": [], "Stop": [], "free": []}
        stages: dict[str, float] = {}
        for _ in range(moments):
            wait(lambda: studio.explainer.current is not None)
            wait(lambda: not studio.explainer.previewing)
            wait(lambda: False, chance.uniform(0.1, 8))
            panel = session.panel(0, 0)
            stages[panel.stage or f"{panel.done} of {panel.total}"] = panel.done
            saved.clear()
            begun = perf_counter()
            studio.saving.save(Path(folder, "work.pdastudio"))
            wait(lambda: bool(saved))
            took["save"].append(perf_counter() - begun)
            work, begun = session.work, perf_counter()
            studio.opening.add_image(image)
            wait(lambda work=work: session.work is not work)
            took["add image"].append(perf_counter() - begun)
            running_job, gone = studio.explainer.runner.running, []
            if running_job is not None:
                running_job.job.stopped = lambda gone=gone: gone.append(1)
                begun = perf_counter()
                studio.stop()
                took["Stop"].append(perf_counter() - begun)
                wait(lambda gone=gone: bool(gone), 100)
                took["free"].append(perf_counter() - begun)
            while len(session.work.rows) > 1:
                session.rows.remove(session.work.rows[-1].key)
            studio.explainer.run()
        print("seen:", ", ".join(stages))
        for name, values in took.items():
            print(f"{name}: median {median(values):.2f} s, longest {max(values):.2f} s")
        wait(lambda: studio.explainer.current is not None and not studio.explainer.previewing, 20)
        wait(lambda: False, chance.uniform(0.1, 4))
        begun = perf_counter()
        studio.window.close()
        studio.close()
        print(f"window closed after {perf_counter() - begun:.2f} s", flush=True)
        print(f"quit at {time.time():.3f}", flush=True)
    leave(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--classifier", default="squeezenet1_1")
    parser.add_argument("--weights")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ["PDA_STUDIO_CACHE_SIZE"] = "0"
    if arguments.busy:
        keep_freed_memory()
        busy(
            arguments.image,
            arguments.classifier,
            arguments.weights,
            arguments.moments,
            arguments.seed,
        )
        return
    seconds = seconds_until_painted()
    print(f"window painted after {median(seconds):.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f})")
    keep_freed_memory()
    running = application()
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings, arguments.image, arguments.classifier, arguments.weights)
        studio.show()
        began = perf_counter()
        wait(lambda: bool(studio.session.all_finished()))
        print(f"first map after {perf_counter() - began:.1f} s")
        for stride, seconds in ((2, 60.0), (1, arguments.seconds)):
            at, delays = first_times(studio, stride, seconds)
            late = np.array(delays.late)
            print(f"stride {stride}: {', '.join(f'{k} {v:.2f} s' for k, v in at.items())}")
            quantiles = np.quantile(late, (0.5, 0.9, 0.99, 0.999, 1))
            print(
                f"  late by (ms): median {quantiles[0]:.1f}, 90 % {quantiles[1]:.1f},"
                f" 99 % {quantiles[2]:.1f}, 99.9 % {quantiles[3]:.1f}, most {quantiles[4]:.1f};"
                f" {len(late)} ticks"
            )
        if studio.explainer.current is not None:
            job, gone = studio.explainer.runner.running.job, []
            job.stopped = lambda: gone.append(1)
            asked = perf_counter()
            studio.stop()
            print(f"Stop: window {1000 * (perf_counter() - asked):.0f} ms", end=", ")
            wait(lambda: bool(gone))
            print(f"worker {1000 * (perf_counter() - asked):.0f} ms")
        studio.window.close()
        studio.close()


if __name__ == "__main__":
    main()
