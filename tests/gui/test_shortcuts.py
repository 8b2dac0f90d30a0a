"""Every action has a key, every key is listed, and the gestures listed are real."""

import pytest
from driver import WAIT, Opened, wait_for_maps
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu
from pytestqt.qtbot import QtBot

from pda_studio.gui.actions.command_list import key_caps
from pda_studio.gui.opening.dialogs import RECENT_CLASSIFIERS, RECENT_IMAGES
from pda_studio.gui.window.studio import Studio

NONE = Qt.KeyboardModifier.NoModifier


def all_actions(studio: Studio) -> list[QAction]:
    """The window's actions, found without the code that lists them; files opened lately aside."""
    lists = [studio.window.registry.menu(menu) for menu in (RECENT_IMAGES, RECENT_CLASSIFIERS)]
    found = studio.window.findChildren(QAction)
    own = [a for a in found if a.text() and isinstance(a.parent(), QMenu | QMainWindow)]
    return [a for a in own if not a.menu() and not a.isSeparator() and a.parent() not in lists]


def listed(studio: Studio):
    return [e[0] for e in studio.commands.shortcuts.list.entries if not isinstance(e, str)]


def test_every_action_has_a_key_of_its_own(studio: Studio) -> None:
    keys: dict[str, str] = {}
    actions = all_actions(studio)
    assert len(actions) > 50
    for action in actions:
        key = action.shortcut().toString()
        assert key, f"“{action.text()}” has no key"
        assert key not in keys, f"{key}: “{keys[key]}” and “{action.text()}”"
        keys[key] = action.text()
    for key in keys:
        first = key.partition(", ")[0]
        assert first == key or first not in keys, f"{first} hides {key}"


def test_f1_lists_every_action_with_its_key(studio: Studio, qtbot: QtBot) -> None:
    qtbot.keyClick(studio.window, Qt.Key.Key_F1)
    assert studio.commands.shortcuts.isVisible()
    shown = {(c.title, c.keys) for c in listed(studio)}
    for action in all_actions(studio):
        title = action.text().replace("&", "").removesuffix(" …")
        assert (title, action.shortcut().toString()) in shown
    groups = [e for e in studio.commands.shortcuts.list.entries if isinstance(e, str)]
    assert {"File", "Image", "Add method", "Sample digits", "View", "Help"} <= set(groups)
    assert len(set(groups)) == len(groups)
    studio.commands.shortcuts.close()


def test_the_list_is_searched_by_words_and_by_keys(studio: Studio, qtbot: QtBot) -> None:
    qtbot.keyClick(studio.window, Qt.Key.Key_F1)
    window = studio.commands.shortcuts
    qtbot.keyClicks(window.line, "rotate left")
    assert [c.title for c in listed(studio)] == ["Rotate left"]
    window.line.clear()
    qtbot.keyClicks(window.line, "pgdown")
    assert [c.title for c in listed(studio)] == ["Next image in the folder", "Move column right"]
    window.line.clear()
    qtbot.keyClicks(window.line, "pinch")
    assert [c.title for c in listed(studio)] == ["Zoom with two fingers"]
    window.line.clear()
    qtbot.keyClicks(window.line, "flip left")
    qtbot.keyClick(window.line, Qt.Key.Key_Return)
    assert len(studio.session.work.rows) == 2
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.isHidden()
    wait_for_maps(qtbot, studio)


@pytest.mark.parametrize(
    ("keys", "caps"),
    [
        ("Ctrl+Shift+P", ["Ctrl", "Shift", "P"]),
        ("Ctrl+B, L", ["Ctrl", "B", "L"]),
        ("Ctrl++", ["Ctrl", "+"]),
        ("F1", ["F1"]),
        ("", []),
    ],
)
def test_keys_become_caps(keys: str, caps: list[str]) -> None:
    assert key_caps(keys) == caps


@pytest.mark.coarse_maps
def test_keys_do_what_they_say(studio: Studio, qtbot: QtBot) -> None:
    window = studio.window
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert studio.theme.theme == "dark"
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(window, Qt.Key.Key_S)
    assert studio.theme.theme == "system"
    qtbot.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert [str(o) for o in studio.session.work.rows[1].operations] == ["rotated 5° clockwise"]
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        qtbot.keyClick(window, Qt.Key.Key_7, Qt.KeyboardModifier.AltModifier)
    wait_for_maps(qtbot, studio)
    assert studio.session.work.image.name == "7.png"


