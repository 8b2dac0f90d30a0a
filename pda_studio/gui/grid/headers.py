"""What stands over the columns and rows of the grid."""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper


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
    menu_wanted = Signal(QPoint)
    """Where on the screen a menu of all that can be done with the column should open."""

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
        self._selected: bool | None = None
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
        self.menu_button = plain_button(theme, "more", self.tr("More for this column"))
        self.menu_button.setIconSize(QSize(14, 14))
        self.menu_button.setFixedSize(18, 18)
        self.menu_button.clicked.connect(self._ask_for_menu)
        self.close_button = plain_button(theme, "close", self.tr("Remove this column"))
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.setFixedSize(18, 18)
        self.close_button.clicked.connect(self.removed)
        top.addWidget(self.close_button)
        top.addWidget(self.menu_button)  # at the end: where it stands, no × ever comes to stand
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(top)
        layout.addWidget(self.details)
        layout.addSpacing(3)
        layout.addWidget(self._mark)
        for button in (self.menu_button, self.close_button):
            button.setVisible(removable)  # not before it has a parent: alone it is a window

    def show_text(self, title: str, details: str, help: str = "") -> None:
        """Show a title and a line of details."""
        self.title.setText(title)
        self.details.setText(details)
        self.setToolTip("\n".join(filter(None, (details, help))))  # details may be cut

    def set_preview(self, preview: bool) -> None:
        """Say whether previews are shown below."""
        self.badge.setVisible(preview)

    def set_selected(self, selected: bool) -> None:
        """Underline the selected column."""
        if selected != self._selected:
            self._selected = selected
            colour = "palette(highlight)" if selected else "transparent"
            self._mark.setStyleSheet(f"background: {colour};")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the column."""
        self.clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu."""
        if self.menu_button.isVisibleTo(self):
            self.clicked.emit()
            self.menu_wanted.emit(event.globalPos())

    def _ask_for_menu(self) -> None:
        self.clicked.emit()
        self.menu_wanted.emit(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))


class RowHeader(QWidget):
    """A row's name over it; selects or removes it."""

    clicked = Signal()
    removed = Signal()
    turned_back = Signal(bool)
    menu_wanted = Signal(QPoint)

    def __init__(self, theme: ThemeKeeper, first: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QElidingLabel()
        self.back_button = named(QToolButton(), "chip")
        self.back_button.setText(self.tr("Turn back"))
        self.back_button.setAccessibleName(self.tr("Turn back"))
        self.back_button.setCheckable(True)
        self.back_button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.back_button.setToolTip(
            self.tr("Show the maps of this row in the frame of the image as it was opened")
        )
        self.back_button.toggled.connect(self.turned_back)
        self.back_button.hide()
        self._first = first
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.label)
        layout.addWidget(self.back_button)
        for icon, name, slot in (
            ("more", self.tr("More for this row"), self._ask_for_menu),
            ("close", self.tr("Remove this row"), self.removed.emit),
        ):
            button = plain_button(theme, icon, name)
            button.setIconSize(QSize(12, 12))
            button.setFixedSize(18, 18)
            button.clicked.connect(slot)
            layout.addWidget(button)
            button.setVisible(not first)
        layout.addStretch(1)

    def show_text(self, text: str, selected: bool) -> None:
        """Name the row; the selected one is written in bold."""
        font = self.label.font()
        font.setBold(selected)
        self.label.setFont(font)
        self.label.setText(text)
        self.label.setMinimumWidth(min(self.label.fontMetrics().horizontalAdvance(text) + 4, 420))

    def show_turned_back(self, possible: bool, back: bool) -> None:
        """Say whether the row's maps are shown in the original's frame, if they can be."""
        self.back_button.setVisible(possible)
        self.back_button.blockSignals(True)
        self.back_button.setChecked(back)
        self.back_button.blockSignals(False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the row."""
        self.clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu."""
        if not self._first:
            self.clicked.emit()
            self.menu_wanted.emit(event.globalPos())

    def _ask_for_menu(self) -> None:
        self.clicked.emit()
        self.menu_wanted.emit(self.mapToGlobal(self.rect().bottomLeft()))
