"""What of the image the network gets, chosen in the window."""

from pathlib import Path

import numpy as np
from driver import WAIT, Opened, coarse
from PIL import Image
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from pda_studio.document.workspace import SourceImage
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
