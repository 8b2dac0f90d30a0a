"""How quick the grid is: a frame of twelve linked panels, a 6 × 6 grid of finished maps, a start.

Run by hand: `xvfb-run -a -s "-screen 0 1920x1080x24" python tests/benchmarks/grid.py`. Prints the
time that a frame of pan and of zoom takes, from the change until everything is painted (median and
95 %), how long saved work with 36 finished maps takes to open, and, in new processes, how long a
start takes until the window is on the screen and until its map is there.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from pda_studio.document.operations import Rotate
from pda_studio.gui.window.studio import Studio, application

_FRAMES = 120
_SIZE = (1920, 1080)
_METHODS = ("saliency", "input-x-gradient", "grad-cam", "guided-backpropagation", "deconvnet")

START = """
import sys, time
began = time.perf_counter()
from pathlib import Path
from PySide6.QtCore import QSettings
from pda_studio.gui.window.studio import Studio, application
running = application()
studio = Studio(running, QSettings(sys.argv[1], QSettings.Format.IniFormat))
studio.show()
running.processEvents()
shown = time.perf_counter() - began
while not studio.session.all_finished():
    running.processEvents()
    time.sleep(0.001)
print(shown, time.perf_counter() - began)
studio.window.close()
"""


def wait(is_so: Callable[[], object]) -> float:
    """Run the event loop until something is so; returns the seconds it took."""
    began = perf_counter()
    while not is_so():
        QApplication.processEvents()
        sleep(0.0005)
    return perf_counter() - began


def opened(folder: Path) -> Studio:
    """A window with a finished map."""
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    image = folder / "image.png"
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(pixels).resize((224, 224)).save(image)
    studio = Studio(application(), settings, image, "squeezenet1_1", "random")
    studio.window.resize(*_SIZE)
    studio.show()
    wait(lambda: studio.session.classifier)
    studio.session.columns.set_method(0, "saliency")
    wait(lambda: studio.session.all_finished())
    return studio


def filled(studio: Studio, rows: int, columns: int) -> None:
    """Let a grid of this size be finished."""
    session = studio.session
    while len(session.work.rows) < rows:
        session.select(0, session.selection[1])
        session.rows.transform(Rotate(15.0))
    while len(session.work.columns) < columns:
        session.columns.add(_METHODS[len(session.work.columns) % len(_METHODS)])
    wait(lambda: studio.session.all_finished())


def frames(studio: Studio, step: Callable[[int], None]) -> str:
    """Time of a frame, in milliseconds."""
    times = []
    for at in range(_FRAMES):
        began = perf_counter()
        step(at)
        QApplication.processEvents()
        times.append(1000 * (perf_counter() - began))
    median, late = np.percentile(times, [50, 95])
    return f"median {median:.1f} ms, 95 % {late:.1f} ms"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        studio = opened(folder)
        filled(studio, 3, 3)  # with the inputs, twelve panels
        viewport = studio.viewport
        viewport.zoom_by(3.0)
        pan = frames(studio, lambda at: viewport.move_by(0.004 * (-1) ** (at // 30), 0.002))
        zoom = frames(studio, lambda at: viewport.zoom_by(1.02 if at % 40 < 20 else 1 / 1.02))
        print(f"12 panels at {_SIZE[0]}×{_SIZE[1]}: pan {pan}; zoom {zoom}")
        filled(studio, 6, 6)
        path = folder / "grid.pdastudio"
        studio.saving.save(path)
        wait(lambda: studio.saving.path == path)
        size = path.stat().st_size / 1e6
        studio.window.close()
        again = opened(folder)
        again.saving.open(path)
        took = wait(lambda: len(again.session.all_finished()) == 36)
        QApplication.processEvents()
        print(f"6 × 6 finished maps ({size:.1f} MB) open in {took:.2f} s")
        again.window.close()
        for _ in range(3):
            done = subprocess.run(
                [sys.executable, "-c", START, str(folder / "fresh.ini")],
                capture_output=True,
                text=True,
                check=True,
            )
            shown, usable = map(float, done.stdout.split())
            print(f"start: on the screen after {shown:.2f} s, its map there after {usable:.2f} s")


if __name__ == "__main__":
    main()
