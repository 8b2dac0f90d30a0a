"""A person at the window: eyes, a mouse and a keyboard, in a thread beside the event loop.

What the hands do is given to Qt as the display would give it, by place on the screen: Qt itself
finds out which window, menu or widget lies there. A click on what is hidden, covered or disabled
fails, as it would for a person.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMainWindow,
    QMenu,
    QMenuBar,
    QWidget,
)

T = TypeVar("T", bound=QWidget)
_LEFT, _PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_FRAMED = Qt.WindowType.Window, Qt.WindowType.Dialog
_PAUSE = 0.06  # seconds between two acts: a fast person
_PATIENCE = 60.0


class _Desk(QObject):
    """Lives in the window's thread and does there what it is given."""

    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.wanted.connect(self._do, Qt.ConnectionType.QueuedConnection)

    def _do(self, work: Callable[[], None]) -> None:
        work()


class Hands:
    """Clicks, drags and types; looks at what is there; counts what it took.

    Attributes
    ----------
    clicks, keys : int
        Clicks (a drag is one) and pressed keys so far; a typed path counts as `paths`.
    """

    def __init__(self, images: Path) -> None:
        self._desk = _Desk()
        self._images = images
        self._taken = 0
        self.clicks = self.keys = self.paths = 0

    def start(self, story: Callable[[], None]) -> None:
        """Run a story in its own thread; where it fails, all ends at once, whatever is open."""

        def run() -> None:
            try:
                story()
            except BaseException:
                traceback.print_exc()
                self.image("failed")
                sys.stderr.flush()
                os._exit(1)

        Thread(target=run, daemon=True).start()

    # Eyes

    def see(self, prediction: Callable[[], Any]) -> Any:
        """What a look into the window finds."""
        found: Future[Any] = Future()

        def do() -> None:
            try:
                found.set_result(prediction())
            except BaseException as error:
                found.set_exception(error)

        self._desk.wanted.emit(do)
        return found.result(_PATIENCE)

    def wait_for(
        self, what: str, prediction: Callable[[], Any], patience: float = _PATIENCE
    ) -> Any:
        """Wait until a look finds something."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            found = self.see(prediction)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"in {patience:.0f} s there was no {what}")

    def image(self, name: str) -> None:
        """Take an image of the screen."""
        time.sleep(0.25)
        self._taken += 1
        path = self._images / f"{self._taken:02} {name}.png"

        def take() -> None:
            main = (w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow))
            window = next(main)
            screen = QGuiApplication.primaryScreen()
            screen.grabWindow(0).copy(window.frameGeometry()).save(str(path))

        if self.see(QApplication.topLevelWidgets):
            self.see(take)

    # Mouse

    def click(self, what: str, among: type[QWidget] = QAbstractButton, times: int = 1) -> None:
        """Click the visible button (or another widget) that has this text or name."""
        self.click_at(lambda: _middle(*_named(what, among)), what, times)

    def click_at(
        self, place: Callable[[], tuple[QWidget, QPoint]], what: str, times: int = 1
    ) -> None:
        """Click a place of a widget, once it can be clicked and lies still."""
        seen: list[QPoint | None] = [None]

        def at_rest() -> bool:
            seen.append(_reachable(place))
            return seen[-1] is not None and seen[-1] == seen[-2]

        self.wait_for(f"{what} to click", at_rest)
        point = seen[-1]
        self.clicks += times
        self._act(lambda: _mouse(QTest.mouseMove, point))
        if times == 2:
            self._act(lambda: _mouse(QTest.mouseDClick, point, _LEFT, _PLAIN))
        else:
            self._act(lambda: _mouse(QTest.mousePress, point, _LEFT, _PLAIN))
            self._act(lambda: _mouse(QTest.mouseRelease, point, _LEFT, _PLAIN))

    def give_keyboard(
        self, place: Callable[[], tuple[QWidget, QPoint]], what: str, taken: Callable[[], bool]
    ) -> None:
        """Double-click a place that is written into; where it did not take the keyboard, again."""
        end = time.monotonic() + _PATIENCE
        clicks = self.clicks + 2
        while not self.see(taken):
            if time.monotonic() > end:
                has_it = self.see(lambda: (QApplication.activeWindow(), QApplication.focusWidget()))
                raise AssertionError(f"{what} did not take the keyboard; {has_it} has it")
            self.click_at(place, what, times=2)
            with suppress(AssertionError):
                self.wait_for(f"keyboard in {what}", taken, patience=5)
        self.clicks = clicks

    def drag(self, widget: Callable[[], QWidget], start: QPoint, end: QPoint) -> None:
        """Press at one place of a widget, move to another and let go."""
        place = self.see(lambda: widget().mapToGlobal(QPoint(0, 0)))
        self.clicks += 1
        self._act(lambda: _mouse(QTest.mouseMove, place + start))
        self._act(lambda: _mouse(QTest.mousePress, place + start, _LEFT, _PLAIN))
        for part in range(1, 9):
            at = place + start + (end - start) * part / 8
            self._act(lambda at=at: _mouse(QTest.mouseMove, at))
        self._act(lambda: _mouse(QTest.mouseRelease, place + end, _LEFT, _PLAIN))

    def menu(self, *titles: str) -> None:
        """Open a menu of the menu bar, and click on through it."""
        self.click_at(lambda: _in_menu_bar(titles[0]), f"menu {titles[0]}")
        self.choose(*titles[1:])

    def choose(self, *titles: str) -> None:
        """Click on through the menu that is open."""
        for title in titles:
            self.click_at(lambda title=title: _in_open_menu(title), title)

    # Keys

    def press(self, keys: str) -> None:
        """Press a key, with others held down: "Ctrl+E"."""
        self.keys += 1
        combination = QKeySequence(keys)[0]
        key, held = combination.key(), combination.keyboardModifiers()
        self.wait_for("window with the keyboard", _focused)
        self._act(lambda: QTest.keyClick(_focused(), key, held))

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.wait_for("window with the keyboard", _focused)
        for letter in text:
            self._act(lambda letter=letter: _type_letter(letter), pause=0.004)
        time.sleep(_PAUSE)

    def write(self, text: str) -> None:
        """Type a text and count its keys."""
        self.keys += len(text)
        self.type(text)

    def answer_dialog(self, path: Path) -> None:
        """Type a path into the file dialog that is open, and press Enter."""
        dialog = self.wait_for("file dialog", _file_dialog)
        self.wait_for("place for a file name", lambda: _takes_a_name(dialog))
        self.press("Ctrl+A")
        self.type(str(path))
        self.image("file dialog")
        self.press("Return")
        self.paths += 1
        self.keys -= 1  # a person's dialog starts with an empty or selected name
        self.wait_for("end of the file dialog", lambda: _file_dialog() is None)

    def _act(self, act: Callable[[], None], pause: float = _PAUSE) -> None:
        """Do something without waiting for its end: an open menu may hold it up."""
        self._desk.wanted.emit(act)
        time.sleep(pause)


# Where things are; all of this runs in the window's thread.


def _plain(text: str) -> str:
    return text.replace("&", "").removesuffix(" …").strip()


def _called(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QAbstractButton):
        yield _plain(widget.text())
    yield widget.accessibleName()
    yield widget.toolTip().partition(" (")[0].partition(":")[0]


def _front() -> QWidget:
    """The dialog that lies in front, or else the main window."""
    shown = [window for window in QApplication.topLevelWidgets() if window.isVisible()]
    dialogs = [window for window in shown if isinstance(window, QDialog)]
    main = (window for window in shown if isinstance(window, QMainWindow))
    return QApplication.activeModalWidget() or (dialogs[-1] if dialogs else next(main))


def _named(what: str, among: type[T]) -> tuple[T, str]:
    for widget in _front().findChildren(among):
        if widget.isVisible() and what in _called(widget):
            return widget, what
    raise LookupError(f"there is no {what}")


def _middle(widget: QWidget, what: str = "") -> tuple[QWidget, QPoint]:
    if not widget.isEnabled():
        raise LookupError(f"{what} is disabled")
    return widget, widget.rect().center()


def _reachable(place: Callable[[], tuple[QWidget, QPoint]]) -> QPoint | None:
    """The place on the screen, if a click there reaches the widget."""
    try:
        widget, inside = place()
    except LookupError:
        return None
    point = widget.mapToGlobal(inside)
    there = QApplication.widgetAt(point)
    if there is None or not (there is widget or widget.isAncestorOf(there)):
        return None
    return point


def _in_menu(menu: QMenu | QMenuBar, title: str) -> tuple[QWidget, QPoint]:
    for action in menu.actions():
        if _plain(action.text()) == _plain(title):
            if not action.isEnabled():
                raise LookupError(f"{title} is disabled")
            return menu, _place_of(menu, action).center()
    raise LookupError(f"there is no {title}")


def _place_of(menu: QMenu | QMenuBar, action: QAction) -> QRect:
    return menu.actionGeometry(action)


def _in_menu_bar(title: str) -> tuple[QWidget, QPoint]:
    window = _front()
    if not isinstance(window, QMainWindow):
        raise LookupError("a dialog has to be answered first")
    return _in_menu(window.menuBar(), title)


def _in_open_menu(title: str) -> tuple[QWidget, QPoint]:
    menu = QApplication.activePopupWidget()
    if not isinstance(menu, QMenu):
        raise LookupError("no menu is open")
    return _in_menu(menu, title)


def _mouse(event: Callable[..., None], point: QPoint, *buttons: Any) -> None:
    """Give a window a mouse event, by the place on the screen."""
    window = QGuiApplication.topLevelAt(point)
    if window is None:
        raise AssertionError(f"there is no window at {point}")
    if event is not QTest.mouseMove and window.type() in _FRAMED:
        window.requestActivate()  # as a window manager does
    event(window, *buttons, pos=window.mapFromGlobal(point))


def _focused() -> QWidget | None:
    """Where Qt sends keys: an open menu or list comes first."""
    popup = QApplication.activePopupWidget()
    if popup is not None:
        return popup.focusWidget() or popup
    if QApplication.activeWindow() is None:
        _front().activateWindow()  # as a window manager does when a dialog is closed
    return QApplication.focusWidget() or QApplication.activeWindow()


def _type_letter(letter: str) -> None:
    action, key = QTest.KeyAction.Click, Qt.Key(ord(letter.upper()))
    held = Qt.KeyboardModifier.ShiftModifier if letter.isupper() or letter in "_+:" else _PLAIN
    QTest.sendKeyEvent(action, _focused(), key, letter, held)


def _file_dialog() -> QFileDialog | None:
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog)]
    return next((dialog for dialog in dialogs if dialog.isVisible()), None)


def _takes_a_name(dialog: QFileDialog) -> bool:
    if not dialog.isActiveWindow():
        dialog.activateWindow()  # as a window manager does
    return _name_line(dialog).hasFocus()


def _name_line(dialog: QFileDialog) -> QLineEdit:
    lines = [w for w in dialog.findChildren(QLineEdit) if not isinstance(w.parent(), QComboBox)]
    return next(line for line in lines if line.isVisible())
