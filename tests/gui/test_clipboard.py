"""The clipboard, and images of the window."""

from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, start_slow_map, wait_for_maps
from PIL import Image
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from pda_studio.gui.opening.clipboard import pixels_of
from pda_studio.gui.window.studio import Studio

CTRL = Qt.KeyboardModifier.ControlModifier


def paste(qtbot: QtBot, studio: Studio) -> None:
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        qtbot.keyClick(studio.window, Qt.Key.Key_V, CTRL)


def test_pastes_a_image(studio: Studio, qtbot: QtBot) -> None:
    wanted = np.random.default_rng(0).integers(0, 256, (31, 29, 3), np.uint8)
    image = QImage(29, 31, QImage.Format.Format_ARGB32)
    for row in range(31):
        for column in range(29):
            image.setPixelColor(column, row, QColor(*map(int, wanted[row, column])))
    QGuiApplication.clipboard().setImage(image)
    paste(qtbot, studio)
    assert (studio.session.work.image.pixels == wanted).all()
    assert studio.session.work.image.path is None
    assert studio.memory.recent == []
    wait_for_maps(qtbot, studio)


def test_what_is_transparent_becomes_white() -> None:
    image = QImage(8, 8, QImage.Format.Format_ARGB32)
    image.fill(QColor(0, 0, 0, 0))
    image.setPixelColor(3, 2, QColor(255, 0, 0, 128))
    pixels = pixels_of(image)
    assert (pixels[0, 0] == 255).all()
    assert pixels[2, 3] == pytest.approx((255, 127, 127), abs=1)


def test_pastes_a_file_by_its_address(studio: Studio, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(studio.samples[6]))])
    QGuiApplication.clipboard().setMimeData(data)
    paste(qtbot, studio)
    assert studio.session.work.image.name == "6.png"
    wait_for_maps(qtbot, studio)


def test_nothing_to_paste_is_told(studio: Studio, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("only words")
    qtbot.keyClick(studio.window, Qt.Key.Key_V, CTRL)
    assert "no image on the clipboard" in studio.window.banner.message.text()


def test_words_are_pasted_into_a_field(studio: Studio, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("vgg")
    line = studio.window.classifier_box.names.lineEdit()
    studio.window.classifier_box.names.setFocus()
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_V, CTRL)
    assert line.text() == "vgg"
    assert "clipboard" not in studio.window.banner.message.text()
    studio.window.classifier_box.names.completer().popup().hide()


def test_copies_the_selected_map_as_it_is_drawn(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_style(0, "map")
    qtbot.keyClick(studio.window, Qt.Key.Key_C, CTRL)
    image = QGuiApplication.clipboard().image().convertToFormat(QImage.Format.Format_RGB888)
    side = image.width() // 28
    assert image.width() == image.height() == 28 * side >= 512
    evidence = studio.session.all_finished()[0].evidence
    row, column = np.unravel_index(evidence.argmax(), evidence.shape)
    colours = {
        image.pixelColor(int(column) * side + x, int(row) * side + y).name()
        for x in (0, side - 1)
        for y in (0, side - 1)
    }
    assert colours == {"#67001f"}, "one square in the deepest red of the scale"
    assert studio.window.strip.text.text() == "Copied the map: Efficient PDA"


def test_an_unfinished_map_is_not_copied(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    QGuiApplication.clipboard().setText("kept")
    assert not studio.window.registry["copy-map"].isEnabled()
    studio.clipboard.copy_map()
    assert QGuiApplication.clipboard().text() == "kept"
    assert "not finished" in studio.window.banner.message.text()
    studio.stop()


def test_saves_a_image_of_the_window(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    qtbot.keyClick(studio.window, Qt.Key.Key_F12)
    (dialog,) = studio.window.findChildren(QFileDialog)
    with qtbot.waitSignal(studio.clipboard.saved, timeout=WAIT):
        dialog.fileSelected.emit(str(tmp_path / "window.png"))
    dialog.close()
    ratio = studio.window.devicePixelRatioF()
    size = studio.window.size()
    with Image.open(tmp_path / "window.png") as image:
        assert image.size == (round(size.width() * ratio), round(size.height() * ratio))
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
    with qtbot.waitSignal(studio.clipboard.failed, timeout=WAIT):
        studio.clipboard.save_window(
            studio.clipboard.image_of_window(), tmp_path / "no such folder" / "window.png"
        )
    assert "does not exist" in studio.window.banner.message.text()
