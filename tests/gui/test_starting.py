"""The first start: a finished example before the engine is there."""

import gc
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driver import WAIT, Opened
from PIL import Image
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pda_studio.document.saved import load_state
from pda_studio.document.workspace import Workspace
from pda_studio.gui import app
from pda_studio.gui.collection import without_collection
from pda_studio.gui.window.studio import Studio
from pda_studio.rendering import Appearance, overlay

pytestmark = pytest.mark.empty_cache


def test_the_example_is_there_before_the_engine(opened: Opened) -> None:
    studio = opened(finished=False)
    page = studio.window.starting
    assert studio.window.pages.currentWidget() is page
    shown = page.grab().toImage()
    side = min((page.width() - 48) // 2, page.height() - 108, 900)
    colours = {
        shown.pixelColor(x, y).name()
        for x in range(32 + side, 32 + 2 * side, 3)
        for y in range(60, 60 + side, 3)
    }
    channels = [[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in colours]
    assert any(min(one) > 190 for one in channels), "the digit shows through"
    assert any(red > 90 and blue < 50 for red, _, blue in channels), "some is red"


def test_the_start_collects_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    moved: list[str] = []
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 0)  # as in the program, unlike here
    for name in ("freeze", "unfreeze"):
        monkeypatch.setattr(gc, name, lambda name=name: moved.append(name))
    note = lambda phase, _: seen.append(phase)  # noqa: E731
    gc.callbacks.append(note)
    try:
        with without_collection():
            made = [[number] for number in range(3 * gc.get_threshold()[0])]
            during = list(seen)
    finally:
        gc.callbacks.remove(note)
    assert gc.isenabled()
    assert len(made) > gc.get_threshold()[0]
    assert not during
    assert moved == ["freeze", "unfreeze"], "what was made is old, and was not looked through"


def test_all_widgets_of_a_window_get_the_style_sheet_at_once(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    sheet = qapp.styleSheet()
    qapp.setStyleSheet("")  # as where no window was before
    sheets: list[str] = []
    real = QApplication.setStyleSheet

    def note(self: QApplication, text: str) -> None:
        sheets.append(text)
        real(self, text)

    monkeypatch.setattr(QApplication, "setStyleSheet", note)
    try:
        studio = opened(finished=False)
        assert [text for text in sheets if text] == [qapp.styleSheet()]
        assert studio.window.starting.isVisible()
    finally:
        monkeypatch.undo()
        qapp.setStyleSheet(sheet)


def test_the_map_that_comes_with_the_program_is_the_one_it_computes(opened: Opened) -> None:
    studio = opened()
    computed = studio.session.all_finished()[0]
    path = files("pda_studio.resources") / "digits" / "example_map.png"
    with path.open("rb") as file, Image.open(file) as image:
        shipped = np.asarray(image.convert("RGB")).astype(int)
    drawn = overlay(computed, Appearance(), computed.limit).astype(int)
    assert np.abs(shipped - drawn).max() <= 4


def test_a_image_of_ones_own_has_no_example(opened: Opened) -> None:
    from pda_studio.gui.opening.opening import sample_digits

    studio = opened(finished=False, image=sample_digits()[3])
    assert not studio.window.starting.has_example
    assert studio.window.hints.isHidden()


def test_a_workspace_named_at_the_start_is_opened(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its classifier, columns and rows are there, and are not replaced by those of the start."""
    path = Path(__file__).parents[1] / "formats" / "everything-0.1.pdastudio"
    saved = load_state(path)
    studios: list[Studio] = []
    seen: list[Workspace] = []

    def made(*arguments: Any, **options: Any) -> Studio:
        studios.append(Studio(*arguments, **options))
        return studios[-1]

    monkeypatch.setattr(app, "Studio", made)
    monkeypatch.setattr(app, "leave", lambda status: status)  # else the tests may end with it
    timer = QTimer(interval=100)
    polls: list[None] = []

    def look() -> None:
        polls.append(None)
        if not studios:
            return
        session = studios[0].session
        opened = len(session.work.columns) == len(saved.work.columns)
        if (opened and session.classifier is not None) or len(polls) > 600:
            seen.append(session.work)
            timer.stop()
            studios[0].window.close()

    timer.timeout.connect(look)
    timer.start()
    assert app.run_window(None, "digits", None, workspace=path) == 0
    assert [column.method for column in seen[0].columns] == [
        column.method for column in saved.work.columns
    ]
    assert len(seen[0].rows) == len(saved.work.rows)
    assert studios[0].saving.path == path
    qtbot.waitUntil(lambda: studios[0].jobs.ended, timeout=WAIT)
    studios[0].window.deleteLater()
    studios[0].deleteLater()


def test_the_last_workspace_is_what_the_next_start_begins_with(
    opened: Opened, tmp_path: Path
) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    assert app._last_workspace(settings) is None, "there is none yet"
    studio = opened()
    studio.session.columns.add("occlusion")
    studio.window.close()
    last = app._last_workspace(settings)
    assert last is not None
    assert len(load_state(last).work.columns) == 2
    (last.parent / "left.pdastudio").write_bytes(last.read_bytes())
    assert app._last_workspace(settings) is None, "what a crash left is offered instead"
    (last.parent / "left.pdastudio").unlink()
    again = opened(finished=False, workspace=last)
    assert not again.window.starting.has_example
    assert again.saving.path is None
    settings.setValue("start_with_last", "false")
    assert app._last_workspace(settings) is None


def test_the_first_start_fits_the_screen(opened: Opened) -> None:
    studio = opened(finished=False)
    room = QGuiApplication.primaryScreen().availableGeometry().size()
    smallest = studio.window.minimumSize()
    assert studio.window.height() <= max(room.height() - 20, smallest.height())
    assert studio.window.width() <= max(room.width(), smallest.width())


def test_a_narrow_window_keeps_its_tools(opened: Opened, qtbot: QtBot) -> None:
    studio = opened(finished=False)
    window, buttons = studio.window, studio.window.registry.toolbar.buttons
    beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    for width, words in ((1400, True), (880, False), (1400, True)):
        window.resize(width, 560)
        qtbot.wait(20)
        assert (buttons["stop"].toolButtonStyle() == beside) is words
        for name, button in buttons.items():
            right = button.mapTo(window, button.rect().bottomRight())
            assert button.isVisible(), name
            assert right.x() < width, name
