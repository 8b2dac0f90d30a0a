"""The figure of a study: as large as there is room, with images that a click opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

if TYPE_CHECKING:
    from pda_studio.figures.image_places import ImagePlace


class StudyFigure(QLabel):
    """A figure; where parts of it stand for images, a click says which one is wanted."""

    image_wanted = Signal(int)
    """Place of the image among those of the study."""

    def __init__(self) -> None:
        super().__init__()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setAccessibleName(self.tr("Figure of the study"))
        self._image: QImage | None = None
        self.places: list[ImagePlace] = []
        self._names: Sequence[str | None] = ()

    def show_image(self, image: QImage | None) -> None:
        """Show a figure, or none."""
        self._image = image
        self._scale()

    def show_places(self, places: list[ImagePlace], names: Sequence[str | None]) -> None:
        """Let images be chosen; one without a name cannot be opened."""
        self.places, self._names = places, names
        self.setMouseTracking(bool(places))
        self.unsetCursor()
        self.setToolTip("")

    def position_of(self, place: ImagePlace) -> QPointF:
        """Where the middle of a part of the figure is, in pixels of this widget."""
        left, top, width, height = self._frame()
        x, y = (place.left + place.right) / 2, (place.top + place.bottom) / 2
        return QPointF(left + x * width, top + y * height)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Name the image below the pointer."""
        image = self._image_below(event.position())
        if image is None:
            self.unsetCursor()
            self.setToolTip("")
            return
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(self.tr("Open {0}").format(self._names[image]))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the image below the pointer."""
        image = self._image_below(event.position())
        if event.button() == Qt.MouseButton.LeftButton and image is not None:
            self.image_wanted.emit(image)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the figure into its room."""
        super().resizeEvent(event)
        self._scale()

    def _image_below(self, position: QPointF) -> int | None:
        left, top, width, height = self._frame()
        if not self.places or not width or not height:
            return None
        x, y = (position.x() - left) / width, (position.y() - top) / height
        below = [one for one in self.places if one.holds(x, y) and self._names[one.image]]
        return min(below, key=lambda one: one.distance(x, y)).image if below else None

    def _frame(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the figure in this widget."""
        shown = self.pixmap().deviceIndependentSize()
        left, top = (self.width() - shown.width()) / 2, (self.height() - shown.height()) / 2
        return left, top, shown.width(), shown.height()

    def _scale(self) -> None:
        if self._image is None:
            self.setText(self.tr("The figure and the table appear here."))
            return
        ratio = self.devicePixelRatioF()
        room = QSize(round(self.width() * ratio), round(self.height() * ratio))
        scaled = self._image.scaled(
            room.boundedTo(self._image.size()),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        pixmap = QPixmap.fromImage(scaled)
        pixmap.setDevicePixelRatio(ratio)
        self.setPixmap(pixmap)
