"""The real window with the real engine, on the screen that the tests run on."""

import gc
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest
from driver import WAIT, Opened, coarse, no_thread_of, wait_for_maps
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pda_studio.gui.window.studio import Studio

_windows = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Collect what a window was, once pytest holds nothing of its test any more.

    A window is a hundred thousand objects that know each other. What is left mostly stays, as
    modules do: no collection need look through it after every test, one now and then is enough.
    """
    had_a_window = "opened" in getattr(item, "fixturenames", ())
    result = yield
    if had_a_window:
        if next(_windows) % 20 == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
    return result


@pytest.fixture(scope="session")
def cache_of_a_first_start(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache that a first start leaves: the first sample's map, and what was measured for it."""
    folder = tmp_path_factory.mktemp("first start")
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDA_STUDIO_CACHE", str(folder / "cache"))
        studio = Studio(qapp, settings)
        studio.show()
        end = monotonic() + 4 * WAIT / 1000  # the engine is loaded meanwhile, by each worker
        while not studio.session.all_finished():
            assert monotonic() < end
            qapp.processEvents()
            sleep(0.005)  # it is the engine's turn
        studio.window.close()
        assert no_thread_of(studio)
    studio.window.deleteLater()
    studio.deleteLater()
    del studio
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    gc.freeze()  # what has been imported by now stays: no later collection need look at it
    return folder / "cache"


@pytest.fixture
def first_map(cache_of_a_first_start: Path, cache_folder: Path) -> None:
    """Let the window find its first map; where a test has an empty cache, it is computed anew."""
    shutil.copytree(cache_of_a_first_start, cache_folder.parent, dirs_exist_ok=True)


@pytest.fixture
def opened(
    qtbot: QtBot,
    qapp: QApplication,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Opened]:
    """Open a window; at the end it is closed and neither widgets nor threads are left."""
    # A window asks whether others have frozen objects. They have, and to count them takes as long
    # as to make half a window.
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 1)
    if request.node.get_closest_marker("empty_cache") is None:
        request.getfixturevalue("first_map")
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
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.setStyleSheet("")  # the next window is then the first, and made in half the time
    qtbot.wait(1)


@pytest.fixture
def studio(opened: Opened, qtbot: QtBot, request: pytest.FixtureRequest) -> Studio:
    """A window with a sample digit, the digit classifier, and a finished map.

    What the classifier allows is known, so that no pass through it is still to come.
    """
    studio = opened()
    refused = studio.window.registry["add-attention-rollout"]
    qtbot.waitUntil(lambda: not refused.isEnabled(), timeout=WAIT)
    if request.node.get_closest_marker("coarse_maps") is not None:
        coarse(studio)
        wait_for_maps(qtbot, studio)
        studio.saving.begin()
    return studio
