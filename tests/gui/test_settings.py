"""Settings are written when they change, so that a killed program has lost none."""

from pathlib import Path

from driver import WAIT, Opened
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from pda_studio.gui.window.settings import Memory


def written(tmp_path: Path) -> Memory:
    """The settings as another program would read them from the disk now."""
    path = tmp_path / "settings.ini"
    copy = tmp_path / "copy.ini"
    copy.write_bytes(path.read_bytes() if path.exists() else b"")
    return Memory(QSettings(str(copy), QSettings.Format.IniFormat))


def test_settings_are_on_the_disk_soon_after_they_change(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    studio = opened()
    studio.window.registry["theme-dark"].trigger()
    qtbot.waitUntil(lambda: written(tmp_path).theme == "dark", timeout=WAIT)
    studio.window.registry["theme-system"].trigger()
    studio.display.change(opacity=0.25)
    qtbot.waitUntil(lambda: written(tmp_path).appearance.opacity == 0.25, timeout=WAIT)
    for wanted in ("open", "closed"):
        studio.window.registry["inspector"].trigger()
        qtbot.waitUntil(lambda wanted=wanted: written(tmp_path).inspector == wanted, timeout=WAIT)
    studio.window.registry["sides"].trigger()
    qtbot.waitUntil(lambda: not written(tmp_path).sides, timeout=WAIT)
    assert not studio.window.method_box.isVisible()
    studio.window.registry["start-with-last"].trigger()
    qtbot.waitUntil(lambda: not written(tmp_path).start_with_last, timeout=WAIT)
    studio.window.resize(1111, 777)
    qtbot.waitUntil(lambda: written(tmp_path).geometry.width() == 1111, timeout=WAIT)
    assert not written(tmp_path).maximised
    studio.window.showMaximized()
    qtbot.waitUntil(lambda: written(tmp_path).maximised, timeout=WAIT)
    assert written(tmp_path).geometry.width() == 1111, "its size when it is not maximised"
    studio.window.close()
    assert opened(finished=False).window.isMaximized()
