"""One image under the shared viewport: every pixel a square, a crosshair, a crop frame."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from pda_studio.document.operations import Matrix
from pda_studio.gui.actions.gestures import pinched
from pda_studio.gui.grid.contour_lines import ContourLines
from pda_studio.gui.grid.geometry import moved_point
from pda_studio.gui.grid.marks import draw_marks, steps_of
from pda_studio.gui.grid.viewport import Viewport

pg.setConfigOptions(imageAxisOrder="row-major", useNumba=False)

_CHIP_FONT = 11  # pixels
_SETTLING = 200  # ms; what is there again sooner does not flicker
_ROUNDING = 1e-6  # of a pixel: a middle stays in its pixel however often it is turned


class _Pixels(pg.ImageItem):  # type: ignore[misc]
    """Pixels as squares when enlarged; smooth when made smaller, so that nothing is skipped."""

    scale_on_screen = 1.0

    def paint(self, painter: QPainter, *arguments: object) -> None:
        smooth = self.scale_on_screen < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        super().paint(painter, *arguments)


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """Shows an image; wheel zooms, dragging pans, pointing moves the crosshair of all views."""

    clicked = Signal()
    framed = Signal(QRectF)
    """A frame was drawn, in pixels of the image."""
    picked = Signal()
    """The pixel that is pointed at was clicked, or chosen by Enter."""

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self.state = viewport
        self.setFrameShape(self.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAcceptDrops(False)  # files dropped on an image are the window's
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, invertY=True, defaultPadding=0)
        self._box.disableAutoRange()
        self._item = _Pixels()
        self._box.addItem(self._item, ignoreBounds=True)
        self._pixels: NDArray[np.uint8] | None = None
        self._lines = ContourLines()
        self._from_first: Matrix = np.eye(3)
        self._to_first: Matrix = np.eye(3)
        self._pressed: QPointF | None = None
        self._panned = False
        self._frame: QRectF | None = None
        self._marks: list[QPolygonF] = []
        self._framing = False
        self._dimmed = False
        self._sketch = False
        self._chip = ""
        self._progress: float | None = None
        self._state: tuple[str, float | None, bool, bool] = "", None, False, False
        self._settling = QTimer(self, singleShot=True, interval=_SETTLING)
        self._settling.timeout.connect(self._take_state)
        self.setCentralItem(self._box)

    # What is shown

    @property
    def pixels(self) -> NDArray[np.uint8] | None:
        """The image that is shown, (H, W, 3) uint8."""
        return self._pixels

    @property
    def levels(self) -> list[float]:
        """The evidence along each contour that is drawn over the image."""
        return [contour.level for contour in self._lines.contours]

    @property
    def side(self) -> tuple[int, int]:
        """Width and height of the image, in its own pixels."""
        if self._pixels is None:
            return 1, 1
        return self._pixels.shape[1], self._pixels.shape[0]

    def place(self, matrix: Matrix) -> None:
        """Tell where points of the first row's input lie in this view's image."""
        self._from_first = matrix
        self._to_first = np.asarray(np.linalg.inv(matrix), np.float64)
        self._repaint()

    @property
    def from_first(self) -> Matrix:
        """Where points of the first row's input lie in this view's image."""
        return self._from_first

    def show_marks(self, marks: list[QPolygonF]) -> None:
        """Outline places, in pixels of the image; the last one most clearly."""
        if marks != self._marks:
            self._marks = marks
            self._repaint()

    @property
    def pixel(self) -> tuple[int, int] | None:
        """Column and row of this view's pixel that is pointed at, here or in another view."""
        if self.state.crosshair is None:
            return None
        x, y = moved_point(self._from_first, *self.state.crosshair)
        column, row = int(np.floor(x + _ROUNDING)), int(np.floor(y + _ROUNDING))
        width, height = self.side
        return (column, row) if 0 <= column < width and 0 <= row < height else None

    def show_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show an image (H, W, 3) uint8, or nothing."""
        self._pixels = pixels
        if pixels is None:
            self._item.clear()
        else:
            self._item.setImage(pixels, autoLevels=False, levels=None, autoDownsample=False)
        self.follow()

    def show_lines(self, lines: ContourLines) -> None:
        """Show lines over the image."""
        self._lines = lines
        self._repaint()

    def show_state(
        self,
        chip: str = "",
        progress: float | None = None,
        dimmed: bool = False,
        sketch: bool = False,
    ) -> None:
        """Show a word in the corner and a progress line.

        Parameters
        ----------
        chip : str
            The word.
        progress : float, optional
            Which part of the work is done.
        dimmed : bool
            Whether the image is out of date.
        sketch : bool
            Whether it is only roughly right.
        """
        self._state = chip, progress, dimmed, sketch
        at_rest = not (self._chip or self._dimmed or self._progress is not None or self._sketch)
        if at_rest and (dimmed or progress is not None) and not sketch and self._pixels is not None:
            if not self._settling.isActive():
                self._settling.start()
        else:
            self._settling.stop()
            self._take_state()

    def _take_state(self) -> None:
        if self._state != (self._chip, self._progress, self._dimmed, self._sketch):
            self._chip, self._progress, self._dimmed, self._sketch = self._state
            self.setAccessibleDescription(self._chip)
            self._repaint()

    def set_framing(self, framing: bool) -> None:
        """Let the next drag draw a frame instead of panning."""
        self._framing = framing
        self._frame = None
        self.setCursor(Qt.CursorShape.CrossCursor if framing else Qt.CursorShape.ArrowCursor)
        self._repaint()

    def follow(self) -> None:
        """Take centre and zoom from the shared viewport."""
        width, height = self.side
        scale = self.pixel_size
        centre = self.state.centre[0] * width, self.state.centre[1] * height
        half = self.width() / scale / 2, self.height() / scale / 2
        self._item.scale_on_screen = scale * self.devicePixelRatioF()
        self._box.setRange(
            xRange=(centre[0] - half[0], centre[0] + half[0]),
            yRange=(centre[1] - half[1], centre[1] + half[1]),
            padding=0,
            disableAutoRange=True,
        )
        self._repaint()

    @property
    def pixel_size(self) -> float:
        """Screen pixels (logical) per pixel of the image."""
        width, height = self.side
        fit = min(max(self.width(), 1) / width, max(self.height(), 1) / height)
        return float(fit * self.state.zoom)

    @property
    def centre(self) -> tuple[float, float]:
        """What lies in the middle of this view, in pixels of the image."""
        rectangle = self._box.viewRect()
        return rectangle.center().x(), rectangle.center().y()

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(240, 240)

    # Between screen and image

    def _to_image(self, point: QPointF) -> QPointF:
        width, height = self.side
        scale = self.pixel_size
        return QPointF(
            self.state.centre[0] * width + (point.x() - self.width() / 2) / scale,
            self.state.centre[1] * height + (point.y() - self.height() / 2) / scale,
        )

    def to_screen(self, x: float, y: float) -> QPointF:
        """Where a point of the image lies on this widget."""
        width, height = self.side
        scale = self.pixel_size
        return QPointF(
            (x - self.state.centre[0] * width) * scale + self.width() / 2,
            (y - self.state.centre[1] * height) * scale + self.height() / 2,
        )

    # What the user does

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep centre and zoom; only the size of a pixel changes."""
        super().resizeEvent(event)
        if hasattr(self, "_progress"):  # the base class resizes while it is being made
            self.follow()

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
        self._repaint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to pan or to draw a frame."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed = event.position()
            self._panned = False
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, draw the frame, or move the crosshair."""
        if self._pressed is not None and self._framing:
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
        if self._framing:
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
        self.state.fit()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the pixel that is pointed at with Shift and arrows; Enter chooses it."""
        step = steps_of(event)
        if step is not None and self._pixels is not None:
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

    # What lies over the image

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw what belongs to the screen and not to the image."""
        painter.save()
        painter.resetTransform()
        if self._pixels is not None:
            self._lines.draw(painter, self.viewport().size(), self.to_screen(0, 0), self.pixel_size)
        if self._dimmed and self._pixels is not None:
            veil = QColor(self.palette().color(QPalette.ColorRole.Dark))
            veil.setAlphaF(0.55)
            painter.fillRect(self.viewport().rect(), veil)
        if self._sketch:
            self._draw_sketch(painter)
        draw_marks(painter, self._marks, self.to_screen)
        pixel = self.pixel
        if pixel is not None and self._pixels is not None:
            self._draw_crosshair(painter, *pixel)
        if self._frame is not None:
            self._draw_frame(painter, self._frame)
        if self._progress is not None:
            self._draw_progress(painter, self._progress)
        if self._chip:
            self._draw_chip(painter, self._chip)
        if self.hasFocus():
            self._draw_focus(painter)
        painter.restore()

    def _draw_focus(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        border = QRectF(self.viewport().rect())
        for colour, width, inset in (
            (self.palette().color(QPalette.ColorRole.Highlight), 2, 1.0),
            (QColor(255, 255, 255, 170), 1, 2.5),
        ):
            painter.setPen(QPen(colour, width))
            painter.drawRect(border.adjusted(inset, inset, -inset, -inset))

    def _draw_crosshair(self, painter: QPainter, column: int, row: int) -> None:
        scale = self.pixel_size
        corner = self.to_screen(column, row)
        centre = corner + QPointF(scale / 2, scale / 2)
        gap = max(scale / 2 + 2, 5)
        size = self.viewport().size()
        for colour, width in ((QColor(255, 255, 255, 100), 3), (QColor(20, 20, 20, 210), 1)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(0, centre.y()), QPointF(centre.x() - gap, centre.y()))
            painter.drawLine(
                QPointF(centre.x() + gap, centre.y()), QPointF(size.width(), centre.y())
            )
            painter.drawLine(QPointF(centre.x(), 0), QPointF(centre.x(), centre.y() - gap))
            painter.drawLine(
                QPointF(centre.x(), centre.y() + gap), QPointF(centre.x(), size.height())
            )
            if scale >= 4:
                painter.drawRect(QRectF(corner, QPointF(corner.x() + scale, corner.y() + scale)))

    def _draw_sketch(self, painter: QPainter) -> None:
        """Draw a dashed border: what is in it is not final yet."""
        border = QRectF(self.viewport().rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, style in (
            (QColor(255, 255, 255, 160), Qt.PenStyle.SolidLine),
            (QColor(25, 26, 29, 190), Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(colour, 1, style))
            painter.drawRect(border)

    def _draw_frame(self, painter: QPainter, frame: QRectF) -> None:
        shown = QRectF(
            self.to_screen(frame.left(), frame.top()),
            self.to_screen(frame.right(), frame.bottom()),
        )
        outside = QColor(0, 0, 0, 120)
        whole = QRectF(self.viewport().rect())
        for part in (
            QRectF(whole.topLeft(), QPointF(whole.right(), shown.top())),
            QRectF(QPointF(whole.left(), shown.bottom()), whole.bottomRight()),
            QRectF(QPointF(whole.left(), shown.top()), shown.bottomLeft()),
            QRectF(shown.topRight(), QPointF(whole.right(), shown.bottom())),
        ):
            painter.fillRect(part, outside)
        painter.setPen(QPen(QColor(255, 255, 255), 1.5))
        painter.drawRect(shown)

    def _draw_progress(self, painter: QPainter, progress: float) -> None:
        area = self.viewport().rect()
        line = QRectF(0, area.height() - 3, area.width(), 3)
        painter.fillRect(line, QColor(0, 0, 0, 60))
        line.setWidth(area.width() * progress)
        painter.fillRect(line, self.palette().color(QPalette.ColorRole.Highlight))

    def _draw_chip(self, painter: QPainter, text: str) -> None:
        font = QFont(self.font())
        font.setPixelSize(_CHIP_FONT)
        painter.setFont(font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, max(self.width() - 28, 10)
        )
        width = painter.fontMetrics().horizontalAdvance(text) + 14
        chip = QRect(7, 7, width, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(25, 26, 29, 205))
        painter.drawRoundedRect(chip, 10, 10)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)

    def _repaint(self) -> None:
        self.viewport().update()
