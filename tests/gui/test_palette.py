"""The command palette: anything is found by a few letters and done by Enter."""

import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pda_studio.gui.actions.command import Command, searched
from pda_studio.gui.actions.fuzzy import match
from pda_studio.gui.window.studio import Studio

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def open_palette(qtbot: QtBot, studio: Studio):
    palette = studio.commands.palette
    qtbot.keyClick(studio.window, Qt.Key.Key_P, CTRL_SHIFT)
    qtbot.waitUntil(palette.isVisible, timeout=WAIT)
    assert palette.line.hasFocus()
    return palette


def typed(qtbot: QtBot, studio: Studio, text: str):
    palette = open_palette(qtbot, studio)
    qtbot.keyClicks(palette.line, text)
    return palette


@pytest.mark.parametrize(
    ("letters", "name", "meant"),
    [
        ("grca", "Guided Grad-CAM", "GrCA"),
        ("rl", "Rotate left", "Rl"),
        ("map save", "Save map", "Savemap"),
        ("v19", "vgg19", "v19"),
        ("fs", "Full screen", "Fs"),
        ("left", "Flip left–right", "left"),
        ("imag", "Save image of the window", "imag"),
    ],
)
def test_the_letters_meant_are_those_people_mean(letters: str, name: str, meant: str) -> None:
    found = match(letters, name)
    assert found is not None
    assert "".join(name[at] for at in found.places) == meant
    if letters == "imag":
        assert found.places == (5, 6, 7, 8)


@pytest.mark.parametrize(("letters", "name"), [("x", "Run"), ("nur", "Run"), ("runn", "Run")])
def test_letters_that_are_missing_or_out_of_order_do_not_fit(letters: str, name: str) -> None:
    assert match(letters, name) is None


def test_the_best_comes_first() -> None:
    names = ["Crop to the selection", "Rotate by a small angle", "Stop", "Crop", "Copy map"]
    commands = [Command(name, "Menu") for name in names]
    assert [c.title for c, _ in searched(commands, "crop")] == ["Crop", "Crop to the selection"]
    assert next(c.title for c, _ in searched(commands, "rb")) == "Rotate by a small angle"
    assert [c.title for c, _ in searched(commands, "")] == names
    assert len(searched(commands, "menu")) == len(names), "a group's name finds what is in it"


def test_enter_runs_a_method(studio: Studio, qtbot: QtBot) -> None:
    palette = typed(qtbot, studio, "guided grad")
    assert palette.list.chosen.title == "Guided Grad-CAM"
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isHidden()
    assert [c.method.name for c in studio.session.work.columns] == [
        "efficient-pda",
        "guided-grad-cam",
    ]
    wait_for_maps(qtbot, studio)


@pytest.mark.coarse_maps
def test_a_sample_and_a_class_are_found(studio: Studio, qtbot: QtBot) -> None:
    palette = typed(qtbot, studio, "sample 4")
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert studio.session.work.image.name == "4.png"
    wait_for_maps(qtbot, studio)
    palette = typed(qtbot, studio, "target 9")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert studio.session.target.index == 9
    wait_for_maps(qtbot, studio)


def test_a_classifier_is_looked_up(studio: Studio, qtbot: QtBot) -> None:
    palette = typed(qtbot, studio, "squeezenet11")
    assert (palette.list.chosen.title, palette.list.chosen.group) == ("squeezenet1_1", "Classifier")
    with qtbot.waitSignal(studio.opening.described, timeout=WAIT):
        qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert studio.window.classifier_box.names.currentText() == "squeezenet1_1"


def test_everything_in_the_menus_is_in_it(studio: Studio, qtbot: QtBot) -> None:
    from PySide6.QtGui import QAction

    palette = open_palette(qtbot, studio)
    offered = {entry[0].title for entry in palette.list.entries}
    for action in studio.window.findChildren(QAction):
        title = action.text().replace("&", "").removesuffix(" …")
        if action.shortcut().toString():
            assert title in offered
    assert {"Grad-CAM", "vgg16", "Sepia"} & offered == {"Grad-CAM", "vgg16"}


def test_arrows_choose_and_escape_leaves_all_as_it_was(studio: Studio, qtbot: QtBot) -> None:
    view = studio.window.grid.maps[0, 0].views[0]
    view.setFocus()
    work = studio.session.work
    palette = open_palette(qtbot, studio)
    first = palette.list.chosen
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    assert palette.list.chosen != first
    qtbot.keyClick(palette.line, Qt.Key.Key_Up)
    assert palette.list.chosen == first
    qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
    assert palette.isHidden()
    assert studio.session.work is work
    assert view.hasFocus()


def test_what_cannot_be_done_now_stays_undone(studio: Studio, qtbot: QtBot) -> None:
    palette = typed(qtbot, studio, "remove all views")
    assert not palette.list.chosen.enabled
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    qtbot.keyClicks(palette.line, " of no kind")
    assert palette.nothing.isVisible()
    assert palette.list.chosen is None
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()


@pytest.mark.coarse_maps
def test_a_click_elsewhere_closes_it_and_a_click_on_a_line_runs_it(
    studio: Studio, qtbot: QtBot
) -> None:
    palette = open_palette(qtbot, studio)
    studio.window.predictions.list.setFocus(Qt.FocusReason.MouseFocusReason)
    assert palette.isHidden()
    palette = typed(qtbot, studio, "rotate right")
    place = palette.list.visualRect(palette.list.currentIndex()).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert palette.isHidden()
    assert len(studio.session.work.rows) == 2
    wait_for_maps(qtbot, studio)


def test_actions_come_before_data_and_an_exact_name_before_letters_here_and_there() -> None:
    commands = [
        Command("Rottweiler", "Target class", data=True),
        Command("Rotate left", "Image"),
        Command("Crop the outer part", "Image"),
        Command("tabby", "Target class", data=True),
        Command("Table by size", "View"),
    ]
    titles = [one.title for one, _ in searched(commands, "rot")]
    assert titles == ["Rotate left", "Rottweiler", "Crop the outer part"]
    assert [one.title for one, _ in searched(commands, "tabby")] == ["tabby", "Table by size"]


def test_what_a_menu_of_a_column_holds_is_found_too(studio: Studio, qtbot: QtBot) -> None:
    palette = typed(qtbot, studio, "duplicate col")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert len(studio.session.work.columns) == 2
    palette = typed(qtbot, studio, "compare with squeezenet1_0")
    chosen = palette.list.chosen
    assert (chosen.title, chosen.group) == ("squeezenet1_0", "Compare with, in a new column")
    qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
    wait_for_maps(qtbot, studio)
