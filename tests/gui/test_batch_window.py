"""*Run on a folder …*: the plan of what is open, the same bytes as batch, stop and resume."""

from pathlib import Path

import pytest
from driver import WAIT, wait_for_maps
from PIL import Image
from pytestqt.qtbot import QtBot

from pda_studio.batch.plan import read_plan
from pda_studio.cli import main
from pda_studio.gui.batch.batch_controller import BatchController
from pda_studio.gui.batch.batch_dialog import BatchDialog
from pda_studio.gui.window.studio import Studio
from pda_studio.results import EvidenceMap
from pda_studio.store import load_map

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
    qtbot.waitUntil(lambda: not controller.running, timeout=WAIT)
    assert dialog.problem.text() == ""
    assert dialog.doing.text() == "2 maps finished · 1 failed"
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
