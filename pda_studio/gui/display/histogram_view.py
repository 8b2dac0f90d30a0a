"""The histogram of the selected map, with the scale's ends and the threshold to be dragged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from pda_studio.gui.display.grips import GripWidget
from pda_studio.gui.display.histogram import Histogram, counted
from pda_studio.gui.grid.colour_bar import line_of
from pda_studio.gui.window import numbers as words
from pda_studio.rendering import Appearance, colour_scale, floor, scale_start

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap

Handle = Literal["end", "floor"]

_BINS = 121
_TOP, _STRIP = 9, 7  # room for the upper grips; height of the colours
_GRIP = 5
_NEAR = 7
_BEYOND = 1.1  # the axis reaches this far beyond the largest evidence and the scale
_BELOW = 0.04  # as part of that, the room left of 0 where there is nothing below
_FARTHEST, _NEAREST = 4.0, 0.005  # to where an end can be dragged, in parts of the axis
_KEY = 1.05  # how much further one key goes
_FIRST = 0.02  # where a threshold that was nothing begins, in parts of the scale


class HistogramView(GripWidget[Handle]):
    """Bars over the colours of the scale; both sides of zero move together."""

    end_moved = Signal(float)
    """The scale shall end here, in the map's unit."""
    floor_moved = Signal(float)
    """Weaker evidence shall not be drawn, in the map's unit."""
    reset = Signal()
    """The map shall have its own scale again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._map: EvidenceMap | None = None
        self._end, self._start = 1.0, -1.0
        self._floor: float | None = 0.0
        self._reach = 1.0
        self._shown_sign = "both"
        self._histogram: Histogram | None = None
        self._counted: object = None
        self._colours = QImage()
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleName(self.tr("Histogram of the selected map"))
        self.setToolTip(
            self.tr(
                "How many pixels have which evidence, counted logarithmically.\n"
                "Drag a lower grip (or press ← →) to move the ends of the scale,\n"
                "an upper one (Shift+← →) to move the threshold.\n"
                "Double-click: each map has its own scale again."
            )
        )

    def sizeHint(self) -> QSize:
        """As wide as there is room; low, as it stands among sliders."""
        return QSize(240, 78)

    @property
    def floor(self) -> float | None:
        """Weaker evidence is not drawn; None where that differs from pixel to pixel."""
        return self._floor

    @property
    def bars(self) -> Histogram | None:
        """What is counted; None while there is no map."""
        return self._histogram

    @property
    def handles(self) -> dict[Handle, tuple[float, ...]]:
        """Where on the widget, in pixels from the left, the grips stand."""
        if self._map is None:
            return {}
        sides = (-1, 1) if self._start else (1,)
        ends = tuple(self._x(side * self._end) for side in sides)
        if self._floor is None:
            return {"end": ends}
        return {"end": ends, "floor": tuple(self._x(side * self._floor) for side in sides)}

    def show_map(
        self, evidence_map: EvidenceMap | None, appearance: Appearance, limit: float
    ) -> None:
        """Show a map's evidence, the scale's end and the threshold; or nothing."""
        self._map = evidence_map
        self.setEnabled(evidence_map is not None)
        if evidence_map is not None:
            self._end, self._shown_sign = limit, appearance.sign
            self._start = scale_start(evidence_map, appearance, limit)
            self._floor = floor(evidence_map, appearance, limit)
            self._colours = line_of(colour_scale(evidence_map, appearance, limit))
            if self._held is None:  # while a grip is dragged the axis stands still
                self._reach = _BEYOND * max(evidence_map.limit, limit)
            self._count(evidence_map)
            self._describe(evidence_map)
        self.update()

    def _count(self, evidence_map: EvidenceMap) -> None:
        wanted = evidence_map, self._low, self._reach
        if wanted != self._counted:
            self._counted = wanted
            self._histogram = counted(*wanted, _BINS)

    def _describe(self, evidence_map: EvidenceMap) -> None:
        end = words.signed(self._end, self._end, "")
        text = self.tr("Scale to {0} {1}").format(end, evidence_map.unit)
        if self._floor:
            weakest = words.signed(self._floor, self._end, "")
            text = self.tr("{0}, threshold {1}").format(text, weakest)
        self.setAccessibleDescription(text)

    # Between evidence and pixels

    @property
    def _low(self) -> float:
        """Where the axis begins: without a sign, so little below 0 that a grip stands there."""
        return -self._reach if self._start else -_BELOW * self._reach

    def _x(self, value: float) -> float:
        low = self._low
        return (value - low) / (self._reach - low) * self.width()

    def _value(self, x: float) -> float:
        """The absolute evidence at a place."""
        low = self._low
        return abs(low + x / self.width() * (self._reach - low))

    # What the user does

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go back to the map's own scale."""
        self._held = None
        if self._map is not None:
            self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the ends, or with Shift the threshold, by small steps."""
        step = {Qt.Key.Key_Left: 1 / _KEY, Qt.Key.Key_Right: _KEY}.get(Qt.Key(event.key()))
        if step is None or self._map is None:
            super().keyPressEvent(event)
        elif not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._move("end", self._end * step)
        elif self._floor is not None:
            first = _FIRST * self._end
            weakest = max(self._floor, first) * step
            self._move("floor", weakest if weakest >= first else 0.0)

    def _grip_at(self, position: QPointF) -> Handle | None:
        near: dict[Handle, float] = {
            handle: min(abs(position.x() - x) for x in places)
            for handle, places in self.handles.items()
        }
        near = {handle: distance for handle, distance in near.items() if distance <= _NEAR}
        if len(near) == 2:  # one over the other: each has its own half
            return "floor" if position.y() < self.height() / 2 else "end"
        return next(iter(near), None)

    def _move(self, handle: Handle, value: float) -> None:
        if handle == "end":
            value = min(max(value, _NEAREST * self._reach), _FARTHEST * self._reach)
            self.end_moved.emit(float(f"{value:.3g}"))
        else:
            self.floor_moved.emit(float(f"{min(value, self._reach):.3g}"))

    def _on_released(self) -> None:
        if self._map is not None:
            self._reach = _BEYOND * max(self._map.limit, self._end)
            self._count(self._map)
        self.update()

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars, colours and grips."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = QPalette.ColorRole
        area = QRectF(0, _TOP, self.width(), self.height() - _TOP - _STRIP - _GRIP)
        painter.fillRect(area, self.palette().color(role.Base))
        if self._map is not None and self._histogram is not None:
            self._draw_bars(painter, area, self._histogram)
            strip = QRectF(area.left(), area.bottom(), area.width(), _STRIP)
            self._draw_colours(painter, strip)
            whole = area.united(strip)
            painter.setClipRect(self.rect())
            self._draw_grips(painter, whole)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        focused = self.hasFocus()
        painter.setPen(QPen(self.palette().color(role.Highlight if focused else role.Mid), 1))
        painter.drawRect(area.adjusted(0.5, 0.5, -0.5, _STRIP - 0.5))

    def _draw_bars(self, painter: QPainter, area: QRectF, histogram: Histogram) -> None:
        heights = histogram.heights
        edges = np.linspace(histogram.low, histogram.high, len(heights) + 1)
        centres = (edges[:-1] + edges[1:]) / 2
        shown = np.abs(centres) >= (self._floor or 0.0)
        if self._shown_sign != "both":
            shown &= centres > 0 if self._shown_sign == "for" else centres < 0
        strong = QColor(self.palette().color(QPalette.ColorRole.PlaceholderText))
        weak = QColor(strong)
        weak.setAlphaF(0.3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        left = np.rint(area.left() + np.linspace(0, area.width(), len(heights) + 1))
        for at in np.flatnonzero(heights):
            height = max(heights[at] * (area.height() - 3), 1.0)
            bar = QRectF(left[at], area.bottom() - height, left[at + 1] - left[at], height)
            painter.fillRect(bar, strong if shown[at] else weak)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _draw_colours(self, painter: QPainter, strip: QRectF) -> None:
        """Draw the scale where it lies; beyond its ends the colours stay as they are there."""
        painter.save()
        painter.setClipRect(strip)
        first, last = self._x(self._start), self._x(self._end)
        for x, start, width in ((0, strip.left(), first), (self._colours.width() - 1, last, 0.0)):
            beyond = QRectF(start, strip.top(), (width or strip.right()) - start, strip.height())
            painter.fillRect(beyond, self._colours.pixelColor(x, 0))
        painter.drawImage(QRectF(first, strip.top(), last - first, strip.height()), self._colours)
        painter.restore()

    def _draw_grips(self, painter: QPainter, area: QRectF) -> None:
        text = self.palette().color(QPalette.ColorRole.Text)
        for handle, places in self.handles.items():
            lively = handle in (self._held, self._near)
            colour = self.palette().color(QPalette.ColorRole.Highlight) if lively else text
            style = Qt.PenStyle.DotLine if handle == "floor" else Qt.PenStyle.SolidLine
            for x in places:
                painter.setPen(QPen(colour, 1, style))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
                painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Window), 1))
                painter.setBrush(colour)
                tip, base = (
                    (area.top() + 1, area.top() - _GRIP - 2)
                    if handle == "floor"
                    else (area.bottom() - 2, area.bottom() + _GRIP)
                )
                painter.drawPolygon(
                    QPolygonF([QPointF(x, tip), QPointF(x - 5, base), QPointF(x + 5, base)])
                )
