"""Work is never lost: undo, saved files, and a start after a crash."""

import io
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, Opened, coarse, wait_for_maps
from PIL import Image
from PySide6.QtCore import QMimeData, QSettings, Qt, QUrl
from pytestqt.qtbot import QtBot

from pda_studio import classifiers
from pda_studio.classifiers import Classifier
from pda_studio.document.operations import Crop, Flip, Rotate
from pda_studio.document.saved import load_state
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.session.recovery import Recovery
from pda_studio.gui.window.studio import Studio
from pda_studio.targets import ClassTarget, ContrastTarget


def do_much(studio: Studio, qtbot: QtBot) -> None:
    """Edit everything that can be edited."""
    session = studio.session
    session.columns.configure(0, stride=4)
    session.rows.transform(Rotate(15))
    session.select(0, 0)
    session.rows.transform(Crop(4, 4, 20, 20))
    session.rows.turn_back(session.work.rows[1].key, True)
    column = session.columns.add("occlusion")
    session.columns.configure(column.key, window=5, stride=4)
    session.columns.set_style(column.key, "both")
    session.columns.duplicate(column.key, target=ContrastTarget(1, 7))
    session.columns.duplicate(0, classifier=ClassifierChoice("digits", "random"))
    session.columns.add("combined")
    wait_for_maps(qtbot, studio)
    session.set_target(7)
    session.columns.move(column.key, -1)
    session.rows.remove(session.work.rows[2].key)
    wait_for_maps(qtbot, studio)


def test_every_edit_is_undone_and_done_again(studio: Studio, qtbot: QtBot) -> None:
    saving, session = studio.saving, studio.session
    start = session.work
    assert not studio.window.registry["undo"].isEnabled()
    do_much(studio, qtbot)
    end = session.work
    steps = 0
    while saving.history.can_undo and steps < 100:
        studio.window.registry["undo"].trigger()
        steps += 1
        qtbot.wait(1)
    assert 12 <= steps < 100
    assert session.work == start
    wait_for_maps(qtbot, studio)
    while saving.history.can_redo:
        saving.redo()
    assert session.work == end
    wait_for_maps(qtbot, studio)


def test_a_slider_that_is_dragged_is_one_step(studio: Studio, qtbot: QtBot) -> None:
    spin = studio.window.method_box.rows["window"].spin
    before = studio.session.work
    for value in (5, 6, 7, 8):
        spin.setValue(value)
    qtbot.waitUntil(lambda: studio.session.work != before, timeout=WAIT)
    studio.window.registry["undo"].trigger()
    assert studio.session.work == before
    wait_for_maps(qtbot, studio)


@pytest.mark.coarse_maps
def test_undo_brings_another_classifier_back(studio: Studio, qtbot: QtBot) -> None:
    studio.opening.use_classifier(ClassifierChoice("digits", "random"))
    qtbot.waitUntil(lambda: studio.session.classifier.weights == "random", timeout=WAIT)
    wait_for_maps(qtbot, studio)
    studio.saving.undo()
    wait_for_maps(qtbot, studio)
    assert studio.session.all_finished()[0].weights == "built in"
    assert studio.window.classifier_box.weights.currentData() is None


