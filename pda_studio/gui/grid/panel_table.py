"""The panels and headers of the grid, made as the workspace has them and laid out in one size."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from pda_studio.document.workspace import Column, Row, Workspace
from pda_studio.gui.grid.headers import ColumnHeader, RowHeader
from pda_studio.gui.grid.panel import GAP, InputPanel, MapPanel, Panel
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.session.session import Key, Session
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper
from pda_studio.rendering import panel_styles

SPACE = 16
_SMALLEST = 150
_LARGEST = 900
_SEEN_WELL = 180  # pixels: where all rows would be smaller, they scroll, and are larger
_LARGE_ENOUGH = 300
_ABOVE = 12  # pixels over the headers

Attach = Callable[[Panel, int, int | None], None]
"""What is done with a new panel of a row and a column; an input has no column of its own."""


class PanelTable(QWidget):
    """Rows are views of images; the first column shows their inputs, the others their maps.

    Parameters
    ----------
    session, viewport, theme
        What is open, what part of the images is seen, and where icons come from.
    attach : callable
        Called with each new panel.

    Attributes
    ----------
    inputs : dict
        The input of each row, by its key.
    maps : dict
        The panels of maps, by row's and column's key.
    column_headers, row_headers : dict
        What stands over each column and each row, by its key.
    input_header : ColumnHeader
        What stands over the inputs.
    headings : QWidget
        Holds the headers of the columns: it stands over the table, and does not scroll with it.
    """

    column_menu_wanted = Signal(int, QPoint)
    row_menu_wanted = Signal(int, QPoint)
    finer_wanted = Signal()
    """A finer map of the selected column is wanted."""

    def __init__(
        self,
        session: Session,
        viewport: Viewport,
        theme: ThemeKeeper,
        attach: Attach,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        named(self, "grid")
        self._session, self._state, self._theme, self._attach = session, viewport, theme, attach
        self._layout = QGridLayout(self)
        # At the right the column of the rows' names, which takes what room is left, adds a space.
        self._layout.setContentsMargins(SPACE, 6, 0, 12)
        self._layout.setHorizontalSpacing(SPACE)
        self._layout.setVerticalSpacing(6)
        self.inputs: dict[int, InputPanel] = {}
        self.maps: dict[Key, MapPanel] = {}
        self.column_headers: dict[int, ColumnHeader] = {}
        self.row_headers: dict[int, RowHeader] = {}
        self.input_header = ColumnHeader(theme, removable=False)
        self.input_header.show_text(self.tr("Input"), "")
        self.headings = named(QWidget(), "grid")
        self._headings = QHBoxLayout(self.headings)
        self._headings.setContentsMargins(SPACE, _ABOVE, SPACE, 0)
        self._headings.setSpacing(SPACE)
        self._plan: object = None

    @property
    def panels(self) -> list[Panel]:
        """Every panel: the inputs, then the maps."""
        return [*self.inputs.values(), *self.maps.values()]

    def build(self, work: Workspace) -> bool:
        """Make the panels of a workspace, keep those that are there; whether any has changed.

        A panel has the overlay style of its column for life.
        """
        plan = (
            [row.key for row in work.rows],
            [(column.key, column.style, column.classifier) for column in work.columns],
        )
        if plan == self._plan:
            return False
        self._plan = plan
        self._drop(work)
        self._make(work)
        return True

    def fit(self, room: QSize) -> None:
        """Give all views the largest side at which the grid fits into a room."""
        work = self._session.work
        parts = {column.key: len(panel_styles()[column.style].parts) for column in work.columns}
        units, within = 1 + sum(parts.values()), sum(parts.values()) - len(parts)
        margins = self._layout.contentsMargins()
        width = room.width() - 2 * SPACE
        width -= SPACE * len(work.columns) + GAP * within
        height = room.height() - margins.top() - margins.bottom() - 8
        beside = Panel.height_beside_views() + 12
        if len(work.rows) > 1:
            beside += next(iter(self.row_headers.values())).sizeHint().height() + 6
        across, down = width // units, height // len(work.rows) - beside
        if down < _SEEN_WELL:  # they do not all fit: use the width
            down = min(max(height // 2 - beside, _LARGE_ENOUGH), height - beside)
        side = min(max(min(across, down), _SMALLEST), _LARGEST)
        for panel in self.panels:
            panel.set_side(side)
        for column in work.columns:
            if column.key in self.column_headers:
                header, views = self.column_headers[column.key], parts[column.key]
                header.setFixedWidth(side * views + GAP * (views - 1))
        self.input_header.setFixedWidth(side)

    def _drop(self, work: Workspace) -> None:
        rows = {row.key for row in work.rows}
        styles = {column.key: column.style for column in work.columns}
        gone: list[QWidget] = []
        for row in self.inputs.keys() - rows:
            gone += [self.inputs.pop(row), self.row_headers.pop(row)]
        for key, panel in list(self.maps.items()):
            if key[0] not in rows or styles.get(key[1]) != panel.style_shown:
                gone.append(self.maps.pop(key))
        for column in self.column_headers.keys() - styles.keys():
            gone.append(self.column_headers.pop(column))
        for widget in gone:
            for layout in (self._layout, self._headings):
                layout.removeWidget(widget)
            widget.hide()
            widget.deleteLater()

    def _make(self, work: Workspace) -> None:
        layout, top = self._layout, Qt.AlignmentFlag.AlignTop
        for one in (layout, self._headings):
            while one.count():
                one.takeAt(0)
        self._headings.addWidget(self.input_header)
        for column in work.columns:
            if column.key not in self.column_headers:
                self.column_headers[column.key] = self._make_column_header(column)
            self._headings.addWidget(self.column_headers[column.key])
        self._headings.addStretch(1)
        for place, row in enumerate(work.rows):
            if row.key not in self.inputs:
                self._make_row(row)
            header = self.row_headers[row.key]
            layout.addWidget(header, 1 + 2 * place, 0, 1, len(work.columns) + 2)
            header.setVisible(len(work.rows) > 1)
            layout.addWidget(self.inputs[row.key], 2 + 2 * place, 0, top)
            for at, column in enumerate(work.columns, 1):
                key = row.key, column.key
                if key not in self.maps:
                    self.maps[key] = self._make_map(row, column)
                layout.addWidget(self.maps[key], 2 + 2 * place, at, top)
        for panel in self.panels:
            panel.show()
        # Whatever room is left lies to the right and below.
        for column_at in range(layout.columnCount()):
            layout.setColumnStretch(column_at, 0)
        for row_at in range(layout.rowCount()):
            layout.setRowStretch(row_at, 0)
        layout.setColumnStretch(len(work.columns) + 1, 1)
        layout.setRowStretch(2 * len(work.rows) + 1, 1)

    def _make_column_header(self, column: Column) -> ColumnHeader:
        header = ColumnHeader(self._theme)
        key = column.key
        header.clicked.connect(lambda: self._session.select(self._session.selection[0], key))
        header.removed.connect(lambda: self._session.columns.remove(key))
        header.menu_wanted.connect(lambda place: self.column_menu_wanted.emit(key, place))
        return header

    def _make_row(self, row: Row) -> None:
        session, key = self._session, row.key
        panel = InputPanel(self._state)
        panel.clicked.connect(lambda: session.select(key, session.selection[1]))
        self._attach(panel, key, None)
        header = RowHeader(self._theme, first=row is session.work.rows[0])
        header.clicked.connect(lambda: session.select(key, session.selection[1]))
        header.removed.connect(lambda: session.rows.remove(key))
        header.turned_back.connect(lambda back: session.rows.turn_back(key, back))
        header.menu_wanted.connect(lambda place: self.row_menu_wanted.emit(key, place))
        self.inputs[key], self.row_headers[key] = panel, header

    def _make_map(self, row: Row, column: Column) -> MapPanel:
        panel = MapPanel(self._state, column.style)
        key = row.key, column.key
        panel.clicked.connect(lambda: self._session.select(*key))
        panel.finer_wanted.connect(lambda: self._session.select(*key))
        panel.finer_wanted.connect(self.finer_wanted)
        self._attach(panel, *key)
        return panel
