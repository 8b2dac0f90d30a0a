"""The list of jobs: what runs and waits, stopping and running one, reports, quiet news."""

import platform
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
import torch
from driver import WAIT, Opened, start_slow_map, wait_for_maps
from PIL import Image
from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from pda_studio.document.operations import Flip
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.jobs.report import without_paths
from pda_studio.gui.window.studio import Studio

LEFT = Qt.MouseButton.LeftButton


def states(studio: Studio) -> dict[tuple[int, int], str]:
    return {key: panel.state for key, panel in studio.session.panels.items()}


def open_list(qtbot: QtBot, studio: Studio) -> None:
    qtbot.mouseClick(studio.window.strip.jobs, LEFT)
    assert studio.window.jobs.isVisible()


def fail(qtbot: QtBot, studio: Studio) -> tuple[int, int]:
    """Ask something that a network without attention cannot answer."""
    key = 0, studio.session.columns.add("attention-rollout").key
    qtbot.waitUntil(lambda: states(studio).get(key) == "failed", timeout=WAIT)
    return key


def test_what_runs_and_waits_is_listed(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    second = studio.session.columns.add("occlusion").key
    third = studio.session.columns.add("combined").key
    studio.session.select(0, 0)
    open_list(qtbot, studio)
    jobs = studio.window.jobs
    qtbot.waitUntil(lambda: len(jobs.tasks) == 3, timeout=WAIT)
    assert [task.key for task in jobs.tasks] == [(0, 0), (0, second), (0, third)]
    qtbot.waitUntil(lambda: jobs.tasks[0].seconds is not None, timeout=WAIT)
    first = jobs.rows[0, 0]
    assert first.title.text() == "Efficient PDA"
    assert first.place.text() == "1.png"
    before = first.bar.value()
    qtbot.waitUntil(lambda: first.bar.value() > before, timeout=WAIT)
    panel, shown = studio.session.panel(0, 0), first.bar.value() / 1000
    assert 0 < shown <= panel.done / panel.total + 0.001
    assert first.said.text().endswith("left")
    assert jobs.rows[0, second].said.text().startswith(("queued", "searching the cache"))
    assert jobs.rows[0, second].stop_button.isVisible()
    assert not jobs.rows[0, third].stop_button.isVisible(), "it follows from the others"
    assert jobs.summary.text().startswith("3 to do")
    assert jobs.isAncestorOf(QApplication.focusWidget())
    assert studio.window.isActiveWindow(), "it is no window of its own"
    qtbot.mouseClick(jobs.stop_all, LEFT)
    assert set(states(studio).values()) == {"stopped"}
    assert not jobs.stop_all.isEnabled()


def test_the_list_changes_five_times_a_second_at_most(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    shown: list[float] = []
    real = studio.window.jobs.show_tasks
    studio.window.jobs.show_tasks = lambda *given: (shown.append(monotonic()), real(*given))
    partial: list[float] = []
    studio.explainer.progressed.connect(lambda: partial.append(monotonic()))
    qtbot.wait(400)
    assert shown == [], "closed, it costs nothing"
    open_list(qtbot, studio)
    shown.clear()
    partial.clear()
    qtbot.waitUntil(lambda: len(shown) >= 4, timeout=WAIT)
    assert np.diff(shown).min() > 0.15
    assert len(partial) > len(shown)
    studio.stop()


def test_one_is_stopped_and_the_others_go_on(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    other = studio.session.columns.add("occlusion").key
    studio.session.select(0, 0)
    open_list(qtbot, studio)
    jobs = studio.window.jobs
    qtbot.waitUntil(lambda: (0, other) in jobs.rows, timeout=WAIT)
    qtbot.mouseClick(jobs.rows[0, 0].stop_button, LEFT)
    assert states(studio)[0, 0] == "stopped"
    qtbot.waitUntil(lambda: states(studio)[0, other] == "done", timeout=WAIT)
    done = studio.session.panel(0, 0).done
    assert states(studio)[0, 0] == "stopped"
    qtbot.waitUntil(lambda: list(jobs.rows) == [(0, 0)], timeout=WAIT)
    qtbot.mouseClick(jobs.rows[0, 0].run_button, LEFT)
    qtbot.waitUntil(lambda: states(studio)[0, 0] == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: studio.session.panel(0, 0).total > 0, timeout=WAIT)
    assert studio.session.panel(0, 0).done >= done > 0, "it goes on from where it was"
    studio.session.columns.configure(0, samples=2)
    wait_for_maps(qtbot, studio)


def test_one_that_waits_is_stopped(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    row = studio.session.rows.transform(Flip("vertical")).key
    studio.session.select(0, 0)
    studio.explainer.stop_one((row, 0))  # before its row has even been looked at
    assert states(studio).get((row, 0), "empty") in ("stopped", "empty")
    qtbot.waitUntil(lambda: studio.session.prediction(row) is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: studio.session.panel(row, 0).request is not None, timeout=WAIT)
    if states(studio)[row, 0] == "waiting":  # there was nothing to stop yet
        studio.explainer.stop_one((row, 0))
    qtbot.wait(50)
    assert states(studio)[row, 0] == "stopped"
    assert states(studio)[0, 0] == "running"
    studio.explainer.run_one((row, 0))
    qtbot.waitUntil(lambda: states(studio)[row, 0] == "waiting", timeout=WAIT)
    studio.stop()


def test_stopped_before_it_is_asked_it_stays_so(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    other = ClassifierChoice("digits", "random")
    column = studio.session.columns.duplicate(0, classifier=other).key
    qtbot.waitUntil(lambda: states(studio).get((0, column)) == "waiting", timeout=WAIT)
    assert studio.session.panel(0, column).request is None
    studio.explainer.stop_one((0, column))
    qtbot.waitUntil(lambda: other in studio.session.classifiers, timeout=WAIT)
    qtbot.waitUntil(lambda: studio.session.panel(0, column).request is not None, timeout=WAIT)
    assert states(studio)[0, column] == "stopped"
    studio.stop()


def test_a_failed_one_tells_why_and_is_tried_again(studio: Studio, qtbot: QtBot) -> None:
    key = fail(qtbot, studio)
    qtbot.keySequence(studio.window, "Ctrl+Shift+J")
    jobs = studio.window.jobs
    assert jobs.isVisible()
    row = jobs.rows[key]
    assert "no attention" in row.error.text()
    assert "no attention" in row.accessibleName()
    assert not row.details.isVisible()
    qtbot.mouseClick(row.details_button, LEFT)
    assert row.details.isVisible()
    assert row.details.toPlainText().startswith("Traceback")
    told: list[object] = []
    studio.explainer.failed.connect(lambda *error: told.append(error))
    qtbot.mouseClick(row.again_button, LEFT)
    qtbot.waitUntil(lambda: len(told) == 1 and states(studio)[key] == "failed", timeout=WAIT)
    studio.session.columns.set_method(key[1], "saliency")
    wait_for_maps(qtbot, studio)
    qtbot.waitUntil(lambda: jobs.rows == {}, timeout=WAIT)
    assert jobs.nothing.isVisible()


def test_the_report_tells_all_but_where_files_are(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "Jane Doe's images"
    folder.mkdir()
    image = folder / "private name.png"
    Image.fromarray(np.full((28, 28, 3), 90, np.uint8)).save(image)
    studio = opened(image=image)
    key = fail(qtbot, studio)
    open_list(qtbot, studio)
    qtbot.mouseClick(studio.window.jobs.rows[key].copy_button, LEFT)
    text = QApplication.clipboard().text()
    for part in (
        "no attention",
        "Traceback",
        "pda_studio/methods/attention_rollout.py",
        f"Python: {platform.python_version()}",
        f"torch: {torch.__version__.partition('+')[0]}",
        f"Qt: {qVersion()}",
        "PDA Studio: ",
        platform.system(),
        "Classifier: digits",
        "Method: attention-rollout",
        '"fusion": "mean"',
    ):
        assert part in text, part
    root = str(Path(__file__).resolve().parents[2])
    assert root not in text
    assert str(tmp_path) not in text
    assert "Jane" not in text
    # The message over the grid makes the same report.
    qtbot.mouseClick(studio.window.banner.details_button, LEFT)
    qtbot.mouseClick(studio.window.banner.copy_button, LEFT)
    assert "Method: attention-rollout" in QApplication.clipboard().text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"/opt/x/site-packages/torch/nn/a.py", line 3', '"site-packages/torch/nn/a.py", line 3'),
        ("“/srv/My Files/a b.pth” is no weights file", "“a b.pth” is no weights file"),
        (r'"D:\Work of Jane Doe\pda_studio\images.py", line 1', '"pda_studio/images.py", line 1'),
        ("cannot read /srv/jane/x.png: denied", "cannot read x.png: denied"),
        (f"in {Path.home()}/some/where.txt", "in where.txt"),
        ("log-odds/bits, 3/4, https://example.org/a/b", "log-odds/bits, 3/4, https://example.org/a/b"),
    ],
)  # fmt: skip
def test_paths_become_names(text: str, told: str) -> None:
    assert without_paths(text) == told


def test_a_known_file_is_named_even_with_spaces(tmp_path: Path) -> None:
    path = tmp_path / "my folder" / "a b.png"
    assert without_paths(f"Cannot read {path} now", [path]) == "Cannot read a b.png now"


def test_escape_closes_the_list_and_stops_nothing(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    studio.window.predictions.list.setFocus()
    open_list(qtbot, studio)
    for _ in range(4):  # Tab stays in the list
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert studio.window.jobs.isAncestorOf(QApplication.focusWidget())
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not studio.window.jobs.isVisible()
    assert states(studio)[0, 0] == "running"
    studio.stop()


def test_a_click_on_the_progress_opens_the_list(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    qtbot.mouseClick(studio.window.strip.bar, LEFT)
    assert studio.window.jobs.isVisible()
    qtbot.mouseClick(studio.window.strip.text, LEFT)
    assert not studio.window.jobs.isVisible()
    studio.stop()


def test_a_classifier_that_is_loaded_is_listed(studio: Studio, qtbot: QtBot) -> None:
    open_list(qtbot, studio)
    studio.opening.use_classifier(ClassifierChoice("digits", "random"))
    studio.jobs_controller.show_tasks()
    row = studio.window.jobs.rows[None]
    assert row.title.text() == "Loading digits"
    qtbot.mouseClick(row.stop_button, LEFT)
    assert not studio.opening.busy
    assert None not in studio.window.jobs.rows
    assert studio.session.classifier.weights == "built in"


def test_who_is_elsewhere_is_told_quietly(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[QWidget] = []
    real = QApplication.alert
    monkeypatch.setattr(QApplication, "alert", lambda widget: (alerts.append(widget), real(widget)))
    studio.jobs_controller.long = 0.05
    strip = studio.window.strip
    studio.session.columns.configure(0, infill="marginal-samples", samples=30, stride=4)
    wait_for_maps(qtbot, studio)
    assert alerts == [], "the window was in sight"
    assert "finished" not in strip.text.text()
    elsewhere = QWidget()
    elsewhere.show()
    elsewhere.activateWindow()
    qtbot.waitUntil(elsewhere.isActiveWindow, timeout=WAIT)
    studio.jobs_controller.long = 3600
    studio.session.columns.configure(0, samples=31)
    wait_for_maps(qtbot, studio)
    assert alerts == [], "it did not take long"
    studio.jobs_controller.long = 0.05
    studio.session.columns.configure(0, samples=32)
    wait_for_maps(qtbot, studio)
    qtbot.waitUntil(lambda: alerts == [studio.window], timeout=WAIT)
    assert elsewhere.isActiveWindow(), "the focus is left alone"
    assert QApplication.activeModalWidget() is None
    qtbot.waitUntil(lambda: strip.text.text().startswith("Efficient PDA is finished"), timeout=WAIT)
    studio.jobs_controller.read_after = 0.02
    studio.window.activateWindow()
    qtbot.waitUntil(lambda: "finished" not in strip.text.text(), timeout=WAIT)
    elsewhere.close()
    elsewhere.deleteLater()
