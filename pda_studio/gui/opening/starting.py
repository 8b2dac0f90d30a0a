"""What the window shows while the engine starts: the finished example, or a word."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import QWidget

_SPACE, _HEADER, _BELOW, _LARGEST = 16, 48, 60, 900  # as on the grid, which follows


class Starting(QWidget):
    """An image beside its map, where the grid will have them; neither needs the engine."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("grid")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Starting the engine …"))
        self._images: list[tuple[str, QPixmap]] = []

    @property
    def has_example(self) -> bool:
        """Whether an image and its map are shown."""
        return bool(self._images)

    def show_example(self, sample: Path) -> None:
        """Show this sample and the map of it that comes with the program."""
        map_file = files("pda_studio.resources") / "digits" / "example_map.png"
        drawn = QPixmap()
        drawn.loadFromData(map_file.read_bytes())
        self._images = [
            (self.tr("Input"), QPixmap(str(sample))),
            (self.tr("Efficient PDA"), drawn),
        ]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both, every pixel a square."""
        super().paintEvent(event)
        painter = QPainter(self)
        text = self.tr("Starting the engine …")
        palette = self.palette()
        if not self.has_example:
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        across = (self.width() - 3 * _SPACE) // 2
        side = min(across, self.height() - _HEADER - _BELOW, _LARGEST)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        for at, (title, pixmap) in enumerate(self._images):
            place = QRect(_SPACE + at * (side + _SPACE), 12, side, 20)
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            painter.setFont(bold)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, title)
            painter.drawPixmap(QRect(place.left(), 12 + _HEADER, side, side), pixmap)
        painter.setFont(self.font())
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        below = QRect(_SPACE, 12 + _HEADER + side + 8, self.width() - 2 * _SPACE, 24)
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, text)