def test_saved_work_opens_as_it_was(
    opened: Opened, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = opened()
    do_much(studio, qtbot)
    work, maps = studio.session.work, studio.session.all_finished()
    studio.display.change(opacity=0.4)
    path = tmp_path / "mine.pdastudio"
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    assert "mine.pdastudio" in studio.window.windowTitle()
    assert not studio.window.isWindowModified()
    studio.window.close()
    monkeypatch.setenv("PDA_STUDIO_CACHE", str(tmp_path / "an empty cache"))
    again = opened()
    passes: list[int] = []
    real = Classifier.logits
    monkeypatch.setattr(
        Classifier, "logits", lambda self, batch: passes.append(len(batch)) or real(self, batch)
    )
    with qtbot.waitSignal(again.saving.opened, timeout=WAIT):
        again.open_files([path])
    wait_for_maps(qtbot, again)
    assert again.display.appearance.opacity == 0.4
    opened_work = again.session.work
    assert opened_work.columns == work.columns
    assert opened_work.target == work.target == ClassTarget(7)
    assert [row.operations for row in opened_work.rows] == [row.operations for row in work.rows]
    assert [row.turned_back for row in opened_work.rows] == [row.turned_back for row in work.rows]
    assert np.array_equal(opened_work.image.pixels, work.image.pixels)
    for old, new in zip(maps, again.session.all_finished(), strict=True):
        assert np.array_equal(old.evidence, new.evidence)
    assert max(passes) == 1, "rows are looked at; no map is computed"
    again.session.columns.configure(0, window=6)
    assert again.window.isWindowModified()


@pytest.mark.coarse_maps
def test_saved_work_can_be_dropped(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "mine.pdastudio"
    studio.session.rows.transform(Flip("vertical"))
    wait_for_maps(qtbot, studio)
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    studio.session.rows.reset()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    with qtbot.waitSignal(studio.saving.opened, timeout=WAIT):
        studio.window.dropped.emit(data)
    assert studio.session.work.rows[1].operations == (Flip("vertical"),)
    wait_for_maps(qtbot, studio)


def rewritten(whole: bytes, old: str, new: str) -> bytes:
    """The same archive with another text in its JSON."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(result, "w") as other:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "state.json":
                assert old in data.decode()
                data = data.decode().replace(old, new).encode()
            other.writestr(name, data)
    return result.getvalue()


def test_damaged_work_is_refused_and_nothing_is_lost(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "mine.pdastudio"
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    whole = path.read_bytes()
    work = studio.session.work
    for damaged in (
        b"",
        whole[: len(whole) // 2],
        rewritten(whole, '"rows"', '"roes"'),
        rewritten(whole, '"efficient-pda"', '"no such method"'),
        rewritten(whole, '"stride": 1', '"stride": -1'),
        rewritten(whole, '"schema": 1', '"schema": 99'),
        rewritten(whole, '"digest": "', '"digest": "0'),
    ):
        path.write_bytes(damaged)
        with qtbot.waitSignal(studio.saving.failed, timeout=WAIT):
            studio.saving.open(path)
        assert "mine.pdastudio" in studio.window.banner.message.text()
        assert studio.session.work is work


def test_what_was_open_can_be_reopened(opened: Opened, qtbot: QtBot) -> None:
    studio = opened()
    studio.session.rows.transform(Flip("vertical"))
    wait_for_maps(qtbot, studio)
    studio.window.close()
    again = opened()
    assert not again.window.banner.action_button.text().startswith("Restore")
    with qtbot.waitSignal(again.saving.opened, timeout=WAIT):
        again.window.registry["reopen"].trigger()
    wait_for_maps(qtbot, again)
    assert again.session.work.rows[1].operations == (Flip("vertical"),)


def kill_when(script: str, folder: Path) -> None:
    """Run a window in another process and kill it once it says so."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    line = process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert line.strip() == "now", line


WINDOW = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QSettings
from pda_studio.gui.window.studio import Studio, application
from pda_studio.document import saved
from pda_studio.document.operations import Flip
app = application()
folder = Path(sys.argv[1])
studio = Studio(app, QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat))
studio.show()
def until(is_so):
    while not is_so():
        app.processEvents()
        time.sleep(0.002)
until(lambda: studio.session.all_finished())
studio.session.columns.configure(0, stride=4)
studio.session.rows.transform(Flip("horizontal"))
until(lambda: studio.session.all_finished())
def autosaved():
    time.sleep(0.02)
    own = studio.saving.recovery.own
    return own.exists() and saved.load_state(own).work.columns == studio.session.work.columns
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of other systems")
def test_killed_in_the_middle_of_a_run(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    kill_when(
        WINDOW
        + """
studio.session.columns.configure(0, infill="marginal-samples", samples=500, stride=1)
until(lambda: studio.session.panel(0, 0).done > 0 and autosaved())
print("now", flush=True)
until(lambda: False)
""",
        tmp_path,
    )
    studio = opened()
    banner = studio.window.banner
    qtbot.waitUntil(lambda: banner.action_button.text() == "Restore", timeout=WAIT)
    qtbot.mouseClick(banner.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(studio.session.work.rows) == 2, timeout=WAIT)
    assert studio.session.work.rows[1].operations == (Flip("horizontal"),)
    assert studio.session.work.columns[0].method.samples == 500
    studio.session.columns.configure(0, samples=1, stride=4)
    wait_for_maps(qtbot, studio)
    qtbot.waitUntil(lambda: not studio.saving.recovery.left_behind(), timeout=WAIT)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of other systems")
def test_killed_in_the_middle_of_saving(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "mine.pdastudio"
    studio = opened()
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    before = path.read_bytes()
    kill_when(
        WINDOW
        + """
import zipfile
def stands_still(*arguments, **named):
    print("now", flush=True)
    time.sleep(30)
real = saved.save_state
def save_state(state, path):
    if path.name == "mine.pdastudio":  # and no autosave
        zipfile.ZipFile.writestr = stands_still
    real(state, path)
saved.save_state = save_state
studio.saving.save(folder / "mine.pdastudio")
until(lambda: False)
""",
        tmp_path,
    )
    assert path.read_bytes() == before
    assert len(load_state(path).maps) == 1


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_restored_work_keeps_the_name_of_its_file(
    opened: Opened, qtbot: QtBot, tmp_path: Path, how: str
) -> None:
    """Ctrl+S after a restart writes where the user saved before, never into the recovery file."""
    path = tmp_path / "mine.pdastudio"
    if how == "killed":
        kill_when(
            WINDOW
            + """
studio.saving.save(folder / "mine.pdastudio")
until(lambda: studio.saving.path is not None)
studio.session.columns.configure(0, window=5)
until(autosaved)
print("now", flush=True)
until(lambda: False)
""",
            tmp_path,
        )
    else:
        first = opened()
        first.session.rows.transform(Flip("horizontal"))
        with qtbot.waitSignal(first.saving.saved, timeout=WAIT):
            first.saving.save(path)
        first.session.columns.configure(0, window=5)
        first.window.close()
    before = path.read_bytes()
    studio = opened()
    with qtbot.waitSignal(studio.saving.opened, timeout=WAIT):
        if how == "killed":
            studio.window.banner.action_button.click()
        else:
            studio.window.registry["reopen"].trigger()
    assert studio.saving.path == path
    assert studio.window.isWindowModified(), "it was edited after it was saved"
    assert studio.session.work.columns[0].method.window == 5
    wait_for_maps(qtbot, studio)
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.window.registry["save"].trigger()
    assert path.read_bytes() != before
    assert load_state(path).work.columns[0].method.window == 5
    assert load_state(path).file is None


def test_work_without_a_file_asks_for_its_name_after_a_restart(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().window.close()
    studio = opened()
    with qtbot.waitSignal(studio.saving.opened, timeout=WAIT):
        studio.window.registry["reopen"].trigger()
    closed = studio.saving.recovery.closed
    before = closed.read_bytes()
    asked: list[bool] = []
    monkeypatch.setattr(studio.dialogs, "choose_workspace_file", lambda: asked.append(True))
    studio.window.registry["save"].trigger()
    assert asked == [True]
    assert studio.saving.path is None
    # Nor does choosing the hidden file in the dialog make it the work's own.
    with qtbot.waitSignal(studio.saving.opened, timeout=WAIT):
        studio.saving.open(closed)
    assert studio.saving.path is None
    assert closed.read_bytes() == before
    wait_for_maps(qtbot, studio)


def test_an_open_window_is_no_crash(opened: Opened, qtbot: QtBot) -> None:
    first = opened()
    first.saving.autosave()
    qtbot.waitUntil(first.saving.recovery.own.exists, timeout=WAIT)
    second = opened()
    assert second.saving.recovery.left_behind() == []


def test_saved_files_hold_nothing_that_runs(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "mine.pdastudio"
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert {Path(name).suffix for name in names} == {".json", ".png", ".npz"}


@pytest.mark.parametrize("when", ["before the engine", "while the first classifier is loaded"])
def test_a_workspace_opened_while_the_program_starts_stays_as_it_is(
    opened: Opened, qtbot: QtBot, tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = opened()
    coarse(studio)
    studio.opening.use_classifier(ClassifierChoice("digits", "random"))
    qtbot.waitUntil(lambda: studio.session.classifier.weights == "random", timeout=WAIT)
    studio.session.columns.add("occlusion", target=ClassTarget(3))
    studio.session.set_target(7)
    wait_for_maps(qtbot, studio)
    path = tmp_path / "study.pdastudio"
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    saved = studio.session.work
    studio.window.close()

    loaded, loading = threading.Event(), classifiers.loading

    def held_up(*given):
        loaded.wait()
        return (yield from loading(*given))

    if when == "while the first classifier is loaded":
        monkeypatch.setattr(classifiers, "loading", held_up)
    again = opened(finished=False)
    try:
        if when == "before the engine":
            with qtbot.waitSignal(again.saving.opened, timeout=WAIT):
                again.saving.open(path)
            assert again.session.work.classifier == saved.classifier
        else:
            qtbot.waitUntil(lambda: again.opening.busy, timeout=WAIT)
            with qtbot.waitSignal(again.saving.opened, timeout=WAIT):
                again.saving.open(path)
            # The first one gives way, and that of the workspace is asked for, in some event later.
            qtbot.waitUntil(lambda: again.opening.busy, timeout=WAIT)
    finally:
        loaded.set()
    wait_for_maps(qtbot, again)
    assert again.session.work.classifier == saved.classifier
    assert again.session.work.target == saved.target
    assert [column.target for column in again.session.work.columns] == [None, ClassTarget(3)]
    assert again.session.work.image.digest == saved.image.digest
    assert not again.saving.modified
    assert not again.saving.history.can_undo


def test_the_recovery_folder_is_private_and_swept(tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    recovery, folder = Recovery(settings), tmp_path / "recovery"
    folder.mkdir(mode=0o755)
    old, new, named = (folder / name for name in (".0123.abc", ".4567.abc", "0123.pdastudio"))
    for path in (old, new, named):
        path.write_bytes(b"")
    for path in (old, named):
        os.utime(path, (1, 1))
    assert recovery.left_behind() == [named]
    assert sorted(folder.glob("*.abc")) == [new]
    recovery.make_folder()
    assert os.name == "nt" or folder.stat().st_mode & 0o777 == 0o700


def test_what_was_decided_as_an_image_was_read_is_said_beside_it(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    frames = [Image.fromarray(np.full((28, 28), level, np.uint8)) for level in (40, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    sentence = "The first frame of an animation is read."
    studio = opened(image=tmp_path / "moving.gif")
    assert studio.session.work.image.notes == (sentence,)
    caption = studio.window.grid.inputs[0].caption
    assert sentence in caption.toolTip()
    assert "28 × 28 px · The first" in caption.text()
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(tmp_path / "work.pdastudio")
    assert load_state(tmp_path / "work.pdastudio").work.image.notes == (sentence,)


def test_a_map_that_is_left_out_is_told(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    path, damaged = tmp_path / "mine.pdastudio", tmp_path / "damaged.pdastudio"
    wait_for_maps(qtbot, studio)
    with qtbot.waitSignal(studio.saving.saved, timeout=WAIT):
        studio.saving.save(path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(damaged, "w") as other:
        for name in archive.namelist():
            data = archive.read(name)
            other.writestr(name, data[:200] if name.startswith("maps/") else data)
    with qtbot.waitSignal(studio.saving.opened, timeout=WAIT):
        studio.saving.open(damaged)
    told = studio.window.banner.message.text()
    assert told == "A map in the workspace is damaged and was left out."
    wait_for_maps(qtbot, studio)
    assert len(studio.session.all_finished()) == 1, "it is found or computed again"
