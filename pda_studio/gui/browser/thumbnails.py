"""Thumbnails of the sample digits and of the images opened lately."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from pda_studio.gui.window.pixmaps import image_of

_SIDE = 34


class ImageStrip(QListWidget):
    """Small images; choosing one opens it."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setGridSize(QSize(_SIDE + 4, _SIDE + 4))
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setObjectName("bare")
        self.setAccessibleName(self.tr("Images: samples and recent files"))
        self.setFixedHeight(2 * (_SIDE + 4))  # two lines, and nothing of a third
        self.itemClicked.connect(self._on_item)
        self.itemActivated.connect(self._on_item)

    def add(self, path: Path, thumbnail: NDArray[np.uint8], *, first: bool = False) -> None:
        """Add an image (H, W, 3) uint8, unless it is there."""
        if str(path) in {
            self.item(at).data(Qt.ItemDataRole.UserRole) for at in range(self.count())
        }:
            return
        mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding
        image = image_of(thumbnail).scaled(80, 80, mode, Qt.TransformationMode.SmoothTransformation)
        image = image.copy((image.width() - 80) // 2, (image.height() - 80) // 2, 80, 80)
        item = QListWidgetItem(QIcon(QPixmap.fromImage(image)), "")
        item.setToolTip(path.name)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, path.name)
        item.setData(Qt.ItemDataRole.UserRole, str(path))
        self.insertItem(0 if first else self.count(), item)

    def _on_item(self, item: QListWidgetItem) -> None:
        self.chosen.emit(Path(item.data(Qt.ItemDataRole.UserRole)))
