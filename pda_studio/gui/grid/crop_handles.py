"""The crop's frame on an image: moved and resized by its handles, with the input's aspect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen

from pda_studio.gui.grid import decorations
from pda_studio.images.fit import CropBox

Handle = tuple[int, int]
"""Which sides follow the pointer: -1 left or top, 1 right or bottom; (0, 0) is the whole frame."""

MOVE: Handle = (0, 0)
REACH = 8.0  # pixels of the screen: a side is held as far from it as that
_LEAST = 4  # pixels of the image: a smaller crop could not be held any more
_SQUARE = 9.0  # pixels of the screen: a handle as it is drawn
_ALL = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if (x, y) != MOVE)


@dataclass
class CropHandles:
    """A crop that is being chosen, in pixels of the image that shows it.

    Attributes
    ----------
    crop : CropBox
        As it was before it is dragged.
    model_input : (int, int)
        Height and width of the model input, whose aspect the crop keeps.
    image : (int, int)
        Width and height of the image, which the crop never leaves.
    box : CropBox
        As it is now.
    held : bool
        Whether it is being dragged or moved by keys.
    """

    crop: CropBox
    model_input: tuple[int, int]
    image: tuple[int, int]
    box: CropBox = field(init=False, compare=False)
    held: bool = field(default=False, init=False, compare=False)
    _handle: Handle = field(default=MOVE, init=False, compare=False)
    _grip: tuple[float, float] = field(default=(0.0, 0.0), init=False, compare=False)

    def __post_init__(self) -> None:
        self.box = self.crop

    def handle_at(self, x: float, y: float, reach: float) -> Handle | None:
        """What is held at a point: a corner, a side, the whole frame, or nothing.

        Parameters
        ----------
        x, y : float
            The point.
        reach : float
            How far from a side it is still held; within a small frame less.
        """
        left, top, width, height = self.box
        across = _side(x - left, width, reach)
        down = _side(y - top, height, reach)
        return None if across is None or down is None else (across, down)

    def hold(self, x: float, y: float, reach: float) -> bool:
        """Take hold of what lies at a point; whether there is anything."""
        handle = self.handle_at(x, y, reach)
        if handle is not None:
            self._handle, self._grip, self.held = handle, (x, y), True
        return handle is not None

    def drag(self, x: float, y: float) -> None:
        """Let what is held follow the pointer."""
        moved = x - self._grip[0], y - self._grip[1]
        if self._handle == MOVE:
            left, top = self.crop.left + round(moved[0]), self.crop.top + round(moved[1])
            self.box = self.crop._replace(left=left, top=top).within(*self.image)
        else:
            self.box = self._resized(*moved)

    def step(self, across: int, down: int) -> None:
        """Move the frame by pixels of the image."""
        left, top = self.box.left + across, self.box.top + down
        self.held = True
        self.box = self.box._replace(left=left, top=top).within(*self.image)

    def release(self) -> CropBox | None:
        """Let go: the crop as it is now, None if it is as it was."""
        self.held = False
        return None if self.box == self.crop else self.box

    def cancel(self) -> None:
        """Let go: the crop is as it was."""
        self.held, self.box = False, self.crop

    def _resized(self, across: float, down: float) -> CropBox:
        """The crop with the held sides moved; the opposite ones stay where they are."""
        (left, top, width, height), (most_across, most_down) = self.crop, self.image
        (to_x, to_y), aspect = self._handle, self.model_input[0] / self.model_input[1]
        wishes = [width + to_x * across] * (to_x != 0)
        wishes += [(height + to_y * down) / aspect] * (to_y != 0)
        room_x = {1: most_across - left, -1: left + width, 0: most_across}[to_x]
        room_y = {1: most_down - top, -1: top + height, 0: most_down}[to_y]
        room = min(room_x, int(room_y / aspect))
        wide = max(1, min(max(round(max(wishes)), _LEAST), room))
        high = max(1, min(round(wide * aspect), room_y))
        spare_x, spare_y = width - wide, height - high
        left += {1: 0, -1: spare_x, 0: spare_x // 2}[to_x]
        top += {1: 0, -1: spare_y, 0: spare_y // 2}[to_y]
        return CropBox(left, top, wide, high).within(*self.image)

    def cursor_at(self, x: float, y: float, reach: float) -> Qt.CursorShape:
        """What the pointer looks like at a point."""
        shapes = Qt.CursorShape
        match self._handle if self.held else self.handle_at(x, y, reach):
            case None:
                return shapes.CrossCursor
            case (0, 0):
                return shapes.SizeAllCursor
            case (0, _):
                return shapes.SizeVerCursor
            case (_, 0):
                return shapes.SizeHorCursor
            case (across, down):
                return shapes.SizeFDiagCursor if across == down else shapes.SizeBDiagCursor

    def draw(
        self,
        painter: QPainter,
        area: QRect,
        to_screen: Callable[[float, float], QPointF],
        palette: QPalette,
        *,
        focused: bool,
    ) -> None:
        """Draw frame and handles, in the highlight's colour where keys move them."""
        left, top, width, height = self.box
        frame = QRectF(to_screen(left, top), to_screen(left + width, top + height))
        decorations.draw_frame(painter, area, frame)
        painter.setPen(QPen(QColor(20, 20, 20), 1.2))
        white = QColor(255, 255, 255)
        painter.setBrush(palette.color(QPalette.ColorRole.Highlight) if focused else white)
        for across, down in _ALL:
            middle = frame.center()
            square = QRectF(0, 0, _SQUARE, _SQUARE)
            square.moveCenter(
                middle + QPointF(across * frame.width() / 2, down * frame.height() / 2)
            )
            painter.drawRect(square)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _side(at: float, length: int, reach: float) -> int | None:
    """Which of two opposite sides is held, 0 between them, None outside."""
    inwards = min(reach, length / 4)
    if -reach <= at <= inwards:
        return -1
    if length - inwards <= at <= length + reach:
        return 1
    return 0 if 0 < at < length else None
