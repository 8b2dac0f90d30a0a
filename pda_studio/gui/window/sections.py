"""Sections of the side columns."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.style_names import named


class Section(QWidget):
    """A heading with widgets under it."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = named(QElidingLabel(title), "section")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(14, 12, 14, 12)
        self.body.setSpacing(8)
        self.body.addWidget(self.heading)


def rule() -> QFrame:
    """A hairline between sections."""
    return named(QFrame(), "rule")


def side_column(*widgets: QWidget, stretch: QWidget | None = None) -> QScrollArea:
    """A column of sections that scrolls when the window is low."""
    content = named(QWidget(), "side")
    layout = QVBoxLayout(content)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, 1 if widget is stretch else 0)
    if stretch is None:
        layout.addStretch(1)
    area = named(QScrollArea(), "side")
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the focus of what is in it
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
