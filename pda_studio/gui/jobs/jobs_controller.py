"""The list of jobs, reports of what failed, and word of what was finished meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from pda_studio.document.workspace import ClassifierChoice, Column
from pda_studio.gui.actions.action import METHOD, VIEW, Action
from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.other_work import OtherWork
from pda_studio.gui.jobs.report import report
from pda_studio.gui.jobs.workload import STUDY, Task, TaskKey, workload
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Key, Session
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.targets import name_of

_BETWEEN = 200  # ms: the list changes five times a second at most


class JobsController(QObject):
    """Keeps the list of jobs up to date while it is open, and does what is asked there.

    Attributes
    ----------
    long : float
        Seconds: who waits longer for a map may be elsewhere by then, and gets a notice.
    read_after : float
        Seconds after which who came back has read what was finished.
    """

    added = Signal(object)
    """Other work that is shown, too."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        explainer: Explainer,
        opening: Opening,
        studies: StudiesController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._explainer, self._opening, self._studies = explainer, opening, studies
        self._others: list[OtherWork] = []
        self._part = -1.0
        self.long = self.read_after = 10.0
        self._soon = QTimer(self, singleShot=True, interval=_BETWEEN)
        self._soon.timeout.connect(self.show_tasks)
        self._seen = QTimer(self, singleShot=True)
        self._seen.timeout.connect(lambda: window.strip.show_news(""))
        listed = window.jobs
        listed.stopped.connect(self.stop)
        listed.run.connect(self._run)
        listed.all_stopped.connect(self.stop_others)
        listed.all_stopped.connect(self.stop_all)
        listed.report_wanted.connect(self.copy_report)
        window.strip.jobs_wanted.connect(self.toggle)
        window.registry.add(
            Action(
                "jobs",
                self.tr("Jobs"),
                self.toggle,
                place=VIEW.at(41),
                shortcut="Ctrl+Shift+J",
            ),
            Action(
                "run",
                self.tr("Run"),
                explainer.run,
                place=METHOD.at(30),
                shortcut="F5",
                icon="run",
                tool=60,
                label=self.tr("Run"),
                enabled=lambda context: context.resumable,
            ),
            Action(
                "stop",
                self.tr("Stop"),
                self.stop_all,
                place=METHOD.at(31),
                shortcut="Esc",
                icon="stop",
                tool=61,
                label=self.tr("Stop"),
                enabled=lambda context: context.busy,
            ),
        )
        window.banner.reported = self.report_of_window
        window.activated.connect(self._on_return)
        follow(self, session.panel_changed, self._refresh)
        explainer.progressed.connect(self._refresh)
        explainer.finished.connect(self._on_finished)
        opening.loading.connect(self._on_loading)
        opening.loaded.connect(self._refresh)
        studies.progressed.connect(self._refresh)

    def _on_return(self) -> None:
        self._seen.start(round(1000 * self.read_after))

    def add(self, other: OtherWork) -> None:
        """Show other work in the list, too."""
        self._others.append(other)
        other.progressed.connect(self._refresh)
        self.added.emit(other)

    # The list

    def toggle(self, *_: object) -> None:
        """Open the list, or close it."""
        if self._window.jobs.isVisible():
            self._window.jobs.leave()
        else:
            self.show_tasks()
            self._window.jobs.open()

    def tasks(self) -> list[Task]:
        """All work that is not done."""
        explainer, opening = self._explainer, self._opening
        loading: tuple[ClassifierChoice, float] | None = None
        if opening.busy and opening.choice is not None:
            loading = opening.choice, self._part
        study = self._studies.task
        if study is not None and explainer.current is not None:
            study = replace(study, state="waiting", awaits="turn")  # it gives way to maps
        others = (study, *(other.task for other in self._others))
        return workload(self._session, explainer.seconds_left_of, loading, others)

    def show_tasks(self) -> None:
        """Bring the list up to date."""
        self._window.jobs.show_tasks(self.tasks(), self._explainer.seconds_left())

    def stop(self, key: TaskKey) -> None:
        """Stop one panel's work, the study, other work, or the loading of a classifier."""
        if key is None:
            self._opening.stop()
        elif key == STUDY:
            self._studies.stop()
        elif isinstance(key, str):
            self.stop_others()
        else:
            self._explainer.stop_one(key)
        self.show_tasks()

    def stop_others(self) -> None:
        """Stop what runs beside the window's own work: Escape does not, as it may run for days."""
        for other in self._others:
            other.stop()

    def stop_all(self) -> None:
        """Stop all maps, the study, and what is loaded."""
        self._explainer.stop()
        self._opening.stop()
        self._studies.stop()
        self.show_tasks()

    def _run(self, key: TaskKey) -> None:
        if isinstance(key, str):
            for other in self._others:
                other.run()
        elif key is not None:
            self._explainer.run_one(key)
        self.show_tasks()

    def _refresh(self, *_: object) -> None:
        if self._window.jobs.isVisible() and not self._soon.isActive():
            self._soon.start()

    def _on_loading(self, name: str, part: float) -> None:
        self._part = part
        self._refresh()

    # Reports

    def copy_report(self, task: Task) -> None:
        """Put all that is known of a failed task on the clipboard."""
        key = task.key
        column = self._session.work.column(key[1]) if isinstance(key, tuple) else None
        text = self._report(task.error, task.details, column)
        QGuiApplication.clipboard().setText(text)
        self._window.strip.note(self.tr("The report is on the clipboard"))

    def report_of_window(self, message: str, details: str) -> str:
        """Write down a problem that the window tells of; what is selected is told with it."""
        return self._report(message, details, self._session.selected_column)

    def _report(self, message: str, details: str, column: Column | None) -> str:
        session, work = self._session, self._session.work
        choice = (work.choice_of(column) if column else None) or self._opening.choice
        facts: dict[str, str] = {}
        files: list[Path] = []
        if choice is not None:
            facts["Classifier"] = choice.title
            facts["Weights"] = _name_of(choice.weights)
            if choice.weights:
                files.append(Path(choice.weights))
            if choice.is_file:
                files.append(Path(choice.name))
        if column is not None:
            loaded = session.classifier_of(column)
            if loaded is not None:
                height, width = loaded.input_size
                facts["Input"] = f"{width} × {height}"
                facts["Device"] = loaded.device.type
            facts["Method"] = column.method.name
            if column.suited and not column.method.combines:
                facts["Parameters"] = json.dumps(dict(column.method), default=_name_of)
            target = session.target_of(column)
            names = loaded.class_names if loaded else ()
            facts["Target"] = name_of(target, names) if target else ""
        images = [work.image, *(row.image for row in work.rows)]
        files += [one.path for one in images if one is not None and one.path is not None]
        return report(message, details, facts, files)

    # What is finished while nobody looks

    def _on_finished(self, key: Key, seconds: float) -> None:
        column = self._session.work.column(key[1])
        if seconds < self.long or self._window.isActiveWindow() or column is None:
            return
        title = column.method.title
        message = self.tr("{0} is finished, after {1}").format(title, words.duration(seconds))
        self._window.strip.show_news(message)
        QApplication.alert(self._window)  # the taskbar tells; nothing comes to the front


def _name_of(value: Any) -> str:
    """A path's last part; the user's folders are nobody's concern."""
    return Path(str(value)).name if value else ""
