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

if TYPE_CHECKING:
    from pda_studio.inspection import Box, Speaking, Stage

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
        follow(self, events.speaking, self._on_order)
        follow(self, events.side, self._on_order)
        follow(self, events.playing, self._on_playing)

    def stop(self) -> None:
        """Play nothing more: the window is closing."""
        self.pace.stop()
        self._stages.stop()

    def follow(self, of: Inspected | None) -> None:
        """Show a panel's strongest windows; from the start where it asks for something else."""
        course = self._inspection.course
        if of is None:
            self._stages.stop()
            self._inspection.playing = False
            self._inspection.course = None
        elif course is None or not of.same_map(course.of) or of.key != course.of.key:
            self._begin(of)

    def go_to(self, count: int) -> None:
        """Let the image be without its strongest windows, this many."""
        course = self._inspection.course
        if course is not None and course.boxes:
            at = min(max(count, 0), len(course.boxes))
            if at != course.at:
                self._inspection.course = replace(course, at=at)
                self._stages.go_on()

    def _begin(self, of: Inspected) -> None:
        self._inspection.playing = False
        self._stages.stop()
        known, course = of.evidence, DeletionCurve(of, summed=not of.has_windows)
        if known is None:
            message = self.tr("The strongest windows are known when the map is finished.")
            self._inspection.course = replace(course, message=message)
            return
        side = min(self._inspection.side, of.largest_side)
        speaking = cast("Speaking", self._inspection.speaking)

        def steps() -> Iterator[tuple[tuple[Box, ...], Stage]]:
            from pda_studio.inspection import deletion_curve, filling_of, ranked_windows

            ranked = ranked_windows(known, side)
            boxes = tuple(ranked.box(index) for index in ranked.strongest(speaking)[:_MOST])
            filling = filling_of(of.method, of.subject.scored)
            for stage in deletion_curve(of.subject, boxes, filling):
                yield boxes, stage

        self._inspection.course = course
        self._stages.start(steps, self._on_stage, self._wants_stage)

    def _wants_stage(self) -> bool:
        course = self._inspection.course
        return course is not None and len(course.stages) <= course.at

    def _on_stage(self, step: tuple[tuple[Box, ...], Stage]) -> None:
        course = self._inspection.course
        if course is not None:
            boxes, stage = step
            self._inspection.course = replace(course, boxes=boxes, stages=(*course.stages, stage))

    def _on_failed(self, error: BaseException, details: str) -> None:
        self._inspection.playing = False
        if self._inspection.course is not None:
            self._inspection.course = replace(self._inspection.course, message=str(error))
        self.failed.emit(error, details)

    def _on_order(self, *_: object) -> None:
        if self._inspection.course is not None:
            self._begin(self._inspection.course.of)

    def _on_playing(self, playing: bool) -> None:
        course = self._inspection.course
        if not playing:
            self.pace.stop()
            return
        if course is not None and course.at >= len(course.boxes):
            self.go_to(0)  # once more from the start
        self.pace.start()

    def _on_pace(self) -> None:
        """Let the next window go, once the last one's answer is there."""
        course = self._inspection.course
        if course is None or course.at >= len(course.boxes) < len(course.stages):
            self._inspection.playing = False
        elif len(course.stages) > course.at:
            self.go_to(course.at + 1)
