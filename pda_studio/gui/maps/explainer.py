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

from pda_studio.document.workspace import COMBINED, Column, Row, Workspace
from pda_studio.gui.jobs.worker import Job, Jobs
from pda_studio.gui.maps.costs import Costs, Speedometer
from pda_studio.gui.maps.disk import KeptMaps
from pda_studio.gui.maps.memory import MapCache
from pda_studio.gui.maps.panel_state import PanelState, Request, State
from pda_studio.gui.maps.predicting import Predicting
from pda_studio.gui.maps.previews import Previews, preview_steps, sketched
from pda_studio.gui.session import fitting
from pda_studio.gui.session.session import Key, Session
from pda_studio.targets import ClassTarget

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap, Subject
    from pda_studio.store.disk import Asked

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
    speed: Speedometer
    began: float
    preview: bool = False
    paused_at: float = 0.0


class Explainer(QObject):
    """Compares what is asked with what is shown, and gives the worker the difference.

    Attributes
    ----------
    costs : Costs
        What maps cost, and how fast they are made here.
    looking : Predicting
        Lets the classifiers look at the rows first.
    """

    failed = Signal(object, str)
    """An exception and its traceback."""
    finished = Signal(object, float)
    """A panel whose map has been computed, and how many seconds that took."""
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
        self._paused_run: _Running | None = None
        self._held = False
        self._paused = False
        self.costs = Costs(session)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._reconcile)
        self.predicting = Predicting(session, jobs, self)
        self.predicting.failed.connect(self.failed)
        self.predicting.changed.connect(self._on_predictions)
        session.changed.connect(self._on_changed)
        session.predictions_changed.connect(self._on_predictions)
        session.selection_changed.connect(self._on_predictions)

    # What the window asks and shows

    @property
    def busy(self) -> bool:
        """Whether maps are being computed or waited for."""
        panels = self._session.panels.values()
        return (
            any(panel.state in ("running", "waiting") for panel in panels) or self.predicting.busy
        )

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
        self._lay_aside()
        for key, panel in list(self._session.panels.items()):
            if panel.state in ("running", "waiting"):
                self._session.put_panel(*key, panel.replace(state="stopped"))
        self.progressed.emit()

    def run(self) -> None:
        """Compute what is missing, also what has failed; what was stopped goes on."""
        self._held = False
        for key, panel in list(self._session.panels.items()):
            if panel.state in ("stopped", "failed"):
                self._session.put_panel(*key, panel.replace(state="empty", request=None))
        self.predicting.forgive()
        self._soon.start()

    def stop_one(self, key: Key) -> None:
        """Let go of one panel's map; the others go on."""
        panel = self._session.panel(*key)
        if panel.state not in ("running", "waiting"):
            return
        if self.current == key:
            self._lay_aside()
            panel = self._session.panel(*key)
        self._session.put_panel(*key, panel.replace(state="stopped"))
        self._soon.start()
        self.progressed.emit()

    def run_one(self, key: Key) -> None:
        """Go on with what one panel asks, though it was stopped or has failed."""
        panel, column = self._session.panel(*key), self._session.work.column(key[1])
        if panel.state not in ("stopped", "failed") or column is None:
            return
        self._held = False
        self._session.put_panel(*key, panel.replace(state="empty", request=None))
        self.predicting.forgive(key[0], self._session.work.choice_of(column))
        self._soon.start()

    def take(self, request: Request, evidence_map: EvidenceMap) -> None:
        """Take a finished map from a file, as if it had been computed here."""
        self._cache.add(request, evidence_map)

    def pause(self) -> None:
        """Let go of the running map, to compute it later: the worker is needed elsewhere."""
        self._paused = True
        if self._running is not None:
            key = self._running.key
            self._let_go()
            self._session.put_panel(*key, self._session.panel(*key).replace(state="waiting"))
        self.progressed.emit()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._paused = False
        self._soon.start()

    def seconds_left(self) -> float | None:
        """How long until everything that runs or waits is done."""
        left = None if self._running is None else self.seconds_left_of(self._running.key)
        if left is None:
            return None
        for key, waiting in self._session.panels.items():
            if waiting.state == "waiting":
                left += self.seconds_left_of(key) or 0.0
        return left

    def seconds_left_of(self, key: Key) -> float | None:
        """How long one panel's map still takes, from when its turn comes; None if unknown."""
        running = self._running
        if running is None or running.key != key:
            return self.costs.seconds(self.costs.cost(key) or 0, key)
        panel = self._session.panel(*key)
        if running.preview or not panel.done or not panel.total:
            return None
        return self.costs.seconds(int((1 - panel.done / panel.total) * running.speed.cost), key)

    # What follows from changes

    def _on_changed(self, before: Workspace, after: Workspace) -> None:
        self._held = False
        if self._session.last_edit != "follow":  # what was stopped before it could even be asked
            for key, panel in list(self._session.panels.items()):
                if panel.state == "stopped" and panel.request is None:
                    self._session.put_panel(*key, panel.replace(state="empty"))
        self._soon.start()

    def _on_predictions(self) -> None:
        self._soon.start()

    def _reconcile(self) -> None:
        session = self._session
        self.predicting.ask_for_classifiers()
        if session.work.image is None or session.classifier is None:
            self._let_go()
            self.progressed.emit()
            return
        self.predicting.predict()
        combined = []
        for row_key, column_key in session.panel_keys():
            place, column = session.work.row(row_key), session.work.column(column_key)
            if place is None or column is None:
                continue
            if column.method == COMBINED:
                combined.append((place, column))
            else:
                self._settle(place, column)
        for place, column in combined:
            self._combine(place, column)
        self._previews.keep_only({panel.request for panel in session.panels.values()})
        running, paused = self._running, self._paused_run
        if running and session.panel(*running.key).request != running.request:
            self._let_go()
        if paused and session.panel(*paused.key).request not in (None, paused.request):
            self._paused_run = None
        self._look_up()
        self._start_next()
        self.progressed.emit()

    def _settle(self, row: Row, column: Column) -> None:
        """Give a panel its map if one is at hand; else let it wait for the worker."""
        session = self._session
        request = session.request(row, column)
        panel = session.panel(row.key, column.key)
        if request is None:
            self._wait_for_prediction(row, column, panel)
            return
        if panel.request == request and panel.state != "empty":
            return
        subject = self._subject((row.key, column.key), request)
        known = self._cache.find(request, _redrawing(subject, request))
        if known is not None:
            panel = panel.replace(
                state="done", request=request, evidence=known, answers=request, preview=None
            )
        else:
            stopped = self._held or _was_stopped_unasked(panel)
            panel = panel.replace(
                state="stopped" if stopped else "waiting",
                request=request,
                done=0,
                total=0,
                message="",
                details="",
            )
            preview = self._previews.find(request)
            panel = panel.replace(preview=None if preview is None else sketched(preview))
        session.put_panel(row.key, column.key, panel)

    def _wait_for_prediction(self, row: Row, column: Column, panel: PanelState) -> None:
        """Let a panel wait until its row has been looked at, or tell why it cannot be."""
        session = self._session
        why, details = self.predicting.refusal(row, column)
        if why and (panel.state, panel.message) != ("failed", why):
            failed = panel.replace(state="failed", message=why, details=details)
            session.put_panel(row.key, column.key, failed)
        elif not why and panel.state != "waiting" and not _was_stopped_unasked(panel):
            session.put_panel(row.key, column.key, panel.replace(state="waiting", request=None))

    def _combine(self, row: Row, column: Column) -> None:
        """Take the mean of the maps beside a panel, once they are all there."""
        session = self._session
        request, panel = session.request(row, column), session.panel(row.key, column.key)
        if panel.request == request and panel.state in ("done", "failed"):
            return
        sources = session.sources(column)
        maps = [session.finished(row, source) for source in sources]
        whole = [one for one in maps if one is not None]
        states = {session.panel(row.key, source.key).state for source in sources}
        if len(sources) < 2:
            why = self.tr("Put at least two methods beside this column: it shows their mean.")
            made = panel.replace(state="failed", request=request, evidence=None, message=why)
        elif request is None or len(whole) < len(maps):
            stopped = states <= {"stopped", "failed", "done"} and bool(states - {"done"})
            state: State = "stopped" if stopped else "waiting"
            made = panel.replace(state=state, request=request, message="")
        else:
            from pda_studio.attribution.combining import combined

            made = PanelState("done", request, combined(whole), request)
        if made != panel and (made.state, made.request) != (panel.state, panel.request):
            session.put_panel(row.key, column.key, made)

    def _look_up(self) -> None:
        """Prediction on the disk for the maps that are waited for, before any is computed."""
        for key, panel in self._session.panels.items():
            request = panel.request
            if panel.state != "waiting" or request is None or request.method == COMBINED:
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

        self._jobs.read(lambda: self._kept.find(request, subject), found, failed)

    def _show(self, request: Request, known: EvidenceMap) -> None:
        """Give a map to the panels that wait for it."""
        for key, panel in list(self._session.panels.items()):
            if panel.request == request and panel.state == "waiting":
                done = panel.replace(state="done", evidence=known, answers=request, preview=None)
                self._session.put_panel(*key, done)

    def _subject(self, key: Key, request: Request) -> Subject:
        work = self._session.work
        row, column = work.row(key[0]), work.column(key[1])
        prediction = self._session.subject_prediction(row, column) if row and column else None
        assert prediction is not None, "there is a request only where there is a look"
        target = request.target
        index = target.index if isinstance(target, ClassTarget) else 0
        return replace(prediction.subject, target=index)

    def _start_next(self) -> None:
        if self._running is not None or self._held or self._paused:
            return
        waiting: list[tuple[Key, Request]] = []
        for key in self._session.panel_keys():
            panel = self._session.panel(*key)
            row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
            asked = self._session.request(row, column) if row and column else None
            # What waits for an answer to an earlier question is asked anew soon.
            ready = asked is not None and asked == panel.request and asked in self._not_kept
            if panel.state == "waiting" and ready and asked is not None:
                waiting.append((key, asked))
        for key, request in waiting:
            cost = self.costs.cost(key) or 0
            if self._previews.worthwhile(request, cost, self.costs.seconds(cost, key)):
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
        self._run(_Running(key, request, job, self.costs.measuring(0), monotonic(), preview=True))

    def _start(self, key: Key, request: Request) -> None:
        subject = self._subject(key, request)

        preview = self._previews.find(request)

        def snapshot(progress: Any) -> _Step:
            evidence = working(progress.evidence())
            rough = None if preview is None else sketched(preview, evidence, progress.total)
            return _Step(progress.done, progress.total, evidence, preview=rough)

        earlier = self._paused_run
        if earlier is not None and earlier.request == request:
            self._paused_run = None
            idle = monotonic() - earlier.paused_at
        else:
            earlier, idle = None, 0.0

        def working(evidence: EvidenceMap) -> EvidenceMap:
            return evidence.replace(seconds=evidence.seconds - idle) if idle else evidence

        def steps() -> Generator[Any, None, _Step]:
            asked = self._kept.asked(request, subject)
            last = None
            for last in asked.method.steps(subject):
                yield last
            assert last is not None
            return _Step(last.done, last.total, last.evidence(), asked)

        def whole() -> Generator[Any, None, _Step]:
            paused = earlier.job.paused if earlier else None
            step = yield from paused or steps()
            return replace(step, evidence=working(step.evidence))

        def keep(step: _Step) -> None:
            if step.asked is not None:
                self._kept.keep(step.asked, step.evidence)

        job = Job(
            whole,
            done=self._on_done,
            failed=self._on_failed,
            partial=self._on_partial,
            snapshot=snapshot,
            stopped=self._on_stopped,
            afterwards=keep,
        )
        speed = self.costs.measuring(self.costs.cost(key) or 0)
        self._run(_Running(key, request, job, speed, monotonic()))

    def _run(self, running: _Running) -> None:
        self._running = running
        panel = self._session.panel(*running.key)
        running_panel = panel.replace(state="running", done=0, total=0, elapsed=0.0)
        self._session.put_panel(*running.key, running_panel)
        self._jobs.start(running.job)

    def _lay_aside(self) -> None:
        """Let go of the running map, and keep what is done: it may go on later."""
        running = self._running
        if running is not None and not running.preview:
            self._paused_run = running
            running.paused_at = monotonic()
            running.job.pause()
        self._let_go()

    def _let_go(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.job.cancel()
        panel = self._session.panels.get(running.key)
        if running.preview and panel is not None:
            # Of half a preview nobody could tell what is missing from what is no evidence.
            self._session.put_panel(*running.key, panel.replace(preview=None))

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
        for key, panel in list(self._session.panels.items()):
            if key == running.key:
                self._session.put_panel(*key, panel.replace(preview=preview, **changes))
            elif panel.request == running.request and panel.state == "waiting":
                self._session.put_panel(*key, panel.replace(preview=preview))

    def _on_partial(self, step: _Step) -> None:
        if self._running is None:
            return
        running = self._running
        elapsed = monotonic() - running.began
        running.speed.note(step.done, step.total, step.evidence.fingerprint)
        self._tell_why_slow(step.evidence)
        panel = self._session.panel(*running.key)
        self._session.put_panel(
            *running.key,
            panel.replace(
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
        panel = self._session.panel(*running.key)
        elapsed = monotonic() - running.began
        running.speed.note(step.done, step.total, step.evidence.fingerprint)
        self._tell_why_slow(step.evidence)
        self._session.put_panel(
            *running.key,
            panel.replace(
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
        self.finished.emit(running.key, elapsed)

    def _on_failed(self, error: BaseException, details: str) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        panel = self._session.panel(*running.key)
        failed = panel.replace(state="failed", message=str(error), details=details)
        self._session.put_panel(*running.key, failed)
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


def _was_stopped_unasked(panel: PanelState) -> bool:
    """Whether a panel was stopped before its row was looked at, so that nothing was asked yet."""
    return panel.state == "stopped" and panel.request is None


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
