"""What a user does, through the real window with the real engine."""

import gc
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path

import nibabel
import numpy as np
import pytest
from driver import WAIT, Clock, Opened, no_thread_of, start_slow_map, wait_for_maps
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFocusEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

import pda_studio.attribution.prediction_difference as pda
from pda_studio.classifiers import Classifier, Download
from pda_studio.document.operations import Flip, Rotate
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.opening.dialogs import RECENT_CLASSIFIERS, RECENT_IMAGES
from pda_studio.gui.window.studio import Studio
from pda_studio.store import explain


def first_panel(studio: Studio):
    return studio.session.panel(0, studio.session.work.columns[0].key)


def first_map(studio: Studio):
    return studio.session.all_finished()[0]


def count_passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    passes: list[int] = []
    real = Classifier.logits

    def logits(self, prepared):
        passes.append(len(prepared))
        return real(self, prepared)

    monkeypatch.setattr(Classifier, "logits", logits)
    return passes


def test_starts_with_a_finished_sample(studio: Studio) -> None:
    assert first_map(studio).classifier == "digits"
    assert first_map(studio).target_name == "1"
    assert studio.window.predictions.list.model().rowCount() == 10
    assert studio.window.hints.isVisible()
    assert not studio.window.registry["stop"].isEnabled()
    assert studio.window.registry["export-figure"].isEnabled()


