"""An action is declared once; menus, toolbar, palette and the list of keys are made from it."""

from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from pda_studio.document.operations import Flip
from pda_studio.gui.actions.action import IMAGE, Action, Context
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


def test_a_condition_is_evaluated_when_what_it_reads_has_changed(studio: Studio) -> None:
    evaluated: list[bool] = []

    def condition(context: Context) -> bool:
        evaluated.append(context.rows > 1 and context.columns > 1)
        return evaluated[-1]

    registry = studio.window.registry
    registry.add(Action("hum", "Hum", lambda: None, place=IMAGE.at(98), enabled=condition))
    for facts, times in (
        ({"columns": 3}, 1),  # of a single row, columns play no part
        ({"rows": 2}, 2),
        ({"columns": 1}, 3),
        ({"columns": 1, "rows": 2}, 3),
        ({"columns": 2, "busy": True}, 4),
        ({"busy": False}, 4),
    ):
        registry.note(**facts)
        assert len(evaluated) == times, facts
        assert registry["hum"].isEnabled() == (registry.context.rows > 1 < registry.context.columns)
