"""Results of a batch, and folders of images, in the grid of the window."""

import csv
from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, Opened, wait_for_maps
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from pda_studio.cli import main
from pda_studio.gui.results.results_window import ResultsWindow
from pda_studio.gui.window.studio import Studio


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three images, one of which is none, by two methods."""
    folder = tmp_path_factory.mktemp("seen")
    (folder / "images").mkdir()
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10:14] = 255
    Image.fromarray(pixels).save(folder / "images" / "p9.png")
    Image.fromarray(pixels[:, ::-1].copy()).save(folder / "images" / "p10.png")
    (folder / "images" / "p2.png").write_bytes(b"\x89PNG but not really")
    words = ["batch", str(folder / "images"), "--output", str(folder / "results")]
    assert main([*words, "--method", "grad-cam", "saliency"]) == 1
    return folder


def grid_of(studio: Studio, qtbot: QtBot, folder: Path) -> ResultsWindow:
    """The grid of a folder, once it is shown and its thumbnails are read."""
    studio.results.open(folder)
    qtbot.waitUntil(lambda: studio.results.grid is not None, timeout=WAIT)
    grid = studio.results.grid
    assert grid is not None
    qtbot.waitUntil(grid.isVisible, timeout=WAIT)
    qtbot.waitUntil(lambda: len(grid.thumbnails.kept) == len(grid.model.order), timeout=WAIT)
    return grid


def names(grid: ResultsWindow) -> list[str]:
    table = grid.model.table
    assert table is not None
    rows = [int(at) for at in grid.model.order]
    return [f"{table.column('image')[at]} {table.column('method')[at]}" for at in rows]


def place(studio: Studio) -> str:
    return studio.window.strip.text.text()


def test_results_are_sorted_filtered_marked_noted_and_exported(
    studio: Studio, qtbot: QtBot, computed: Path, tmp_path: Path
) -> None:
    grid = grid_of(studio, qtbot, computed / "results")
    assert [one.split()[0] for one in names(grid)] == ["p2.png"] * 2 + ["p9.png"] * 2 + [
        "p10.png"
    ] * 2
    assert "Failed" not in grid.about.text()
    assert "p2.png" in grid.about.text()
    assert "Cannot" in grid.more.toolTip()
    qtbot.keyClicks(grid.filter, "method:saliency image:p10")
    qtbot.waitUntil(lambda: names(grid) == ["p10.png saliency"], timeout=WAIT)
    qtbot.keyClick(grid.filter, Qt.Key.Key_Return)
    qtbot.keyClick(grid.grid, Qt.Key.Key_M)
    assert grid.mark.isChecked()
    qtbot.keyClicks(grid.note, "an edge")
    qtbot.keyClick(grid.note, Qt.Key.Key_Return)
    marks = computed / "results" / "marks.json"
    qtbot.waitUntil(lambda: marks.is_file() and "an edge" in marks.read_text(), timeout=WAIT)
    grid.filter.clear()
    qtbot.waitUntil(lambda: len(names(grid)) == 6, timeout=WAIT)
    assert "p10.png" in grid.about.text()  # what was selected stays so
    cell = grid.model.cell(grid.current)
    assert cell.agreement.startswith("r ")
    assert f"agreement {cell.agreement}, top 5 %: " in grid.more.text()
    qtbot.keyClicks(grid.filter, "confidence<many")
    qtbot.waitUntil(lambda: "is no number" in grid.problem.text(), timeout=WAIT)
    grid.filter.clear()
    qtbot.mouseClick(grid.marked_only, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: names(grid) == ["p10.png saliency"], timeout=WAIT)
    for button, name in ((0, "marked.csv"), (1, "marked.png")):
        grid.export.menu().actions()[button].trigger()
        dialog = next(one for one in grid.findChildren(QFileDialog) if one.isVisible())
        with qtbot.waitSignal(studio.results.saved, timeout=WAIT):
            dialog.fileSelected.emit(str(tmp_path / name))
        dialog.close()
    with (tmp_path / "marked.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["image"], row["note"]) == ("p10.png", "an edge")
    with Image.open(tmp_path / "marked.png") as figure:
        assert figure.width > 300
    marks.unlink()


def test_a_result_is_inspected_and_pages_walk_in_the_order_of_the_grid(
    studio: Studio, qtbot: QtBot, computed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, recent = studio.session.work, list(studio.memory.recent)
    grid = grid_of(studio, qtbot, computed / "results")
    wait_for_maps(qtbot, studio)
    begun: list[object] = []
    begin = studio.explainer.runner.begin
    monkeypatch.setattr(
        studio.explainer.runner, "begin", lambda run: (begun.append(run), begin(run))
    )
    grid.columns.setCurrentIndex(grid.columns.findData("method"))
    qtbot.mouseClick(grid.descending, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: names(grid)[0].endswith("saliency"), timeout=WAIT)
    assert names(grid)[1] == "p9.png saliency"
    index = grid.model.index(1)
    centre = grid.grid.visualRect(index).center()
    qtbot.mouseClick(grid.grid.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert "p9.png" in grid.about.text()
    qtbot.mouseDClick(grid.grid.viewport(), Qt.MouseButton.LeftButton, pos=centre)

    def shown() -> tuple[str, str]:
        work = studio.session.work
        return (work.image.name if work.image else "", work.columns[0].method.name)

    qtbot.waitUntil(lambda: shown() == ("p9.png", "saliency"), timeout=WAIT)
    wait_for_maps(qtbot, studio)
    table = grid.model.table
    assert table is not None
    assert not begun  # both maps are those of the results
    assert studio.session.selected_column is studio.session.work.columns[0]
    kept, beside = studio.session.all_finished()
    assert (kept.method, beside.method) == ("saliency", "grad-cam")
    assert float(kept.evidence.max()) == table.column("largest")[int(grid.model.order[1])]
    qtbot.waitUntil(lambda: place(studio) == "Result 2 of 6", timeout=WAIT)
    qtbot.keyClick(studio.window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(studio.session.all_finished()) == 4, timeout=WAIT)
    assert len(begun) == 2  # of the turned row alone
    studio.saving.undo()
    for _ in range(2):
        qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: place(studio) == "Result 4 of 6", timeout=WAIT)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageUp)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: shown() == ("p9.png", "saliency"), timeout=WAIT)
    assert studio.memory.recent == recent
    studio.open_image(studio.samples[2])  # the walk ends: the folder's own order is walked in
    qtbot.waitUntil(lambda: shown()[0] == "2.png", timeout=WAIT)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: shown()[0] == "3.png", timeout=WAIT)
    assert before.image is not None
    wait_for_maps(qtbot, studio)


def test_lines_are_as_full_as_a_window_has_room(
    studio: Studio, qtbot: QtBot, computed: Path
) -> None:
    grid = grid_of(studio, qtbot, computed / "results")
    view, places = grid.grid, range(len(names(grid)))
    for width in range(860, 900):
        grid.resize(width, 600)
        tops = [view.visualRect(grid.model.index(place)).top() for place in places]
        assert (
            tops.count(tops[0])
            == (view.viewport().width() - 1) // view.itemDelegate().least.width()
        )


def test_a_folder_of_images_is_predicted_as_one_looks(
    studio: Studio, qtbot: QtBot, computed: Path
) -> None:
    recent = list(studio.memory.recent)
    grid = grid_of(studio, qtbot, computed / "images")
    table = grid.model.table
    assert table is not None
    assert not table.computed
    qtbot.waitUntil(lambda: sum(map(bool, table.column("predicted"))) == 2, timeout=WAIT)
    qtbot.waitUntil(lambda: any(table.column("error")), timeout=WAIT)
    qtbot.keyClick(grid.grid, Qt.Key.Key_End)
    qtbot.keyClick(grid.grid, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: studio.session.work.image.name == "p10.png", timeout=WAIT)
    qtbot.keyClick(studio.window, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: studio.session.work.image.name == "p9.png", timeout=WAIT)
    assert studio.memory.recent == recent
    wait_for_maps(qtbot, studio)


def test_folders_without_anything_are_told_in_one_sentence(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    with qtbot.waitSignal(studio.results.failed, timeout=WAIT):
        studio.results.open(tmp_path)
    assert "holds no images" in studio.window.banner.message.text()
    assert studio.results.grid is None


def test_a_folder_named_at_the_start_is_shown(opened: Opened, qtbot: QtBot, computed: Path) -> None:
    studio = opened(finished=False, folder=computed / "results")
    qtbot.waitUntil(lambda: studio.results.grid is not None, timeout=WAIT)
    wait_for_maps(qtbot, studio)
