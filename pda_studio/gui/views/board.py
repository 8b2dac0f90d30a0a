"""The board: the picture and its variants as rows, methods as columns, all views of one size."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from pda_studio.gui.models.display import Display
from pda_studio.gui.models.operations import described
from pda_studio.gui.models.session import Key, Session
from pda_studio.gui.models.viewport import Viewport
from pda_studio.gui.models.work import Column, Row, Work
from pda_studio.gui.views.headers import ColumnHeader, RowHeader
from pda_studio.gui.views.image_view import ImageView
from pda_studio.gui.views.named import named
from pda_studio.gui.views.panel import GAP, InputPanel, MapPanel, Panel
from pda_studio.gui.views.theme import ThemeKeeper

_SPACE = 16
_SMALLEST = 150
_LARGEST = 900
_SIGNS = {"window": "k", "outer": "l", "samples": "S", "stride": "stride"}


class Board(QScrollArea):
    """Shows the session's panels and keeps their views in step."""

    framed = Signal(int, QRectF)
    """A row's key, and a frame that was drawn on its input."""

    def __init__(
        self,
        session: Session,
        display: Display,
        viewport: Viewport,
        theme: ThemeKeeper,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("board")
        self._session, self._display, self.state, self._theme = session, display, viewport, theme
        self.setWidgetResizable(True)
        self.setFrameShape(self.Shape.NoFrame)
        self._content = named(QWidget(), "board")
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(_SPACE, 12, _SPACE, 12)
        self._grid.setHorizontalSpacing(_SPACE)
        self._grid.setVerticalSpacing(6)
        self.setWidget(self._content)
        self.inputs: dict[int, InputPanel] = {}
        self.maps: dict[Key, MapPanel] = {}
        self._columns: dict[int, ColumnHeader] = {}
        self._rows: dict[int, RowHeader] = {}
        self._input_header: ColumnHeader | None = None
        self._plan: object = None
        self._framing = False
        session.changed.connect(self._on_changed)
        session.cell_changed.connect(self._on_cell)
        session.looks_changed.connect(self._on_looks)
        session.selection_changed.connect(self._on_selection)
        display.events.connect(self._show_maps)
        viewport.events.connect(self._on_viewport)
        self._build()

    @property
    def views(self) -> list[ImageView]:
        """Every view on the board."""
        return [view for panel in self._panels() for view in panel.views]

    def set_framing(self, framing: bool) -> None:
        """Let a frame be drawn on the inputs."""
        self._framing = framing
        for panel in self.inputs.values():
            panel.views[0].set_framing(framing)

    def forget(self) -> None:
        """Hear nothing more: the window is closing."""
        self._session.changed.disconnect(self._on_changed)
        self._session.cell_changed.disconnect(self._on_cell)
        self._session.looks_changed.disconnect(self._on_looks)
        self._session.selection_changed.disconnect(self._on_selection)
        self._display.events.disconnect(self._show_maps)
        self.state.events.disconnect(self._on_viewport)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give all views the largest size at which the board fits."""
        super().resizeEvent(event)
        self._fit()

    # Following the session

    def _on_changed(self, before: Work, after: Work) -> None:
        if before.picture is not after.picture:
            self.state.fit()
        self._build()

    def _on_looks(self) -> None:
        for row in self._session.work.rows:
            self._show_input(row)
        self._show_headers()

    def _on_selection(self) -> None:
        self._show_headers()
        panel = self.maps.get(self._session.selection)
        if panel is not None:
            # Once the layout has its place for a new panel:
            QTimer.singleShot(0, panel, lambda: self.ensureWidgetVisible(panel, _SPACE, _SPACE))

    def _on_cell(self, row: int, column: int) -> None:
        if self._display.scale == "all":
            self._show_maps()
        else:
            self._show_map((row, column))

    def _on_viewport(self, *_: object) -> None:
        info = _[0] if _ else None
        moved = getattr(getattr(info, "signal", None), "name", "") != "crosshair"
        for panel in self._panels():
            if moved:
                panel.follow()
            else:
                panel.point()

    # Building

    def _build(self) -> None:
        """Make the panels that the work asks for; keep those that are there."""
        work = self._session.work
        plan = (
            [(row.key, bool(row.operations)) for row in work.rows],
            [(column.key, column.style) for column in work.columns],
        )
        if plan != self._plan:
            self._plan = plan
            self._drop_panels(work)
            self._make_panels(work)
            self._fit()
        for row in work.rows:
            self._show_input(row)
        self._show_headers()
        self._show_maps()

    def _drop_panels(self, work: Work) -> None:
        rows = {row.key for row in work.rows}
        styles = {column.key: column.style for column in work.columns}
        gone: list[QWidget] = []
        for key in [k for k in self.inputs if k not in rows]:
            gone += [self.inputs.pop(key), self._rows.pop(key)]
        for key2 in [
            k
            for k, panel in self.maps.items()
            if k[0] not in rows or styles.get(k[1]) != panel.style_shown
        ]:
            gone.append(self.maps.pop(key2))
        for key in [k for k in self._columns if k not in styles]:
            gone.append(self._columns.pop(key))
        for widget in gone:
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()

    def _make_panels(self, work: Work) -> None:
        while self._grid.count():
            self._grid.takeAt(0)
        top = Qt.AlignmentFlag.AlignTop
        if self._input_header is None:
            self._input_header = ColumnHeader(self._theme, removable=False)
            self._input_header.show_text(self.tr("Input"), "")
            self._input_header.clicked.connect(lambda: None)
        self._grid.addWidget(self._input_header, 0, 0)
        for at, column in enumerate(work.columns, 1):
            if column.key not in self._columns:
                self._columns[column.key] = self._make_column_header(column)
            self._grid.addWidget(self._columns[column.key], 0, at)
        for place, row in enumerate(work.rows):
            if row.key not in self.inputs:
                self._make_row(row)
            header = self._rows[row.key]
            self._grid.addWidget(header, 1 + 2 * place, 0, 1, len(work.columns) + 1)
            header.setVisible(len(work.rows) > 1)
            self._grid.addWidget(self.inputs[row.key], 2 + 2 * place, 0, top)
            for at, column in enumerate(work.columns, 1):
                key = row.key, column.key
                if key not in self.maps:
                    self.maps[key] = self._make_map(row, column)
                self._grid.addWidget(self.maps[key], 2 + 2 * place, at, top)
        for panel in self._panels():
            panel.show()
        # Whatever room is left lies to the right and below.
        for column_at in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column_at, 0)
        for row_at in range(self._grid.rowCount()):
            self._grid.setRowStretch(row_at, 0)
        self._grid.setColumnStretch(len(work.columns) + 1, 1)
        self._grid.setRowStretch(2 * len(work.rows) + 1, 1)

    def _make_column_header(self, column: Column) -> ColumnHeader:
        header = ColumnHeader(self._theme)
        key = column.key
        header.clicked.connect(lambda: self._session.select(self._session.selection[0], key))
        header.removed.connect(lambda: self._session.remove_column(key))
        return header

    def _make_row(self, row: Row) -> None:
        key = row.key
        panel = InputPanel(self.state)
        panel.clicked.connect(lambda: self._session.select(key, self._session.selection[1]))
        panel.views[0].framed.connect(lambda frame: self.framed.emit(key, frame))
        panel.views[0].set_framing(self._framing)
        header = RowHeader(self._theme, removable=bool(row.operations))
        header.clicked.connect(lambda: self._session.select(key, self._session.selection[1]))
        header.removed.connect(lambda: self._session.remove_row(key))
        self.inputs[key], self._rows[key] = panel, header

    def _make_map(self, row: Row, column: Column) -> MapPanel:
        panel = MapPanel(self.state, column.style)
        key = row.key, column.key
        panel.clicked.connect(lambda: self._session.select(*key))
        return panel

    def _fit(self) -> None:
        work = self._session.work
        units = 1 + sum(2 if column.style == "both" else 1 for column in work.columns)
        within = sum(column.style == "both" for column in work.columns)
        margins = self._grid.contentsMargins()
        size = self.viewport().size()
        width = size.width() - margins.left() - margins.right()
        width -= _SPACE * len(work.columns) + GAP * within
        headers = self._input_header.sizeHint().height() if self._input_header else 0
        height = size.height() - margins.top() - margins.bottom() - headers - 8
        beside = Panel.height_beside_views() + 12
        if len(work.rows) > 1:
            beside += next(iter(self._rows.values())).sizeHint().height() + 6
        side = min(width // units, height // len(work.rows) - beside)
        side = min(max(side, _SMALLEST), _LARGEST)
        for panel in self._panels():
            panel.set_side(side)
        for column in work.columns:
            if column.key in self._columns:
                units_here = 2 if column.style == "both" else 1
                self._columns[column.key].setFixedWidth(side * units_here + GAP * (units_here - 1))
        if self._input_header is not None:
            self._input_header.setFixedWidth(side)

    # Showing

    def _panels(self) -> list[Panel]:
        return [*self.inputs.values(), *self.maps.values()]

    def _show_input(self, row: Row) -> None:
        picture = self._session.work.picture
        name = picture.name if picture and not row.operations else ""
        self.inputs[row.key].show_look(self._session.looks.get(row.key), name)

    def _show_headers(self) -> None:
        from pda_studio.gui.models.fitting import kind_of

        session = self._session
        selected = session.selected_column
        if self._input_header is not None and session.classifier is not None:
            side = session.classifier.input_size
            self._input_header.show_text(self.tr("Input"), self.tr("{0} × {0} pixels").format(side))
        for column in session.work.columns:
            header = self._columns[column.key]
            header.close_button.setVisible(len(session.work.columns) > 1)
            if column.parameters:
                kind = kind_of(column.method)
                header.show_text(kind.title, summarised(column), f"{kind.summary}\n{kind.citation}")
            header.set_selected(column == selected and len(session.work.columns) > 1)
        for row in session.work.rows:
            self._rows[row.key].show_text(described(row.operations), row == session.selected_row)

    def _show_maps(self, *_: object) -> None:
        for key in self.maps:
            self._show_map(key)

    def _show_map(self, key: Key) -> None:
        if key in self.maps:
            cell = self._session.cell(*key)
            unit = cell.shown.unit if cell.shown else ""
            self.maps[key].show_cell(cell, self._display, self._limit(key, unit))
            rows = self._session.work.rows
            previewed = any(self._session.cell(row.key, key[1]).previewed for row in rows)
            self._columns[key[1]].set_preview(previewed)

    def _limit(self, key: Key, unit: str) -> float:
        if self._display.scale == "fixed" and unit in self._display.limits:
            return self._display.limits[unit]
        evidence = self._session.cell(*key).shown
        if self._display.scale == "map" or evidence is None:
            return evidence.limit if evidence else 1.0
        maps = [cell.shown for cell in self._session.cells.values()]
        return max(one.limit for one in maps if one is not None and one.unit == unit)


def summarised(column: Column) -> str:
    """A column's most important numbers in one line."""
    parameters, parts = column.parameters, []
    if "window" in parameters:
        from pda_studio.gui.models.fitting import kind_of, unheeded_by

        unheeded = unheeded_by(kind_of(column.method), parameters)
        for name, sign in _SIGNS.items():
            if name in parameters and name not in unheeded:
                parts.append(f"{sign} {parameters[name]}")
    return " · ".join(parts)
