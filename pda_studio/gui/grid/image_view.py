"""One image that is zoomed, panned, pointed at and framed by mouse, touch and keys."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from pda_studio.gui.actions.gestures import pinched
from pda_studio.gui.grid.crop_handles import REACH, CropHandles
from pda_studio.gui.grid.geometry import moved_point
from pda_studio.gui.grid.image_surface import ImageSurface
from pda_studio.gui.grid.marks import crop_steps_of, steps_of
from pda_studio.gui.grid.viewport import Viewport


class ImageView(ImageSurface):
    """Shows an image; wheel zooms, dragging pans, pointing moves the crosshair of all views."""

    clicked = Signal()
    framed = Signal(QRectF)
    """A frame was drawn, in pixels of the image."""
    crop_moved = Signal(object)
    """The crop's frame was moved or resized: a `CropBox` in pixels of the image."""
    picked = Signal()
    """The pixel that is pointed at was clicked, or chosen by Enter."""

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(viewport, parent)
        self.setMouseTracking(True)
        self.setAcceptDrops(False)  # files dropped on an image are the window's
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        self._pressed: QPointF | None = None
        self._panned = False
        self._framing = False

    def set_framing(self, framing: bool) -> None:
        """Let the next drag draw a frame instead of panning."""
        self._framing = framing
        self._frame = None
        self.setCursor(Qt.CursorShape.CrossCursor if framing else Qt.CursorShape.ArrowCursor)
        self._repaint()

    def show_handles(self, handles: CropHandles | None) -> None:
        """Show the crop's frame to be moved and resized; one that is being dragged stays."""
        if handles != self._handles:
            self._handles = handles
            self._repaint()

    @property
    def handles(self) -> CropHandles | None:
        """The crop's frame, where there is one to be moved."""
        return self._handles

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer."""
        turned = event.angleDelta().y() or event.pixelDelta().y() * 4
        if turned:
            self._zoom_by(1.0015**turned, event.position())
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom by a pinch on the touchpad or the screen."""
        pinch = pinched(event, self)
        if pinch is not None:
            self._zoom_by(*pinch)
            return True
        return bool(super().viewportEvent(event))

    def _zoom_by(self, factor: float, around: QPointF) -> None:
        if self._pixels is not None:
            point = self._to_image(around)
            width, height = self.side
            self.state.zoom_by(factor, (point.x() / width, point.y() / height))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that keys go here."""
        super().focusInEvent(event)
        self._repaint()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that keys go elsewhere."""
        super().focusOutEvent(event)
        if self._pressed is None:  # moved by keys, whose release goes elsewhere
            self._release_handles()
        self._repaint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to pan or to draw a frame."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed = event.position()
            self._panned = False
        if self._handles is not None and event.button() == Qt.MouseButton.LeftButton:
            at = self._to_image(event.position())
            self._handles.hold(at.x(), at.y(), REACH / self.pixel_size)
            self._repaint()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, move the crop's frame, draw another, or move the crosshair."""
        if self._handles is not None:
            at = self._to_image(event.position())
            if self._pressed is None:
                reach = REACH / self.pixel_size
                self.setCursor(self._handles.cursor_at(at.x(), at.y(), reach))
            elif self._handles.held:
                self._handles.drag(at.x(), at.y())
                self._repaint()
        if self._handles is not None and self._handles.held:
            pass  # the frame follows
        elif self._pressed is not None and self._framing:
            start, end = self._to_image(self._pressed), self._to_image(event.position())
            whole = QRectF(0, 0, *self.side)
            self._frame = QRectF(start, end).normalized().intersected(whole)
            self._repaint()
        elif self._pressed is not None:
            moved = event.position() - self._pressed
            if self._panned or moved.manhattanLength() > 3:
                self._panned = True
                width, height = self.side
                scale = self.pixel_size
                self._pressed = event.position()
                self.state.move_by(-moved.x() / scale / width, -moved.y() / scale / height)
        self._point_at(event.position())
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of a pan, a frame, or a click."""
        frame, self._frame = self._frame, None
        pressed, self._pressed = self._pressed, None
        if self._handles is not None and self._handles.held:
            if not self._release_handles():
                self.clicked.emit()
        elif self._framing:
            if frame is not None and min(frame.width(), frame.height()) >= 2:
                self.framed.emit(frame)
        elif pressed is not None and not self._panned:
            self._point_at(event.position())
            self.clicked.emit()
            if self.pixel is not None:
                self.picked.emit()
        self._repaint()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole image again."""
        self._cancel_drag()
        self.state.fit()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the pixel that is pointed at with Shift and arrows; Enter chooses it.

        Where a crop is chosen, arrows move its frame; Escape gives up the drag that is under way.
        """
        step, moves = steps_of(event), crop_steps_of(event)
        if event.key() == Qt.Key.Key_Escape and self._cancel_drag():
            event.accept()
        elif self._handles is not None and moves is not None:
            self._handles.step(*moves)
            self._repaint()
        elif step is not None and self._pixels is not None:
            width, height = self.side
            column, row = self.pixel or (width // 2, height // 2)
            column = min(max(column + step[0], 0), width - 1)
            row = min(max(row + step[1], 0), height - 1)
            self.state.crosshair = moved_point(self._to_first, column + 0.5, row + 0.5)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.pixel is not None:
            self.clicked.emit()
            self.picked.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A crop moved by keys is as wanted once the key is let go, however long it was held."""
        moves = crop_steps_of(event) is not None and self._pressed is None
        if moves and not event.isAutoRepeat() and self._handles is not None:
            self._release_handles()
        else:
            super().keyReleaseEvent(event)

    def _release_handles(self) -> bool:
        """Let go of the crop's frame; whether it is another than before."""
        box = self._handles.release() if self._handles is not None else None
        if box is not None:
            self.crop_moved.emit(box)
        return box is not None

    def _cancel_drag(self) -> bool:
        """Give up a drag that draws or moves a frame; whether there was one."""
        held = self._handles is not None and self._handles.held
        if self._handles is not None:
            self._handles.cancel()
        drawing = self._framing and self._pressed is not None
        if held or drawing:
            self._pressed = self._frame = None
            self._repaint()
        return held or drawing

    def leaveEvent(self, event: object) -> None:
        """No pixel is pointed at any more."""
        self.state.crosshair = None

    def _point_at(self, position: QPointF) -> None:
        point = self._to_image(position)
        width, height = self.side
        column, row = int(np.floor(point.x())), int(np.floor(point.y()))
        inside = self._pixels is not None and 0 <= column < width and 0 <= row < height
        middle = moved_point(self._to_first, column + 0.5, row + 0.5)
        self.state.crosshair = middle if inside else None
