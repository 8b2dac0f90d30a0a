"""How soon a levelled map is on the screen after a slider was let go, and how good it is by then.

Run by hand: `python tests/benchmarks/levelled_window.py IMAGE [--weights FILE] [--exact]`, with a
display, as by xvfb-run. The slider *Window* is dragged by the mouse. Prints when each state of the
map was painted, with its claimed error, until 5 %; how long the exact map at stride 4 takes;
and how late a timer of the window's thread comes, which is what a user feels. With `--exact`, also
Pearson's r and the rms error of each state against the exact map, which takes minutes. `--profile`
prints what the time goes into. The cache of finished maps is left alone.
"""

import argparse
import cProfile
import os
import pstats
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider
from window import Delays, wait

from pda_studio.attribution import levelled
from pda_studio.diagnostics import approximation
from pda_studio.gui.window.studio import Studio, application
from pda_studio.methods import method_named, run
from pda_studio.pda.allocator import keep_freed_memory
from pda_studio.results import EvidenceMap

State = tuple[float, EvidenceMap]


def drag(slider: QSlider, value: int) -> None:
    """Drag a slider's handle until it stands at a value, and let go."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    part, style = QStyle.SubControl.SC_SliderHandle, slider.style()
    handle = style.subControlRect(QStyle.ComplexControl.CC_Slider, option, part, slider).center()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=handle)
    towards = 1 if value > slider.value() else -1
    at = handle
    while slider.value() != value and slider.rect().contains(at):
        at += QPoint(towards, 0)
        QTest.mouseMove(slider, at)
        QTest.qWait(10)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at)
    assert slider.value() == value, f"the slider stands at {slider.value()}"


def painted(studio: Studio, window: int) -> Iterator[State]:
    """Drag the slider *Window*; yields each state of the map, and when it was on the screen."""
    session, column = studio.session, studio.session.work.columns[0].key
    states: list[State] = []

    def shown(*_: object) -> None:
        panel, wanted = session.panel(0, column), session.work.columns[0].method
        made = panel.evidence
        if panel.stale or wanted.window != window or not isinstance(made, EvidenceMap):
            return
        if not states or states[-1][1] is not made:
            # What is put in a panel is painted at the next turn of the event loop.
            QTimer.singleShot(0, lambda: states.append((perf_counter() - began, made)))

    row = studio.window.method_box.rows["window"]
    assert row.slider is not None
    session.panel_changed.connect(shown)
    drag(row.slider, window - int(row.parameter.minimum or 0))
    began = perf_counter()
    panels = session.panels
    wait(lambda: bool(states) and panels[0, column].state == "done", 300)
    wait(lambda: states[-1][1] is panels[0, column].evidence, 5)
    session.panel_changed.disconnect(shown)
    yield from states


def told(state: State) -> str:
    """When, and with which claimed error."""
    seconds, made = state
    estimate = approximation(made.diagnostics)
    return f"{seconds:6.2f} s  {'rough' if estimate is None else estimate.short:9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--classifier", default="squeezenet1_1")
    parser.add_argument("--weights")
    parser.add_argument("--windows", type=int, nargs="+", default=[11, 10])
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    os.environ["PDA_STUDIO_CACHE_SIZE"] = "0"
    keep_freed_memory()
    running = application()
    profile = cProfile.Profile()
    if arguments.profile:
        steps = levelled.steps

        def profiled(*given: Any) -> Iterator[Any]:
            work = steps(*given)
            while True:
                profile.enable()
                try:
                    step = next(work)
                except StopIteration:
                    return
                finally:
                    profile.disable()
                yield step

        levelled.steps = profiled
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings, arguments.image, arguments.classifier, arguments.weights)
        studio.show()
        print(f"first map after {wait(lambda: bool(studio.session.all_finished())):.1f} s")
        profile.clear()
        session = studio.session
        for window in arguments.windows:
            delays = Delays()
            delays.start()
            states = list(painted(studio, window))
            delays.stop()
            prediction = session.prediction(0)
            assert prediction is not None
            exact = None
            if arguments.exact:
                plain = method_named("efficient-pda").create(
                    prediction.subject.classifier, window=window
                )
                exact = run(plain.steps(prediction.subject))
            print(f"window {window}: {len(states)} states")
            for state in states:
                line = told(state)
                if isinstance(exact, EvidenceMap):
                    got, wanted = (one.evidence.astype(float) for one in (state[1], exact))
                    error = np.sqrt(np.square(got - wanted).mean() / np.square(wanted).mean())
                    r = np.corrcoef(got.ravel(), wanted.ravel())[0, 1]
                    line += f"  r {r:.4f}, error {100 * error:.1f} %"
                print("  ", line)
            quantiles = np.quantile(delays.late, (0.5, 0.99, 1))
            print("   late by (ms): median {:.1f}, 99 % {:.1f}, most {:.1f}".format(*quantiles))
        column = session.work.columns[0].key
        begun = perf_counter()
        session.columns.configure(column, forward="auto", stride=4)
        wait(lambda: session.panel(0, column).state == "done")
        print(f"exact at stride 4 after {perf_counter() - begun:.1f} s")
        studio.window.close()
        studio.close()
    if arguments.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
