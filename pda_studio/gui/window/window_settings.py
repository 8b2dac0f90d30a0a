"""What the next start finds as it was: settings are written when they change."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer

from pda_studio.gui.actions.action import FILE, VIEW, Action
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory
from pda_studio.gui.window.theme import ThemeKeeper

_PAUSE = 300  # milliseconds without a change, after which settings are written


class WindowSettings(QObject):
    """Puts the window where it was, and writes its place, theme and display when they change."""

    def __init__(
        self,
        window: MainWindow,
        memory: Memory,
        theme: ThemeKeeper,
        display: Display,
        inspection: Inspection,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._memory, self._theme = window, memory, theme
        self._display, self._inspection = display, inspection
        self._soon = QTimer(self, singleShot=True, interval=_PAUSE)
        self._soon.timeout.connect(self.write)
        window.registry.add(
            Action(
                "start-with-last",
                self.tr("Start with the last workspace"),
                toggled=self._start_with_last,
                place=FILE.at(44),
                shortcut="Ctrl+B, W",
                checked=memory.start_with_last,
            ),
            Action(
                "sides",
                self.tr("Side panels"),
                toggled=self._show_sides,
                place=VIEW.at(43),
                shortcut="F9",
                help=self.tr("Side panels: without them the grid has the whole window"),
                checked=memory.sides,
            ),
        )
        window.show_sides(memory.sides)
        window.place(memory.geometry)
        if memory.splitter:
            window.splitter.restoreState(memory.splitter)
        if memory.halves:
            window.halves.restoreState(memory.halves)
        if memory.maximised:
            window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
        window.moved.connect(self._on_moved)
        window.splitter.splitterMoved.connect(self._soon.start)
        window.halves.splitterMoved.connect(self._soon.start)
        theme.changed.connect(self._soon.start)
        follow(self, display.events.appearance, self._on_change)
        follow(self, inspection.events.open, self._on_change)

    def write(self) -> None:
        """Write all settings of the window."""
        window, memory = self._window, self._memory
        self._soon.stop()
        memory.theme = self._theme.theme
        memory.appearance = self._display.appearance
        memory.maximised = window.isMaximized()
        if not (window.isMaximized() or window.isFullScreen()):
            memory.geometry = window.geometry()
        memory.splitter = window.splitter.saveState()
        memory.halves = window.halves.saveState()
        memory.inspector = self._inspection.wanted
        memory.save()

    def close(self) -> None:
        """Write the settings for the last time: what happens to a closed window is no setting."""
        self.write()
        self._soon.timeout.disconnect(self.write)

    def _start_with_last(self, on: bool) -> None:
        self._memory.start_with_last = on
        self._soon.start()

    def _show_sides(self, on: bool) -> None:
        self._memory.sides = on
        self._window.show_sides(on)
        self._soon.start()

    def _on_change(self, *_: object) -> None:
        self._soon.start()

    def _on_moved(self) -> None:
        if self._window.isVisible():
            self._soon.start()
