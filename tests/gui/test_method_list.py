"""Methods are listed under the headings of their families."""

from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidgetAction
from pytestqt.qtbot import QtBot

from pda_studio.gui.actions.action import METHODS as METHODS_MENU
from pda_studio.gui.window.studio import Studio
from pda_studio.methods import COMBINING, METHODS

UNDER = {
    "Efficient PDA": "Prediction difference analysis",
    "Multi-scale PDA": "Prediction difference analysis",
    "SmoothGrad": "Gradients",
    "LRP-ε": "Relevance",
    "Attention rollout": "Attention and masks",
    "Important neurons": "Neurons",
}


def test_the_list_has_headings_that_cannot_be_chosen(studio: Studio, qtbot: QtBot) -> None:
    box = studio.window.method_box.methods
    heading, above, names = "", {}, []
    for at in range(box.count()):
        item = box.model().flags(box.model().index(at, 0))
        if box.itemData(at) is None:
            assert not item & Qt.ItemFlag.ItemIsSelectable
            assert not item & Qt.ItemFlag.ItemIsEnabled
            heading = box.itemText(at)
        else:
            assert item & Qt.ItemFlag.ItemIsSelectable
            above[box.itemText(at)] = heading
            names.append(box.itemData(at))
    assert above.items() >= UNDER.items()
    assert above["Combined"] == "Several methods"
    assert sorted(names) == sorted([*METHODS, *COMBINING])
    assert box.currentText() == "Efficient PDA"
    # The arrows pass over headings: after the last of a family comes the next one's first.
    box.setFocus()
    for _ in range(6):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == "Saliency"
    session = studio.session
    qtbot.waitUntil(lambda: session.work.columns[0].method.name == "saliency", timeout=WAIT)
    wait_for_maps(qtbot, studio)


def test_the_menu_has_the_same_headings(studio: Studio) -> None:
    heading, above = "", {}
    menu = studio.window.registry.menu(METHODS_MENU)
    for action in menu.actions():
        if isinstance(action, QWidgetAction):
            label = action.defaultWidget()
            assert isinstance(label, QLabel)
            assert action.isSeparator(), "the palette and the list of keys pass over it"
            heading = label.text()
        else:
            above[action.text()] = heading
    assert above.items() >= UNDER.items()
    assert len(above) == len(METHODS)
