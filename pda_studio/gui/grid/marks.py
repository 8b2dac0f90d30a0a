"""Places outlined on an image, and the keys that move the pixel pointed at."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF

_FAR = 10  # pixels
_WAYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


def draw_marks(
    painter: QPainter,
    marks: Sequence[QPolygonF],
    to_screen: Callable[[float, float], QPointF],
) -> None:
    """Outline places, black on white that are seen on every image; the last most clearly."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for at, mark in enumerate(marks, 1):
        last = at == len(marks)
        shown = QPolygonF([to_screen(corner.x(), corner.y()) for corner in mark.toList()])
        for colour, width in (
            (QColor(255, 255, 255, 235 if last else 110), 4.0 if last else 2.5),
            (QColor(20, 20, 20, 255 if last else 140), 1.6 if last else 1.0),
        ):
            painter.setPen(QPen(colour, width))
            painter.drawPolygon(shown)


def crop_steps_of(event: QKeyEvent) -> tuple[int, int] | None:
    """How far an arrow moves a crop: a pixel, with Shift ten; None for any other key."""
    way = _WAYS.get(Qt.Key(event.key()))
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    shift = Qt.KeyboardModifier.ShiftModifier
    if way is None or held not in (shift, Qt.KeyboardModifier.NoModifier):
        return None
    far = _FAR if held == shift else 1
    return way[0] * far, way[1] * far


def steps_of(event: QKeyEvent) -> tuple[int, int] | None:
    """How far Shift and an arrow move: a pixel, with Ctrl ten; None for any other key."""
    way = _WAYS.get(Qt.Key(event.key()))
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    shift = Qt.KeyboardModifier.ShiftModifier
    if way is None or held not in (shift, shift | Qt.KeyboardModifier.ControlModifier):
        return None
    far = 1 if held == shift else _FAR
    return way[0] * far, way[1] * far
