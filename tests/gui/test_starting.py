"""The first start: a finished example before the engine is there."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driver import Opened
from PIL import Image
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pda_studio.document.saved import load_state
from pda_studio.document.workspace import Workspace
from pda_studio.gui import app
from pda_studio.gui.window.studio import Studio
from pda_studio.rendering import Appearance, heat_map


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
    assert "#ffffff" in colours
    assert any(int(c[1:3], 16) > 150 and int(c[5:7], 16) < 90 for c in colours), "some is red"


def test_the_map_that_comes_with_the_program_is_the_one_it_computes(opened: Opened) -> None:
    studio = opened()
    computed = studio.session.all_finished()[0]
    path = files("pda_studio.resources") / "digits" / "example_map.png"
    with path.open("rb") as file, Image.open(file) as image:
        shipped = np.asarray(image.convert("RGB")).astype(int)
    drawn = heat_map(computed, Appearance(), computed.limit).astype(int)
    assert np.abs(shipped - drawn).max() <= 4


def test_a_image_of_ones_own_has_no_example(opened: Opened) -> None:
    from pda_studio.gui.opening.opening import sample_digits

    studio = opened(finished=False, image=sample_digits()[3])
    assert not studio.window.starting._images
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
    qtbot.waitUntil(lambda: studios[0].jobs.ended, timeout=60_000)
    studios[0].window.deleteLater()
    studios[0].deleteLater()
