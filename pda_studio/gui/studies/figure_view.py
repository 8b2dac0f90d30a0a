"""The room of a study's figure: one that would be too small to read is scrolled."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

_LEAST = 0.6  # of a figure's own size: smaller, its letters cannot be read
_SMALLEST = QSize(160, 120)


class FigureView(QScrollArea):
    """Shows a figure as large as there is room, and scrolls a tall one.

    Parameters
    ----------
    figure : QWidget
        Draws the figure into whatever size it gets.
    """

    def __init__(self, figure: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size, self._figure = QSize(), figure
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(_SMALLEST)
        self.setWidget(figure)
        self.setWidgetResizable(True)

    def make_room(self, image: QImage | None) -> None:
        """Let the figure have the height that this image needs to be read."""
        self._size = QSize() if image is None else image.size()
        self._set_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width: a narrower figure is lower, too."""
        super().resizeEvent(event)
        self._set_height()

    def _set_height(self) -> None:
        needed = _SMALLEST.height()
        if not self._size.isEmpty():
            beside = self.verticalScrollBar().sizeHint().width()
            width = self.maximumViewportSize().width() - beside
            share = min(_LEAST, width / self._size.width())
            needed = max(needed, round(share * self._size.height()))
        self._figure.setMinimumHeight(needed)
