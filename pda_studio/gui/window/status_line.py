"""The line at the window's lower edge: the pixel pointed at, and how far the work has come."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.theme import ThemeKeeper


class ProgressStrip(QWidget):
    """Readout on the left; progress, Stop and the list of jobs on the right."""

    stopped = Signal()
    jobs_wanted = Signal()

    def __init__(self, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.readout = QElidingLabel()
        self.text = QLabel()
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedSize(150, 8)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Stop (Esc)"))
        self.stop.clicked.connect(self.stopped)
        self.jobs = plain_button(theme, "jobs", self.tr("Jobs"))
        self.jobs.setToolTip(self.tr("Jobs: what runs and waits (Ctrl+Shift+J)"))
        self.jobs.setIconSize(QSize(16, 16))
        self.jobs.clicked.connect(self.jobs_wanted)
        for widget in (self.text, self.bar):
            widget.setCursor(Qt.CursorShape.PointingHandCursor)
            widget.setToolTip(self.jobs.toolTip())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 3, 10, 3)
        layout.setSpacing(10)
        layout.addWidget(self.readout, 1)
        layout.addWidget(self.text)
        layout.addWidget(self.bar)
        layout.addWidget(self.stop)
        layout.addWidget(self.jobs)
        self.setFixedHeight(34)
        self._note = self._news = ""
        self._idle = True
        self.show_idle("")

    def note(self, text: str) -> None:
        """Show a text whenever nothing runs."""
        self._note = text
        if self._idle:
            self.show_idle("")

    def show_news(self, news: str) -> None:
        """Show what has happened, before all notes, whenever nothing runs; "" ends it."""
        self._news = news
        if self._idle:
            self.show_idle("")

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
        self.text.setText(text or self._news or self._note)
        self.bar.hide()
        self.stop.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open the list of jobs by a click on what is told of them."""
        place = event.position().toPoint()
        if any(one.isVisible() and one.geometry().contains(place) for one in (self.text, self.bar)):
            self.jobs_wanted.emit()
