"""The display box follows the selected map; fixed scales get the ends that they begin with."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.results import EvidenceMap, Result


class DisplayController(QObject):
    """Shows the scale of the selected map, and which settings its columns use."""

    def __init__(
        self, window: MainWindow, session: Session, display: Display, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._display = window, session, display
        self._found: Result | None = None
        self._shown: tuple[object, ...] = ()
        events = session.events
        for signal in (events.image, events.rows, events.columns, session.loaded):
            follow(self, signal, self._show)
        follow(self, session.selection_changed, self._show)
        follow(self, session.panel_changed, self._on_panel)
        follow(self, display.events.appearance, self._show)

    def _on_panel(self, row: int, key: int) -> None:
        if self._display.appearance.scale != "map":
            self._show()
        elif (row, key) == self._session.selection:
            found = self._session.panel(row, key).shown
            if found is not self._found:
                self._show()

    def _show(self, *_: object) -> None:
        session, appearance = self._session, self._display.appearance
        if appearance.scale == "fixed" and self._limits_grow():
            return  # and come back
        self._found = found = session.panel(*session.selection).shown
        shown = found if isinstance(found, EvidenceMap) else None
        limit = self._window.grid.limit(session.selection)
        styles = [column.style for column in session.work.columns]
        if (shown, limit, styles, appearance) != self._shown:
            self._shown = shown, limit, styles, appearance
            self._window.display_box.show_map(shown, limit, styles)

    def _limits_grow(self) -> bool:
        """Let fixed scales start where the largest map of each unit ends; whether any is new."""
        limits = self._display.appearance.limits
        largest: dict[str, float] = {}
        for one in [panel.shown for panel in self._session.panels.values()]:
            if isinstance(one, EvidenceMap):
                largest[one.unit] = max(largest.get(one.unit, 0.0), float(f"{one.limit:.3g}"))
        if largest.keys() <= limits.keys():
            return False
        self._display.change(limits={**largest, **limits})
        return True