@pytest.mark.coarse_maps
def test_opens_a_image_and_keeps_it_among_the_recent(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "mine.png"
    Image.fromarray(np.full((40, 30, 3), 90, np.uint8)).save(path)
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        studio.open_image(path)
    wait_for_maps(qtbot, studio)
    assert studio.memory.recent == [path]
    assert "mine.png" in studio.window.windowTitle()


def test_stops_within_0_3_seconds_and_runs_on(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    job = studio.explainer.runner.running.job
    let_go: list[float] = []
    clock = Clock()
    job.stopped = lambda: let_go.append(clock.seconds())
    qtbot.keyClick(studio.window, Qt.Key.Key_Escape)
    assert first_panel(studio).state == "stopped"
    qtbot.waitUntil(lambda: bool(let_go), timeout=WAIT)
    assert let_go[0] < 0.3
    assert first_panel(studio).evidence is not None
    assert not first_panel(studio).evidence.complete
    studio.session.columns.configure(0, samples=2, stride=4)
    wait_for_maps(qtbot, studio)


def test_run_goes_on_after_stop(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.configure(0, window=5)
    studio.window.registry["stop"].trigger()
    studio.stop()
    qtbot.wait(50)
    assert first_panel(studio).state == "stopped"
    studio.window.registry["run"].trigger()
    wait_for_maps(qtbot, studio)


def test_what_was_stopped_goes_on_where_it_was(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = pda.score_windows

    def counted(*given):
        for step in real(*given):
            seen.append(int(step.scored.sum()))
            time.sleep(0.01)
            yield step

    monkeypatch.setattr(pda, "score_windows", counted)
    studio.session.columns.configure(0, infill="marginal-samples", samples=20, stride=2)
    qtbot.waitUntil(lambda: first_panel(studio).state == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: first_panel(studio).done > 0, timeout=WAIT)
    studio.window.registry["stop"].trigger()
    qtbot.waitUntil(lambda: studio.explainer.runner.aside.job.paused is not None, timeout=WAIT)
    stopped = len(seen)
    qtbot.wait(400)
    assert len(seen) == stopped
    studio.window.registry["run"].trigger()
    qtbot.waitUntil(lambda: len(seen) > stopped, timeout=WAIT)
    assert seen[stopped] > seen[stopped - 1] > 0
    wait_for_maps(qtbot, studio)
    own = explain(
        studio.session.work.image.pixels,
        studio.session.classifier,
        target=first_map(studio).target,
        **first_map(studio).parameters,
    )
    np.testing.assert_allclose(first_map(studio).evidence, own.evidence, atol=2e-3)


def test_a_image_in_the_making_goes_on_after_stop(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_method(0, "activation-maximisation")
    studio.session.columns.configure(0, climb=400)
    qtbot.waitUntil(lambda: first_panel(studio).state == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: first_panel(studio).done > 5, timeout=WAIT)
    studio.window.registry["stop"].trigger()
    done = first_panel(studio).done
    assert first_panel(studio).evidence.image is not None, "the image is shown as it is made"
    qtbot.wait(50)
    studio.window.registry["run"].trigger()
    qtbot.waitUntil(lambda: first_panel(studio).state == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: first_panel(studio).done > 0, timeout=WAIT)
    assert first_panel(studio).done >= done
    wait_for_maps(qtbot, studio)


def test_a_slider_moved_while_running_starts_anew(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    old = studio.explainer.runner.running.job
    before = first_panel(studio).evidence
    row = studio.window.method_box.rows["samples"]
    row.slider.setValue(0)
    assert first_panel(studio).evidence is before or not first_panel(studio).stale
    qtbot.waitUntil(old.cancelled.is_set, timeout=WAIT)
    wait_for_maps(qtbot, studio)
    assert first_map(studio).parameters["samples"] == 1


def test_partners_of_a_parameter_follow(studio: Studio, qtbot: QtBot) -> None:
    session = studio.session
    session.columns.configure(0, infill="conditional-mean", window=9)
    assert session.work.columns[0].method.outer >= 10
    session.columns.configure(0, stride=9)
    session.columns.configure(0, window=3)
    assert session.work.columns[0].method.stride == 3
    rows = studio.window.method_box.rows
    assert rows["stride"].spin.maximum() == 3
    assert rows["outer"].spin.minimum() == 4
    assert rows["samples"].isHidden()
    wait_for_maps(qtbot, studio)


def test_another_target_costs_no_forward_pass(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = count_passes(monkeypatch)
    other = studio.window.predictions.list.model().index(1, 0)
    studio.window.predictions.list.clicked.emit(other)
    wait_for_maps(qtbot, studio)
    assert first_map(studio).target_name == other.data()
    studio.session.columns.configure(0, difference="logit")
    wait_for_maps(qtbot, studio)
    assert first_map(studio).unit == "logit"
    assert passes == []


@pytest.mark.coarse_maps
def test_a_map_computed_before_comes_back_at_once(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = first_map(studio)
    studio.session.columns.configure(0, window=6)
    wait_for_maps(qtbot, studio)
    passes = count_passes(monkeypatch)
    studio.session.columns.configure(0, window=4)
    wait_for_maps(qtbot, studio)
    assert first_map(studio) is first
    assert passes == []


@pytest.mark.coarse_maps
def test_turning_adds_rows_and_reset_takes_them_away(studio: Studio, qtbot: QtBot) -> None:
    window = studio.window
    window.registry["rotate-right"].trigger()
    window.registry["rotate-right"].trigger()
    window.registry["flip-horizontal"].trigger()
    wait_for_maps(qtbot, studio)
    rows = studio.session.work.rows
    assert [row.operations for row in rows] == [
        (),
        (Rotate(90),),
        (Rotate(180),),
        (Flip("horizontal"),),
    ]
    upright = studio.session.prediction(rows[0].key).subject.view
    turned = studio.session.prediction(rows[1].key).subject.view
    assert np.array_equal(turned, np.rot90(upright, -1))
    assert len(window.grid.maps) == 4
    targets = {one.target for one in studio.session.all_finished()}
    assert len(targets) == 1, "variants are asked about the original's class"
    window.registry["reset"].trigger()
    assert len(window.grid.maps) == 1


@pytest.mark.coarse_maps
def test_a_frame_on_the_input_crops(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["crop"].trigger()
    view = studio.window.grid.inputs[0].views[0]
    start, end = (QPoint(round(view.width() * f), round(view.height() * f)) for f in (0.25, 0.75))
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view.viewport(), end)
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    wait_for_maps(qtbot, studio)
    row = studio.session.work.rows[1]
    assert str(row.operations[0]) == "cropped to 14 × 14"
    assert studio.session.prediction(row.key).width == 14
    assert not studio.window.registry["crop"].isChecked()


def test_escape_leaves_cropping(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["crop"].trigger()
    qtbot.keyClick(studio.window, Qt.Key.Key_Escape)
    assert not studio.window.registry["crop"].isChecked()
    assert not studio.window.registry["stop"].isEnabled()


def test_escape_leaves_cropping_and_the_map_goes_on(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    studio.window.registry["crop"].trigger()
    qtbot.keyClick(studio.window, Qt.Key.Key_Escape)
    assert not studio.window.registry["crop"].isChecked()
    assert first_panel(studio).state == "running"
    qtbot.keyClick(studio.window, Qt.Key.Key_Escape)
    assert first_panel(studio).state == "stopped"


def test_a_mean_needs_two_maps(studio: Studio, qtbot: QtBot) -> None:
    mean = studio.window.registry["combine"]
    assert not mean.isEnabled()
    studio.session.columns.add("occlusion")
    assert mean.isEnabled()
    mean.trigger()
    studio.session.columns.remove(0)
    assert not mean.isEnabled(), "what is left is one map and a mean"


def test_methods_side_by_side(studio: Studio, qtbot: QtBot) -> None:
    column = studio.session.columns.add("occlusion")
    studio.session.columns.set_style(column.key, "both")
    wait_for_maps(qtbot, studio)
    assert [m.method for m in studio.session.all_finished()] == ["efficient-pda", "occlusion"]
    assert len(studio.window.grid.maps[0, column.key].views) == 2
    studio.session.columns.remove(column.key)
    assert len(studio.window.grid.maps) == 1


def test_dialogs_open_and_what_is_chosen_is_opened(studio: Studio, qtbot: QtBot) -> None:
    dialogs = studio.dialogs
    for ask in (
        dialogs.choose_image,
        dialogs.choose_weights,
        lambda: dialogs.choose_figure_file(print),
        dialogs.choose_map_file,
    ):
        ask()
        (dialog,) = studio.window.findChildren(QFileDialog)
        assert dialog.isVisible()
        dialog.close()
        qtbot.waitUntil(lambda: not studio.window.findChildren(QFileDialog), timeout=WAIT)
    dialogs.choose_image()
    (dialog,) = studio.window.findChildren(QFileDialog)
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        dialog.fileSelected.emit(str(studio.samples[4]))
    assert studio.memory.folder == str(studio.samples[4].parent)
    dialog.close()
    studio.window.registry.menu(RECENT_IMAGES).aboutToShow.emit()
    studio.window.registry.menu(RECENT_CLASSIFIERS).aboutToShow.emit()
    assert studio.window.registry.menu(RECENT_CLASSIFIERS).actions()[0].text() == "digits"


@pytest.mark.coarse_maps
def test_colour_scales(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("occlusion")
    studio.session.columns.add("sampled-pda")
    wait_for_maps(qtbot, studio)
    bars = [panel.bar for panel in studio.window.grid.maps.values()]
    own = [one.limit for one in studio.session.all_finished()]
    assert [bar.ends[1] for bar in bars] == own
    studio.display.change(scale="all")
    assert bars[0].ends[1] == bars[2].ends[1] == max(own[0], own[2])
    assert bars[1].ends[1] == own[1], "probabilities are no bits"
    studio.display.change(scale="fixed")
    box = studio.window.display_box
    assert box.limit.isVisible()
    box.limit.setValue(3.5)
    assert [bar.ends[1] for bar in bars] == [3.5, pytest.approx(own[1], rel=0.01), 3.5]


def test_exports_figure_and_map(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("figure.png", "figure.svg"):
        with qtbot.waitSignal(studio.composing.saved, timeout=WAIT):
            studio.composing.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    with qtbot.waitSignal(studio.exporting.saved, timeout=WAIT):
        studio.exporting.save_map(tmp_path / "map.npz")
    with np.load(tmp_path / "map.npz") as saved:
        assert np.array_equal(saved["evidence"], first_map(studio).evidence)
    for name in ("map.nii", "map.dcm"):
        with qtbot.waitSignal(studio.exporting.saved, timeout=WAIT):
            studio.exporting.save_map(tmp_path / name)
    values = np.asarray(nibabel.load(tmp_path / "map.nii").dataobj)  # the digit fills the input
    np.testing.assert_allclose(values[:, :, 0], first_map(studio).evidence, rtol=1e-6)
    studio.window.registry["name-patient"].trigger()
    with qtbot.waitSignal(studio.exporting.failed, timeout=WAIT):
        studio.exporting.save_map(tmp_path / "named.dcm")
    assert "names a patient" in studio.window.banner.message.text()
    assert not (tmp_path / "named.dcm").exists()
    with qtbot.waitSignal(studio.composing.failed, timeout=WAIT):
        studio.composing.save(tmp_path / "no such folder" / "figure.png")
    assert "does not exist" in studio.window.banner.message.text()


def test_closing_while_running_leaves_no_thread(opened: Opened, qtbot: QtBot) -> None:
    studio = opened()
    start_slow_map(qtbot, studio)
    clock = Clock()
    studio.window.close()
    assert clock.seconds() < 2
    assert no_thread_of(studio)


@pytest.mark.coarse_maps
def test_linked_views_stay_in_step(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("occlusion")
    studio.session.rows.transform(Rotate(90))
    wait_for_maps(qtbot, studio)
    studio.viewport.zoom_by(3, (0.3, 0.6))
    for step in range(20):
        studio.window.resize(900 + 37 * (step % 7), 600 + 29 * (step % 5))
        qtbot.wait(1)
        views = studio.window.grid.views
        assert len({tuple(np.round(view.centre, 6)) for view in views}) == 1
        assert len({round(view.pixel_size, 6) for view in views}) == 1
        assert studio.viewport.zoom == 3


def test_the_crosshair_is_shared_and_tells_the_value(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.configure(0, infill="marginal-samples", samples=3)
    wait_for_maps(qtbot, studio)
    evidence = first_map(studio).evidence
    row, column = np.unravel_index(np.abs(evidence).argmax(), evidence.shape)
    view = studio.window.grid.inputs[0].views[0]
    scale = view.pixel_size
    qtbot.mouseMove(view.viewport(), QPoint(int((column + 0.5) * scale), int((row + 0.5) * scale)))
    studio.viewport.crosshair = (int(column), int(row))
    text = studio.window.grid.maps[0, 0].bar.text
    assert text.endswith("bits")
    assert "±" in text
    assert f"{evidence[row, column]:+.2f}"[:4] in text
    assert text in studio.window.strip.readout.text()


def test_an_unexpected_error_is_told_and_the_next_run_works(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_, **__):
        raise RuntimeError("the pump is leaking")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(pda, "score_windows", broken)
        with qtbot.waitSignal(studio.explainer.failed, timeout=WAIT):
            studio.session.columns.configure(0, window=7)
    banner = studio.window.banner
    assert banner.isVisible()
    assert "RuntimeError" in banner.message.text()
    assert banner.details.isHidden()
    banner.details_button.click()
    assert "the pump is leaking" in banner.details.toPlainText()
    assert first_panel(studio).state == "failed"
    studio.window.registry["run"].trigger()
    wait_for_maps(qtbot, studio)


def test_a_image_that_cannot_be_read_is_told(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG but not really")
    image = studio.session.work.image
    with qtbot.waitSignal(studio.opening.failed, timeout=WAIT):
        studio.open_image(path)
    assert "broken.png" in studio.window.banner.message.text()
    assert studio.session.work.image is image


def test_weights_that_do_not_fit_leave_the_open_classifier(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(b"nothing of the kind")
    with qtbot.waitSignal(studio.opening.failed, timeout=WAIT):
        studio.open_files([path])
    assert studio.session.classifier.weights == "built in"
    assert studio.window.classifier_box.names.currentText() == "digits"


def test_weights_and_images_are_looked_for_where_they_were_last(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    images = studio.memory.folder
    studio.dialogs.choose_weights()
    (dialog,) = studio.window.findChildren(QFileDialog)
    with qtbot.waitSignal(studio.opening.failed, timeout=WAIT):
        dialog.fileSelected.emit(str(tmp_path / "digits.pth"))
    dialog.close()
    qtbot.waitUntil(lambda: not studio.window.findChildren(QFileDialog), timeout=WAIT)
    assert studio.memory.folder == images
    assert studio.memory.weights_folder == str(tmp_path)


def test_another_classifier_runs_anew(studio: Studio, qtbot: QtBot) -> None:
    box = studio.window.classifier_box
    box.weights.activated.emit(box.weights.findData("random"))
    qtbot.waitUntil(lambda: studio.session.classifier.weights == "random", timeout=WAIT)
    wait_for_maps(qtbot, studio)
    assert first_map(studio).weights == "random"


def test_classifiers_are_found_by_a_part_of_their_name(studio: Studio, qtbot: QtBot) -> None:
    names = studio.window.classifier_box.names
    line = names.lineEdit()
    QApplication.sendEvent(line, QFocusEvent(QEvent.Type.FocusIn))
    qtbot.wait(10)
    qtbot.keyClicks(line, "vgg")
    assert line.text() == "vgg"
    assert names.completer().completionCount() == 8
    names.completer().popup().hide()
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert line.text() == "digits"


def test_a_classifier_is_loaded_while_a_map_runs(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    studio.opening.use_classifier(ClassifierChoice("digits", "random"))
    qtbot.waitUntil(lambda: studio.session.classifier.weights == "random", timeout=WAIT)
    studio.session.columns.configure(0, samples=1, stride=4)
    wait_for_maps(qtbot, studio)


def test_a_download_is_shown_and_can_be_stopped(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_):
        for done in range(10_000):
            time.sleep(0.002)
            yield Download("weights.pth", done, 10_000)

    monkeypatch.setattr("pda_studio.classifiers.loading", slow)
    box = studio.window.classifier_box
    studio.opening.use_classifier(ClassifierChoice("vgg16"))
    qtbot.waitUntil(lambda: box.progress.value() > 0, timeout=WAIT)
    assert box.stop.isVisible()
    box.stop.click()
    assert box.stop.isHidden()
    assert box.names.currentText() == "digits"
    studio.session.columns.configure(0, window=5)
    wait_for_maps(qtbot, studio)


@pytest.mark.coarse_maps
def test_images_can_be_dropped(studio: Studio, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in studio.samples if path.stem == "7"])
    # Onto an image: whatever lies there must let it through.
    target = studio.window.grid.maps[0, 0].views[0].viewport()
    what = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        QApplication.sendEvent(target, QDragEnterEvent(QPoint(30, 30), *what, none))
        QApplication.sendEvent(target, QDropEvent(QPointF(30, 30), *what, none))
    wait_for_maps(qtbot, studio)
    assert studio.session.work.image.name == "7.png"


def test_without_a_image_the_window_invites(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["close-image"].trigger()
    assert studio.window.pages.currentWidget() is studio.window.welcome
    assert not studio.window.registry["rotate-left"].isEnabled()
    studio.window.welcome.chosen.emit(studio.samples[1])
    qtbot.waitUntil(lambda: studio.session.work.image is not None, timeout=WAIT)
    wait_for_maps(qtbot, studio)
    assert studio.window.pages.currentWidget() is studio.window.grid


def test_settings_survive(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    studio = opened()
    path = tmp_path / "mine.png"
    Image.fromarray(np.zeros((28, 28, 3), np.uint8)).save(path)
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        studio.open_image(path)
    studio.window.setGeometry(40, 50, 1000, 700)
    studio.window.registry["theme-dark"].trigger()
    studio.window.close()
    again = opened(finished=False)
    assert again.memory.recent == [path]
    assert again.memory.classifiers == [ClassifierChoice("digits", None)]
    assert again.window.size().width() == 1000
    assert again.theme.theme == "dark"
    again.theme.choose("system")


def test_light_and_dark(studio: Studio) -> None:
    studio.theme.choose("dark")
    dark = studio.window.palette().window().color().lightness()
    studio.theme.choose("light")
    assert dark < 80 < studio.window.palette().window().color().lightness()
    studio.theme.choose("system")


def test_everything_that_takes_input_has_a_name(studio: Studio) -> None:
    from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QSlider, QToolButton

    box = studio.window.method_box
    for kind in (QSlider, QAbstractSpinBox, QComboBox):
        for widget in box.findChildren(kind):
            assert widget.accessibleName(), widget
    for button in studio.window.grid.findChildren(QToolButton):
        assert button.accessibleName(), button


@pytest.mark.coarse_maps
def test_panels_taken_away_leave_nothing_behind(studio: Studio, qtbot: QtBot) -> None:
    def count() -> int:
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        return len(QApplication.allWidgets())

    def add_and_remove() -> None:
        column = studio.session.columns.add("occlusion")
        studio.session.rows.transform(Rotate(90))
        wait_for_maps(qtbot, studio)
        studio.session.columns.remove(column.key)
        studio.session.rows.reset()
        studio.session.select(0, 0)

    add_and_remove()
    before = count()
    for _ in range(3):
        add_and_remove()
    assert count() <= before


def test_a_closed_window_is_forgotten(opened: Opened, qtbot: QtBot) -> None:
    studio = opened()
    session = weakref.ref(studio.session)
    grid = studio.window.grid
    studio.window.close()
    studio.session.predictions_changed.emit()
    assert session() is not None
    assert grid is not None


@pytest.mark.xdist_group("display")
@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="needs an X display")
def test_on_a_real_display(tmp_path: Path) -> None:
    output = tmp_path / "window.png"
    code = (
        "import sys; from pathlib import Path;"
        "from pda_studio.gui.app import take_screenshot;"
        "take_screenshot(Path(sys.argv[1]), Path(sys.argv[2]), classifier='digits')"
    )
    from pda_studio.gui.opening.opening import sample_digits

    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    subprocess.run(
        [sys.executable, "-c", code, str(sample_digits()[1]), str(output)],
        env=environment,
        check=True,
        timeout=120,
    )
    with Image.open(output) as image:
        assert image.size == (1280, 800)
