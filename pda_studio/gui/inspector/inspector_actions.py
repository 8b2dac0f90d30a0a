"""Actions of the inspector, and the wires between it, the panels and what it computes."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF

from pda_studio.gui.actions.action import IMAGE, VIEW, Action, ready
from pda_studio.gui.inspector.inspecting import Inspecting
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.session.session import Key, Session
from pda_studio.gui.window.main_window import MainWindow


class InspectorActions(QObject):
    """Declares the inspector's actions and connects its pages with the panels."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        inspection: Inspection,
        inspecting: Inspecting,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._inspecting = window, session, inspecting
        window.registry.add(
            Action(
                "remove-region",
                self.tr("Remove region"),
                toggled=window.grid.set_cutting,
                place=IMAGE.at(17),
                shortcut="Ctrl+Shift+K",
                icon="remove-region",
                tool=35,
                help=self.tr(
                    "Remove region: drag a rectangle in a panel to see the decision without it"
                ),
                exclusive="drag",
                enabled=ready,
            ),
            Action(
                "inspector",
                self.tr("Inspector"),
                toggled=inspecting.open,
                place=VIEW.at(40),
                shortcut="Ctrl+I",
                checked=inspection.open,
            ),
        )
        pointing = window.grid.pointing
        pointing.picked.connect(inspecting.inspect_pixel)
        pointing.framed.connect(self._on_region)
        window.inspector.chosen.connect(inspecting.choose)
        window.inspector.region_changed.connect(inspecting.remove_region)
        window.inspector.stage_wanted.connect(inspecting.playing.go_to)
        inspecting.marks_changed.connect(pointing.show_marks)
        inspecting.opened.connect(window.registry["inspector"].setChecked)

    def _on_region(self, key: Key, region: QRectF) -> None:
        """Show the decision without a region that was drawn on a panel."""
        self._window.registry["remove-region"].setChecked(False)
        self._session.select(*key)
        self._inspecting.frame(key, region)
