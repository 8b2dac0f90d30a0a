"""Lays out a figure: its settings beside a live preview of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.composer.composer_settings import ComposerSettings
from pda_studio.gui.window.style_names import named

if TYPE_CHECKING:
    from pda_studio.figures import Composition

_SIZE = 1160, 860
_SETTINGS = 316


class Preview(QLabel):
    """The figure as large as there is room for, or why there is none."""

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(320, 240)
        self.setWordWrap(True)
        self.setMargin(16)
        self.setAccessibleName(self.tr("Preview of the figure"))

    @property
    def room(self) -> QSize:
        """Pixels of the screen that a figure may have."""
        inside = self.size() - QSize(2 * self.margin(), 2 * self.margin())
        return inside * self.devicePixelRatioF()

    def show_image(self, image: QImage) -> None:
        """Show a drawing, pixel by pixel."""
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self.setPixmap(pixmap)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for a drawing of another size."""
        super().resizeEvent(event)
        self.resized.emit()


class Composer(QDialog):
    """Edits a composition beside its preview."""

    changed = Signal(object)
    """The composition, after an edit."""

    def __init__(self, fonts: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Figure"))
        self.resize(QSize(*_SIZE).boundedTo(self.screen().availableSize() * 0.92))
        self.preview = Preview()
        self.note = named(QLabel(), "muted")
        self.note.setWordWrap(True)
        self.settings = ComposerSettings(fonts)
        self.settings.changed.connect(self.changed)
        self.settings.setFixedWidth(_SETTINGS)
        self.copy_button = QPushButton(self.tr("Copy"))
        self.copy_button.setToolTip(self.tr("Put the figure on the clipboard, for other programs"))
        self.close_button = QPushButton(self.tr("Close"))
        self.close_button.clicked.connect(self.close)
        self.save_button = QPushButton(self.tr("Save …"))
        self.save_button.setToolTip(self.tr("Write the figure as PDF, SVG, PNG or TIFF"))
        self.save_button.setDefault(True)
        for button in (self.copy_button, self.close_button):
            button.setAutoDefault(False)
        self._lay_out()
        self.show_message(self.tr("Drawing …"))

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setContentsMargins(14, 10, 14, 12)
        buttons.setSpacing(8)
        buttons.addWidget(self.note, 1)
        for button in (self.copy_button, self.close_button, self.save_button):
            buttons.addWidget(button)
        ground = named(QWidget(), "grid")
        ground.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        stage = QVBoxLayout(ground)
        stage.setContentsMargins(0, 0, 0, 0)
        stage.addWidget(self.preview)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(ground, 1)
        middle.addWidget(self.settings)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(middle, 1)
        whole.addLayout(buttons)

    def show_names(self, rows: list[tuple[int, str]], columns: list[tuple[int, str]]) -> None:
        """Offer rows and columns by key and usual name."""
        self.settings.show_names(rows, columns)

    def show_composition(self, composition: Composition) -> None:
        """Show the settings as they are."""
        with QSignalBlocker(self.settings):
            self.settings.show_composition(composition)

    def show_figure(self, image: QImage, note: str) -> None:
        """Show a drawing, and in a few words how large the figure is."""
        self.preview.setObjectName("")
        self.preview.show_image(image)
        self.note.setText(note)
        self._allow(True)

    def show_message(self, message: str) -> None:
        """Say why there is no figure."""
        self.preview.setText(message)
        self.note.setText("")
        self._allow(False)

    def _allow(self, there: bool) -> None:
        for button in (self.save_button, self.copy_button):
            button.setEnabled(there)

    def edit(self, **changes: Any) -> None:
        """Change some settings, as the user does."""
        self.settings.edit(**changes)
