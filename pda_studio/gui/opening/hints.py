"""Three first steps over the finished example, until they are closed for good."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.window.style_names import named

_BESIDE = 600  # pixels: where there are fewer, the steps stand below one another


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
        self._texts: list[QLabel] = []
        self._steps = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        for number, (title, text) in enumerate(steps, 1):
            self._steps.addLayout(self._step(number, title, text), 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 10, 12, 10)
        layout.setSpacing(18)
        layout.addLayout(self._steps, 1)
        self.close_button = QPushButton(self.tr("Got it"))
        self.close_button.setToolTip(self.tr("Do not show these steps again"))
        self.close_button.clicked.connect(self.closed)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._arrange(wide=True)
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stand side by side, or below one another where the window is narrow."""
        super().resizeEvent(event)
        self._arrange(wide=event.size().width() >= _BESIDE)

    def _arrange(self, *, wide: bool) -> None:
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._steps.setDirection(across if wide else down)
        self._steps.setSpacing(18 if wide else 4)
        for text in self._texts:
            text.setVisible(wide)

    def _step(self, number: int, title: str, text: str) -> QHBoxLayout:
        circle = named(QLabel(str(number)), "number")
        circle.setFixedSize(22, 22)
        circle.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = named(QLabel(title), "title")
        heading.setWordWrap(True)
        heading.setToolTip(text)
        words = named(QLabel(text), "muted")
        words.setWordWrap(True)
        self._texts.append(words)
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
