"""How often each value occurs in an image, with black and white to be dragged."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from pda_studio.gui.display.grips import GripWidget
from pda_studio.images import DisplayLimits, Image

Grip = Literal["black", "white", "both"]

_BINS = 128
_MOST_COUNTED = 1_000_000  # values
_STRIP, _ROOM = 7, 7  # height of the greys; room for the grips below
_NEAR = 8
_BEYOND = 0.05  # the axis reaches this part of it beyond the usual values and the limits
_STEP = 0.01  # of the axis, with one key


class ValuesHistogram(GripWidget[Grip]):
    """Bars over a strip from black to white, whose ends are dragged."""

    moved = Signal(float, float)
    """Black and white shall be these values."""
    reset = Signal()
    """The limits shall suit the values again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: Image | None = None
        self._some: NDArray[np.generic] = np.zeros(0)
        self._heights: NDArray[np.float64] = np.zeros(0)
        self._low, self._high = 0.0, 1.0
        self._taken = 0.0, 0.0, 0.0  # the value at which a grip was taken; black and white then
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleName(self.tr("Histogram of the image"))
        self.setToolTip(
            self.tr(
                "How many pixels have which value, counted logarithmically.\n"
                "Drag the grips, or press ← → (with Shift for white), to move black and white;\n"
                "drag between them to move both. Double-click: automatic limits."
            )
        )

    def sizeHint(self) -> QSize:
        """As wide as there is room; low, as it stands among other settings."""
        return QSize(200, 64)

    @property
    def grips(self) -> dict[Grip, float]:
        """Where on the widget, in pixels from the left, the grips stand."""
        if self._image is None:
            return {}
        limits = self._image.limits
        return {"black": self._x(limits.black), "white": self._x(limits.white)}

    def show_image(self, image: Image | None) -> None:
        """Show an image's values and display limits, or nothing."""
        other = image is None or self._image is None or image.values is not self._image.values
        self._image = image
        if image is not None:
            if other:
                values = image.shown_channels.reshape(-1)
                self._some = values[:: max(1, values.size // _MOST_COUNTED)]
            if self._held is None:
                self._fit(image)
            self.setAccessibleDescription(str(image.limits))
        self.update()

    def _fit(self, image: Image) -> None:
        """Let the axis reach from the usual values to the limits."""
        usual, limits = image.automatic_limits, image.limits
        ends = usual.black, usual.white, limits.black, limits.white
        room = _BEYOND * (max(ends) - min(ends))
        self._low, self._high = min(ends) - room, max(ends) + room
        counts, _ = np.histogram(self._some, _BINS, (self._low, self._high))
        heights = np.log1p(counts)
        self._heights = heights / max(heights.max(), 1e-9)

    def _x(self, value: float) -> float:
        return (value - self._low) / (self._high - self._low) * self.width()

    def _value(self, x: float) -> float:
        value = self._low + x / self.width() * (self._high - self._low)
        return min(max(value, self._low), self._high)

    # What the user does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a grip, or between them both."""
        super().mousePressEvent(event)
        if self._image is not None:
            limits = self._image.limits
            self._taken = self._value(event.position().x()), limits.black, limits.white

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go back to limits that suit the values."""
        self._held = None
        if self._image is not None:
            self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move black, or with Shift white, by small steps."""
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if way is None or self._image is None:
            super().keyPressEvent(event)
            return
        step = way * _STEP * (self._high - self._low)
        limits = self._image.limits
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._move("white", limits.white + step)
        else:
            self._move("black", limits.black + step)

    def _grip_at(self, position: QPointF) -> Grip | None:
        x = position.x()
        near = sorted((abs(x - place), grip) for grip, place in self.grips.items())
        if near and near[0][0] <= _NEAR:
            return near[0][1]
        ends = self.grips.values()
        return "both" if near and min(ends) < x < max(ends) else None

    def _move(self, grip: Grip, value: float) -> None:
        assert self._image is not None, "without an image there are no grips"
        black, white = self._image.limits.black, self._image.limits.white
        if grip == "both":
            taken, *ends = self._taken
            black, white = (end + value - taken for end in ends)
        elif grip == "black":
            black = value
        else:
            white = value
        black, white = (float(f"{end:.4g}") for end in (black, white))
        if black != white:
            self.moved.emit(black, white)

    def _on_released(self) -> None:
        self.show_image(self._image)

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars, greys and grips."""
        painter = QPainter(self)
        role = QPalette.ColorRole
        area = QRectF(0, 0, self.width(), self.height() - _STRIP - _ROOM)
        painter.fillRect(area, self.palette().color(role.Base))
        strip = QRectF(area.left(), area.bottom(), area.width(), _STRIP)
        if self._image is not None:
            self._draw_bars(painter, area)
            self._draw_greys(painter, strip, self._image.limits)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_grips(painter, area.united(strip))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.palette().color(role.Highlight if self.hasFocus() else role.Mid)))
        painter.drawRect(area.united(strip).adjusted(0.5, 0.5, -0.5, -0.5))

    def _draw_bars(self, painter: QPainter, area: QRectF) -> None:
        colour = QColor(self.palette().color(QPalette.ColorRole.PlaceholderText))
        left = np.rint(area.left() + np.linspace(0, area.width(), len(self._heights) + 1))
        for at in np.flatnonzero(self._heights):
            height = max(self._heights[at] * (area.height() - 3), 1.0)
            bar = QRectF(left[at], area.bottom() - height, left[at + 1] - left[at], height)
            painter.fillRect(bar, colour)

    def _draw_greys(self, painter: QPainter, strip: QRectF, limits: DisplayLimits) -> None:
        greys = QLinearGradient(self._x(limits.black), 0, self._x(limits.white), 0)
        greys.setColorAt(0, QColor("black"))
        greys.setColorAt(1, QColor("white"))
        painter.fillRect(strip, greys)

    def _draw_grips(self, painter: QPainter, area: QRectF) -> None:
        palette = self.palette()
        for grip, x in self.grips.items():
            lively = not {grip, "both"}.isdisjoint((self._held, self._near))
            role = QPalette.ColorRole.Highlight if lively else QPalette.ColorRole.Text
            edge, middle = palette.color(role), min(max(x, 0.5), self.width() - 0.5)
            painter.setPen(QPen(edge, 1))
            painter.drawLine(QPointF(middle, area.top()), QPointF(middle, area.bottom()))
            painter.setBrush(QColor("black" if grip == "black" else "white"))
            tip, base = area.bottom() - 2, area.bottom() + _ROOM - 1
            corners = QPointF(middle, tip), QPointF(middle - 5, base), QPointF(middle + 5, base)
            painter.drawPolygon(QPolygonF(corners))
