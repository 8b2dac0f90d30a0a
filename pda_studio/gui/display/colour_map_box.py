"""A choice of colour maps, each shown beside its name."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QComboBox, QWidget

from pda_studio.gui.grid.colour_bar import line_of
from pda_studio.rendering import colour_map
from pda_studio.rendering.style import as_pixels

_SWATCH = QSize(44, 12)


class ColourMapBox(QComboBox):
    """Offers colour maps by title and name; a name of "" is none of them."""

    def __init__(self, choices: list[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIconSize(_SWATCH)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        for title, name in choices:
            self.addItem(title, name)
            self.setItemData(self.count() - 1, title, Qt.ItemDataRole.ToolTipRole)

    def show_name(self, name: str) -> None:
        """Show what is chosen."""
        at = self.findData(name)
        self._paint(at)
        self.setCurrentIndex(at)

    def showPopup(self) -> None:
        """Paint all colour maps first: not before, as their catalogue takes a while to import."""
        for at in range(self.count()):
            self._paint(at)
        super().showPopup()

    def _paint(self, at: int) -> None:
        name = self.itemData(at)
        if name and self.itemIcon(at).isNull():
            line = line_of(as_pixels(colour_map(name).table))
            swatch = line.scaled(
                _SWATCH,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self.setItemIcon(at, QIcon(QPixmap.fromImage(swatch)))
