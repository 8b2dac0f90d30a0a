"""What is asked about when it is not a class of the list: shown below it, and taken back."""

from PySide6.QtCore import QPoint, QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper


class TargetLine(QWidget):
    """Names a contrast or a hidden unit, and opens the menu of what else can be asked."""

    taken_back = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(self, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said = QWidget()
        head = named(QLabel(self.tr("Asked instead of a class")), "muted")
        self.name = QElidingLabel()
        self.name.setObjectName("title")
        button = plain_button(theme, "close", self.tr("Explain the most likely class again"))
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(18, 18)
        button.clicked.connect(self.taken_back)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.name, 1)
        line.addWidget(button)
        box = QVBoxLayout(self._said)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(1)
        box.addWidget(head)
        box.addLayout(line)
        self.more = QPushButton(self.tr("Other target …"))
        self.more.setToolTip(
            self.tr("Why one class rather than another, what a hidden unit looks for, and more")
        )
        self.more.clicked.connect(
            lambda: self.menu_wanted.emit(self.more.mapToGlobal(self.more.rect().bottomLeft()))
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._said)
        layout.addWidget(self.more)
        self._said.hide()

    def show_target(self, name: str) -> None:
        """Name what is asked; "" where it is a class of the list."""
        self._said.setVisible(bool(name))
        self.name.setText(name)
        self.name.setToolTip(name)
