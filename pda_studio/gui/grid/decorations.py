"""What is drawn over an image on its panel: crosshair, crop frame, progress, state, focus."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPen

_CHIP_FONT = 11  # pixels


def draw_veil(painter: QPainter, area: QRect, palette: QPalette) -> None:
    """Dim an image that is out of date."""
    veil = QColor(palette.color(QPalette.ColorRole.Dark))
    veil.setAlphaF(0.55)
    painter.fillRect(area, veil)


def draw_focus(painter: QPainter, area: QRect, palette: QPalette) -> None:
    """Draw the border of the panel that has the keyboard focus."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    border = QRectF(area)
    for colour, width, inset in (
        (palette.color(QPalette.ColorRole.Highlight), 2, 1.0),
        (QColor(255, 255, 255, 170), 1, 2.5),
    ):
        painter.setPen(QPen(colour, width))
        painter.drawRect(border.adjusted(inset, inset, -inset, -inset))


def draw_crosshair(painter: QPainter, area: QRect, corner: QPointF, scale: float) -> None:
    """Draw lines to a pixel.

    Parameters
    ----------
    painter, area
        Where to draw.
    corner : QPointF
        The pixel's upper left corner on the screen.
    scale : float
        Its side on the screen.
    """
    centre = corner + QPointF(scale / 2, scale / 2)
    gap = max(scale / 2 + 2, 5)
    for colour, width in ((QColor(255, 255, 255, 100), 3), (QColor(20, 20, 20, 210), 1)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(0, centre.y()), QPointF(centre.x() - gap, centre.y()))
        painter.drawLine(QPointF(centre.x() + gap, centre.y()), QPointF(area.width(), centre.y()))
        painter.drawLine(QPointF(centre.x(), 0), QPointF(centre.x(), centre.y() - gap))
        painter.drawLine(QPointF(centre.x(), centre.y() + gap), QPointF(centre.x(), area.height()))
        if scale >= 4:
            painter.drawRect(QRectF(corner, QPointF(corner.x() + scale, corner.y() + scale)))


def draw_preview_border(painter: QPainter, area: QRect) -> None:
    """Draw a dashed border: what is in it is not final yet."""
    border = QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, style in (
        (QColor(255, 255, 255, 160), Qt.PenStyle.SolidLine),
        (QColor(25, 26, 29, 190), Qt.PenStyle.DashLine),
    ):
        painter.setPen(QPen(colour, 1, style))
        painter.drawRect(border)


def draw_frame(painter: QPainter, area: QRect, shown: QRectF) -> None:
    """Draw the frame that a drag makes; darken what lies outside of it."""
    outside = QColor(0, 0, 0, 120)
    whole = QRectF(area)
    for part in (
        QRectF(whole.topLeft(), QPointF(whole.right(), shown.top())),
        QRectF(QPointF(whole.left(), shown.bottom()), whole.bottomRight()),
        QRectF(QPointF(whole.left(), shown.top()), shown.bottomLeft()),
        QRectF(shown.topRight(), QPointF(whole.right(), shown.bottom())),
    ):
        painter.fillRect(part, outside)
    painter.setPen(QPen(QColor(255, 255, 255), 1.5))
    painter.drawRect(shown)


def draw_progress(painter: QPainter, area: QRect, progress: float, palette: QPalette) -> None:
    """Draw a line along the lower edge, as long as the part that is done."""
    line = QRectF(0, area.height() - 3, area.width(), 3)
    painter.fillRect(line, QColor(0, 0, 0, 60))
    line.setWidth(area.width() * progress)
    painter.fillRect(line, palette.color(QPalette.ColorRole.Highlight))


def draw_chip(painter: QPainter, area: QRect, text: str, font: QFont) -> None:
    """Write a word into the upper left corner."""
    font = QFont(font)
    font.setPixelSize(_CHIP_FONT)
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    text = painter.fontMetrics().elidedText(
        text, Qt.TextElideMode.ElideRight, max(area.width() - 28, 10)
    )
    width = painter.fontMetrics().horizontalAdvance(text) + 14
    chip = QRect(7, 7, width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(25, 26, 29, 205))
    painter.drawRoundedRect(chip, 10, 10)
    painter.setPen(QColor(255, 255, 255))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)
