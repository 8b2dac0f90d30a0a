"""Methods are listed under the headings of their families."""

from pathlib import Path

from driver import WAIT, wait_for_maps
from engine.network_files import FILES
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

FOR_TRANSFORMERS = ("attention-rollout", "attn-lrp", "patch-pda")


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
            if box.itemData(at) not in FOR_TRANSFORMERS:
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


def test_what_a_classifier_does_not_allow_cannot_be_chosen(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    """In the list and in the menu, with the reason; another classifier allows other methods."""
    box = studio.window.method_box.methods

    def usable(name: str) -> bool:
        listed = box.model().flags(box.model().index(box.findData(name), 0))
        added = studio.window.registry[f"add-{name}"]
        assert bool(listed & Qt.ItemFlag.ItemIsEnabled) is added.isEnabled()
        return added.isEnabled()

    def told(name: str) -> str:
        tip = box.itemData(box.findData(name), Qt.ItemDataRole.ToolTipRole)
        assert studio.window.registry[f"add-{name}"].toolTip().startswith(tip)
        return tip

    qtbot.waitUntil(lambda: not usable("attention-rollout"), timeout=WAIT)
    assert "digits has no attention" in told("attention-rollout")
    assert usable("grad-cam")
    assert told("grad-cam") == METHODS["grad-cam"].summary
    name, make, save, _ = FILES["TorchScript, traced"]
    save(make(), tmp_path / name)
    studio.open_files([tmp_path / name])
    qtbot.waitUntil(lambda: not usable("grad-cam"), timeout=WAIT)
    assert "needs a layer with maps" in told("grad-cam")
    assert usable("saliency")
    assert usable("occlusion")
    assert not usable("lrp-epsilon")
    studio.window.classifier_box.choose("digits")
    qtbot.waitUntil(lambda: usable("grad-cam"), timeout=WAIT)
    assert told("grad-cam") == METHODS["grad-cam"].summary
