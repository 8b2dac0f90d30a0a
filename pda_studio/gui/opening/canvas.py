"""A small canvas to draw a digit on, as MNIST's digits are drawn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from pda_studio.gui.window.style_names import named

SIDE = 28
BOX = 20  # a digit's longer side in MNIST
PEN = 2.5  # the pen's width in MNIST's pixels
_FINE = 8  # the drawing is that many times finer before it becomes pixels
_SHOWN = 308  # logical pixels on the screen


class Canvas(QWidget):
    """White ink on black; every stroke is a smooth line."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(self.sizeHint())
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(self.tr("Canvas: draw a digit with the mouse or a pen"))
        self._strokes: list[list[QPointF]] = []
        self._drawing = False

    @property
    def empty(self) -> bool:
        """Whether nothing is drawn."""
        return not self._strokes

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The drawing as MNIST has it, (28, 28, 3) uint8: grey where the ink covers a part."""
        image = QImage(SIDE * _FINE, SIDE * _FINE, QImage.Format.Format_Grayscale8)
        image.fill(0)
        painter = QPainter(image)
        painter.scale(_FINE, _FINE)
        self._draw(painter, QColor(255, 255, 255))
        painter.end()
        # Its lines are as long as they are wide: a multiple of four bytes.
        fine = np.frombuffer(image.constBits(), np.uint8).reshape(SIDE, _FINE, SIDE, _FINE)
        grey = np.rint(fine.mean(axis=(1, 3))).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)

    def clear(self) -> None:
        """Take all ink away."""
        self._strokes.clear()
        self._emit_changed()

    def take_back(self) -> None:
        """Take the last stroke away."""
        if self._strokes:
            self._strokes.pop()
            self._emit_changed()

    def sizeHint(self) -> QSize:
        """Whole screen pixels for every pixel of the image."""
        return QSize(_SHOWN, _SHOWN)

    # Drawing

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the pen down."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drawing = True
            self._strokes.append([self._to_image(event.position())])
            self._emit_changed()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw."""
        point = self._to_image(event.position())
        if self._drawing and (point - self._strokes[-1][-1]).manhattanLength() > 0.25:
            self._strokes[-1].append(point)
            self._emit_changed()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Lift the pen."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.mouseMoveEvent(event)
            self._drawing = False

    def _to_image(self, position: QPointF) -> QPointF:
        return position * (SIDE / self.width())

    def _emit_changed(self) -> None:
        self.update()
        self.changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the ink, and how large MNIST's digits are."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0))
        scale = self.width() / SIDE
        painter.scale(scale, scale)
        inset = (SIDE - BOX) / 2
        frame = QPen(QColor(255, 255, 255, 60), 1 / scale, Qt.PenStyle.DashLine)
        painter.setPen(frame)
        painter.drawRect(QRectF(inset, inset, BOX, BOX))
        self._draw(painter, QColor(255, 255, 255))

    def _draw(self, painter: QPainter, ink: QColor) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(ink, PEN)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for stroke in self._strokes:
            painter.drawPath(_smooth(stroke))


def _smooth(points: list[QPointF]) -> QPainterPath:
    """A curve through the middles between points, which bends where the points are."""
    path = QPainterPath(points[0])
    if len(points) == 1:
        path.lineTo(points[0] + QPointF(0.01, 0))  # a dot
        return path
    for point, following in pairwise(points[1:]):
        path.quadTo(point, (point + following) / 2)
    path.lineTo(points[-1])
    return path


class CanvasWindow(QDialog):
    """The canvas with its buttons, beside the main window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Draw a digit"))
        self.canvas = Canvas()
        hint = named(QLabel(self.tr("The map follows the pen. Digits fill the frame.")), "muted")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.back_button = QPushButton(self.tr("Take back"))
        self.back_button.setToolTip(self.tr("Take the last stroke away"))
        self.back_button.clicked.connect(self.canvas.take_back)
        self.clear_button = QPushButton(self.tr("Clear"))
        self.clear_button.setToolTip(self.tr("Take all ink away"))
        self.clear_button.clicked.connect(self.canvas.clear)
        for button in (self.back_button, self.clear_button):
            button.setAutoDefault(False)
        self.canvas.changed.connect(self._show_buttons)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.back_button, 1)
        buttons.addWidget(self.clear_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(10)
        layout.addWidget(self.canvas, 0, Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(hint)
        layout.addLayout(buttons)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)
        self._show_buttons()

    def _show_buttons(self) -> None:
        for button in (self.back_button, self.clear_button):
            button.setEnabled(not self.canvas.empty)
