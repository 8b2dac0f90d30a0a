"""All keys and gestures in one searchable window, made from the actions themselves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QVBoxLayout, QWidget

from pda_studio.gui.actions.command import Command, searched
from pda_studio.gui.actions.command_list import CommandList, Entry
from pda_studio.gui.actions.fuzzy import Match
from pda_studio.gui.window.style_names import named

_STEPS = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: 10,
    Qt.Key.Key_PageUp: -10,
}


class ShortcutsWindow(QDialog):
    """Lists commands under the names of their menus, beside the main window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys and gestures"))
        self.resize(520, 640)
        self.setMinimumSize(360, 300)
        self._commands: list[Command] = []
        self.line = named(QLineEdit(), "search")
        self.line.setPlaceholderText(self.tr("Find a key or what it does …"))
        self.line.setAccessibleName(self.tr("Find a key or what it does"))
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = CommandList()
        self.list.setAccessibleName(self.tr("Keys and gestures"))
        self.list.doubleClicked.connect(self._run)
        note = named(
            QLabel(self.tr("Double click or Enter does it. Several keys: one after the other.")),
            "muted",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.line)
        layout.addWidget(self.list, 1)
        layout.addWidget(note)

    def show_commands(self, commands: list[Command]) -> None:
        """Show these, grouped as they come."""
        self._commands = commands
        self.line.clear()
        self._search("")
        self.show()
        self.raise_()
        self.activateWindow()
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move in the list while typing."""
        if watched is self.line and isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            if event.type() == QEvent.Type.KeyPress and key in _STEPS:
                self.list.step(_STEPS[key])
                return True
            if event.type() == QEvent.Type.KeyPress and key in (
                Qt.Key.Key_Return,
                Qt.Key.Key_Enter,
            ):
                self._run()
                return True
        return False

    def _search(self, typed: str) -> None:
        """Keep the groups together: this is a table to be read, whatever fits best."""
        fits = {id(command): fit for command, fit in searched(self._commands, typed)}
        by_keys = typed.strip().lower()
        entries: list[Entry] = []
        groups: dict[str, list[Command]] = {}
        for command in self._commands:  # a menu goes on after the menus within it
            groups.setdefault(command.group, []).append(command)
        for group, commands in groups.items():
            shown: list[Entry] = []
            for command in commands:
                fit = fits.get(id(command))
                if fit is None and by_keys and by_keys in command.keys.lower():
                    fit = Match(0.0, ())
                if fit is not None:
                    shown.append((command, fit, False))
            if shown:
                entries += [group, *shown]
        self.list.show_entries(entries)

    def _run(self, *_: object) -> None:
        command = self.list.chosen
        if command is not None and command.run is not None and command.enabled:
            command.run()
