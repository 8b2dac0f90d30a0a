"""Drawing a digit: the pen is MNIST's, and the classifier follows it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, coarse, wait_for_maps
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.opening.canvas import Canvas
from pda_studio.gui.window.studio import Studio

_SAMPLES = Path(__file__).resolve().parents[2] / "packaging" / "make_digit_samples.py"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def pens():
    """The curves of the sample digits, from the program that draws those."""
    spec = importlib.util.spec_from_file_location("make_digit_samples", _SAMPLES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stroke(canvas: Canvas, points: list[tuple[float, float]]) -> None:
    """Draw with the mouse through points, in MNIST's pixels."""
    scale = canvas.width() / 28
    places = [QPoint(round(x * scale), round(y * scale)) for x, y in points]
    QTest.mousePress(canvas, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
    QTest.mouseRelease(canvas, LEFT, pos=places[-1])


def write(canvas: Canvas, pens, digit: int) -> None:
    """Write a digit as a person would who fills the frame."""
    curves = [pens.curve(points)[::12] for points in pens.STROKES[digit]]
    ends = np.concatenate(curves)
    low, high = ends.min(axis=0), ends.max(axis=0)
    scale = 17.2 / (high - low).max()
    for curve in curves:
        stroke(canvas, [tuple(p) for p in (curve - (low + high) / 2) * scale + 14])


@pytest.mark.coarse_maps
def test_the_classifier_knows_what_is_drawn(studio: Studio, qtbot: QtBot, pens) -> None:
    coarse(studio)
    qtbot.keyClick(studio.window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    window = studio.drawing.canvas
    assert window.isVisible()
    known = []
    for digit in range(10):
        write(window.canvas, pens, digit)
        drawn = window.canvas.pixels
        qtbot.waitUntil(
            lambda drawn=drawn: (studio.session.work.image.pixels == drawn).all(), timeout=WAIT
        )
        qtbot.waitUntil(lambda: studio.session.prediction(0) is not None, timeout=WAIT)
        subject = studio.session.prediction(0).subject
        known.append(int(subject.probabilities.argmax()))
        window.clear_button.click()
    assert sum(found == digit for digit, found in enumerate(known)) >= 9, known
    wait_for_maps(qtbot, studio)


def test_the_pen_is_as_wide_and_as_soft_as_the_samples(qtbot: QtBot, pens) -> None:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    for digit in (1, 3, 7):
        canvas.clear()
        write(canvas, pens, digit)
        drawn = canvas.pixels[:, :, 0].astype(float)
        path = _SAMPLES.parents[1] / "resources" / "digits" / "samples" / f"{digit}.png"
        with Image.open(path) as image:
            sample = np.asarray(image.convert("L"), float)
        assert drawn.sum() == pytest.approx(sample.sum(), rel=0.2)
        soft = [((one > 0) & (one < 255)).sum() / (one > 0).sum() for one in (drawn, sample)]
        assert soft[0] == pytest.approx(soft[1], abs=0.2)
    canvas.clear()
    stroke(canvas, [(14, 6), (14, 22)])
    profile = canvas.pixels[14, :, 0] / 255
    assert profile.sum() == pytest.approx(2.5, abs=0.05), "2.5 pixels wide"
    assert profile[13] == profile[14] == 1
    assert profile[12] == pytest.approx(0.25, abs=0.05)


def test_each_stroke_redraws_the_map(studio: Studio, qtbot: QtBot) -> None:
    studio.drawing.open()
    canvas = studio.drawing.canvas.canvas
    stroke(canvas, [(14, 5), (14, 10)])
    wait_for_maps(qtbot, studio)
    qtbot.waitUntil(lambda: studio.session.work.image.name == "Drawing", timeout=WAIT)
    wait_for_maps(qtbot, studio)
    first = studio.session.all_finished()[0]
    scale = canvas.width() / 28
    QTest.mousePress(canvas, LEFT, pos=QPoint(round(14 * scale), round(10 * scale)))
    QTest.mouseMove(canvas, QPoint(round(14 * scale), round(22 * scale)))
    wait_for_maps(qtbot, studio)  # the pen is still down

    def follows() -> bool:
        maps = studio.session.all_finished()
        return bool(maps) and (maps[0].view[18, 13:15] > 200).all()

    qtbot.waitUntil(follows, timeout=WAIT)
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(round(14 * scale), round(22 * scale)))
    assert studio.session.all_finished()[0] is not first


def test_drawing_touches_nothing_else(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("occlusion")
    coarse(studio)
    wait_for_maps(qtbot, studio)
    studio.drawing.open()
    canvas = studio.drawing.canvas.canvas
    stroke(canvas, [(10, 6), (18, 6), (12, 22)])
    qtbot.waitUntil(lambda: studio.session.work.image.name == "Drawing", timeout=WAIT)
    wait_for_maps(qtbot, studio)
    studio.session.set_target(3)
    studio.window.registry["flip-horizontal"].trigger()
    wait_for_maps(qtbot, studio)
    before = studio.session.work
    stroke(canvas, [(9, 14), (17, 14)])
    qtbot.waitUntil(lambda: studio.session.work.image is not before.image, timeout=WAIT)
    wait_for_maps(qtbot, studio)
    after = studio.session.work
    assert (after.columns, after.rows, after.target) == (before.columns, before.rows, before.target)
    assert studio.memory.recent == []


def test_take_back_and_clear(qtbot: QtBot) -> None:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    stroke(canvas, [(5, 5), (20, 5)])
    one = canvas.pixels
    stroke(canvas, [(5, 15), (20, 15)])
    canvas.take_back()
    assert (canvas.pixels == one).all()
    canvas.clear()
    assert canvas.empty
    assert not canvas.pixels.any()
    QTest.mouseClick(canvas, LEFT, pos=QPoint(154, 154))
    assert canvas.pixels[13:15, 13:15].all(), "a dot"
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=QPoint(30, 30))
    assert not canvas.pixels[:8].any()


def test_the_digit_classifier_is_taken(studio: Studio, qtbot: QtBot) -> None:
    studio.opening.use_classifier(ClassifierChoice("squeezenet1_1", "random"))
    qtbot.waitUntil(lambda: studio.session.work.classifier.name == "squeezenet1_1", timeout=WAIT)
    studio.drawing.open()
    qtbot.waitUntil(lambda: studio.session.work.classifier.name == "digits", timeout=WAIT)
    studio.drawing.canvas.close()
    wait_for_maps(qtbot, studio)
