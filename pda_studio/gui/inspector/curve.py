"""A target's probability as windows go, with a marker where one looks."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget

from pda_studio.gui.graphs import pg


class Curve(pg.PlotWidget):  # type: ignore[misc]
    """Draws the curve; a click or a drag of the marker goes to a stage."""

    wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None, enableMenu=False)
        self.setAccessibleName(self.tr("Probability as windows go"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the slider below does the same by keys
        item = self.getPlotItem()
        item.setMouseEnabled(False, False)
        item.hideButtons()
        item.setContentsMargins(0, 4, 8, 0)
        self._line = item.plot([], [])
        self._dot = item.plot([], [], pen=None, symbol="o", symbolSize=9)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        item.addItem(self._marker)
        self.scene().sigMouseClicked.connect(self._on_click)
        self._paint()

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(240, 120)

    def minimumSizeHint(self) -> QSize:
        """Enough for the axes and a line."""
        return QSize(150, 80)

    def show_curve(self, values: Sequence[float], at: int, total: int, *, hidden: bool) -> None:
        """Show what is known by now; `at` is where one looks, of `total` windows.

        Parameters
        ----------
        values : sequence of float
            At 0, 1, 2, … windows removed.
        at, total : int
            Where the marker stands, and the end of the axis.
        hidden : bool
            Whether the values are activations, not probabilities.
        """
        item = self.getPlotItem()
        count = len(values)
        self._line.setData(list(range(count)), list(values))
        here = [min(at, count - 1)] if count else []
        self._dot.setData(here, [values[i] for i in here])
        self._marker.setValue(at)
        item.setXRange(0, max(total, 1), padding=0.02)
        if hidden:
            item.enableAutoRange("y")
        else:
            item.setYRange(0, 1, padding=0.04)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_marker"):
            self._paint()

    def _paint(self) -> None:
        palette = self.palette()
        accent = palette.color(QPalette.ColorRole.Highlight)
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        faint = QColor(palette.color(QPalette.ColorRole.Mid))
        self._line.setPen(pg.mkPen(accent, width=1.6))
        self._dot.setSymbolBrush(accent)
        self._dot.setSymbolPen(pg.mkPen(palette.color(QPalette.ColorRole.Window), width=1.5))
        self._marker.setPen(pg.mkPen(muted, width=1, style=Qt.PenStyle.DashLine))
        font = self.font()
        font.setPixelSize(10)
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(faint))
            axis.setTextPen(pg.mkPen(muted))
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4, tickTextOffset=4)
        self.getPlotItem().getAxis("left").setWidth(30)
        self.getPlotItem().getAxis("bottom").setHeight(18)

    def _on_click(self, event: object) -> None:
        place = self.getPlotItem().vb.mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
        self.wanted.emit(round(place.x()))
