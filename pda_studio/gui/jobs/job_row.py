"""One line of the list of jobs: what it is, how far it is, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.jobs.workload import STUDY, Task
from pda_studio.gui.maps.wording import awaited
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper


class JobRow(QFrame):
    """Shows a task; stays the same widget as the task goes on, so that nothing jumps."""

    stopped = Signal()
    run = Signal()
    report_wanted = Signal()

    def __init__(self, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("job")
        self.title = named(QLabel(), "title")
        self.place = named(QElidingLabel(), "muted")
        self.said = named(QLabel(), "muted")
        self.stop_button = plain_button(theme, "stop", self.tr("Stop this one"))
        self.run_button = plain_button(theme, "run", self.tr("Run this one"))
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedHeight(4)
        self.error = QLabel(wordWrap=True)
        self.error.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.again_button = QPushButton(self.tr("Try again"))
        self.details_button = QPushButton(self.tr("Details"))
        self.details_button.setCheckable(True)
        self.copy_button = QPushButton(self.tr("Copy report"))
        self.copy_button.setToolTip(
            self.tr("Message, traceback, versions and parameters; no paths of yours")
        )
        self.details = QPlainTextEdit(readOnly=True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setFixedHeight(120)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName(self.tr("Details of the problem"))
        self.details.hide()
        self._details = ""
        for button in (self.stop_button, self.run_button):
            button.setIconSize(QSize(14, 14))
            button.setFixedSize(22, 22)
        self._slot = QWidget()  # there even when empty: words stand below one another
        self._slot.setFixedSize(22, 22)
        beside = QHBoxLayout(self._slot)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self.stop_button)
        beside.addWidget(self.run_button)
        self.stop_button.clicked.connect(self.stopped)
        self.run_button.clicked.connect(self.run)
        self.again_button.clicked.connect(self.run)
        self.copy_button.clicked.connect(self.report_wanted)
        self.details_button.toggled.connect(self.details.setVisible)
        self._lay_out()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.title)
        line.addWidget(self.place, 1)
        line.addWidget(self.said)
        line.addWidget(self._slot)
        self._problem = QWidget()
        buttons = QHBoxLayout(self._problem)
        buttons.setContentsMargins(0, 2, 0, 0)
        buttons.setSpacing(6)
        for button in (self.again_button, self.details_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 7, 10, 8)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        layout.addWidget(self.error)
        layout.addWidget(self._problem)
        layout.addWidget(self.details)

    def show_task(self, task: Task) -> None:
        """Show how far a task is."""
        forms: dict[object, str] = {None: self.tr("Loading {0}"), STUDY: self.tr("Study: {0}")}
        self.title.setText(forms.get(task.key, "{0}").format(task.title))
        self.place.setText(task.place)
        self.place.setToolTip(task.place)
        said = self._words(task)
        self.said.setText(said)
        failed, running = task.state == "failed", task.state == "running"
        self.stop_button.setVisible(task.active and task.single)
        self.run_button.setVisible(task.state == "stopped" and task.single)
        self.bar.setVisible(running)
        if running:
            self.bar.setRange(0, 0 if task.progress is None else 1000)
            if task.progress is not None:
                self.bar.setValue(round(1000 * task.progress))
        self.error.setVisible(failed)
        self.error.setText(task.error)
        self._problem.setVisible(failed)
        self.again_button.setVisible(task.single)
        self.details_button.setVisible(bool(task.details))
        if self._details != task.details:
            self._details = task.details
            self.details.setPlainText(task.details)
        if not failed or not task.details:
            self.details_button.setChecked(False)
        name = ", ".join(filter(None, (self.title.text(), task.place, said, task.error)))
        self.setAccessibleName(name)
        self.bar.setAccessibleName(self.tr("Progress of {0}").format(self.title.text()))

    def _words(self, task: Task) -> str:
        parts = []
        if task.state == "running":
            if task.preview:
                parts.append(self.tr("preview"))
            elif task.stage:
                parts.append(task.stage)
            elif task.progress is not None:
                parts.append(f"{100 * task.progress:.0f} %")
            if task.seconds is not None:
                parts.append(self.tr("{0} left").format(words.duration(task.seconds)))
        else:
            known = {
                "waiting": awaited(task.awaits),
                "stopped": self.tr("stopped"),
                "failed": self.tr("failed"),
            }
            parts.append(known[task.state])
            if task.seconds is not None and task.seconds >= 1:
                parts.append(self.tr("about {0}").format(words.duration(task.seconds)))
        return " · ".join(parts)
