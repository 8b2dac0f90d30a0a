"""Studies in the window: a menu from the registry, a dialog each, results that can be saved."""

import csv
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from driver import WAIT, Opened, wait_for_maps
from matplotlib.figure import Figure
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from pda_studio.batch.plan import Plan, write_plan
from pda_studio.gui.studies.study_dialog import StudyDialog
from pda_studio.gui.window.studio import Studio
from pda_studio.parameters import parameter
from pda_studio.studies import (
    STUDIES,
    Column,
    Inputs,
    Study,
    StudyProgress,
    StudyResult,
    Table,
)

ARROW = 30  # pixels of a box of choices that its arrow and frame take


def opened_study(studio: Studio, name: str) -> StudyDialog:
    """Choose a study in the menu."""
    studio.window.registry[f"study-{name}"].trigger()
    dialog = studio.studies.dialog
    assert dialog is not None
    assert dialog.isVisible()
    return dialog


def cells(dialog: StudyDialog) -> list[list[str]]:
    """What the table shows."""
    table = dialog.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def finish(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: not studio.studies.running, timeout=2 * WAIT)


def test_every_study_is_in_the_menu(studio: Studio) -> None:
    shown = {command.title for command in studio.window.registry.commands()}
    for kind in STUDIES.values():
        assert kind.title in shown


