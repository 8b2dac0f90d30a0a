"""Predictions of images in a grid, made as one looks at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.results.working import work
from pda_studio.gui.session.session import Session

if TYPE_CHECKING:
    from pda_studio.batch.table import ResultTable


class PredictingAsOneLooks(QObject):
    """Lets the open classifier predict the images in sight, one after the other."""

    predicted = Signal(int)
    """A row of the table whose prediction is there."""
    forgotten = Signal()
    """Another classifier is open: no prediction holds any more."""

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._table: ResultTable | None = None
        self._wanted: list[int] = []
        self._tried: set[int] = set()
        self._running: Job | None = None
        follow(self, session.events.classifier, self._on_classifier)
        follow(self, session.loaded, self._on_classifier)

    def begin(self, table: ResultTable | None) -> None:
        """Predict images of this table from now on; of results nothing is to be predicted."""
        self._table = None if table is None or table.computed else table
        self._tried = set()
        self.want([])

    def want(self, rows: list[int]) -> None:
        """Predict these, in this order, and nothing that was wanted before."""
        self._wanted = rows
        self._next()

    def _next(self) -> None:
        table, classifier = self._table, self._session.classifier
        if table is None or classifier is None or self._running is not None:
            return
        at = next((one for one in self._wanted if one not in self._tried), None)
        if at is None:
            return
        self._tried.add(at)
        path = Path(table.column("path")[at])

        def done(answer: tuple[str, float]) -> None:
            self._running = None
            if self._table is table and self._session.classifier is classifier:
                table.put_prediction(at, *answer)
                self.predicted.emit(at)
            self._next()

        def failed(error: BaseException, _: str) -> None:
            self._running = None
            if self._table is table and self._session.classifier is classifier:
                table.column("error")[at] = str(error)
                self.predicted.emit(at)
            self._next()

        self._running = self._jobs.start_short(
            lambda: work().predicted(classifier, path), done, failed
        )

    def _on_classifier(self, *_: object) -> None:
        if self._table is not None:
            self._table.forget_predictions()
            self._tried = set()
            self.forgotten.emit()
            self._next()
