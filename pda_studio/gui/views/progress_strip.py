"""The line at the window's lower edge: the pixel pointed at, and how far the work has come."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget
from superqt import QElidingLabel


class ProgressStrip(QWidget):
    """Readout on the left, progress and Stop on the right."""

    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.readout = QElidingLabel()
        self.text = QLabel()
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedSize(150, 8)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Stop (Esc)"))
        self.stop.clicked.connect(self.stopped)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 3, 10, 3)
        layout.setSpacing(10)
        layout.addWidget(self.readout, 1)
        layout.addWidget(self.text)
        layout.addWidget(self.bar)
        layout.addWidget(self.stop)
        self.setFixedHeight(34)
        self._note = ""
        self._idle = True
        self.show_idle("")

    def note(self, text: str) -> None:
        """Show a text whenever nothing runs."""
        self._note = text
        if self._idle:
            self.text.setText(text)

    def show_progress(self, text: str, part: float | None) -> None:
        """Show work that runs; without a part, one cannot say how far."""
        self._idle = False
        self.text.setText(text)
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * (part or 0)))
        self.bar.setVisible(part is not None)
        self.stop.show()

    def show_idle(self, text: str) -> None:
        """Show that nothing runs."""
        self._idle = True
        self.text.setText(text or self._note)
        self.bar.hide()
        self.stop.hide()
