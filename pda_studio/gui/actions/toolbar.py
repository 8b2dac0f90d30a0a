"""The toolbar: a button for each action that declares a position in it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QMainWindow,
    QMenu,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from pda_studio.gui.actions.action import Action
from pda_studio.gui.window.theme import ThemeKeeper

RIGHT = 60
"""Tools from this position on stand at the right end."""
_ICON = QSize(20, 20)


class ToolBar(QToolBar):
    """Keeps tools in the order of their positions, with a line between one ten and the next."""

    def __init__(self, window: QMainWindow, theme: ThemeKeeper) -> None:
        super().__init__(window)
        self.setWindowTitle(self.tr("Tools"))
        self._theme = theme
        self.setObjectName("tools")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(self.iconSize().boundedTo(_ICON))
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._tools: list[tuple[int, QAction]] = [(RIGHT - 1, self.addWidget(space))]
        self._tens = {1, RIGHT // 10}  # before the first tool and beside the space is no line
        self.buttons: dict[str, QToolButton] = {}
        """By the names of their actions."""
        window.addToolBar(self)
        self._labels: list[tuple[QToolButton, int]] = []
        """Buttons with a word beside the icon, and how much wider the word makes them."""

    def put(self, action: Action, made: QAction, drop: QMenu | None) -> None:
        """Make an action's button, which may open a menu beside it."""
        button = QToolButton()
        if action.label:
            made.setIconText(action.label)
        button.setDefaultAction(made)
        if drop is not None:
            button.setMenu(drop)
            opens = QToolButton.ToolButtonPopupMode
            button.setPopupMode(opens.MenuButtonPopup if action.run else opens.InstantPopup)
        self.buttons[action.name] = button
        if action.tool // 10 not in self._tens:
            self._tens.add(action.tool // 10)
            line = QAction(self)
            line.setSeparator(True)
            self._insert(action.tool // 10 * 10 - 1, line)
        placed = QWidgetAction(self)
        placed.setDefaultWidget(button)
        self._insert(action.tool, placed)
        if action.label:
            bare = button.sizeHint().width()
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._labels.append((button, button.sizeHint().width() - bare))
            self._labels.sort(key=lambda one: one[1])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out words where there is no room for all: first the short ones, of known icons."""
        super().resizeEvent(event)
        beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        shown = [one for one, _ in self._labels if one.toolButtonStyle() == beside]
        bare = self.sizeHint().width() - sum(
            more for button, more in self._labels if button in shown
        )
        room = event.size().width() - bare
        for button, more in reversed(self._labels):
            fits = more <= room
            room -= more if fits else room  # what is shorter goes before what is longer
            style = beside if fits else Qt.ToolButtonStyle.ToolButtonIconOnly
            button.setToolButtonStyle(style)

    def _insert(self, position: int, tool: QAction) -> None:
        later = [one for one in self._tools if one[0] > position]
        if later:
            self.insertAction(min(later, key=lambda one: one[0])[1], tool)
        else:
            self.addAction(tool)
        self._tools.append((position, tool))
