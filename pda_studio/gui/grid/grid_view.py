"""The grid: the image and its variants as rows, methods as columns, all views of one size."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from pda_studio.document.workspace import Column, Row, Workspace
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.grid import geometry
from pda_studio.gui.grid.agreement import Comparisons
from pda_studio.gui.grid.colour_limits import layer_limit_of, limit_of
from pda_studio.gui.grid.header_texts import show_headers
from pda_studio.gui.grid.headers import ColumnHeader, RowHeader
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.grid.panel import GAP, InputPanel, MapPanel, Panel
from pda_studio.gui.grid.pointing import Pointing
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.session.session import Key, Session
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper
from pda_studio.rendering import panel_styles

_SPACE = 16
_SMALLEST = 150
_LARGEST = 900


class GridView(QScrollArea):
    """Shows the session's panels and keeps their views in step."""

    framed = Signal(int, QRectF)
    """A row's key, and a frame that was drawn on its input."""
    column_menu_wanted = Signal(int, QPoint)
    row_menu_wanted = Signal(int, QPoint)

    def __init__(
        self,
        session: Session,
        display: Display,
        viewport: Viewport,
        theme: ThemeKeeper,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("grid")
        self._session, self._display, self.state, self._theme = session, display, viewport, theme
        self.setWidgetResizable(True)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its panels take it
        self._content = named(QWidget(), "grid")
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
        self._comparisons = Comparisons(session)
        self._framing = False
        self._cutting = False
        self.pointing = Pointing(session, self._views_with_keys, self)
        events = session.events
        follow(self, events.image, self._on_image)
        for signal in (events.rows, events.columns, events.target, session.loaded):
            follow(self, signal, self._build)
        follow(self, session.panel_changed, self._on_panel)
        follow(self, session.predictions_changed, self._on_predictions)
        follow(self, session.selection_changed, self._on_selection)
        follow(self, display.events, self._show_maps)
        follow(self, viewport.events, self._on_viewport)
        self._build()

    @property
    def views(self) -> list[ImageView]:
        """Every view on the grid."""
        return [view for panel in self._panels() for view in panel.views]

    @property
    def entry(self) -> ImageView | None:
        """The view that Tab leads to: the one with the focus, or else of the selected panel."""
        panel = self.maps.get(self._session.selection)
        focused = next((view for view in self.views if view.hasFocus()), None)
        return focused or (panel.views[0] if panel else None)

    def set_framing(self, framing: bool) -> None:
        """Let a frame be drawn on the inputs; that of the selected row comes into sight."""
        self._framing = framing
        selected = self.inputs.get(self._session.selection[0])
        if framing and selected is not None:
            self._bring(selected)
        for panel in self.inputs.values():
            panel.views[0].set_framing(framing)

    def set_cutting(self, cutting: bool) -> None:
        """Let a region be drawn on any panel, to be taken out."""
        self._cutting = cutting
        for view in self.views:
            view.set_framing(cutting)

    def _views_with_keys(self) -> list[tuple[Key, ImageView]]:
        inputs = [((row, self._selected), panel) for row, panel in self.inputs.items()]
        panels = [*inputs, *self.maps.items()]
        return [(key, view) for key, panel in panels for view in panel.views]

    @property
    def _selected(self) -> int:
        column = self._session.selected_column
        return column.key if column else 0

    def _on_framed(self, key: Key, view: ImageView, frame: QRectF) -> None:
        if self._cutting:
            self.pointing.frame(key, view, frame)
        else:
            self.framed.emit(key[0], frame)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give all views the largest size at which the grid fits."""
        super().resizeEvent(event)
        self._fit()
        self._note_visible()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Tell what is in sight now."""
        super().scrollContentsBy(dx, dy)
        self._note_visible()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave arrows to whoever moves among the panels: what is reached scrolls into sight."""
        event.ignore()

    # Following the session

    def _on_image(self, *_: object) -> None:
        self.state.fit()
        self._build()

    def _on_predictions(self) -> None:
        for row in self._session.work.rows:
            self._show_input(row)
        self._show_headers()

    def _on_selection(self) -> None:
        self._show_headers()
        panel = self.maps.get(self._session.selection)
        if panel is not None:
            self._bring(panel)

    def _bring(self, panel: Panel) -> None:
        """Scroll a panel into sight, once the layout has its place."""

        def bring() -> None:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            self.ensureWidgetVisible(panel, _SPACE, _SPACE)

        QTimer.singleShot(0, panel, bring)

    def _on_panel(self, row: int, column: int) -> None:
        first = self._session.work.rows[0].key
        if self._display.appearance.scale == "all":
            self._show_maps()
        elif row == first:  # with which the variants are compared
            for one in self._session.work.rows:
                self._show_map((one.key, column))
        else:
            self._show_map((row, column))

    def _on_viewport(self, *_: object) -> None:
        info = _[0] if _ else None
        changed = getattr(getattr(info, "signal", None), "name", "")
        if changed == "plain":
            self._show_maps()
            return
        for panel in self._panels():
            if changed != "crosshair":
                panel.follow()
            else:
                panel.point()

    # Building

    def _build(self, *_: object) -> None:
        """Make the panels that the work asks for; keep those that are there."""
        work = self._session.work
        plan = (
            [row.key for row in work.rows],
            [(column.key, column.style) for column in work.columns],
        )
        new = [row.key for row in work.rows if row.key not in self.inputs]
        if plan != self._plan:
            self._plan = plan
            self._drop_panels(work)
            self._make_panels(work)
            self._fit()
        for row in work.rows:
            self._show_input(row)
        self._show_headers()
        self._show_maps()
        self.pointing.refresh()
        if len(new) == 1 and len(work.rows) > 1:  # added just now, not opened with the others
            self._bring(self.maps[new[0], self._selected])  # with all that stands under it

    def _drop_panels(self, work: Workspace) -> None:
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

    def _make_panels(self, work: Workspace) -> None:
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
        header.menu_wanted.connect(lambda place: self.column_menu_wanted.emit(key, place))
        return header

    def _make_row(self, row: Row) -> None:
        key = row.key
        panel = InputPanel(self.state)
        panel.clicked.connect(lambda: self._session.select(key, self._session.selection[1]))
        self._attach(lambda: (key, self._selected), panel)
        panel.views[0].set_framing(self._framing or self._cutting)
        header = RowHeader(self._theme, first=row is self._session.work.rows[0])
        header.clicked.connect(lambda: self._session.select(key, self._session.selection[1]))
        header.removed.connect(lambda: self._session.remove_row(key))
        header.turned_back.connect(lambda back: self._session.turn_back(key, back))
        header.menu_wanted.connect(lambda place: self.row_menu_wanted.emit(key, place))
        self.inputs[key], self._rows[key] = panel, header

    def _make_map(self, row: Row, column: Column) -> MapPanel:
        panel = MapPanel(self.state, column.style)
        key = row.key, column.key
        panel.clicked.connect(lambda: self._session.select(*key))
        self._attach(lambda: key, panel)
        return panel

    def _attach(self, key: Callable[[], Key], panel: Panel) -> None:
        for view in panel.views:
            view.set_framing(self._cutting)
            view.framed.connect(lambda frame, v=view: self._on_framed(key(), v, frame))
            self.pointing.attach(key, view)

    def _note_visible(self) -> None:
        seen = self.viewport().rect()
        self._session.visible = frozenset(
            key
            for key, panel in self.maps.items()
            if panel.isVisible()
            and QRect(panel.mapTo(self.viewport(), QPoint(0, 0)), panel.size()).intersects(seen)
        )

    def _fit(self) -> None:
        work = self._session.work
        shown = {column.key: len(panel_styles()[column.style].parts) for column in work.columns}
        units, within = 1 + sum(shown.values()), sum(shown.values()) - len(shown)
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
                units_here = shown[column.key]
                self._columns[column.key].setFixedWidth(side * units_here + GAP * (units_here - 1))
        if self._input_header is not None:
            self._input_header.setFixedWidth(side)

    # Showing

    def _panels(self) -> list[Panel]:
        return [*self.inputs.values(), *self.maps.values()]

    def _show_input(self, row: Row) -> None:
        image = self._session.work.image_of(row)
        name = image.name if image and not row.operations else ""
        panel = self.inputs[row.key]
        panel.place(geometry.between(self._session, row))
        panel.show_look(self._session.prediction(row.key), name, maps_turned_back=row.turned_back)

    def _show_headers(self) -> None:
        show_headers(self._session, self._input_header, self._columns, self._rows)

    def _show_maps(self, *_: object) -> None:
        for key in self.maps:
            self._show_map(key)

    def _show_map(self, key: Key) -> None:
        if key in self.maps:
            session = self._session
            panel = session.panel(*key)
            row, column = session.work.row(key[0]), session.work.column(key[1])
            if row is None or column is None:
                return
            upright = row.upright if row.turned_back else row
            self.maps[key].place(geometry.between(session, upright, column))
            appearance, limit = self._display.appearance, self.limit(key)
            style = panel_styles()[column.style].styles(appearance)[0]
            if style.needs:
                appearance, limit = (
                    style.adapted(appearance),
                    layer_limit_of(self._session, self._display.appearance, key, style),
                )
            self.maps[key].show_panel(
                self._comparisons.shown(row, column, panel),
                appearance,
                limit,
                self._comparisons.told(row, column),
            )
            rows = self._session.work.rows
            previewed = any(self._session.panel(row.key, key[1]).previewed for row in rows)
            self._columns[key[1]].set_preview(previewed)

    def limit(self, key: Key) -> float:
        """Where a panel's colour scale ends; 1 where there is no map."""
        return limit_of(self._session, self._display.appearance, key)
