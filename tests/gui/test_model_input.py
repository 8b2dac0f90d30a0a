"""What of the image the network gets, chosen in the window."""

from pathlib import Path

import numpy as np
from driver import WAIT, Opened, coarse
from PIL import Image
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pda_studio.document.operations import Flip, Rotate
from pda_studio.document.workspace import SourceImage
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.images.fit import CropBox


def test_the_whole_image_is_a_menu_away(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(50, 256, (60, 28), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "portrait.png")
    studio = opened(image=tmp_path / "portrait.png")
    coarse(studio)
    session, registry = studio.session, studio.window.registry
    target = session.target
    assert registry["fit-crop"].isChecked()

    def padded() -> bool:
        maps = session.all_finished()
        return bool(maps) and not maps[0].view[:, 0].any()

    registry["fit-pad"].trigger()
    qtbot.waitUntil(padded, timeout=WAIT)
    assert session.work.classifier.fit == "pad"
    assert registry["fit-pad"].isChecked()
    caption = studio.window.grid.inputs[session.work.rows[0].key].caption.toolTip()
    assert "Whole image, padded · 28 × 60 px" in caption
    assert session.work.columns[0].method.stride == 4, "parameters stay as they were"
    registry["undo"].trigger()
    assert session.work.classifier.fit in (None, "crop")
    assert registry["fit-crop"].isChecked()
    assert not registry["fit-pad"].isChecked()
    qtbot.waitUntil(lambda: bool(session.all_finished()) and not padded(), timeout=WAIT)
    assert session.target == target


def test_a_crop_is_drawn_undone_and_left_with_another_image(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(50, 256, (60, 28), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "portrait.png")
    studio = opened(image=tmp_path / "portrait.png")
    coarse(studio)
    session, registry = studio.session, studio.window.registry
    registry["model-input-crop"].setChecked(True)
    studio.window.grid.framed.emit(session.work.rows[0].key, QRectF(2, 30, 20, 16))
    assert session.work.classifier.crop == CropBox(2, 28, 20, 20)
    assert not registry["model-input-crop"].isChecked()
    assert len(session.work.rows) == 1
    wanted = session.classifier.preprocessing.view(session.work.image.image)

    def shown() -> bool:
        maps = session.all_finished()
        return bool(maps) and np.array_equal(maps[0].view, wanted)

    qtbot.waitUntil(shown, timeout=WAIT)
    assert session.all_finished()[0].crop == CropBox(2, 28, 20, 20)
    registry["undo"].trigger()
    assert session.work.classifier.crop is None
    registry["redo"].trigger()
    qtbot.waitUntil(shown, timeout=WAIT)
    session.open_image(SourceImage.of("other", np.zeros((8, 8, 3), np.uint8)))
    assert session.work.classifier.crop is None
    assert session.classifier is not None


def press_and_pull(view: ImageView, start: QPointF, end: QPointF) -> None:
    """Press at a place of the image and pull to another, in pixels of the image."""
    places = [view.to_screen(at.x(), at.y()).toPoint() for at in (start, end)]
    QTest.mouseMove(view.viewport(), places[0])
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=places[0])
    QTest.mouseMove(view.viewport(), places[1])


def let_go(view: ImageView) -> None:
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton)


def test_a_crop_is_moved_and_resized_by_mouse_and_keys(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(50, 256, (60, 40), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "portrait.png")
    studio = opened(image=tmp_path / "portrait.png")
    coarse(studio)
    session, registry, grid = studio.session, studio.window.registry, studio.window.grid
    session.rows.transform(Rotate(90))
    session.rows.transform(Flip("horizontal"))
    qtbot.waitUntil(lambda: session.prediction(session.work.rows[-1].key) is not None, timeout=WAIT)
    session.model_inputs.set_crop(CropBox(10, 20, 16, 16))
    registry["model-input-crop"].setChecked(True)
    qtbot.waitUntil(lambda: grid.viewport().height() > 0, timeout=WAIT)
    view = grid.inputs[session.work.rows[0].key].views[0]

    press_and_pull(view, QPointF(18, 28), QPointF(23, 31))
    assert session.work.classifier.crop == CropBox(10, 20, 16, 16), "not before it is let go"
    let_go(view)
    assert session.work.classifier.crop == CropBox(15, 23, 16, 16)
    press_and_pull(view, QPointF(31, 39), QPointF(37, 42))
    let_go(view)
    assert session.work.classifier.crop == CropBox(15, 23, 22, 22)
    for _ in range(2):
        registry["undo"].trigger()
    assert session.work.classifier.crop == CropBox(10, 20, 16, 16), "a drag is one step"

    press_and_pull(view, QPointF(18, 28), QPointF(25, 28))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseMove(view.viewport(), view.to_screen(30, 40).toPoint())
    let_go(view)
    assert session.work.classifier.crop == CropBox(10, 20, 16, 16)
    assert registry["model-input-crop"].isChecked(), "Escape gave up the drag alone"
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert session.work.classifier.crop == CropBox(11, 10, 16, 16)

    rotated, flipped = (grid.inputs[row.key].views[0] for row in session.work.rows[1:])
    assert flipped.handles.box == CropBox(13, 10, 16, 16)
    press_and_pull(flipped, QPointF(21, 18), QPointF(25, 20))
    let_go(flipped)
    assert session.work.classifier.crop == CropBox(7, 12, 16, 16)
    assert rotated.handles.box == CropBox(32, 7, 16, 16)
    press_and_pull(rotated, QPointF(48, 23), QPointF(52, 27))
    let_go(rotated)
    assert session.work.classifier.crop == CropBox(7, 8, 20, 20)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not registry["model-input-crop"].isChecked()
    assert view.handles is None
    for row, said in (
        (0, "Crop of 20 × 20 at (7, 8) · 40 × 60 px"),
        (1, "Crop of 20 × 20 at (32, 7)"),
    ):
        caption = grid.inputs[session.work.rows[row].key].caption
        qtbot.waitUntil(lambda c=caption, said=said: said in c.toolTip(), timeout=WAIT)