def test_bias_shares_of_what_is_open(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    dialog = opened_study(studio, "bias-shares")
    assert "digits" in dialog.about.text()
    assert not dialog.save_table.isEnabled()
    dialog.run_button.click()
    finish(qtbot, studio)
    assert dialog.sentence.text().startswith("Seen from the input, the bias is ")
    rows = cells(dialog)
    assert rows[0][0] == "input"
    assert not dialog.figure.pixmap().isNull()
    for button, name in ((dialog.save_table, "bias.csv"), (dialog.save_figure, "bias.svg")):
        button.click()
        asked = dialog.findChild(QFileDialog)
        assert asked is not None
        with qtbot.waitSignal(studio.studies.saved, timeout=WAIT):
            asked.fileSelected.emit(str(tmp_path / name))
        asked.close()
        asked.setParent(None)
    with (tmp_path / "bias.csv").open() as file:
        saved = list(csv.reader(file))
    assert saved[0] == ["layer", "share"]
    assert [[layer, f"{float(share):.3f}"] for layer, share in saved[1:]] == rows
    assert (tmp_path / "bias.svg").read_text().startswith("<?xml")


def test_the_dialog_closes_by_escape_and_by_its_cross(qtbot: QtBot, studio: Studio) -> None:
    dialog = opened_study(studio, "sweep")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert opened_study(studio, "sweep") is dialog
    assert dialog.close()
    assert not dialog.isVisible()


@pytest.mark.parametrize("name", sorted(STUDIES))
def test_no_word_of_a_study_is_cut(qtbot: QtBot, name: str) -> None:
    """In its dialog, on a small screen: names, buttons, and what can be chosen."""
    dialog = StudyDialog(STUDIES[name])
    qtbot.addWidget(dialog)
    dialog.show_inputs("")
    dialog.resize(860, 560)
    dialog.show()
    assert (dialog.width(), dialog.height()) == (860, 560), "it needs a larger screen"
    for row in dialog.rows.values():
        metrics = row.fontMetrics()
        assert metrics.horizontalAdvance(row.label.text()) <= row.label.width(), row.label.text()
        if row.choice is not None:
            titles = [row.choice.itemText(at) for at in range(row.choice.count())]
            room = row.choice.width() - ARROW
            cut = [title for title in titles if metrics.horizontalAdvance(title) > room]
            assert not cut
    for button in (dialog.run_button, dialog.stop_button, dialog.save_table, dialog.save_figure):
        assert button.toolTip()
        assert button.width() >= button.sizeHint().width()
    assert dialog.about.isHidden(), "where there is nothing to say, no room is kept"


def test_a_folder_is_asked_for_where_one_is_needed(studio: Studio) -> None:
    dialog = opened_study(studio, "patches-training")
    for name in ("checkpoints", "folder"):
        assert dialog.rows[name].path.placeholderText() == "choose a folder"
        dialog.rows[name].findChild(QPushButton).click()
        asked = dialog.rows[name].findChild(QFileDialog)
        assert asked.fileMode() == QFileDialog.FileMode.Directory
        asked.close()


def test_a_plan_is_chosen_in_the_place_of_a_folder(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    for name in ("3.png", "5.png"):
        shutil.copy(studio.samples[0], tmp_path / "images" / name)
    plan = tmp_path / "PLAN.toml"
    write_plan(Plan(inputs=("images",)), plan)
    column = studio.session.work.columns[0].key
    studio.session.columns.set_method(column, "saliency")
    studio.session.columns.add("grad-cam")
    dialog = opened_study(studio, "disagreement")
    row = dialog.rows["folder"]
    qtbot.mouseClick(row.findChild(QPushButton), Qt.MouseButton.LeftButton)
    menu = row.findChild(QMenu)
    qtbot.waitUntil(menu.isVisible, timeout=WAIT)
    place = menu.actionGeometry(menu.actions()[1]).center()
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
    asked = row.findChild(QFileDialog)
    assert asked.nameFilters() == ["*.toml"]
    assert asked.fileMode() != QFileDialog.FileMode.Directory
    asked.selectFile(str(plan))
    qtbot.keyClick(asked, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: row.path.text() == "PLAN.toml", timeout=WAIT)
    dialog.run_button.click()
    finish(qtbot, studio)
    assert dialog.sentence.text().startswith("Over 2 images, ")


def test_a_tall_figure_is_scrolled_rather_than_too_small_to_read(qtbot: QtBot) -> None:
    dialog = StudyDialog(STUDIES["speed"])
    qtbot.addWidget(dialog)
    dialog.resize(1000, 660)
    dialog.show()
    room = dialog.figure.parentWidget().parentWidget()
    assert isinstance(room, QScrollArea)
    for height, scrolled in ((400, False), (2000, True)):
        image = QImage(1000, height, QImage.Format.Format_RGBA8888)
        image.fill(Qt.GlobalColor.white)
        table = Table([Column("count", "count", "count")], [(1,)])
        dialog.show_result(StudyResult("One.", table, Figure), image)
        qtbot.waitUntil(
            lambda scrolled=scrolled: (room.verticalScrollBar().maximum() > 0) == scrolled,
            timeout=WAIT,
        )
        assert dialog.figure.pixmap().width() >= 550


def test_what_is_missing_is_said_in_the_dialog(studio: Studio) -> None:
    dialog = opened_study(studio, "patches")
    dialog.run_button.click()
    assert dialog.problem.text() == "Choose: Image folder."
    assert not studio.studies.running


def test_a_folder_that_holds_nothing(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    dialog = opened_study(studio, "relevance-gain")
    dialog.rows["folder"].edited.emit("folder", str(tmp_path))
    dialog.run_button.click()
    finish(qtbot, studio)
    assert "holds no images" in dialog.problem.text()
    assert dialog.run_button.isEnabled()


@pytest.mark.coarse_maps
def test_relevance_gain_of_the_columns(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    for place in (9, 13, 17):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, place : place + 3] = 255
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    studio.session.columns.add("grad-cam")
    column = studio.session.work.columns[0].key
    studio.session.columns.configure(column, stride=4)
    dialog = opened_study(studio, "relevance-gain")
    assert "Efficient PDA, Grad-CAM" in dialog.about.text()
    dialog.rows["folder"].edited.emit("folder", str(tmp_path))
    dialog.rows["images"].edited.emit("images", 3)
    dialog.rows["block"].edited.emit("block", 4)
    assert "up to 3 images" in dialog.effort.text()
    dialog.run_button.click()
    finish(qtbot, studio)
    assert [row[:2] for row in cells(dialog)] == [["Efficient PDA", "3"], ["Grad-CAM", "3"]]
    assert "over 3 images" in dialog.sentence.text()


@pytest.fixture
def endless():
    class Endless(Study):
        """It never ends, but says what it knows."""

        name: ClassVar[str] = "endless"
        title: ClassVar[str] = "Endless"
        summary: ClassVar[str] = "It never ends."

        first: int = parameter(3, "First", "Where it begins.", ge=0, le=10)

        def steps(self, inputs: Inputs):
            for count in range(self.first, 1_000_000):
                table = Table([Column("count", "count", "count")], [(count,)])
                result = StudyResult(f"Now at {count}.", table, Figure)
                yield StudyProgress(count, 1_000_000, "counting", result)

    yield Endless
    del STUDIES["endless"]


def test_a_new_study_streams_and_can_be_stopped(
    qtbot: QtBot, endless: type[Study], opened: Opened
) -> None:
    studio = opened()
    dialog = opened_study(studio, "endless")
    assert dialog.rows["first"].label.text() == "First"
    dialog.run_button.click()
    assert not dialog.run_button.isEnabled()
    qtbot.waitUntil(lambda: dialog.sentence.text().startswith("Now at "), timeout=WAIT)
    first = dialog.sentence.text()
    qtbot.waitUntil(lambda: dialog.sentence.text() != first, timeout=WAIT)
    dialog.stop_button.click()
    assert not studio.studies.running
    assert dialog.run_button.isEnabled()
    assert dialog.sentence.text() == f"Now at {cells(dialog)[0][0].replace(',', '')}."
    assert dialog.save_table.isEnabled()
    dialog.run_button.click()
    qtbot.waitUntil(lambda: studio.studies.running, timeout=WAIT)
    studio.stop()
    assert not studio.studies.running
    dialog.run_button.click()
    assert studio.studies.running
    dialog.close()
    assert not studio.studies.running


def test_a_study_is_a_job_that_gives_way_to_maps(
    qtbot: QtBot, endless: type[Study], opened: Opened
) -> None:
    studio = opened()
    window = studio.window
    dialog = opened_study(studio, "endless")
    dialog.run_button.click()
    qtbot.waitUntil(lambda: dialog.sentence.text().startswith("Now at "), timeout=WAIT)
    window.registry["jobs"].trigger()
    (task,) = studio.jobs_controller.tasks()
    assert (task.title, task.place, task.state) == ("Endless", "counting", "running")
    assert 0 < task.progress < 1
    row = window.jobs.rows[task.key]
    assert row.title.text() == "Study: Endless"
    assert window.strip.text.text() == "Study: Endless · counting"
    studio.session.columns.configure(0, window=5)
    wait_for_maps(qtbot, studio)
    assert studio.studies.running, "the map waited for a step alone"
    window.jobs.leave()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)
    assert window.registry["stop"].isEnabled()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not studio.studies.running
    assert studio.jobs_controller.tasks() == []
    assert window.strip.text.text() == ""
    dialog.run_button.click()
    window.registry["jobs"].trigger()
    qtbot.mouseClick(window.jobs.rows[task.key].stop_button, Qt.MouseButton.LeftButton)
    assert not studio.studies.running


def test_a_study_of_maps_goes_on_where_it_was_stopped(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    for place in (9, 17):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, place : place + 3] = 255
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    column = studio.session.work.columns[0].key
    studio.session.columns.set_method(column, "saliency")
    studio.session.columns.add("grad-cam")
    dialog = opened_study(studio, "disagreement")
    assert "Saliency, Grad-CAM" in dialog.about.text()
    assert "Image: " in dialog.about.text()
    dialog.rows["folder"].edited.emit("folder", str(tmp_path))
    dialog.run_button.click()
    dialog.stop_button.click()
    assert dialog.run_button.text() == "Resume"
    dialog.run_button.click()
    finish(qtbot, studio)
    assert dialog.run_button.text() == "Run"
    ((first, other, images, *_),) = cells(dialog)
    assert [first, other, images] == ["Saliency", "Grad-CAM", "2"]
    assert dialog.sentence.text().startswith("Over 2 images, ")


def test_a_study_of_a_layer_offers_those_of_the_network(qtbot: QtBot, studio: Studio) -> None:
    dialog = opened_study(studio, "hidden-features")
    names = dialog.rows["at"].layer.names
    qtbot.waitUntil(lambda: names.findText("conv2") >= 0, timeout=WAIT)
    dialog.rows["at"].edited.emit("at", "relu3")
    dialog.rows["samples"].edited.emit("samples", 0)
    dialog.run_button.click()
    qtbot.waitUntil(lambda: bool(dialog.problem.text()), timeout=WAIT)
    assert "name a folder of images" in dialog.problem.text()
    dialog.rows["at"].edited.emit("at", "conv2")
    dialog.run_button.click()
    finish(qtbot, studio)
    assert "of conv2 speaks most for" in dialog.sentence.text()
    assert len(cells(dialog)) == 64


def test_a_slider_is_swept_from_its_menu(qtbot: QtBot, studio: Studio) -> None:
    row = studio.window.method_box.rows["window"]
    qtbot.waitUntil(lambda: row.isVisible() and row.isEnabled(), timeout=WAIT)
    row.customContextMenuRequested.emit(row.rect().center())
    menu = row.findChild(QMenu)
    assert menu is not None
    (action,) = menu.actions()
    assert action.text() == "Sweep Window …"
    action.trigger()
    menu.close()
    dialog = studio.studies.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.kind is STUDIES["sweep"]
    assert dialog.values["vary"] == "window"
    assert dialog.rows["vary"].choice.currentData() == "window"


@pytest.mark.coarse_maps
def test_the_maps_of_a_panel_become_columns(qtbot: QtBot, studio: Studio) -> None:
    dialog = opened_study(studio, "panel")
    for name, value in {"preset": "original-efficient", "stride": 4, "samples": 2}.items():
        dialog.rows[name].edited.emit(name, value)
    assert "Fig. 14" in dialog.effort.text()
    assert not dialog.take_columns.isVisible()
    dialog.run_button.click()
    finish(qtbot, studio)
    assert [row[1] for row in cells(dialog)] == ["Original PDA", "Efficient PDA"]
    before = studio.session.work.columns
    dialog.take_columns.click()
    added = studio.session.work.columns[len(before) :]
    assert [column.method.title for column in added] == ["Original PDA", "Efficient PDA"]
    assert [column.target for column in added] == [None, None]
    dialog.take_columns.click()
    assert len(studio.session.work.columns) == len(before) + 2, "they are there once"
    studio.window.registry["undo"].trigger()
    assert studio.session.work.columns == before


def move_over(widget: QWidget, place: QPointF) -> None:
    kind, no = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
    everywhere = widget.mapToGlobal(place)
    modifiers = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(kind, place, everywhere, no, no, modifiers))


def test_a_click_into_an_embedding_opens_the_image(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    for place in range(8):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 8 + place : 11 + place] = 255
        Image.fromarray(pixels).save(tmp_path / f"bar {place}.png")
    column = studio.session.work.columns[0].key
    studio.session.columns.set_method(column, "saliency")
    dialog = opened_study(studio, "map-clusters")
    for name, value in {"folder": str(tmp_path), "members": "all", "embedding": "spectral"}.items():
        dialog.rows[name].edited.emit(name, value)
    dialog.run_button.click()
    finish(qtbot, studio)
    assert "The maps of 8 images of " in dialog.sentence.text()
    figure = dialog.figure
    qtbot.waitUntil(lambda: bool(figure.places), timeout=WAIT)
    point = figure.places[5]
    assert point.image == 5
    at = figure.position_of(point).toPoint()
    move_over(figure, figure.position_of(point))
    assert figure.toolTip().startswith("Open bar ")
    assert figure.cursor().shape() == Qt.CursorShape.PointingHandCursor
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        qtbot.mouseClick(figure, Qt.MouseButton.LeftButton, pos=at)
    image = studio.session.work.image_of(studio.session.selected_row)
    assert image.path.name == figure.toolTip().removeprefix("Open ")
    move_over(figure, QPointF(0, 0))
    assert figure.toolTip() == ""
    dialog.rows["clusters"].edited.emit("clusters", 2)
    dialog.run_button.click()
    assert not figure.places, "what is not shown cannot be clicked"
