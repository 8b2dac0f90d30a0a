"""One image under the shared viewport, and all that is drawn over it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QTimer
from PySide6.QtGui import (
    QPainter,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from pda_studio.document.operations import Matrix
from pda_studio.gui.graphs import pg
from pda_studio.gui.grid import decorations
from pda_studio.gui.grid.contour_lines import ContourLines
from pda_studio.gui.grid.crop_handles import CropHandles
from pda_studio.gui.grid.geometry import moved_point
from pda_studio.gui.grid.marks import draw_marks
from pda_studio.gui.grid.viewport import Viewport

pg.setConfigOptions(imageAxisOrder="row-major", useNumba=False)

_SETTLING = 200  # ms; what is there again sooner does not flicker
_ROUNDING = 1e-6  # of a pixel: a middle stays in its pixel however often it is turned


class _Pixels(pg.ImageItem):  # type: ignore[misc]
    """Pixels as squares when enlarged; smooth when made smaller, so that nothing is skipped."""

    scale_on_screen = 1.0

    def paint(self, painter: QPainter, *arguments: object) -> None:
        smooth = self.scale_on_screen < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        super().paint(painter, *arguments)


class ImageSurface(pg.GraphicsView):  # type: ignore[misc]
    """Shows an image, every pixel a square, with a crosshair, marks and its state over it.

    Attributes
    ----------
    is_dimmed : bool
        Whether a veil says that the image is out of date.
    is_sketch : bool
        Whether a border says that it is only roughly right.
    """

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self.state = viewport
        self.setFrameShape(self.Shape.NoFrame)
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, invertY=True, defaultPadding=0)
        self._box.disableAutoRange()
        self._item = _Pixels()
        self._box.addItem(self._item, ignoreBounds=True)
        self._pixels: NDArray[np.uint8] | None = None
        self._lines = ContourLines()
        self._from_first: Matrix = np.eye(3)
        self._to_first: Matrix = np.eye(3)
        self._frame: QRectF | None = None
        self._handles: CropHandles | None = None
        self._marks: list[QPolygonF] = []
        self.is_dimmed = False
        self.is_sketch = False
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
        if np.array_equal(matrix, self._from_first):
            return
        self._from_first = matrix
        self._to_first = np.asarray(np.linalg.inv(matrix), np.float64)
        self._repaint()

    @property
    def from_first(self) -> Matrix:
        """Where points of the first row's input lie in this view's image."""
        return self._from_first

    @property
    def marks(self) -> list[QPolygonF]:
        """The places that are outlined, in pixels of the image."""
        return self._marks

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
        state = chip, progress, dimmed, sketch
        if state == self._state:
            return
        self._state = state
        at_rest = not (self._chip or self.is_dimmed or self._progress is not None or self.is_sketch)
        if at_rest and (dimmed or progress is not None) and not sketch and self._pixels is not None:
            if not self._settling.isActive():
                self._settling.start()
        else:
            self._settling.stop()
            self._take_state()

    def _take_state(self) -> None:
        if self._state != (self._chip, self._progress, self.is_dimmed, self.is_sketch):
            self._chip, self._progress, self.is_dimmed, self.is_sketch = self._state
            self.setAccessibleDescription(self._chip)
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep centre and zoom; only the size of a pixel changes."""
        super().resizeEvent(event)
        if hasattr(self, "_progress"):  # the base class resizes while it is being made
            self.follow()

    # What lies over the image

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw what belongs to the screen and not to the image."""
        painter.save()
        painter.resetTransform()
        if self._pixels is not None:
            self._lines.draw(painter, self.viewport().size(), self.to_screen(0, 0), self.pixel_size)
        area, palette = self.viewport().rect(), self.palette()
        if self.is_dimmed and self._pixels is not None:
            decorations.draw_veil(painter, area, palette)
        if self.is_sketch:
            decorations.draw_preview_border(painter, area)
        if self._handles is None or self._handles.held:  # its frame outlines the model input
            draw_marks(painter, self._marks, self.to_screen)
        pixel = self.pixel
        if pixel is not None and self._pixels is not None:
            corner = self.to_screen(*pixel)
            decorations.draw_crosshair(painter, area, corner, self.pixel_size)
        if self._frame is not None:
            frame = QRectF(
                self.to_screen(self._frame.left(), self._frame.top()),
                self.to_screen(self._frame.right(), self._frame.bottom()),
            )
            decorations.draw_frame(painter, area, frame)
        elif self._handles is not None:
            focused = self.hasFocus()
            self._handles.draw(painter, area, self.to_screen, palette, focused=focused)
            if self._handles.held:
                decorations.draw_chip(painter, area, str(self._handles.box), self.font())
        if self._progress is not None:
            decorations.draw_progress(painter, area, self._progress, palette)
        if self._chip:
            decorations.draw_chip(painter, area, self._chip, self.font())
        if self.hasFocus():
            decorations.draw_focus(painter, area, palette)
        painter.restore()

    def _repaint(self) -> None:
        self.viewport().update()
