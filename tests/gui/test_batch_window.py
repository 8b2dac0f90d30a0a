"""*Run on a folder …*: the plan of what is open, the same bytes as batch, stop and resume."""

from pathlib import Path

import pytest
from driver import WAIT, wait_for_maps
from PIL import Image
from PySide6.QtCore import QProcess, Qt
from pytestqt.qtbot import QtBot

from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import read_plan
from pda_studio.cli import main
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.batch.batch_controller import BatchController
from pda_studio.gui.batch.batch_dialog import BatchDialog
from pda_studio.gui.jobs.workload import BATCH
from pda_studio.gui.window.studio import Studio
from pda_studio.results import EvidenceMap
from pda_studio.store import load_map
from pda_studio.targets import ContrastTarget

pytestmark = pytest.mark.coarse_maps


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for place in range(2):
        pixels = Image.new("L", (28, 28))
        pixels.paste(255, (10 + 2 * place, 4, 14 + 2 * place, 24))
        pixels.save(folder / f"{place}.png")
    (folder / "broken.png").write_bytes(b"no image")
    return folder


def opened_dialog(studio: Studio) -> tuple[BatchController, BatchDialog]:
    studio.window.registry["run-on-folder"].trigger()
    controller = studio.batch.controller
    assert controller is not None
    assert controller.dialog is not None
    return controller, controller.dialog


