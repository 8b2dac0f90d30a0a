"""What the window shows while no image is open: an invitation."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper


class Welcome(QWidget):
    """Open an image, drop one, or try a digit."""

    open_wanted = Signal()
    chosen = Signal(object)

    def __init__(
        self, theme: ThemeKeeper, samples: list[Path], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("grid")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        frame = named(QFrame(), "drop")
        title = named(QLabel(self.tr("Drop an image here")), "hero")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text = QLabel(
            self.tr(
                "See which pixels speak for (red) and against (blue)\n"
                "the decision of an image classifier."
            ),
        )
        text.setObjectName("muted")
        text.setWordWrap(True)
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QPushButton(self.tr("Open an image …"))
        self.button.setMinimumHeight(34)
        self.button.clicked.connect(self.open_wanted)
        theme.set_icon(self.button, "image")
        hint = named(QLabel(self.tr("or try a handwritten digit")), "muted")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        digits = QHBoxLayout()
        digits.setSpacing(6)
        digits.addStretch(1)
        for path in samples:
            button = named(QToolButton(), "plain")
            button.setIcon(QIcon(str(path)))
            button.setIconSize(QSize(36, 36))
            button.setToolTip(self.tr("Try the digit {0}").format(path.stem))
            button.setAccessibleName(button.toolTip())
            button.clicked.connect(lambda _=False, p=path: self.chosen.emit(p))
            digits.addWidget(button)
        digits.addStretch(1)
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(48, 44, 48, 40)
        inside.setSpacing(12)
        inside.addWidget(title)
        inside.addWidget(text)
        inside.addSpacing(6)
        inside.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        inside.addSpacing(14)
        inside.addWidget(hint)
        inside.addLayout(digits)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(32, 32, 32, 32)
        layout.addStretch(2)
        layout.addWidget(frame, 0, Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(3)
