"""The scale of a map in its unit: against on the left, zero, for on the right."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.pixmaps import image_of

_BAR = 8
_UNITS = {"probability": "prob."}


class ColourBar(QWidget):
    """A horizontal bar with its ends, its unit, and the value that is pointed at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit: float | None = None
        self._start = 0.0
        self._unit = ""
        self._colours = QImage()
        self._value: float | None = None
        self._error: float | None = None
        self._roughly = False
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.sizeHint().height())
        font = self.font()
        font.setPixelSize(11)
        self.setFont(font)

    @property
    def ends(self) -> tuple[float, float] | None:
        """The evidence at both ends; None while there is no map."""
        return None if self._limit is None else (self._start, self._limit)

    def sizeHint(self) -> QSize:
        """The bar with one line of text under it."""
        return QSize(160, 30)

    @property
    def text(self) -> str:
        """The value that is pointed at, with its unit and standard error; "" if none is."""
        if self._value is None or self._limit is None:
            return ""
        text = words.evidence(self._value, self._limit)
        if self._roughly:
            text = f"≈ {text}"
        if self._error is not None:
            text += f" ± {words.signed(self._error, self._limit, '', 3)}"
        return f"{text} {self._unit}"

    def show_nothing(self) -> None:
        """There is no map, and no scale."""
        self._limit = None
        self._describe()

    def show_scale(self, start: float, limit: float, unit: str, colours: NDArray[np.uint8]) -> None:
        """Show a scale from start (−limit or 0) to limit, in colours (N, 3) uint8."""
        self._start, self._limit, self._unit = start, limit, unit
        self._colours = line_of(colours)
        self._describe()

    def show_value(
        self, value: float | None, error: float | None = None, roughly: bool = False
    ) -> None:
        """Mark the value that is pointed at, and say whether it is only roughly right."""
        if (value, error, roughly) == (self._value, self._error, self._roughly):
            return
        self._value, self._error, self._roughly = value, error, roughly
        self._describe()

    def _describe(self) -> None:
        self.setAccessibleDescription(self.text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar, ends, and the value."""
        if self._limit is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRect(0, 4, self.width(), _BAR)
        painter.drawImage(bar, self._colours)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.drawRect(bar.adjusted(0, 0, -1, -1))
        text = QRect(0, bar.bottom() + 2, self.width(), self.height() - bar.bottom() - 2)
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(muted)
        end = words.signed(self._limit, self._limit, "")
        left, right = f"−{end}" if self._start else "0", f"+{end}"
        unit = _UNITS.get(self._unit, self._unit)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, left)
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        middle = self.text or (f"0 {unit}" if self._start else unit)
        if self.text:
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        metrics = painter.fontMetrics()
        room = self.width() - 2 * (metrics.horizontalAdvance(right) + 4)
        if metrics.horizontalAdvance(middle) > room:
            painter.fillRect(text, self.palette().color(QPalette.ColorRole.Dark))
        painter.drawText(text, Qt.AlignmentFlag.AlignCenter, middle)
        if self._value is not None:
            self._draw_marker(painter, bar)

    def _draw_marker(self, painter: QPainter, bar: QRect) -> None:
        assert self._value is not None
        assert self._limit is not None
        part = np.clip((self._value - self._start) / (self._limit - self._start), 0, 1)
        x = float(bar.left() + part * (bar.width() - 1))
        marker = QPolygonF([QPointF(x - 4, 0), QPointF(x + 4, 0), QPointF(x, 6)])
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Dark), 1))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Text))
        painter.drawPolygon(marker)


def line_of(colours: NDArray[np.uint8]) -> QImage:
    """Colours (N, 3) as an image of one line."""
    return image_of(colours[None])
