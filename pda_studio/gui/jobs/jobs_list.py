"""The list of jobs: opens over the line below the window, and everything else goes on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.grid.tabbing import move_focus, tab_stops
from pda_studio.gui.jobs.job_row import JobRow
from pda_studio.gui.jobs.workload import Task, TaskKey
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.sections import rule
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper

_WIDTH = 500
_BESIDE = 10  # pixels from the window's right edge, and from the line below


class JobsList(QFrame):
    """Work that runs, waits, was stopped or has failed; each a row with its buttons."""

    stopped = Signal(object)
    """The key of a task to stop."""
    run = Signal(object)
    all_stopped = Signal()
    report_wanted = Signal(object)
    """A Task that failed."""
    closed = Signal()

    def __init__(self, theme: ThemeKeeper, window: QWidget, above: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self.setAccessibleName(self.tr("Jobs"))
        self._theme, self._above = theme, above
        self._tasks: list[Task] = []
        self._before: QWidget | None = None
        self.rows: dict[TaskKey, JobRow] = {}
        heading = named(QLabel(self.tr("Jobs")), "section")
        self.summary = named(QLabel(), "muted")
        self.stop_all = QPushButton(self.tr("Stop all"))
        self.stop_all.setToolTip(
            self.tr("Stop all (Esc in the window stops all but a run on a folder)")
        )
        self.stop_all.clicked.connect(self.all_stopped)
        self.close_button = plain_button(theme, "close", self.tr("Close this list"))
        self.close_button.setIconSize(QSize(14, 14))
        self.close_button.clicked.connect(self.leave)
        head = QHBoxLayout()
        head.setContentsMargins(14, 9, 8, 8)
        head.setSpacing(8)
        head.addWidget(heading)
        head.addWidget(self.summary, 1)
        head.addWidget(self.stop_all)
        head.addWidget(self.close_button)
        self.nothing = named(QLabel(self.tr("Nothing runs, and nothing waits.")), "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setFixedHeight(64)
        self._content = named(QWidget(), "side")
        self._lines = QVBoxLayout(self._content)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(0)
        self._lines.addStretch(1)
        self.area = named(QScrollArea(), "side")
        self.area.setWidget(self._content)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 6)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(rule())
        layout.addWidget(self.nothing)
        layout.addWidget(self.area, 1)
        shadow = QGraphicsDropShadowEffect(self, blurRadius=28, xOffset=0, yOffset=6)
        shadow.setColor(QColor(0, 0, 0, 110))
        self.setGraphicsEffect(shadow)
        self.hide()

    @property
    def tasks(self) -> list[Task]:
        """What is shown, from top to bottom."""
        return self._tasks

    def open(self) -> None:
        """Open, with the focus on the first thing to do."""
        self._before = self.window().focusWidget()
        self.show()
        self.raise_()  # over the grid; the window itself stays where it is
        self._place()
        stops = tab_stops([self], None)
        if stops:
            stops[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def leave(self) -> None:
        """Close, and give the focus back to where it was."""
        inside = self.isAncestorOf(self.window().focusWidget() or self.window())
        self.hide()
        if inside and self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._before = None
        self.closed.emit()

    def show_tasks(self, tasks: list[Task], left: float | None) -> None:
        """Show these tasks, and how many seconds all of them take."""
        self._tasks = tasks
        keys = [task.key for task in tasks]
        for gone in [key for key in self.rows if key not in keys]:
            row = self.rows.pop(gone)
            self._lines.removeWidget(row)
            row.hide()
            row.deleteLater()
        for at, task in enumerate(tasks):
            row = self.rows.get(task.key) or self._make_row(task.key)
            if self._lines.indexOf(row) != at:
                self._lines.insertWidget(at, row)
            row.show_task(task)
            row.show()
        active = sum(task.active for task in tasks)
        text = "" if not active else self.tr("{0} to do").format(words.count(active))
        if left is not None:
            text += self.tr(" · {0} left").format(words.duration(left))
        self.summary.setText(text)
        self.stop_all.setEnabled(bool(active))
        self.nothing.setVisible(not tasks)
        self.area.setVisible(bool(tasks))
        self._place()

    def _make_row(self, key: TaskKey) -> JobRow:
        row = JobRow(self._theme, self._content)
        row.stopped.connect(lambda: self.stopped.emit(key))
        row.run.connect(lambda: self.run.emit(key))
        row.report_wanted.connect(lambda: self._ask_for_report(key))
        row.details_button.toggled.connect(lambda _: self._place())
        self.rows[key] = row
        return row

    def _ask_for_report(self, key: TaskKey) -> None:
        task = next((task for task in self._tasks if task.key == key), None)
        if task is not None:
            self.report_wanted.emit(task)

    def _place(self) -> None:
        """Stand at the lower right, as high as the rows need and the window has room."""
        window = self.window()
        below = self._above.mapTo(window, self._above.rect().topLeft()).y() - _BESIDE
        width = min(_WIDTH, window.width() - 2 * _BESIDE)
        wanted = 52 + (self._content.sizeHint().height() if self._tasks else 70)
        height = min(wanted, below - 120)
        self.setGeometry(window.width() - width - _BESIDE, below - height, width, height)

    # Keys

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab stays within the list as long as it is open; Escape leaves it."""
        return move_focus(tab_stops([self], None), self.window().focusWidget(), forwards)

    def event(self, event: QEvent) -> bool:
        """Keep Escape for closing: else it would stop the work."""
        if event.type() == QEvent.Type.ShortcutOverride and _is_escape(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if _is_escape(event):
            self.leave()
        else:
            super().keyPressEvent(event)

    def place(self) -> None:
        """Stay in the corner when the window changes its size."""
        if self.isVisible():
            self._place()


def _is_escape(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
