"""Carries out runs on the engine, one at a time, and tells their panels what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from pda_studio.diagnostics import WholeNetwork
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps import panel_state as panels
from pda_studio.gui.maps.costs import rated
from pda_studio.gui.maps.previews import sketched
from pda_studio.gui.maps.runs import Run, Step, Wanted, wanted_by
from pda_studio.gui.session.session import Key, Session
from pda_studio.store.map_store import MapStore

if TYPE_CHECKING:
    from pda_studio.results import Result


class Runner(QObject):
    """The run that the engine is at, and one that was set aside.

    Attributes
    ----------
    running : Run or None
        What is being computed.
    aside : Run or None
        What was stopped, as far as it has come.
    """

    failed = Signal(object, str)
    """An exception and its traceback."""
    finished = Signal(object, float)
    """A panel whose map has been computed, and how many seconds that took."""
    slowed = Signal(str)
    """Why a classifier can only be run as a whole, once for each."""
    progressed = Signal()
    """Something about what is running has changed."""
    freed = Signal()
    """The engine has nothing to do."""

    def __init__(
        self, session: Session, jobs: Jobs, store: MapStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._store = session, jobs, store
        self.running: Run | None = None
        self.aside: Run | None = None
        self._slow: set[str] = set()  # classifiers of which it was said

    def dispatch(self, key: Key, event: panels.Event) -> None:
        """Let something happen to a panel."""
        self._session.put_panel(*key, self._session.panel(*key).after(event))

    def turn(self, key: Key, wanted: Wanted) -> bool:
        """A panel wants another map: its run goes on where it gives that map, or else ends.

        Returns
        -------
        bool
            Whether it goes on.
        """
        running, panel = self.running, self._session.panel(*key)
        if running is not None and running.key == key:
            if panel.state == "running" and self._serves(running, wanted):
                running.wanted = wanted
                self.dispatch(key, panels.Retargeted(wanted.request))
                return True
            self.cancel()
        aside = self.aside
        if aside is not None and aside.key == key and not self._serves(aside, wanted):
            self.aside = None
        return False

    def _serves(self, run: Run, wanted: Wanted) -> bool:
        return self._store.serves(run.first.parts, wanted.parts)

    def begin(self, run: Run) -> None:
        """Give the engine a run; what was set aside and gives the same map goes on."""
        self.running = run
        if run.preview:
            run.sketch(
                done=self._on_preview,
                failed=lambda *_: self._on_preview(None),
                partial=self._on_preview_partial,
                stopped=self.progressed.emit,
            )
            self.dispatch(run.key, panels.PreviewBegun())
        else:
            earlier = self.aside
            if earlier is not None and self._serves(earlier, run.wanted):
                self.aside = None
            else:
                earlier = None
            shown = self._session.panel(*run.key).evidence
            run.compute(
                self._store,
                earlier,
                self._store.earlier(*run.wanted.parts, shown),
                done=self._on_done,
                failed=self._on_failed,
                partial=self._on_partial,
                stopped=self.progressed.emit,
            )
            self.dispatch(run.key, panels.Begun())
        self._jobs.start(run.job)

    def cancel(self, *, keep: bool = False) -> None:
        """Cancel the run, if there is one; its panel is told by who knows why.

        Parameters
        ----------
        keep : bool
            Whether the map may go on later from where it has come.
        """
        running, self.running = self.running, None
        if running is None:
            return
        if keep and not running.preview:
            self.aside = running
            running.set_aside()
        running.job.cancel()

    # Answers of the engine; a cancelled job is heard no more, so these are of the running one

    def _heard(self) -> Run | None:
        """The run, if its panel still is where it was when it began."""
        run = self.running
        if run is None:
            return None
        panel = self._session.panels.get(run.key)
        wanted = panel is not None and panel.computing and panel.request == run.wanted.request
        return run if wanted else None

    def _on_preview_partial(self, preview: Result | None) -> None:
        run = self._heard()
        if run is not None and preview is not None:
            self.dispatch(run.key, panels.Previewed(preview))
            self._share_preview(run, preview)

    def _on_preview(self, preview: Result | None) -> None:
        run, self.running = self._heard(), None
        if run is not None:
            self._store.put_preview(run.wanted.request, preview)
            whole = None if preview is None else sketched(preview)
            self.dispatch(run.key, panels.PreviewEnded(whole))
            self._share_preview(run, whole)
        self.freed.emit()
        self.progressed.emit()

    def _share_preview(self, run: Run, preview: Result | None) -> None:
        """Show a preview to panels that request the same, too."""
        for key, panel in list(self._session.panels.items()):
            if key != run.key and panel.request == run.wanted.request and panel.state == "waiting":
                self.dispatch(key, panels.Previewed(preview))

    def _on_partial(self, step: Step) -> None:
        run = self._heard()
        if run is None or step.wanted.request != run.wanted.request:
            return
        if step.stage:
            self.dispatch(run.key, panels.Prepared(step.stage, run.elapsed))
        elif step.evidence is None:  # the scores do not hold what is requested now
            self._begin_anew(run)
        else:
            self._note(run, step, step.evidence)
            advanced = panels.Advanced(
                step.evidence, step.preview, step.done, step.total, run.elapsed
            )
            self.dispatch(run.key, advanced)
        self.progressed.emit()

    def _on_done(self, step: Step) -> None:
        heard = self._heard()
        run, self.running = self.running, None
        if run is None or step.evidence is None:
            return
        first, wanted = run.first, run.wanted
        self._store.put(first.request, step.evidence, first.method, first.subject)
        if heard is not None:
            self._note(run, step, step.evidence)
            made = self._store.find(*wanted.parts)
            if made is None:
                self._begin_anew(run)
            else:
                finished = panels.Finished(made, step.total, step.total, run.elapsed)
                self.dispatch(run.key, finished)
        self._share()
        self.freed.emit()
        self.progressed.emit()
        self.finished.emit(run.key, run.elapsed)

    def _share(self) -> None:
        """Give panels that wait what can be drawn from the map that was just finished."""
        for key, panel in list(self._session.panels.items()):
            request = panel.request
            row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
            if panel.state != "waiting" or request is None or row is None or column is None:
                continue
            if not column.method.combines and self._session.request(row, column) == request:
                known = self._store.find(*wanted_by(self._session, row, column, request).parts)
                if known is not None:
                    self.dispatch(key, panels.Found(request, known))

    def _begin_anew(self, run: Run) -> None:
        """The run does not give what its panel requests by now: that waits for its own."""
        self.cancel()
        self.dispatch(run.key, panels.Released())
        self.freed.emit()

    def _on_failed(self, error: BaseException, details: str) -> None:
        run, self.running = self._heard(), None
        if run is not None:
            self.dispatch(run.key, panels.Failed(str(error), details))
        self.failed.emit(error, details)
        self.freed.emit()
        self.progressed.emit()

    def _note(self, run: Run, step: Step, evidence_map: Result) -> None:
        """Measure the speed, and tell once for each classifier why it is slow."""
        run.speed.note(step.done, step.total, rated(evidence_map))
        for one in evidence_map.diagnostics:
            if isinstance(one, WholeNetwork) and evidence_map.fingerprint not in self._slow:
                self._slow.add(evidence_map.fingerprint)
                text = self.tr("{0}. The whole network is run for every window.")
                self.slowed.emit(text.format(one.reason))
