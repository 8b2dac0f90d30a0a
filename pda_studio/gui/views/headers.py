"""What stands over the columns and rows of the board."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from pda_studio.gui.views.named import named
from pda_studio.gui.views.theme import ThemeKeeper


def plain_button(theme: ThemeKeeper, icon: str, name: str) -> QToolButton:
    """A small button without a frame."""
    button = named(QToolButton(), "plain")
    button.setAutoRaise(True)
    button.setToolTip(name)
    button.setAccessibleName(name)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    theme.set_icon(button, icon)
    return button


class ColumnHeader(QWidget):
    """A column's method and its most important numbers; selects or removes it."""

    clicked = Signal()
    removed = Signal()

    def __init__(
        self, theme: ThemeKeeper, *, removable: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.title = QElidingLabel()
        self.title.setObjectName("title")
        self.title.setFixedHeight(20)
        self.details = QElidingLabel()
        self.details.setObjectName("muted")
        font = self.details.font()
        font.setPixelSize(11)
        self.details.setFont(font)
        self._mark = QWidget()
        self._mark.setFixedHeight(2)
        self._mark.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(2)
        top.addWidget(self.title, 1)
        self.badge = named(QLabel(self.tr("Preview")), "badge")
        self.badge.setToolTip(
            self.tr("Roughly right, until the exact map has come as far; it cannot be exported")
        )
        self.badge.hide()
        top.addWidget(self.badge)
        self.close_button = plain_button(theme, "close", self.tr("Remove this method"))
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.setFixedSize(18, 18)
        self.close_button.clicked.connect(self.removed)
        top.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(top)
        layout.addWidget(self.details)
        layout.addSpacing(3)
        layout.addWidget(self._mark)
        self.close_button.setVisible(removable)  # not before it has a parent: alone it is a window

    def show_text(self, title: str, details: str, help: str = "") -> None:
        """Show a title and a line of details."""
        self.title.setText(title)
        self.details.setText(details)
        self.setToolTip(help)

    def set_preview(self, preview: bool) -> None:
        """Say whether previews are shown below."""
        self.badge.setVisible(preview)

    def set_selected(self, selected: bool) -> None:
        """Underline the selected column."""
        colour = "palette(highlight)" if selected else "transparent"
        self._mark.setStyleSheet(f"background: {colour};")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the column."""
        self.clicked.emit()


class RowHeader(QWidget):
    """A variant's name over its row; selects or removes it."""

    clicked = Signal()
    removed = Signal()

    def __init__(self, theme: ThemeKeeper, removable: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.label)
        button = plain_button(theme, "close", self.tr("Remove this variant"))
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(18, 18)
        button.clicked.connect(self.removed)
        layout.addWidget(button)
        button.setVisible(removable)
        layout.addStretch(1)

    def show_text(self, text: str, selected: bool) -> None:
        """Name the variant; the selected one is written in bold."""
        font = self.label.font()
        font.setBold(selected)
        self.label.setFont(font)
        self.label.setText(text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the row."""
        self.clicked.emit()