@pytest.mark.parametrize("key", [Qt.Key.Key_H, Qt.Key.Key_Space])
def test_a_held_key_shows_the_plain_image(studio: Studio, qtbot: QtBot, key: Qt.Key) -> None:
    view = studio.window.grid.maps[0, 0].views[0]
    view.setFocus()
    seen = studio.session.prediction(0).subject.view
    assert (view.pixels != seen).any()
    qtbot.keyPress(view, key)
    assert (view.pixels == seen).all()
    qtbot.keyRelease(view, key)
    assert (view.pixels != seen).any()


def test_a_held_key_that_is_let_go_elsewhere_is_let_go(studio: Studio, qtbot: QtBot) -> None:
    qtbot.keyPress(studio.window, Qt.Key.Key_H)
    assert studio.viewport.plain
    QApplication.sendEvent(studio.window, QEvent(QEvent.Type.WindowDeactivate))
    assert not studio.viewport.plain


def test_a_letter_typed_into_a_field_is_a_letter(studio: Studio, qtbot: QtBot) -> None:
    names = studio.window.classifier_box.names
    names.setFocus()
    qtbot.keyClicks(names.lineEdit(), "h")
    assert not studio.viewport.plain
    names.completer().popup().hide()
    qtbot.keyClick(names.lineEdit(), Qt.Key.Key_Escape)


def test_wheel_drag_and_double_click(studio: Studio, qtbot: QtBot) -> None:
    view = studio.window.grid.maps[0, 0].views[0]
    middle = QPoint(view.width() // 2, view.height() // 2)
    wheel = QWheelEvent(
        QPointF(middle), QPointF(view.mapToGlobal(middle)), QPoint(), QPoint(0, 480),
        Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), wheel)
    assert studio.viewport.zoom == pytest.approx(1.0015**480)
    assert studio.viewport.centre == pytest.approx((0.5, 0.5), abs=0.5 / view.width())
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(view.viewport(), middle + QPoint(20, 0))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=middle + QPoint(20, 0))
    assert studio.viewport.centre[0] < 0.5
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert studio.viewport.zoom == 1


def test_a_pinch_on_a_touchpad_zooms_around_the_fingers(studio: Studio) -> None:
    view = studio.window.grid.maps[0, 0].views[0]
    place = QPointF(view.width() * 0.25, view.height() * 0.5)
    there = QPointF(view.mapToGlobal(place))
    gesture = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture, QPointingDevice.primaryPointingDevice(), 2,
        place, place, there, 0.5, QPointF(),
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), gesture)
    assert studio.viewport.zoom == pytest.approx(1.5)
    left = studio.viewport.centre[0] - 0.25 / 1.5  # what is a quarter from the left, still
    assert left == pytest.approx(0.25, abs=0.01)


def test_a_pinch_on_a_screen_zooms(studio: Studio, qtbot: QtBot) -> None:
    view = studio.window.grid.maps[0, 0].views[0]
    device = QTest.createTouchDevice()
    pad, middle = view.viewport(), QPoint(view.width() // 2, view.height() // 2)
    touch = QTest.touchEvent(pad, device)
    touch.press(0, middle - QPoint(20, 0), pad).press(1, middle + QPoint(20, 0), pad).commit()
    for apart in range(24, 80, 4):
        touch.move(0, middle - QPoint(apart, 0), pad).move(1, middle + QPoint(apart, 0), pad)
        touch.commit()
    touch.release(0, middle - QPoint(80, 0), pad).release(1, middle + QPoint(80, 0), pad).commit()
    assert studio.viewport.zoom > 1.5


def test_one_pixel_to_one_pixel(studio: Studio, qtbot: QtBot) -> None:
    view = studio.window.grid.maps[0, 0].views[0]
    qtbot.keyClick(studio.window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert view.pixel_size * view.devicePixelRatioF() == pytest.approx(1)
    qtbot.keyClick(studio.window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert studio.viewport.zoom == 1


def test_first_steps_stay_closed(opened: Opened, qtbot: QtBot) -> None:
    studio = opened()
    hints = studio.window.hints
    assert hints.isVisible()
    qtbot.mouseClick(hints.close_button, Qt.MouseButton.LeftButton)
    assert hints.isHidden()
    studio.window.close()
    again = opened()
    assert again.window.hints.isHidden()
    qtbot.keyClick(again.window, Qt.Key.Key_F1, Qt.KeyboardModifier.ControlModifier)
    assert again.window.hints.isVisible()
