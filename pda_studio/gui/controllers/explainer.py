"""Keeps every panel's map what the session asks for: from a cache, redrawn, or computed.

What takes long to compute is previewed first: all panels' previews come before any exact map.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from pda_studio.gui.controllers.jobs import Job, Jobs
from pda_studio.gui.models import fitting
from pda_studio.gui.models.cache import MapCache
from pda_studio.gui.models.cells import Look, Request
from pda_studio.gui.models.kept import KeptMaps
from pda_studio.gui.models.operations import applied
from pda_studio.gui.models.previews import Previews, preview_steps, sketched
from pda_studio.gui.models.session import Key, Session
from pda_studio.gui.models.work import Column, Row, Work

if TYPE_CHECKING:
    from pda_studio.methods.evidence import EvidenceMap, Subject
    from pda_studio.workspace.map_cache import Asked

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Step:
    done: int
    total: int
    evidence: EvidenceMap
    asked: Asked | None = None
    preview: EvidenceMap | None = None


@dataclass
class _Running:
    key: Key
    request: Request
    job: Job
    cost: int
    began: float
    preview: bool = False
    first: tuple[int, float] | None = None
    """Units done, and when, at the first partial map: what comes before is setting up."""


class Explainer(QObject):
    """Compares what is asked with what is shown, and gives the worker the difference.

    Attributes
    ----------
    rate : dict
        Forward passes a second, by classifier: measured on the work done so far.
    """

    failed = Signal(object, str)
    """An exception and its traceback."""
    slowed = Signal(str)
    """Why a classifier can only be asked as a whole, once for each."""
    progressed = Signal()
    """Something about what is running or waiting has changed."""

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._cache = MapCache()
        self._kept = KeptMaps()
        self._previews = Previews()
        self._told: set[str] = set()
        self._reading: set[Request] = set()
        self._not_kept: set[Request] = set()
        self._running: _Running | None = None
        self._letting_go = False
        self._looking: set[tuple[int, int]] = set()
        self._held = False
        self._paused = False
        self.rate: dict[str, float] = {}
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._reconcile)
        session.changed.connect(self._on_changed)
        session.looks_changed.connect(self._on_looks)
        session.selection_changed.connect(self._on_looks)

    # What the window asks and shows

    @property
    def busy(self) -> bool:
        """Whether maps are being computed or waited for."""
        cells = self._session.cells.values()
        return any(cell.state in ("running", "waiting") for cell in cells) or bool(self._looking)

    @property
    def current(self) -> Key | None:
        """The panel that is being computed."""
        return self._running.key if self._running else None

    @property
    def previewing(self) -> bool:
        """Whether it is a preview that is being computed."""
        return self._running is not None and self._running.preview

    def stop(self) -> None:
        """Let go of the running map and of all that wait; what is there stays."""
        self._held = True
        self._let_go()
        for key, cell in list(self._session.cells.items()):
            if cell.state in ("running", "waiting"):
                self._session.put_cell(*key, cell.replace(state="stopped"))
        self.progressed.emit()

    def run(self) -> None:
        """Compute what is missing, also what was stopped or has failed."""
        self._held = False
        for key, cell in list(self._session.cells.items()):
            if cell.state in ("stopped", "failed"):
                self._session.put_cell(*key, cell.replace(state="empty", request=None))
        self._soon.start()

    def pause(self) -> None:
        """Let go of the running map, to compute it later: the worker is needed elsewhere."""
        self._paused = True
        if self._running is not None:
            key = self._running.key
            self._let_go()
            self._session.put_cell(*key, self._session.cell(*key).replace(state="waiting"))
        self.progressed.emit()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._paused = False
        self._soon.start()

    def cost(self, key: Key, **changes: Any) -> int | None:
        """Forward passes of a panel's map, with some parameters changed; None if unknown yet."""
        look = self._session.looks.get(key[0])
        column = self._session.work.column(key[1])
        classifier = self._session.classifier
        if look is None or column is None or not column.parameters or classifier is None:
            return None
        kind = fitting.kind_of(column.method)
        values = fitting.fitted(kind, {**column.parameters, **changes}, classifier)
        return kind.create(**values).cost(look.subject)

    def seconds(self, cost: int) -> float | None:
        """How long forward passes will take, by the rate measured so far."""
        classifier = self._session.classifier
        rate = self.rate.get(classifier.fingerprint) if classifier else None
        return cost / rate if rate else None

    def seconds_left(self) -> float | None:
        """How long until everything that runs or waits is done."""
        if self._running is None or self._running.preview:
            return None
        cell = self._session.cell(*self._running.key)
        if not cell.done or not cell.total:
            return None
        left = (cell.total - cell.done) / cell.total * self._running.cost
        for key, waiting in self._session.cells.items():
            if waiting.state == "waiting":
                left += self.cost(key) or 0
        return self.seconds(int(left))

    # What follows from changes

    def _on_changed(self, before: Work, after: Work) -> None:
        self._held = False
        self._soon.start()

    def _on_looks(self) -> None:
        self._soon.start()

    def _reconcile(self) -> None:
        session = self._session
        if session.work.picture is None or session.classifier is None:
            self._let_go()
            self.progressed.emit()
            return
        for row in session.work.rows:
            if row.key not in session.looks:
                self._look_at(row)
        for row_key, column_key in session.panel_keys():
            place, column = session.work.row(row_key), session.work.column(column_key)
            if place is not None and column is not None:
                self._settle(place, column)
        self._previews.keep_only({cell.request for cell in session.cells.values()})
        running = self._running
        if running and session.cell(*running.key).request != running.request:
            self._let_go()
        self._look_up()
        self._start_next()
        self.progressed.emit()

    def _settle(self, row: Row, column: Column) -> None:
        """Give a panel its map if one is at hand; else let it wait for the worker."""
        session = self._session
        request = session.request(row, column)
        cell = session.cell(row.key, column.key)
        if request is None:
            if row.key not in session.looks and cell.state == "empty":
                session.put_cell(row.key, column.key, cell.replace(state="waiting"))
            return
        if cell.request == request and cell.state != "empty":
            return
        subject = self._subject((row.key, column.key), request)
        known = self._cache.find(request, _redrawing(subject, request))
        if known is not None:
            cell = cell.replace(
                state="done", request=request, evidence=known, answers=request, preview=None
            )
        else:
            state = "stopped" if self._held else "waiting"
            cell = cell.replace(state=state, request=request, done=0, total=0, message="")
            preview = self._previews.find(request)
            cell = cell.replace(preview=None if preview is None else sketched(preview))
        session.put_cell(row.key, column.key, cell)

    def _look_up(self) -> None:
        """Look on the disk for the maps that are waited for, before any is computed."""
        for key, cell in self._session.cells.items():
            request = cell.request
            if cell.state != "waiting" or request is None or key[0] not in self._session.looks:
                continue
            if request not in self._reading and request not in self._not_kept:
                self._reading.add(request)
                self._ask_for(request, self._subject(key, request))

    def _ask_for(self, request: Request, subject: Subject) -> None:
        def found(evidence_map: EvidenceMap | None) -> None:
            self._reading.discard(request)
            if evidence_map is None:
                self._not_kept.add(request)
            else:
                self._cache.add(request, evidence_map)
                self._show(request, evidence_map)
            self._soon.start()

        def failed(error: BaseException, details: str) -> None:
            _log.warning("A map could not be looked up.\n%s", details)
            found(None)

        self._jobs.ask(lambda: self._kept.find(request, subject), found, failed)

    def _show(self, request: Request, known: EvidenceMap) -> None:
        """Give a map to the panels that wait for it."""
        for key, cell in list(self._session.cells.items()):
            if cell.request == request and cell.state == "waiting":
                done = cell.replace(state="done", evidence=known, answers=request, preview=None)
                self._session.put_cell(*key, done)

    def _subject(self, key: Key, request: Request) -> Subject:
        return replace(self._session.looks[key[0]].subject, target=request.target)

    def _look_at(self, row: Row) -> None:
        session = self._session
        picture, classifier = session.work.picture, session.classifier
        asked = (row.key, id(classifier) ^ id(picture) ^ hash(row.operations))
        if picture is None or classifier is None or asked in self._looking:
            return
        self._looking.add(asked)

        def look() -> Look:
            from pda_studio.methods import Subject

            image = applied(picture.image, row.operations)
            return Look(Subject.of(image, classifier), image.shape[1], image.shape[0])

        def done(look: Look) -> None:
            self._looking.discard(asked)
            work = session.work
            same = work.picture is picture and session.classifier is classifier
            if same and work.row(row.key) == row:
                session.put_look(row.key, look)

        def failed(error: BaseException, details: str) -> None:
            self._looking.discard(asked)
            for column in session.work.columns:
                cell = session.cell(row.key, column.key)
                failure = cell.replace(state="failed", message=str(error))
                session.put_cell(row.key, column.key, failure)
            self.failed.emit(error, details)
            self.progressed.emit()

        self._jobs.ask(look, done, failed)

    def _start_next(self) -> None:
        if self._running is not None or self._held or self._paused:
            return
        waiting: list[tuple[Key, Request]] = []
        for key in self._session.panel_keys():
            cell = self._session.cell(*key)
            if cell.state == "waiting" and cell.request in self._not_kept:
                waiting.append((key, cell.request))
        for key, request in waiting:
            cost = self.cost(key) or 0
            if self._previews.worthwhile(request, cost, self.seconds(cost)):
                self._start_preview(key, request)
                return
        for key, request in waiting[:1]:
            self._start(key, request)

    def _start_preview(self, key: Key, request: Request) -> None:
        subject = self._subject(key, request)
        job = Job(
            lambda: preview_steps(request, subject),
            done=self._on_preview,
            failed=lambda *_: self._on_preview(None),
            partial=self._on_preview_partial,
            snapshot=_rough_snapshot,
            stopped=self._on_stopped,
        )
        self._run(_Running(key, request, job, 0, monotonic(), preview=True))

    def _start(self, key: Key, request: Request) -> None:
        subject = self._subject(key, request)

        preview = self._previews.find(request)

        def snapshot(progress: Any) -> _Step:
            evidence = progress.evidence()
            rough = None if preview is None else sketched(preview, evidence, progress.total)
            return _Step(progress.done, progress.total, evidence, preview=rough)

        def steps() -> Generator[Any, None, _Step]:
            asked = self._kept.asked(request, subject)
            last = None
            for last in asked.method.steps(subject):
                yield last
            assert last is not None
            return _Step(last.done, last.total, last.evidence(), asked)

        def keep(step: _Step) -> None:
            if step.asked is not None:
                self._kept.keep(step.asked, step.evidence)

        job = Job(
            steps,
            done=self._on_done,
            failed=self._on_failed,
            partial=self._on_partial,
            snapshot=snapshot,
            stopped=self._on_stopped,
            afterwards=keep,
        )
        self._run(_Running(key, request, job, self.cost(key) or 0, monotonic()))

    def _run(self, running: _Running) -> None:
        self._running = running
        cell = self._session.cell(*running.key)
        running_cell = cell.replace(state="running", done=0, total=0, elapsed=0.0)
        self._session.put_cell(*running.key, running_cell)
        self._jobs.start(running.job)

    def _let_go(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.job.cancel()
        cell = self._session.cells.get(running.key)
        if running.preview and cell is not None:
            # Of half a preview nobody could tell what is missing from what is no evidence.
            self._session.put_cell(*running.key, cell.replace(preview=None))

    # Answers of the worker; a cancelled job is heard no more, so these are of the running one

    def _on_preview_partial(self, preview: EvidenceMap | None) -> None:
        if self._running is not None and preview is not None:
            self._show_preview(self._running, preview)

    def _on_preview(self, preview: EvidenceMap | None) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        self._previews.put(running.request, preview)
        rough = None if preview is None else sketched(preview)
        self._show_preview(running, rough, state="waiting")
        self._start_next()
        self.progressed.emit()

    def _show_preview(self, running: _Running, preview: EvidenceMap | None, **changes: Any) -> None:
        """Show a preview; to panels that ask for the same, too."""
        for key, cell in list(self._session.cells.items()):
            if key == running.key:
                self._session.put_cell(*key, cell.replace(preview=preview, **changes))
            elif cell.request == running.request and cell.state == "waiting":
                self._session.put_cell(*key, cell.replace(preview=preview))

    def _on_partial(self, step: _Step) -> None:
        if self._running is None:
            return
        running = self._running
        elapsed = monotonic() - running.began
        self._measure(running, step)
        self._tell_why_slow(step.evidence)
        cell = self._session.cell(*running.key)
        self._session.put_cell(
            *running.key,
            cell.replace(
                evidence=step.evidence,
                answers=running.request,
                preview=step.preview,
                done=step.done,
                total=step.total,
                elapsed=elapsed,
            ),
        )
        self.progressed.emit()

    def _on_done(self, step: _Step) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        self._cache.add(running.request, step.evidence)
        self._not_kept.clear()  # others that wait may be drawn from this one
        cell = self._session.cell(*running.key)
        elapsed = monotonic() - running.began
        self._measure(running, step)
        self._tell_why_slow(step.evidence)
        self._session.put_cell(
            *running.key,
            cell.replace(
                state="done",
                preview=None,
                evidence=step.evidence,
                answers=running.request,
                done=step.total,
                total=step.total,
                elapsed=elapsed,
            ),
        )
        self._soon.start()
        self.progressed.emit()

    def _on_failed(self, error: BaseException, details: str) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        cell = self._session.cell(*running.key)
        self._session.put_cell(*running.key, cell.replace(state="failed", message=str(error)))
        self.failed.emit(error, details)
        self._soon.start()
        self.progressed.emit()

    def _on_stopped(self) -> None:
        self.progressed.emit()

    def _tell_why_slow(self, evidence_map: EvidenceMap) -> None:
        """Tell once for each classifier that its layers cannot be followed."""
        why = evidence_map.forward.removeprefix("full (").removesuffix(")")
        if why != evidence_map.forward and evidence_map.fingerprint not in self._told:
            self._told.add(evidence_map.fingerprint)
            self.slowed.emit(self.tr("{0}. The whole network is run for every window.").format(why))

    def _measure(self, running: _Running, step: _Step) -> None:
        """Note how many forward passes a second were done since the first partial map."""
        now, classifier = monotonic(), self._session.classifier
        if running.first is None:
            running.first = step.done, now
            return
        done, since = running.first
        passes = (step.done - done) / step.total * running.cost
        if classifier is not None and passes >= 16 and now - since > 0.2:
            self.rate[classifier.fingerprint] = passes / (now - since)


def _rough_snapshot(progress: Any) -> EvidenceMap | None:
    """A preview in the making; shown once half of it is there: before, the old map tells more."""
    there = progress.done >= 0.5 * progress.total
    return sketched(progress.evidence()) if there else None


def _redrawing(subject: Subject, request: Request) -> Callable[[EvidenceMap], EvidenceMap]:
    def draw(evidence_map: EvidenceMap) -> EvidenceMap:
        if evidence_map.scores is None:
            raise KeyError(subject.target)
        method = fitting.kind_of(request.method).create(**request.values)
        return method.redrawn(evidence_map, subject)

    return draw
