"""The command palette: type a few letters of anything, and Enter does it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.actions.command import Command, searched
from pda_studio.gui.actions.command_list import CommandList
from pda_studio.gui.window.style_names import named

_WIDTH, _HEIGHT = 560, 436
_BESIDE = 62  # what the line to type in takes
_MOST = 300  # lines; whoever wants more types one more letter


class Palette(QFrame):
    """A search over the window; it goes away when something else is clicked."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self._commands: list[Command] = []
        self._before: QWidget | None = None
        self.line = named(QLineEdit(), "search")
        self.line.setPlaceholderText(
            self.tr("Find an action, a classifier, a method, a sample, a class …")
        )
        self.line.setAccessibleName(self.tr("Find anything"))
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = CommandList()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrows move in it all the same
        self.list.clicked.connect(self._on_clicked)
        self.nothing = named(QLabel(self.tr("No matches")), "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.line)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.nothing, 1)
        shadow = QGraphicsDropShadowEffect(self, blurRadius=28, xOffset=0, yOffset=6)
        shadow.setColor(QColor(0, 0, 0, 110))
        self.setGraphicsEffect(shadow)
        self.hide()

    def open(self, commands: list[Command]) -> None:
        """Open with these commands."""
        self._commands = commands
        if self.isHidden():
            self._before = self.window().focusWidget()
        self.line.clear()
        self._search("")
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def place(self) -> None:
        """Stay in the middle when the window changes its size."""
        if self.isVisible():
            self._place()

    def leave(self) -> None:
        """Close, and give the focus back to where it was."""
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._before = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move in the list while typing; close on Escape."""
        match event.type():
            case QEvent.Type.FocusOut:
                if self.window().isActiveWindow():
                    self.hide()
            case QEvent.Type.ShortcutOverride if _is(event, Qt.Key.Key_Escape):
                event.accept()  # else Escape would stop the work
                return True
            case QEvent.Type.KeyPress if isinstance(event, QKeyEvent):
                return self._on_key(Qt.Key(event.key()))
        return False

    def _on_key(self, key: Qt.Key) -> bool:
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_PageUp: -10,
            Qt.Key.Key_Tab: 1,
            Qt.Key.Key_Backtab: -1,
        }
        if key in steps:
            self.list.step(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.chosen)
        elif key == Qt.Key.Key_Escape:
            self.leave()
        else:
            return False
        return True

    def _search(self, typed: str) -> None:
        found = searched(self._commands, typed)
        self.list.show_entries([(command, fit, True) for command, fit in found[:_MOST]])
        self.list.setVisible(bool(found))
        self.nothing.setVisible(not found)
        self._place()

    def _on_clicked(self, index: QModelIndex) -> None:
        self._run(self.list.chosen)

    def _run(self, command: Command | None) -> None:
        if command is not None and command.enabled and command.run is not None:
            self.leave()
            command.run()

    def _place(self) -> None:
        window = self.window()
        width = min(_WIDTH, window.width() - 48)
        height = min(self.list.whole_height + _BESIDE, _HEIGHT, window.height() - 140)
        self.setGeometry((window.width() - width) // 2, 84, width, max(height, 96))


def _is(event: QEvent, key: Qt.Key) -> bool:
    return isinstance(event, QKeyEvent) and event.key() == key
