"""Takes the strongest windows out one after the other: step by step, or by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QTimer, Signal

from pda_studio.gui.connections import follow
from pda_studio.gui.inspector.inspection import DeletionCurve, Inspected, Inspection
from pda_studio.gui.inspector.stepping import Stepper
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.pda.infill.terms import Preparation

if TYPE_CHECKING:
    from pda_studio.inspection import Rectangle, Sign, Stage

    _Step = tuple[tuple[Rectangle, ...], Stage | Preparation]

_MOST = 100  # windows that go one after the other
_PACE = 350  # ms between two windows that go by themselves


class DeletionPlayer(QObject):
    """Fills the inspector's page of the strongest windows, a stage at a time, as they are wanted.

    Parameters
    ----------
    inspection : Inspection
        What the inspector shows.
    jobs : Jobs
        The worker.
    """

    failed = Signal(object, str)
    """An exception and its traceback."""

    def __init__(self, inspection: Inspection, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inspection = inspection
        self._stages = Stepper(jobs, self._on_failed)
        self.pace = QTimer(self, interval=_PACE)
        self.pace.timeout.connect(self._on_pace)
        events = inspection.events
        follow(self, events.sign, self._on_order)
        follow(self, events.side, self._on_order)
        follow(self, events.playing, self._on_playing)

    def stop(self) -> None:
        """Play nothing more: the window is closing."""
        self.pace.stop()
        self._stages.stop()

    def follow(self, of: Inspected | None) -> None:
        """Show a panel's strongest windows; from the start where it asks for something else."""
        deletion = self._inspection.deletion
        if of is None:
            self._stages.stop()
            self._inspection.playing = False
            self._inspection.deletion = None
        elif deletion is None or not of.same_map(deletion.of) or of.key != deletion.of.key:
            self._begin(of)

    def go_to(self, count: int) -> None:
        """Let the image be without its strongest windows, this many."""
        deletion = self._inspection.deletion
        if deletion is not None and deletion.rectangles:
            at = min(max(count, 0), len(deletion.rectangles))
            if at != deletion.at:
                self._inspection.deletion = replace(deletion, at=at)
                self._stages.go_on()

    def _begin(self, of: Inspected) -> None:
        self._inspection.playing = False
        self._stages.stop()
        known, deletion = of.evidence, DeletionCurve(of, summed=not of.has_windows)
        if known is None:
            later = self.tr("The strongest windows are known when the map is finished.")
            message = of.makes_image or later
            self._inspection.deletion = replace(deletion, message=message)
            return
        side = min(self._inspection.side, of.largest_side)
        sign = cast("Sign", self._inspection.sign)

        def steps() -> Iterator[_Step]:
            from pda_studio.inspection import deletion_curve, infill_of, ranked_windows

            ranked = ranked_windows(known, side)
            rectangles = tuple(ranked.rectangle(index) for index in ranked.strongest(sign)[:_MOST])
            size = (ranked.grid.window, ranked.grid.window)
            infill = infill_of(of.method, of.subject.scored, size)
            for stage in deletion_curve(of.subject, rectangles, infill):
                yield rectangles, stage

        self._inspection.deletion = deletion
        self._stages.start(steps, self._on_stage, self._wants_stage)

    def _wants_stage(self) -> bool:
        deletion = self._inspection.deletion
        return deletion is not None and len(deletion.stages) <= deletion.at

    def _on_stage(self, step: _Step) -> None:
        deletion = self._inspection.deletion
        if deletion is not None:
            rectangles, stage = step
            if isinstance(stage, Preparation):
                return
            self._inspection.deletion = replace(
                deletion, rectangles=rectangles, stages=(*deletion.stages, stage)
            )

    def _on_failed(self, error: BaseException, details: str) -> None:
        self._inspection.playing = False
        if self._inspection.deletion is not None:
            self._inspection.deletion = replace(self._inspection.deletion, message=str(error))
        self.failed.emit(error, details)

    def _on_order(self, *_: object) -> None:
        if self._inspection.deletion is not None:
            self._begin(self._inspection.deletion.of)

    def _on_playing(self, playing: bool) -> None:
        deletion = self._inspection.deletion
        if not playing:
            self.pace.stop()
            return
        if deletion is not None and deletion.at >= len(deletion.rectangles):
            self.go_to(0)  # once more from the start
        self.pace.start()

    def _on_pace(self) -> None:
        """Let the next window go, once the last one's scores are there."""
        deletion = self._inspection.deletion
        if deletion is None or deletion.at >= len(deletion.rectangles) < len(deletion.stages):
            self._inspection.playing = False
        elif len(deletion.stages) > deletion.at:
            self.go_to(deletion.at + 1)
