"""Small images: every pixel a square, as large as fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPaintEvent, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

from pda_studio.gui.window.pixmaps import image_of

_THUMBNAIL = 44


class Patch(QWidget):
    """An image with a name under it, and rectangles outlined on it."""

    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._name = name
        self._outlines: Sequence[QRectF] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """A square over a line of text."""
        return QSize(110, 110 + self._text_height)

    def minimumSizeHint(self) -> QSize:
        """Large enough to see something."""
        return QSize(64, 64 + self._text_height)

    def show_pixels(
        self,
        pixels: NDArray[np.uint8] | None,
        name: str | None = None,
        outlines: Sequence[QRectF] = (),
    ) -> None:
        """Show an image (H, W, 3) uint8, or an empty frame; outlines are in its pixels."""
        self._image = None if pixels is None else image_of(pixels)
        self._outlines = outlines
        if name is not None:
            self._name = name
            self.setAccessibleName(name)
        self.update()

    @property
    def _text_height(self) -> int:
        return self.fontMetrics().lineSpacing() + 3 if self._name else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the image as large as fits, from the upper left."""
        painter = QPainter(self)
        line = self.palette().color(QPalette.ColorRole.Mid)
        width, height = self.width(), self.height() - self._text_height
        size = self._image.size() if self._image else QSize(1, 1)
        scale = min((width - 2) / size.width(), (height - 2) / size.height())
        drawn = QRect(
            1, 1, max(round(size.width() * scale), 1), max(round(size.height() * scale), 1)
        )
        if self._image is not None:
            smooth = scale * self.devicePixelRatioF() < 1
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(drawn, self._image)
        painter.setPen(line)
        painter.drawRect(drawn.adjusted(-1, -1, 0, 0))
        for outline in self._outlines:
            shown = QRectF(
                outline.x() * scale + 1,
                outline.y() * scale + 1,
                outline.width() * scale,
                outline.height() * scale,
            )
            for colour, pen_width in ((QColor(255, 255, 255, 190), 2.5), (QColor(20, 20, 20), 1)):
                painter.setPen(QPen(colour, pen_width))
                painter.drawRect(shown)
        if self._name:
            font = self.font()
            font.setPixelSize(11)
            painter.setFont(font)
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            text = QRect(0, drawn.bottom() + 3, width, self._text_height)
            name = painter.fontMetrics().elidedText(
                self._name, Qt.TextElideMode.ElideRight, text.width()
            )
            painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)


class Samples(QListWidget):
    """Small images with a line of text under each, as many in a row as fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bare")
        self.setViewMode(QListWidget.ViewMode.IconMode)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setMovement(QListWidget.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSpacing(0)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.setGridSize(QSize(_THUMBNAIL + 10, _THUMBNAIL + 20))
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(self.tr("Samples of the infill"))
        font = self.font()
        font.setPixelSize(10)
        self.setFont(font)

    def minimumSizeHint(self) -> QSize:
        """One sample."""
        return QSize(_THUMBNAIL + 24, _THUMBNAIL + 22)

    def show_samples(self, images: NDArray[np.uint8], texts: Sequence[str]) -> None:
        """Show images (S, h, w, 3) with a text for each that has one."""
        self.clear()
        ratio = self.devicePixelRatioF()
        side = round(_THUMBNAIL * ratio)
        for at, pixels in enumerate(images):
            image = image_of(pixels).scaled(
                side, side, Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.FastTransformation,
            )  # fmt: skip
            pixmap = QPixmap.fromImage(image)
            pixmap.setDevicePixelRatio(ratio)
            text = texts[at] if at < len(texts) else "…"
            item = QListWidgetItem(QIcon(pixmap), text, self)
            item.setToolTip(self.tr("Sample {0}: {1}").format(at + 1, text))
