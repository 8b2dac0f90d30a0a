"""Gives every panel the map that it requests: from the store, redrawn, or computed.

What takes long to compute is previewed first: all panels' previews come before any exact map.
What may happen to a panel stands in `panel_state`; here it is made to happen.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from pda_studio.document.workspace import Column, Row, Workspace
from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps import panel_state as panels
from pda_studio.gui.maps.costs import Costs
from pda_studio.gui.maps.panel_state import PanelState
from pda_studio.gui.maps.predicting import Predicting
from pda_studio.gui.maps.previews import sketched, worthwhile
from pda_studio.gui.maps.requests import Request
from pda_studio.gui.maps.runner import Runner
from pda_studio.gui.maps.runs import Run, Wanted, wanted_by
from pda_studio.gui.session.session import Key, Session
from pda_studio.results import EvidenceMap
from pda_studio.store.map_store import MapStore

if TYPE_CHECKING:
    from pda_studio.results import Result

_log = logging.getLogger(__name__)


class Explainer(QObject):
    """Compares what panels request with what they show, and lets the engine make the difference.

    Attributes
    ----------
    store : MapStore
        All maps that are at hand.
    costs : Costs
        What maps cost, and how fast they are made here.
    predicting : Predicting
        Lets the classifiers predict the rows first.
    runner : Runner
        Carries out one run after the other.
    is_stopped : bool
        Whether the user has stopped everything.
    """

    failed = Signal(object, str)
    """An exception and its traceback."""
    finished = Signal(object, float)
    """A panel whose map has been computed, and how many seconds that took."""
    slowed = Signal(str)
    """Why a classifier can only be run as a whole, once for each."""
    progressed = Signal()
    """Something about what is running or waiting has changed."""

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.store = MapStore()
        self.costs = Costs(session)
        self.runner = Runner(session, jobs, self.store, self)
        self.is_stopped = self._lent = False  # the engine is needed elsewhere
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._reconcile)
        self.predicting = Predicting(session, jobs, self)
        self.predicting.failed.connect(self.failed)
        runner = self.runner
        runner.failed.connect(self.failed)
        runner.finished.connect(self.finished)
        runner.slowed.connect(self.slowed)
        runner.progressed.connect(self.progressed)
        runner.freed.connect(self._reconcile_soon)
        self.predicting.changed.connect(self._reconcile_soon)
        follow(self, session.predictions_changed, self._reconcile_soon)
        follow(self, session.selection_changed, self._reconcile_soon)
        follow(self, session.changed, self._on_changed)

    # What the window asks and shows

    @property
    def busy(self) -> bool:
        """Whether maps are being computed or waited for."""
        states = {panel.state for panel in self._session.panels.values()}
        return bool(states & panels.ACTIVE) or self.predicting.busy

    @property
    def current(self) -> Key | None:
        """The panel that is being computed."""
        return self.runner.running.key if self.runner.running else None

    @property
    def previewing(self) -> bool:
        """Whether it is a preview that is being computed."""
        return self.runner.running is not None and self.runner.running.preview

    def stop(self) -> None:
        """Let go of the running map and of all that wait; what is there stays."""
        self.is_stopped = True
        self.runner.cancel(keep=True)
        for key, panel in list(self._session.panels.items()):
            if panel.active:
                self.runner.dispatch(key, panels.Stopped())
        self.progressed.emit()

    def run(self) -> None:
        """Compute what is missing, also what has failed; what was stopped goes on."""
        self.is_stopped = False
        for key, panel in list(self._session.panels.items()):
            if panel.state in ("stopped", "failed"):
                self.runner.dispatch(key, panels.Resumed())
        self.predicting.forgive()
        self._soon.start()

    def stop_one(self, key: Key) -> None:
        """Let go of one panel's map; the others go on."""
        if not self._session.panel(*key).active:
            return
        if self.current == key:
            self.runner.cancel(keep=True)
        self.runner.dispatch(key, panels.Stopped())
        self._soon.start()
        self.progressed.emit()

    def run_one(self, key: Key) -> None:
        """Go on with what one panel requests, though it was stopped or has failed."""
        panel, column = self._session.panel(*key), self._session.work.column(key[1])
        if panel.state not in ("stopped", "failed") or column is None:
            return
        self.is_stopped = False
        self.runner.dispatch(key, panels.Resumed())
        self.predicting.forgive(key[0], self._session.work.choice_of(column))
        self._soon.start()

    def restore(self, key: Key, request: Request, evidence_map: Result) -> None:
        """Show a map from a saved file, as if it had been computed here."""
        self.store.put(request, evidence_map)
        self.runner.dispatch(key, panels.Restored(request, evidence_map))

    def pause(self) -> None:
        """Let go of the running map, to go on with it later: the engine is needed elsewhere."""
        self._lent = True
        key = self.current
        self.runner.cancel(keep=True)
        if key is not None and self._session.panel(*key).computing:
            self.runner.dispatch(key, panels.Released())
        self.progressed.emit()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._lent = False
        self._soon.start()

    def seconds_left(self) -> float | None:
        """How long until everything that runs or waits is done."""
        left = (
            None if self.runner.running is None else self.seconds_left_of(self.runner.running.key)
        )
        if left is None:
            return None
        for key, waiting in self._session.panels.items():
            if waiting.state == "waiting":
                left += self.seconds_left_of(key) or 0.0
        return left

    def seconds_left_of(self, key: Key) -> float | None:
        """How long one panel's map still takes, from when its turn comes; None if unknown."""
        running = self.runner.running
        if running is None or running.key != key:
            return self.costs.seconds(self.costs.cost(key) or 0, key)
        if running.preview:
            return None
        panel = self._session.panel(*key)
        part = panel.done / panel.total if panel.total else 0.0
        return self.costs.seconds(int((1 - part) * running.speed.cost), key)

    # What follows from changes

    def _on_changed(self, before: Workspace, after: Workspace) -> None:
        self.is_stopped = False
        if self._session.last_edit != "follow":  # what was stopped before it was even requested
            for key, panel in list(self._session.panels.items()):
                if _was_stopped_early(panel):
                    self.runner.dispatch(key, panels.Resumed())
        self._soon.start()

    def _reconcile_soon(self) -> None:
        self._soon.start()

    def _reconcile(self) -> None:
        session = self._session
        self.predicting.ask_for_classifiers()
        if session.work.image is None or session.classifier is None:
            self.runner.cancel()
            self.progressed.emit()
            return
        self.predicting.predict()
        combined = []
        keys = session.panel_keys()
        if self.runner.running is not None and self.runner.running.key not in keys:
            self.runner.cancel()
        for key in keys:
            row, column = session.work.row(key[0]), session.work.column(key[1])
            if row is None or column is None:
                continue
            if column.method.combines:
                combined.append((row, column))
            else:
                self._settle(key, row, column)
        for row, column in combined:
            self._combine(row, column)
        self.store.keep_only({panel.request for panel in session.panels.values()})
        self._search_disk()
        self._begin_next(keys)
        self._queue()
        self.progressed.emit()

    def _settle(self, key: Key, row: Row, column: Column) -> None:
        """Give a panel its map if one is at hand; else let it wait for the engine."""
        request, panel = self._session.request(row, column), self._session.panel(*key)
        if request is None:
            self._await_prediction(key, row, column)
            return
        if panel.request == request and panel.state != "empty":
            return
        wanted = wanted_by(self._session, row, column, request)
        known = self.store.find(*wanted.parts)
        if known is not None:
            if self.current == key:
                self.runner.cancel()
            self.runner.dispatch(key, panels.Found(request, known))
        elif not self.runner.turn(key, wanted):
            self._request(key, request)

    def _request(self, key: Key, request: Request) -> None:
        """Let a panel wait for a map that must be read or computed."""
        panel, sketch = self._session.panel(*key), self.store.preview(request)
        preview = None if sketch is None else sketched(sketch)
        stopped = self.is_stopped or _was_stopped_early(panel)
        kind = panels.Withheld if stopped else panels.Requested
        self.runner.dispatch(key, kind(request, "cache", preview))

    def _await_prediction(self, key: Key, row: Row, column: Column) -> None:
        """Let a panel wait until its row has been predicted, or tell why it cannot be."""
        panel = self._session.panel(*key)
        why, details = self.predicting.refusal(row, column)
        loaded = self._session.classifier_of(column) is not None
        awaits: panels.Awaited = "prediction" if loaded else "classifier"
        if self.current == key:
            self.runner.cancel()
        if why and (panel.state, panel.message) != ("failed", why):
            self.runner.dispatch(key, panels.Failed(why, details))
        known = (panel.state, panel.awaits) == ("waiting", awaits) or _was_stopped_early(panel)
        if not why and not known:
            self.runner.dispatch(key, panels.Requested(None, awaits, panel.preview))

    def _combine(self, row: Row, column: Column) -> None:
        """Take the mean of the maps beside a panel, once they are all there."""
        session, key = self._session, (row.key, column.key)
        request, panel = session.request(row, column), session.panel(*key)
        if panel.request == request and panel.state in ("done", "failed"):
            return
        sources = session.sources(column)
        maps = [session.finished(row, source) for source in sources]
        whole = [one for one in maps if isinstance(one, EvidenceMap)]
        states = {session.panel(row.key, source.key).state for source in sources}
        event: panels.Event
        if len(sources) < 2:
            why = self.tr("Put at least two methods beside this column: it shows their mean.")
            event = panels.Failed(why, request=request, bare=True)
        elif request is None or len(whole) < len(maps):
            stopped = states <= {"stopped", "failed", "done"} and bool(states - {"done"})
            kind = panels.Withheld if stopped else panels.Requested
            event = kind(request, "maps")
        else:
            from pda_studio.attribution.combining import combined

            event = panels.Found(request, combined(whole))
        after = panel.after(event)
        if (after.state, after.request) != (panel.state, panel.request):
            session.put_panel(*key, after)

    def _search_disk(self) -> None:
        """Look on the disk for the maps that are waited for, before any is computed."""
        for key, panel in list(self._session.panels.items()):
            request = panel.request
            if panel.state != "waiting" or request is None or request.method.combines:
                continue
            if self.store.to_be_read(request):
                row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
                if row is not None and column is not None:
                    self._read(wanted_by(self._session, row, column, request))

    def _read(self, wanted: Wanted) -> None:
        def found(evidence_map: Result | None) -> None:
            self.store.was_read(*wanted.parts, evidence_map)
            for key, panel in list(self._session.panels.items()):
                waits = panel.state == "waiting" and panel.request == wanted.request
                if waits and evidence_map is not None:
                    self.runner.dispatch(key, panels.Found(wanted.request, evidence_map))
            self._soon.start()

        def failed(error: BaseException, details: str) -> None:
            _log.warning("A map could not be looked up.\n%s", details)
            found(None)

        self._jobs.read(lambda: self.store.read(wanted.method, wanted.subject), found, failed)

    # Runs of the engine

    def _begin_next(self, keys: list[Key]) -> None:
        if self.runner.running is not None or self.is_stopped or self._lent:
            return
        waiting: list[tuple[Key, Wanted]] = []
        for key in keys:
            panel = self._session.panel(*key)
            request = panel.request
            if panel.state != "waiting" or request is None or not self.store.missing(request):
                continue
            row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
            if row is not None and column is not None:
                waiting.append((key, wanted_by(self._session, row, column, request)))
        for key, wanted in waiting:
            cost = self.costs.of(wanted.method, wanted.subject)
            tried = self.store.tried_preview(wanted.request)
            if not tried and worthwhile(cost, self.costs.seconds(cost, key)):
                self.runner.begin(Run(key, wanted, self.costs.measuring(0), preview=True))
                return
        for key, wanted in waiting[:1]:
            cost = self.costs.of(wanted.method, wanted.subject)
            self.runner.begin(Run(key, wanted, self.costs.measuring(cost)))

    def _queue(self) -> None:
        """Tell the panels whose maps the disk does not hold that they wait for their turn."""
        for key, panel in list(self._session.panels.items()):
            request = panel.request
            searched = panel.state == "waiting" and panel.awaits == "cache" and request is not None
            if searched and request is not None and self.store.missing(request):
                self.runner.dispatch(key, panels.Requested(request, "turn"))


def _was_stopped_early(panel: PanelState) -> bool:
    """Whether a panel was stopped before its row was predicted, so that nothing was requested."""
    return panel.state == "stopped" and panel.request is None
