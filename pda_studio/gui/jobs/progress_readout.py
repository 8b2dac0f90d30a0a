"""What runs, how far it is, how fast, and how long it will take: in the line below the grid."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject

from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.other_work import OtherWork
from pda_studio.gui.jobs.workload import Task
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.session.session import Session
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow


class ProgressReadout(QObject):
    """Follows the running map, and the study that is carried out."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        explainer: Explainer,
        studies: StudiesController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._strip, self._session, self._explainer = window.strip, session, explainer
        self._studies = studies
        self._others: list[OtherWork] = []
        explainer.progressed.connect(self._show)
        studies.progressed.connect(self._show)
        follow(self, session.selection_changed, self._show)

    def add(self, other: OtherWork) -> None:
        """Tell of other work, too, whenever no map and no study runs."""
        self._others.append(other)
        other.progressed.connect(self._show)

    def _show(self) -> None:
        strip, explainer, session = self._strip, self._explainer, self._session
        if explainer.current is None:
            self._show_study()
            return
        row, key = explainer.current
        panel, column = session.panel(row, key), session.work.column(key)
        if column is None:
            return
        title = column.method.title
        if explainer.previewing:
            strip.show_progress(self.tr("{0} · preview").format(title), None)
            return
        left = explainer.seconds_left()
        remaining = "" if left is None else self.tr("{0} left").format(words.duration(left))
        if panel.stage or not panel.total:
            said = " · ".join(filter(None, (title, panel.stage, remaining)))
            strip.show_progress(said, panel.done / panel.total if panel.total else None)
            return
        parts = [title, f"{words.count(panel.done)} of {words.count(panel.total)}"]
        rate = explainer.costs.rate_of((row, key))
        if rate:
            parts.append(self.tr("{0} forward passes per second").format(words.count(rate)))
        if remaining:
            parts.append(remaining)
        waiting = sum(one.state == "waiting" for one in session.panels.values())
        if waiting:
            parts.append(self.tr("{0} more waiting").format(waiting))
        strip.show_progress(" · ".join(parts), panel.done / panel.total)

    def _show_study(self) -> None:
        """Show how far the study is, if there is one; nothing else runs."""
        task, strip = self._studies.task, self._strip
        if task is None:
            running = (other.task for other in self._others)
            said = [
                " · ".join(filter(None, (one.title, one.stage, _left(one))))
                for one in running
                if one is not None and one.active
            ]
            strip.show_idle(said[0] if said else "")
            return
        parts = [self.tr("Study: {0}").format(task.title), task.place]
        strip.show_progress(" · ".join(filter(None, parts)), task.progress)


def _left(task: Task) -> str:
    if task.seconds is None:
        return ""
    left = QCoreApplication.translate("ProgressReadout", "{0} left")
    return left.format(words.duration(task.seconds))
