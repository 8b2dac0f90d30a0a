"""The composer: a live preview, and files that are those of the command line."""

import threading
from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, Opened, coarse, start_slow_map, wait_for_maps
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QListWidget
from pytestqt.qtbot import QtBot

from pda_studio.cli import main
from pda_studio.document.operations import Flip, Rotate
from pda_studio.figures import Composition, composed
from pda_studio.gui.composer.composer import Composer
from pda_studio.gui.window.studio import Studio


def compose(studio: Studio, qtbot: QtBot) -> Composer:
    """Open the composer by its key, and wait for the figure."""
    with qtbot.waitSignal(studio.composing.drawn, timeout=WAIT):
        qtbot.keyClick(studio.window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    composer = studio.composing.composer
    assert composer is not None
    assert composer.isVisible()
    return composer


def choose(box: QComboBox, value: object) -> None:
    """Choose as a click in the list does."""
    at = box.findData(value)
    assert at >= 0, value
    box.setCurrentIndex(at)
    box.activated.emit(at)


def click(qtbot: QtBot, box: QCheckBox) -> None:
    """Click on the square, which is on the left of a wide line."""
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


def tick(names: QListWidget, text: str, on: bool) -> None:
    """Click on the tick of a name."""
    (item,) = names.findItems(text, Qt.MatchFlag.MatchExactly)
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def pixels(composer: Composer) -> np.ndarray:
    image = composer.preview.pixmap().toImage().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def fill(studio: Studio, qtbot: QtBot) -> None:
    """Two columns, and three rows of which one is turned back."""
    column = studio.session.columns.add("occlusion")
    coarse(studio)
    studio.session.columns.set_style(column.key, "both")
    studio.session.select(0, 0)
    row = studio.session.rows.transform(Rotate(15))
    studio.session.rows.turn_back(row.key, True)
    studio.session.select(0, 0)
    studio.session.rows.transform(Flip("horizontal"))
    wait_for_maps(qtbot, studio)


def test_the_preview_follows_every_setting(studio: Studio, qtbot: QtBot) -> None:
    fill(studio, qtbot)
    composer = compose(studio, qtbot)
    settings = composer.settings
    assert settings.preset.currentData() == 178.0
    before = pixels(composer)

    def redrawn() -> None:
        nonlocal before
        qtbot.waitUntil(lambda: not np.array_equal(pixels(composer), before), timeout=WAIT)
        before = pixels(composer)

    choose(settings.preset, 85.0)
    redrawn()
    assert "85 × " in composer.note.text()
    for name, value in (
        ("tiles", "overlay"),
        ("colour_bar", "shared"),
        ("letters", "panels"),
        ("letter_style", "A"),
        ("background", "black"),
        ("font", "DejaVu Serif"),
    ):
        choose(settings.choices[name], value)
        redrawn()
    for one in settings.ticks.values():
        click(qtbot, one)
        redrawn()
    click(qtbot, settings.ticks["show_caption"])
    redrawn()
    qtbot.keyClicks(settings.caption, "Fig. 1")
    redrawn()
    settings.size_spin.setValue(6)
    redrawn()
    tick(settings.rows, "Rotated 15° clockwise", False)
    redrawn()
    tick(settings.columns, "Input", False)
    redrawn()
    composition = studio.composing.composition
    assert composition == Composition(
        hidden_rows=(studio.session.work.rows[1].key,),
        show_input=False,
        tiles="overlay",
        show_headline=False,
        show_titles=False,
        show_labels=False,
        show_numbers=False,
        caption="Fig. 1",
        letters="panels",
        letter_style="A",
        colour_bar="shared",
        font="DejaVu Serif",
        font_size=6,
        width=85.0,
        background="black",
    )


def test_a_column_is_renamed_and_named_as_usual_again(studio: Studio, qtbot: QtBot) -> None:
    composer = compose(studio, qtbot)
    item = composer.settings.columns.item(1)
    assert item.text() == "Efficient PDA"
    for text, own in (("Mine", {0: "Mine"}), ("", {})):
        item.setText(text)
        assert studio.composing.composition.titles == own
    assert item.text() == "Efficient PDA"


def test_the_command_line_makes_the_same_files(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    fill(studio, qtbot)
    studio.display.change(style="contours", colours="PRGn_r")
    composer = compose(studio, qtbot)
    with qtbot.waitSignal(studio.composing.drawn, timeout=WAIT):  # matplotlib's settings are one
        composer.edit(width=120.0, letters="rows", colour_bar="shared")
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(tmp_path / "work.pdastudio")
    qtbot.mouseClick(composer.save_button, Qt.MouseButton.LeftButton)
    (dialog,) = composer.findChildren(QFileDialog)
    words = ["figure", str(tmp_path / "work.pdastudio"), "--output"]
    for suffix in ("pdf", "svg", "png", "tif"):
        with qtbot.waitSignal(studio.composing.saved, timeout=WAIT):
            dialog.fileSelected.emit(str(tmp_path / f"window.{suffix}"))
        assert main([*words, str(tmp_path / f"line.{suffix}")]) == 0
        window, line = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("window", "line"))
        assert window == line, suffix
    dialog.close()


def test_what_is_missing_is_said(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    composer = compose(studio, qtbot)
    assert composer.preview.text().startswith("1 map is not finished (Efficient PDA of “Original”)")
    assert not composer.save_button.isEnabled()
    assert not composer.copy_button.isEnabled()
    studio.stop()
    studio.saving.undo()
    wait_for_maps(qtbot, studio)
    qtbot.waitUntil(composer.save_button.isEnabled, timeout=WAIT)
    assert not composer.preview.pixmap().isNull()
    tick(composer.settings.columns, "Efficient PDA", False)
    qtbot.waitUntil(lambda: "at least one row" in composer.preview.text(), timeout=WAIT)


def test_the_figure_is_copied(studio: Studio, qtbot: QtBot) -> None:
    composer = compose(studio, qtbot)
    composer.edit(width=40.0, dpi=254, show_caption=False)
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("something else")
    qtbot.mouseClick(composer.copy_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: clipboard.mimeData().hasImage(), timeout=WAIT)
    assert clipboard.image().width() == 400
    svg = bytes(clipboard.mimeData().data("image/svg+xml").data())
    assert b"Efficient" in svg
    clipboard.clear()


def test_settings_belong_to_the_work_and_habits_to_the_user(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    studio = opened()
    assert not studio.saving.modified
    composer = compose(studio, qtbot)
    composer.edit(width=120.0, titles={0: "Mine"})
    assert studio.saving.modified
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(tmp_path / "work.pdastudio")
    composer.edit(width=178.0, titles={})
    studio.window.close()
    again = opened()
    assert again.composing.composition == Composition()
    with qtbot.waitSignal(again.saving.opened, timeout=WAIT):
        again.saving.open(tmp_path / "work.pdastudio")
    assert again.composing.composition == Composition(width=120.0, titles={0: "Mine"})
    compose(again, qtbot).edit(dpi=600)
    again.window.close()
    assert opened().composing.composition == Composition(width=120.0, dpi=600)


def test_damaged_settings_are_passed_over(opened: Opened, tmp_path: Path) -> None:
    studio = opened(finished=False)
    studio.window.close()
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("figure", '{"width": "wide"}')
    settings.sync()
    assert opened().composing.composition == Composition()


def test_the_preview_never_holds_up_the_window(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the drawing is done on the window's thread."""
    fill(studio, qtbot)
    composer = compose(studio, qtbot)
    drawn_on: list[str] = []
    compose_figure = composed.compose

    def noted(*arguments):  # type: ignore[no-untyped-def]
        drawn_on.append(threading.current_thread().name)
        return compose_figure(*arguments)

    monkeypatch.setattr(composed, "compose", noted)
    with qtbot.waitSignal(studio.composing.drawn, timeout=WAIT):
        composer.edit(letters="panels")
    assert drawn_on
    assert threading.main_thread().name not in drawn_on


def test_closing_the_window_closes_the_composer(studio: Studio, qtbot: QtBot) -> None:
    composer = compose(studio, qtbot)
    composer.edit(width=100.0)
    studio.window.close()
    assert not composer.isVisible()
