"""The grid: follows the session, shows its inputs, maps and headers, and scrolls."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from pda_studio.document.workspace import Row
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.grid import geometry
from pda_studio.gui.grid.agreement import Comparisons
from pda_studio.gui.grid.colour_limits import layer_limit_of, limit_of
from pda_studio.gui.grid.header_texts import show_headers
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.grid.panel import Panel
from pda_studio.gui.grid.panel_table import SPACE, PanelTable
from pda_studio.gui.grid.pointing import Pointing
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.session.session import Key, Session
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper

_NAME = 40  # pixels: the row's name over a panel comes into sight with it


class GridView(QScrollArea):
    """Shows the session's panels and keeps their views in step."""

    framed = Signal(int, QRectF)
    """A row's key, and a frame that was drawn on its whole image, in pixels of that."""
    crop_moved = Signal(int, object)
    """A row's key, and the `CropBox` that was moved or resized on its whole image."""
    column_menu_wanted = Signal(int, QPoint)
    row_menu_wanted = Signal(int, QPoint)
    finer_wanted = Signal()

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
        self._session, self._display, self.state = session, display, viewport
        self.setWidgetResizable(True)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its panels take it
        self.table = PanelTable(session, viewport, theme, self._attach)
        self.table.column_menu_wanted.connect(self.column_menu_wanted)
        self.table.row_menu_wanted.connect(self.row_menu_wanted)
        self.table.finer_wanted.connect(self.finer_wanted)
        self.setWidget(self.table)
        self._strip = named(QWidget(self), "grid")  # the headings' place: they scroll sideways only
        self.table.headings.setParent(self._strip)
        self.inputs, self.maps = self.table.inputs, self.table.maps
        self._comparisons = Comparisons(session)
        self._framing = False
        self._cropping = False
        self._cutting = False
        self.pointing = Pointing(session, self._views_with_keys, self)
        events = session.events
        follow(self, events.image, self._on_image)
        for signal in (events.classifier, events.rows, session.loaded):
            follow(self, signal, self._build)
        for signal in (events.columns, events.target):
            follow(self, signal, self._on_request)
        follow(self, session.panel_changed, self._on_panel)
        follow(self, session.predictions_changed, self._on_predictions)
        follow(self, session.selection_changed, self._on_selection)
        follow(self, display.events, self._show_maps)
        follow(self, viewport.events, self._on_viewport)
        self._build()

    @property
    def views(self) -> list[ImageView]:
        """Every view on the grid."""
        return [view for panel in self.table.panels for view in panel.views]

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
        self.pointing.refresh()
        for row in self._session.work.rows:
            self.inputs[row.key].views[0].set_framing(framing)
            self._show_input(row)

    def set_cropping(self, cropping: bool) -> None:
        """Let the crop of the model input be moved, resized or drawn anew on the inputs."""
        self._cropping = cropping
        self.set_framing(cropping)
        selected = self.inputs.get(self._session.selection[0])
        if cropping and selected is not None:
            selected.views[0].setFocus(Qt.FocusReason.OtherFocusReason)  # for the arrow keys

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
        self._place_headings()
        self._fit()
        self._note_visible()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Tell what is in sight now."""
        super().scrollContentsBy(dx, dy)
        self._place_headings()
        self._note_visible()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave arrows to whoever moves among the panels: what is reached scrolls into sight."""
        event.ignore()

    # Following the session

    def _on_image(self, *_: object) -> None:
        self.state.fit()
        self._build()

    def _on_request(self, *_: object) -> None:
        """Name other parameters or another target; the maps follow as they are computed."""
        if not self._build_table():
            self._show_headers()

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
            self.ensureWidgetVisible(panel, SPACE, _NAME)

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
        for panel in self.table.panels:
            if changed != "crosshair":
                panel.follow()
            else:
                panel.point()

    # Building

    def _build(self, *_: object) -> None:
        """Make the panels that the work asks for, and show everything."""
        if not self._build_table():
            self._show_all()

    def _build_table(self) -> bool:
        """Make the panels that are missing; if anything has changed, show everything."""
        work, earlier = self._session.work, set(self.inputs)
        if not self.table.build(work):
            return False
        self._fit()
        self._show_all()
        new = [row.key for row in work.rows if row.key not in earlier]
        if len(new) == 1 and len(work.rows) > 1:  # added just now, not opened with the others
            self._bring(self.maps[new[0], self._selected])  # with all that stands under it
        return True

    def _show_all(self) -> None:
        session, work = self._session, self._session.work
        for row in work.rows:
            self._show_input(row)
            upright = row.upright if row.turned_back else row
            for column in work.columns:
                panel = self.maps[row.key, column.key]
                panel.place(geometry.between(session, upright, column))
        self._show_headers()
        self._show_maps()
        self.pointing.refresh()
        for row in work.rows if self._framing else ():
            self._show_input(row)  # with its own outline

    def _attach(self, panel: Panel, row: int, column: int | None) -> None:
        """Connect the views of a new panel; an input belongs to the selected column."""

        def key() -> Key:
            return row, self._selected if column is None else column

        framing = self._cutting or (column is None and self._framing)
        for view in panel.views:
            view.set_framing(framing)
            view.framed.connect(lambda frame, v=view: self._on_framed(key(), v, frame))
            view.crop_moved.connect(lambda box: self.crop_moved.emit(row, box))
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
        self.table.fit(self.viewport().size())
        self._place_headings()

    def _place_headings(self) -> None:
        """Put the headings over their columns, wherever these are scrolled to."""
        headings, seen = self.table.headings, self.viewport().geometry()
        height = headings.sizeHint().height()
        self.setViewportMargins(0, height, 0, 0)
        self._strip.setGeometry(seen.left(), 0, seen.width(), height)
        wide = max(headings.sizeHint().width(), seen.width())
        headings.setGeometry(-self.horizontalScrollBar().value(), 0, wide, height)

    # Showing

    def _show_input(self, row: Row) -> None:
        image = self._session.work.image_of(row)
        name = image.name if image and not row.operations else ""
        panel = self.inputs[row.key]
        whole = geometry.whole_image(self._session, row) if self._framing else None
        if whole is not None:
            handles = geometry.crop_handles(self._session, row) if self._cropping else None
            panel.show_whole(*whole, handles)
            return
        panel.place(geometry.between(self._session, row))
        panel.show_look(
            self._session.prediction(row.key),
            name,
            image.notes if image and not row.operations else (),
            fitted=geometry.fitted_in_words(self._session, row),
            maps_turned_back=row.turned_back,
        )

    def _show_headers(self, *_: object) -> None:
        show_headers(self._session, self.table)

    def _show_maps(self, *_: object) -> None:
        for key in self.maps:
            self._show_map(key)

    def _show_map(self, key: Key) -> None:
        session, shown_in = self._session, self.maps.get(key)
        row, column = session.work.row(key[0]), session.work.column(key[1])
        if shown_in is None or row is None or column is None:
            return
        panel, appearance = session.panel(*key), self._display.appearance
        if shown_in.choice.needs:
            style = shown_in.choice.styles(appearance)[0]
            limit = layer_limit_of(session, appearance, key, style)
            appearance = style.adapted(appearance)
        else:
            limit = limit_of(session, appearance, key)
        shown_in.show_panel(
            self._comparisons.shown(row, column, panel),
            appearance,
            limit,
            self._comparisons.text(row, column),
        )
        others = [one.key for one in session.work.rows if one.key != key[0]]
        previewed = panel.previewed or any(session.panel(one, key[1]).previewed for one in others)
        self.table.column_headers[key[1]].set_preview(previewed)

    def limit(self, key: Key) -> float:
        """Where a panel's colour scale ends; 1 where there is no map."""
        return limit_of(self._session, self._display.appearance, key)
