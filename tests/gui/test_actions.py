"""An action is declared once; menus, toolbar, palette and the list of keys are made from it."""

from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from pda_studio.document.operations import Flip
from pda_studio.gui.actions.action import IMAGE, Action
from pda_studio.gui.window.studio import Studio


def test_a_new_action_is_one_declaration(studio: Studio, qtbot: QtBot) -> None:
    whistled = []
    studio.window.registry.add(
        Action(
            "whistle",
            "Whistle …",
            lambda: whistled.append(1),
            place=IMAGE.at(99),
            shortcut="Ctrl+Alt+X",
            tool=22,
            enabled=lambda context: context.rows > 1,
        )
    )
    qtbot.keyClick(studio.window, Qt.Key.Key_F1)
    shown = [one[0] for one in studio.commands.shortcuts.list.entries if not isinstance(one, str)]
    assert ("Whistle", "Image", "Ctrl+Alt+X") in {(c.title, c.group, c.keys) for c in shown}
    studio.commands.shortcuts.close()
    menu = studio.window.registry.menu(IMAGE)
    assert menu.actions()[-1].text() == "Whistle …"
    assert menu.actions()[-2].isSeparator()
    button = studio.window.registry.toolbar.buttons["whistle"]
    qtbot.waitUntil(button.isVisible, timeout=WAIT)
    assert not button.isEnabled()
    studio.session.rows.transform(Flip("vertical"))
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    studio.window.registry["find"].trigger()
    qtbot.keyClicks(studio.commands.palette.line, "whistle")
    qtbot.keyClick(studio.commands.palette.line, Qt.Key.Key_Return)
    assert whistled == [1, 1]
    wait_for_maps(qtbot, studio)