def test_what_is_open_runs_on_a_folder_with_the_bytes_of_batch(
    qtbot: QtBot, studio: Studio, images: Path, tmp_path: Path
) -> None:
    wait_for_maps(qtbot, studio)
    controller, dialog = opened_dialog(studio)
    assert "digits" in dialog.classifiers.text()
    dialog.run_button.click()
    assert "Choose a folder for the results" in dialog.problem.text()
    dialog.images.setText(str(images))
    qtbot.waitUntil(lambda: "3 images found" in dialog.count.text(), timeout=WAIT)
    assert dialog.effort.text().startswith("3 maps, about ")
    assert dialog.target.currentText() == "Likeliest class of each image"
    plan = tmp_path / "plan.toml"
    with qtbot.waitSignal(controller.saved, timeout=WAIT):
        controller.save_plan(plan)
    dialog.results.setText(str(tmp_path / "of the window"))
    dialog.run_button.click()
    assert controller.running
    dialog.stop_button.click()
    qtbot.waitUntil(lambda: not controller.running, timeout=WAIT)
    assert dialog.run_button.text() == "Resume"
    dialog.run_button.click()
    studio.window.registry["jobs"].trigger()
    qtbot.waitUntil(lambda: BATCH in studio.window.jobs.rows, timeout=WAIT)
    row = studio.window.jobs.rows[BATCH]
    assert (row.title.text(), row.place.toolTip()) == ("Run on a folder", "of the window")
    qtbot.waitUntil(lambda: " of 3 maps" in row.said.text(), timeout=WAIT)
    assert studio.window.strip.text.text().startswith("Run on a folder · ")
    process = controller.run_of.findChild(QProcess)
    process.kill()  # as the system does where memory runs short
    qtbot.waitUntil(lambda: controller.run_of.state == "failed", timeout=WAIT)
    assert "It ended early" in dialog.problem.text()
    qtbot.waitUntil(row.again_button.isVisible, timeout=WAIT)
    assert row.error.text() == dialog.problem.text()
    qtbot.mouseClick(row.again_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(row.stop_button.isVisible, timeout=WAIT)
    qtbot.mouseClick(row.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not controller.running, timeout=WAIT)
    qtbot.waitUntil(lambda: dialog.run_button.text() == "Resume", timeout=WAIT)
    assert BATCH not in [task.key for task in studio.window.jobs.tasks]
    dialog.run_button.click()
    qtbot.waitUntil(lambda: not controller.running, timeout=WAIT)
    assert dialog.problem.text() == ""
    assert dialog.doing.text() == "2 maps finished · 1 failed"
    assert studio.window.strip.text.text() == "Run on a folder: 2 maps finished · 1 failed"
    dialog.open_button.click()
    qtbot.waitUntil(lambda: studio.results.grid is not None, timeout=WAIT)
    assert main(["batch", "--plan", str(plan), "--output", str(tmp_path / "of batch")]) == 1
    found = [
        sorted((tmp_path / name / "maps").rglob("*.npz")) for name in ("of the window", "of batch")
    ]
    assert [len(one) for one in found] == [2, 2]
    for ours, theirs in zip(*found, strict=True):
        assert ours.relative_to(tmp_path / "of the window") == theirs.relative_to(
            tmp_path / "of batch"
        )
        a, b = load_map(ours), load_map(theirs)
        assert isinstance(a, EvidenceMap)
        assert isinstance(b, EvidenceMap)
        assert a.evidence.tobytes() == b.evidence.tobytes()
    assert read_plan(tmp_path / "of the window" / "plan.toml") == read_plan(plan)


def test_a_target_is_chosen_and_each_classifier_keeps_what_it_gets(
    qtbot: QtBot, studio: Studio, images: Path
) -> None:
    wait_for_maps(qtbot, studio)
    session = studio.session
    padded = ClassifierChoice("digits", fit="pad")
    session.columns.duplicate(session.work.columns[0].key, classifier=padded)
    qtbot.waitUntil(lambda: padded in session.classifiers, timeout=WAIT)
    controller, dialog = opened_dialog(studio)
    assert dialog.classifiers.text() == "digits (crop), digits (pad)"
    dialog.show_plan("digits", "Efficient PDA, Grad-CAM, HiResCAM, LayerCAM, integrated gradients")
    for label in (dialog.classifiers, dialog.methods):
        qtbot.waitUntil(
            lambda one=label: one.height() >= one.heightForWidth(one.width()), timeout=WAIT
        )
        assert label.width() > dialog.width() / 2
    dialog.images.setText(str(images))
    first, second = controller.plan().classifiers
    assert (first.fit, second.fit) == (None, "pad")
    assert len({setting.name for setting in settings_of(controller.plan())}) == 2
    dialog.target.setFocus()
    qtbot.keyClick(dialog.target, Qt.Key.Key_Down)
    assert controller.plan().label_target
    qtbot.keyClick(dialog.target, Qt.Key.Key_Down)
    qtbot.waitUntil(dialog.named.isVisible, timeout=WAIT)
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    assert "folder for the results" in dialog.problem.text()
    dialog.results.setText(str(images.parent / "out"))
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    assert dialog.problem.text() == "Name the class that is explained."
    qtbot.keyClicks(dialog.named, "eleven")
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    assert "eleven" in dialog.problem.text()
    assert not controller.running
    dialog.named.clear()
    qtbot.keyClicks(dialog.named, "7")
    assert controller.plan().target == "7"
    session.set_target(ContrastTarget(3, 8))
    controller.open()
    dialog.target.setCurrentIndex(dialog.target.findData("open"))
    assert dialog.target.currentText() == "As open: 3 rather than 8"
    plan = controller.plan()
    assert (plan.target, plan.against) == ("index:3", "index:8")


def test_the_count_grows_in_the_background_and_an_empty_folder_is_told(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for place in range(450):
        (folder / f"{place}.png").touch()
    _, dialog = opened_dialog(studio)
    seen: list[str] = []
    show = dialog.show_count
    dialog.show_count = lambda found, effort: (seen.append(found), show(found, effort))
    dialog.images.setText(str(folder))
    qtbot.waitUntil(lambda: dialog.count.text() == "450 images found", timeout=WAIT)
    assert any(text.endswith("found …") for text in seen)
    (tmp_path / "empty").mkdir()
    dialog.images.setText(str(tmp_path / "empty"))
    qtbot.waitUntil(lambda: "holds no images" in dialog.problem.text(), timeout=WAIT)
    assert dialog.count.text() == ""
