"""What of the image the network gets, chosen in the window."""

from pathlib import Path

import numpy as np
from driver import WAIT, Opened, coarse
from PIL import Image
from pytestqt.qtbot import QtBot


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
