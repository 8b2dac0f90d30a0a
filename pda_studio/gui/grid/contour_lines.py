"""Contours over an image: lines that stay thin and sharp however far it is enlarged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QImage, QPainter

from pda_studio.rendering import Contour

_WIDTH = 1.3  # of a line, in logical pixels of the screen
_EDGE = 0.55  # how opaque the white edge is that parts it from the image
_SHIFT = 4  # cv2 takes coordinates in sixteenths of a pixel


class ContourLines:
    """Lines in pixels of an image, drawn at any size.

    Drawn by OpenCV, and kept until the image is moved: Qt takes a second for the many bends of a
    dozen maps.
    """

    def __init__(self, contours: Sequence[Contour] = (), opacity: float = 1.0) -> None:
        self.contours = list(contours)
        self.opacity = opacity
        self._image = QImage()
        self._drawn: object = None

    def draw(self, painter: QPainter, size: QSize, origin: QPointF, scale: float) -> None:
        """Draw them on a widget of a size.

        Parameters
        ----------
        painter : QPainter
            Without a transformation.
        size : QSize
            Of the widget, in logical pixels.
        origin : QPointF
            Where on it the upper left corner of the image is.
        scale : float
            Logical pixels per pixel of the image.
        """
        if not self.contours:
            return
        ratio = painter.device().devicePixelRatioF()
        place = size.width(), size.height(), origin.x(), origin.y(), scale, ratio
        if place != self._drawn:
            self._drawn = place
            self._image = self._rastered(*place)
        painter.setOpacity(self.opacity)
        painter.drawImage(0, 0, self._image)
        painter.setOpacity(1.0)

    def _rastered(
        self, width: int, height: int, x: float, y: float, scale: float, ratio: float
    ) -> QImage:
        import cv2  # not before a line is drawn: the window shall be there first

        canvas = np.zeros((round(height * ratio), round(width * ratio), 4), np.uint8)
        thickness = max(round(_WIDTH * ratio), 1)
        for contour in self.contours:
            # The centre of the first pixel is 0, 0 for OpenCV.
            at = (contour.points * scale + (x, y)) * ratio - 0.5
            points = np.rint(at * 2**_SHIFT).astype(np.int32)
            red, green, blue = (round(255 * channel) for channel in contour.colour)
            cv2.polylines(
                canvas,
                np.split(points, contour.starts[1:]),
                isClosed=False,
                color=(blue, green, red, 255),
                thickness=thickness,
                lineType=cv2.LINE_AA,
                shift=_SHIFT,
            )
        return _as_image(_edged(canvas, ratio), ratio)


def _edged(lines: NDArray[np.uint8], ratio: float) -> NDArray[np.uint8]:
    """Lay premultiplied lines (H, W, 4) over a white edge around them."""
    import cv2

    opaque = np.ascontiguousarray(lines[..., 3])
    side = 2 * max(round(ratio), 1) + 1
    around = cv2.dilate(opaque, np.ones((side, side), np.uint8))
    edge: Any = cv2.multiply(around, 255 - opaque, scale=_EDGE / 255)
    edged: Any = cv2.add(lines, cv2.merge([edge] * 4))
    return np.asarray(edged, np.uint8)


def _as_image(pixels: NDArray[np.uint8], ratio: float) -> QImage:
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(pixels.data, width, height, 4 * width, kind).copy()
    image.setDevicePixelRatio(ratio)
    return image
