"""Files never wait for a map, and the program ends at once in the middle of a long step."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import numpy as np
from driver import WAIT
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs


def test_files_are_read_and_written_while_the_engine_is_busy(
    qtbot: QtBot, qapp: QApplication
) -> None:
    jobs = Jobs()
    done: list[str] = []

    begun: list[bool] = []
    read = threading.Event()

    def long_step():  # type: ignore[no-untyped-def]
        begun.append(True)
        read.wait(WAIT / 1000)
        yield
        return "map"

    jobs.start(Job(long_step, done.append, lambda *_: None))
    qtbot.waitUntil(lambda: bool(begun), timeout=WAIT)
    jobs.start_short(lambda: "prediction", done.append, lambda *_: None)
    jobs.read(lambda: "read", lambda told: (done.append(told), read.set()), lambda *_: None)
    qtbot.waitUntil(lambda: "prediction" in done and "map" in done, timeout=WAIT)
    assert done[0] == "read"
    jobs.close()


def test_a_first_map_is_told_of_before_a_long_step(qtbot: QtBot, qapp: QApplication) -> None:
    """However soon it comes after the step before it, of which the window has just heard."""
    jobs = Jobs()
    heard: list[str] = []
    seen = threading.Event()

    def hear(step: str) -> None:
        heard.append(step)
        if step == "map":
            seen.set()

    def steps():  # type: ignore[no-untyped-def]
        yield "stage"
        yield "map"
        yield seen.wait(WAIT / 1000)  # a long step
        return "done"

    job = Job(steps, heard.append, lambda *_: None, hear, hasty=lambda step: step == "map")
    jobs.start(job)
    qtbot.waitUntil(lambda: "done" in heard, timeout=2 * WAIT)
    assert seen.is_set()
    jobs.close()


def test_writing_comes_before_reading_and_is_done_when_the_window_closes(
    qtbot: QtBot, qapp: QApplication
) -> None:
    jobs = Jobs()
    order: list[str] = []

    begun, end = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        end.wait(WAIT / 1000)
        order.append("first")

    jobs.read(first, lambda _: None, lambda *_: None)
    assert begun.wait(WAIT / 1000)
    jobs.read(lambda: order.append("read"), lambda _: None, lambda *_: None)
    jobs.write(lambda: order.append("write"), lambda _: None, lambda *_: None)
    threading.Timer(0.3, end.set).start()  # once it closes
    jobs.close()
    assert order == ["first", "write"]
    assert jobs.ended


def test_closing_does_not_wait_for_a_long_step(qtbot: QtBot, qapp: QApplication) -> None:
    jobs = Jobs()
    begun: list[bool] = []
    end = threading.Event()

    def long_step():  # type: ignore[no-untyped-def]
        begun.append(True)
        end.wait(WAIT / 1000)
        yield

    jobs.start(Job(long_step, lambda _: None, lambda *_: None))
    qtbot.waitUntil(lambda: bool(begun), timeout=WAIT)
    jobs.close()
    assert not jobs.ended
    end.set()
    qtbot.waitUntil(lambda: jobs.ended, timeout=WAIT)


BUSY = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from driver import Clock
from PySide6.QtCore import QSettings
import pda_studio.gui.app as app
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.window.studio import Studio
folder = Path(sys.argv[1])
app.QSettings = lambda: QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
took = {}
class Driven(Studio):
    def show(self):
        super().show()
        from PySide6.QtCore import QTimer
        QTimer.singleShot(0, self.drive)
    def until(self, is_so):
        while not is_so():
            app.application().processEvents()
            time.sleep(0.002)
    def drive(self):
        session = self.session
        self.until(lambda: session.all_finished())
        self.opening.use_classifier(ClassifierChoice("squeezenet1_1", "random"))
        self.until(lambda: session.classifier.name == "squeezenet1_1" and session.predictions)
        session.columns.set_method(0, "original-pda")
        session.columns.configure(0, window=40, outer=41, colour="joint", stride=2)
        self.until(lambda: self.explainer.current is not None and not self.explainer.previewing)
        self.until(lambda: time.sleep(0.02) or True)
        saved, opened = [], []
        self.saving.saved.connect(saved.append)
        self.opening.image_opened.connect(opened.append)
        clock = Clock()
        self.saving.save(folder / "work.pdastudio")
        self.until(lambda: saved)
        took["save"] = clock.seconds()
        work = session.work
        clock = Clock()
        self.opening.add_image(folder / "other.png")
        self.until(lambda: session.work is not work)
        took["open"] = clock.seconds()
        took["running"] = self.explainer.current is not None
        print(json.dumps(took), flush=True)
        self.window.close()
app.Studio = Driven
sys.exit(app.run_window(folder / "image.png"))
"""


def test_saving_opening_and_quitting_while_window_distributions_are_computed(
    tmp_path: Path,
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    for name in ("image.png", "other.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, str(tmp_path), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    took = json.loads(process.stdout.readline())
    told = monotonic()
    assert process.wait(60) == 0
    ended = monotonic() - told
    process.stdout.close()
    assert took["running"]
    assert took["save"] <= 1, took
    assert took["open"] <= 1, took
    assert ended <= 20, ended  # the distributions would take minutes
    assert (tmp_path / "work.pdastudio").is_file()


ABANDONED = """
import sys, time
from PySide6.QtCore import QCoreApplication
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
running = QCoreApplication([])
begun = []
def long_step():
    begun.append(True)
    time.sleep(1.5)
    yield None
jobs = Jobs()
jobs.start(Job(long_step, lambda _: None, lambda *_: None))
while not begun:
    time.sleep(0.01)
jobs.close()
assert not jobs.ended
print("closed", flush=True)
"""


def test_a_program_that_goes_on_after_the_window_ends_without_harm() -> None:
    """A notebook, or a screenshot: the step that is being computed is waited for at the end."""
    done = subprocess.run(
        [sys.executable, "-c", ABANDONED], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")
