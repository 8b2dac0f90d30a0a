"""Images by the folder: opened, dropped, and walked through."""

from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, wait_for_maps
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from pda_studio.gui.browser.browsing import images_in
from pda_studio.gui.window.studio import Studio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four images, one of them damaged, and things that are none."""
    folder = tmp_path / "holiday"
    folder.mkdir()
    for at, name in enumerate(("p10.png", "p9.png", "P1.PNG")):
        Image.fromarray(np.full((28, 28, 3), 60 * (at + 1), np.uint8)).save(folder / name)
    (folder / "p2.png").write_bytes(b"\x89PNG but not really")
    (folder / "notes.txt").write_text("nothing to see")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "inner.png").mkdir()
    return folder


def name(studio: Studio) -> str:
    image = studio.session.work.image
    return image.name if image else ""


def drop(studio: Studio, data: QMimeData) -> None:
    """Drop onto a panel, as a hand does."""
    target = studio.window.grid.maps[0, 0].views[0].viewport()
    what = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(target, QDragEnterEvent(QPoint(30, 30), *what, none))
    QApplication.sendEvent(target, QDropEvent(QPointF(30, 30), *what, none))


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_numbers_count_as_numbers(folder: Path) -> None:
    assert [path.name for path in images_in(folder)] == ["P1.PNG", "p2.png", "p9.png", "p10.png"]


def test_page_keys_walk_through_the_folder(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    window = studio.window
    drop(studio, files(folder))
    qtbot.waitUntil(lambda: name(studio) == "P1.PNG", timeout=WAIT)
    with qtbot.waitSignal(studio.opening.failed, timeout=WAIT):
        qtbot.keyClick(window, Qt.Key.Key_PageDown)  # the damaged one is told, and passed by
    assert "p2.png" in window.banner.message.text()
    qtbot.keyClick(window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: name(studio) == "p9.png", timeout=WAIT)
    qtbot.waitUntil(lambda: window.strip.text.text() == "Image 3 of 4", timeout=WAIT)
    for _ in range(3):  # faster than they are read, and beyond the last
        qtbot.keyClick(window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: name(studio) == "p10.png", timeout=WAIT)
    qtbot.keyClick(window, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: name(studio) == "p9.png", timeout=WAIT)


def test_the_neighbours_of_an_opened_image(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    studio.open_image(folder / "p10.png")
    qtbot.waitUntil(lambda: name(studio) == "p10.png", timeout=WAIT)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: name(studio) == "p9.png", timeout=WAIT)


def test_samples_are_a_folder_too(studio: Studio, qtbot: QtBot) -> None:
    qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: name(studio) == "2.png", timeout=WAIT)


def test_images_dropped_together_are_walked_through(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    drop(studio, files(folder / "p10.png", studio.samples[5]))
    qtbot.waitUntil(lambda: name(studio) == "p10.png", timeout=WAIT)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: name(studio) == "5.png", timeout=WAIT)
    qtbot.waitUntil(lambda: studio.window.strip.text.text() == "Image 2 of 2", timeout=WAIT)


def test_a_image_dragged_from_another_program(studio: Studio, qtbot: QtBot) -> None:
    image = QImage(40, 30, QImage.Format.Format_RGB888)
    image.fill(0x336699)
    data = QMimeData()
    data.setImageData(image)
    drop(studio, data)
    qtbot.waitUntil(lambda: name(studio) == "Pasted image", timeout=WAIT)
    pixels = studio.session.work.image.pixels
    assert pixels.shape == (30, 40, 3)
    assert (pixels == (0x33, 0x66, 0x99)).all()
    qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    # What runs is told first.
    qtbot.waitUntil(lambda: "no folder" in studio.window.strip.text.text(), timeout=WAIT)


def test_an_empty_folder_is_told(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with qtbot.waitSignal(studio.browsing.failed, timeout=WAIT):
        drop(studio, files(empty))
    assert "no images" in studio.window.banner.message.text()
    assert name(studio) == "1.png"


def test_a_folder_is_chosen_in_a_dialog(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    qtbot.keyClick(studio.window, Qt.Key.Key_F, held)
    (dialog,) = studio.window.findChildren(QFileDialog)
    assert dialog.fileMode() == QFileDialog.FileMode.Directory
    dialog.fileSelected.emit(str(folder))
    qtbot.waitUntil(lambda: name(studio) == "P1.PNG", timeout=WAIT)
    dialog.close()


def test_a_slider_keeps_its_pages(studio: Studio, qtbot: QtBot) -> None:
    slider = studio.window.method_box.rows["window"].slider
    slider.setFocus()
    before = slider.value()
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    assert slider.value() == before + slider.pageStep()
    qtbot.wait(50)
    assert name(studio) == "1.png"


def test_pages_start_from_the_image_of_a_workspace_that_was_opened(
    studio: Studio, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    studio.open_files([folder / "p9.png"])
    qtbot.waitUntil(lambda: name(studio) == "p9.png", timeout=WAIT)
    wait_for_maps(qtbot, studio)
    path = tmp_path / "study.pdastudio"
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    studio.open_files([studio.samples[3]])
    qtbot.waitUntil(lambda: name(studio) == "3.png", timeout=WAIT)
    with qtbot.waitSignal(studio.saving.opened, timeout=WAIT):
        studio.saving.open(path)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: name(studio) == "p10.png", timeout=WAIT)
    wait_for_maps(qtbot, studio)


def test_pages_start_from_the_image_that_undo_brings_back(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    studio.open_files([folder / "p9.png"])
    qtbot.waitUntil(lambda: name(studio) == "p9.png", timeout=WAIT)
    studio.saving.undo()
    assert name(studio) == "1.png"
    qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: name(studio) == "2.png", timeout=WAIT)
    wait_for_maps(qtbot, studio)


def test_after_a_folder_was_dropped_pages_do_not_change_the_method(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    studio.window.method_box.methods.setFocus()
    drop(studio, files(folder))
    assert not studio.window.method_box.methods.hasFocus()
    qtbot.waitUntil(lambda: name(studio) == "P1.PNG", timeout=WAIT)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: "p2.png" in studio.window.banner.message.text(), timeout=WAIT)
    assert [column.method.name for column in studio.session.work.columns] == ["efficient-pda"]
    wait_for_maps(qtbot, studio)
