"""Three first steps over the finished example, until they are closed for good."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from pda_studio.gui.window.style_names import named


class HintBar(QFrame):
    """A slim bar with three numbered steps; nothing waits for it."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hints")
        self.setAccessibleName(self.tr("First steps"))
        steps = (
            (
                self.tr("Red speaks for it"),
                self.tr("Blue speaks against the class in bold on the left."),
            ),
            (
                self.tr("Choose a class"),
                self.tr("Click one on the left: its map is there at once."),
            ),
            (
                self.tr("Bring an image"),
                self.tr("Drop it here, or paste it. F1 shows all keys."),
            ),
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 10, 12, 10)
        layout.setSpacing(18)
        for number, (title, text) in enumerate(steps, 1):
            layout.addLayout(self._step(number, title, text), 1)
        self.close_button = QPushButton(self.tr("Got it"))
        self.close_button.setToolTip(self.tr("Do not show these steps again"))
        self.close_button.clicked.connect(self.closed)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.hide()

    def _step(self, number: int, title: str, text: str) -> QHBoxLayout:
        circle = named(QLabel(str(number)), "number")
        circle.setFixedSize(22, 22)
        circle.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = named(QLabel(title), "title")
        heading.setWordWrap(True)
        words = named(QLabel(text), "muted")
        words.setWordWrap(True)
        lines = QVBoxLayout()
        lines.setSpacing(1)
        lines.addWidget(heading)
        lines.addWidget(words)
        lines.addStretch(1)
        step = QHBoxLayout()
        step.setSpacing(9)
        step.addWidget(circle, 0, Qt.AlignmentFlag.AlignTop)
        step.addLayout(lines, 1)
        return step
