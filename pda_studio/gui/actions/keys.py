"""Keys that are held or that mean something else in each place: what no action can be."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QWidget,
)

from pda_studio.gui.actions.action import VIEW, Action, ready
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

_PAGES = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_DRAGS = ("crop", "model-input-crop", "remove-region")
"""Tools that a drag in a panel serves."""
_WAYS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class Keys(QObject):
    """Arrows among the panels, a held key for the plain image, pages where there are pages.

    Parameters
    ----------
    window, session, viewport
        Whose keys they are, and what they change.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        viewport: Viewport,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._viewport = window, session, viewport
        window.installEventFilter(self)  # what no widget in it wants comes to the window
        window.registry.add(
            Action(
                "zoom-in",
                self.tr("Zoom in"),
                partial(viewport.zoom_by, 1.5),
                place=VIEW.at(20),
                shortcut=QKeySequence.StandardKey.ZoomIn,
                icon="zoom-in",
                tool=42,
                enabled=ready,
            ),
            Action(
                "zoom-out",
                self.tr("Zoom out"),
                partial(viewport.zoom_by, 1 / 1.5),
                place=VIEW.at(21),
                shortcut=QKeySequence.StandardKey.ZoomOut,
                icon="zoom-out",
                tool=40,
                enabled=ready,
            ),
            Action(
                "fit",
                self.tr("Fit to panels"),
                viewport.fit,
                place=VIEW.at(22),
                shortcut="Ctrl+0",
                icon="fit",
                tool=41,
                enabled=ready,
            ),
            Action(
                "one-to-one",
                self.tr("One pixel to one pixel"),
                self.show_one_to_one,
                place=VIEW.at(23),
                shortcut="Ctrl+1",
                enabled=ready,
            ),
        )
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    def show_one_to_one(self) -> None:
        """Show the images as large as they are on this screen."""
        view, viewport = self._window.grid.entry, self._viewport
        if view is not None:
            wanted = 1 / view.devicePixelRatioF() / view.pixel_size
            viewport.look_at(viewport.centre, viewport.zoom * wanted)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys that are meant for the panels."""
        match event.type():
            case QEvent.Type.ShortcutOverride if isinstance(event, QKeyEvent):
                if event.key() in _PAGES and _has_pages(self._window.focusWidget()):
                    event.accept()  # a slider or a list goes on by a page itself
                    return True
                if event.key() == Qt.Key.Key_Escape and self._tool is not None:
                    event.accept()  # it leaves the tool: what is computed goes on
                    return True
            case QEvent.Type.KeyPress if isinstance(event, QKeyEvent):
                return self._on_press(event)
            case QEvent.Type.KeyRelease if isinstance(event, QKeyEvent):
                if event.key() in (Qt.Key.Key_H, Qt.Key.Key_Space) and not event.isAutoRepeat():
                    self._viewport.plain = False
            case QEvent.Type.WindowDeactivate:
                self._viewport.plain = False  # its release goes elsewhere
        return False

    def _on_press(self, event: QKeyEvent) -> bool:
        key, held = Qt.Key(event.key()), event.modifiers()
        if held not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            return False
        if key == Qt.Key.Key_Escape and self._tool is not None:
            self._tool.setChecked(False)
            return True
        if key in (Qt.Key.Key_H, Qt.Key.Key_Space):
            self._viewport.plain = True
            return True
        if key in _WAYS and isinstance(self._window.focusWidget(), ImageView):
            self._move(*_WAYS[key])
            return True
        return False

    @property
    def _tool(self) -> QAction | None:
        """The tool that is on: a drag in a panel serves it."""
        tools = (self._window.registry[name] for name in _DRAGS)
        return next((tool for tool in tools if tool.isChecked()), None)

    def _move(self, rows: int, columns: int) -> None:
        """Give the focus to the view in a place beside the one that has it."""
        places = self._places()
        now = self._window.focusWidget()
        row, column = next(place for place, view in places.items() if view is now)
        there = places.get((row + rows, column + columns))
        if there is not None:
            there.setFocus(Qt.FocusReason.OtherFocusReason)

    def _places(self) -> dict[tuple[int, int], ImageView]:
        """The grid's views as they stand: rows and columns from 0."""
        grid, work = self._window.grid, self._session.work
        places: dict[tuple[int, int], ImageView] = {}
        for at, row in enumerate(work.rows):
            views = list(grid.inputs[row.key].views)
            for column in work.columns:
                views += grid.maps[row.key, column.key].views
            places.update({(at, place): view for place, view in enumerate(views)})
        return places

    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        """Select the panel that keys have come to; a click selects by itself, at its end."""
        if isinstance(now, ImageView) and now.window() is self._window:
            self._window.grid.ensureWidgetVisible(now, 16, 16)
            if QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
                now.clicked.emit()


def _has_pages(widget: QWidget | None) -> bool:
    kinds = (QAbstractSlider, QAbstractSpinBox, QAbstractItemView, QComboBox)
    return isinstance(widget, kinds)
