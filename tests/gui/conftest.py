"""The real window with the real engine, on the screen that the tests run on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from driver import Opened, no_thread_of, wait_for_maps
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pda_studio.gui.window.studio import Studio


@pytest.fixture
def opened(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Opened]:
    """Open a window; at the end it is closed and neither widgets nor threads are left."""
    studios: list[Studio] = []

    def open_window(*, finished: bool = True, **arguments: object) -> Studio:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        studio = Studio(qapp, settings, **arguments)  # type: ignore[arg-type]
        studios.append(studio)
        studio.show()
        if finished:
            wait_for_maps(qtbot, studio)
        return studio

    yield open_window
    for studio in studios:
        studio.window.close()
        studio.window.deleteLater()
        studio.deleteLater()
        assert no_thread_of(studio)
    studios.clear()
    qtbot.wait(10)


@pytest.fixture
def studio(opened: Opened) -> Studio:
    """A window with a sample digit, the digit classifier, and a finished map."""
    return opened()
