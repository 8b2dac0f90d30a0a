"""Looks behind maps for the inspector: asks the worker, and follows what the panels ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, floor
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QRectF, QTimer, Signal

from pda_studio.errors import PdaStudioError
from pda_studio.gui.connections import follow
from pda_studio.gui.grid.geometry import moved_point
from pda_studio.gui.inspector.inspection import (
    Inspected,
    Inspection,
    PixelWindows,
    RegionRemoval,
    inspected,
    own_matrix,
)
from pda_studio.gui.inspector.player import DeletionPlayer
from pda_studio.gui.inspector.stepping import Stepper
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Key, Session

if TYPE_CHECKING:
    from pda_studio.inspection import Box, RankedWindows, RegionFillName, Removal
    from pda_studio.methods.prediction_difference import PredictionDifference

_MOST_PASSES = 500  # to score windows anew while their map is on its way
_ROUNDING = 1e-6  # of a pixel: a middle stays in its pixel however often it is turned


class Inspecting(QObject):
    """Fills the inspector.

    Parameters
    ----------
    inspection : Inspection
        What it shows.
    session : Session
        What is open.
    jobs : Jobs
        The worker.
    """

    failed = Signal(object, str)
    """An exception that is no plain refusal, and its traceback."""
    marks_changed = Signal(object)
    """What to outline on the grid: `Marks` or None."""
    opened = Signal(bool)
    """Whether the inspector is seen now."""

    def __init__(
        self, inspection: Inspection, session: Session, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._inspection, self._session = inspection, session
        self._ranking = Stepper(jobs, self._on_spot_failed)
        self._removing = Stepper(jobs, self._on_spot_failed)
        self._cutting = Stepper(jobs, self._on_cut_failed)
        self.playing = DeletionPlayer(inspection, jobs, self)
        self.playing.failed.connect(self._tell)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._follow)
        events = inspection.events
        edits = session.events
        for signal in (edits.image, edits.classifier, edits.target, edits.rows, edits.columns):
            follow(self, signal, self._follow_soon)
        for signal in (session.loaded, session.predictions_changed, session.panel_changed):
            follow(self, signal, self._follow_soon)
        follow(self, session.selection_changed, self._follow_soon)
        follow(self, events.open, self._follow_soon)
        follow(self, events.page, self._follow_soon)
        follow(self, events.fill, self._on_fill)
        follow(self, events.side, self._on_side)
        follow(self, events.open, self._on_open)
        follow(self, events, self._show_marks)

    def stop(self) -> None:
        """Compute nothing more: the window is closing."""
        self.playing.stop()
        for stepper in (self._ranking, self._removing, self._cutting):
            stepper.stop()

    def _on_open(self, open: bool) -> None:
        self.opened.emit(open)

    def _show_marks(self, *_: object) -> None:
        self.marks_changed.emit(self._inspection.marks)

    # What the user asks

    def open(self, open: bool) -> None:
        """Show or hide the inspector."""
        self._inspection.open = open

    def look_at(self, key: Key, point: tuple[float, float]) -> None:
        """Prediction behind a pixel of a panel; a point in pixels of the first row's input."""
        of = inspected(self._session, key)
        if not self._inspection.open or of is None:
            return
        x, y = moved_point(own_matrix(self._session, key), *point)
        column, row = floor(x + _ROUNDING), floor(y + _ROUNDING)
        height, width = of.subject.view.shape[:2]
        if 0 <= column < width and 0 <= row < height:
            self._inspection.page = "windows"
            self._rank(PixelWindows(of, column, row))

    def choose(self, index: int) -> None:
        """Prediction at one of the windows over the pixel."""
        spot = self._inspection.spot
        if spot is not None and index != spot.chosen:
            self._inspection.spot = replace(spot, chosen=index)
            self._remove()

    def frame(self, key: Key, frame: QRectF) -> None:
        """Take out a region that was drawn, in input pixels; only whole pixels go."""
        from pda_studio.inspection import Box

        left, top = round(frame.left()), round(frame.top())
        right, bottom = round(frame.right()), round(frame.bottom())
        self.cut(Box(top, left, bottom - top, right - left), key)

    def cut(self, box: Box, key: Key | None = None) -> None:
        """Take out a region; without a panel, of the same as before."""
        earlier = self._inspection.cut
        if key is None and earlier is not None:
            key = earlier.of.key
        of = inspected(self._session, key or self._panel())
        if of is None:
            return
        self._inspection.open = True
        self._inspection.page = "region"
        removal = earlier.removal if earlier and earlier.of.same_image(of) else None
        self._cut(RegionRemoval(of, box, removal))

    # Following the session

    def _follow_soon(self, *_: object) -> None:
        self._soon.start()

    def _panel(self) -> Key:
        column = self._session.selected_column
        return self._session.selected_row.key, column.key if column else 0

    def _follow(self) -> None:
        """Ask anew where a panel asks for something else; forget what is gone."""
        inspection, session = self._inspection, self._session
        if not inspection.open:
            inspection.playing = False
            return
        if inspection.spot is not None:
            spot = inspection.spot
            of = inspected(session, spot.of.key)
            if of is None or not of.same_image(spot.of):
                self._drop_spot()
            elif not of.same_map(spot.of):
                same_windows = _grid_of(of) == _grid_of(spot.of)
                self._rank(replace(spot, of=of, chosen=spot.chosen if same_windows else None))
        if inspection.cut is not None:
            cut = inspection.cut
            of = inspected(session, cut.of.key)
            if of is None or not of.same_image(cut.of):
                self._cutting.stop()
                inspection.cut = None
            elif of.request.target != cut.of.request.target:
                self._cut(replace(cut, of=of))
        if inspection.page == "strongest":
            self.playing.follow(inspected(session, self._panel()))
        else:
            inspection.playing = False

    def _drop_spot(self) -> None:
        self._ranking.stop()
        self._removing.stop()
        self._inspection.spot = None

    # The windows over a pixel

    def _rank(self, spot: PixelWindows) -> None:
        """Bring the windows over a pixel into order: from the map, or by scoring them anew."""
        from pda_studio.inspection import ranked_over, ranked_windows

        height, width = spot.of.subject.view.shape[:2]
        if spot.column >= width or spot.row >= height:
            self._drop_spot()
            return
        of, side = spot.of, min(self._inspection.side, spot.of.largest_side)
        known = of.evidence

        def windows() -> Iterator[RankedWindows]:
            if known is not None and (known.scores is not None or not of.has_windows):
                yield ranked_windows(known, side)
            else:
                method = cast("PredictionDifference", of.method)
                yield from ranked_over(method, of.subject, spot.column, spot.row)

        self._removing.stop()
        message = "" if known is not None else self._why_later(of)
        self._inspection.spot = replace(spot, windows=None, removal=None, message=message)
        if message:
            self._ranking.stop()
        else:
            self._ranking.start(windows, self._on_windows)

    def _why_later(self, of: Inspected) -> str:
        """Why to wait for the map instead of scoring the windows anew; "" if there is no reason."""
        if not of.has_windows:
            text = self.tr("{0} has no windows: its blocks are known when the map is finished.")
            return text.format(of.method.title)
        coming = self._session.panel(*of.key).active
        method = cast("PredictionDifference", of.method)
        windows = ceil(method.window / method.stride) ** 2
        samples = method.samples if method.infill.endswith("-samples") else 1
        if coming and windows * samples > _MOST_PASSES:
            return self.tr("There are many windows here: they are known when the map is finished.")
        return ""

    def _on_side(self, *_: object) -> None:
        spot = self._inspection.spot
        if spot is not None and not spot.of.has_windows:
            self._rank(replace(spot, chosen=None))

    def _on_windows(self, windows: RankedWindows) -> None:
        from pda_studio.inspection.ranking import windows_over

        spot = self._inspection.spot
        if spot is None:
            return
        over = windows.over(spot.column, spot.row)
        total = len(windows_over(windows.grid, spot.column, spot.row))
        # While windows are scored the strongest changes; what the user has chosen stays.
        asked = self._removing.busy or spot.removal is not None
        whole = len(over) == total
        chosen = spot.chosen if spot.chosen in over and (asked or whole) else next(iter(over), None)
        self._inspection.spot = replace(spot, windows=windows, total=total, chosen=chosen)
        if whole and not asked:
            self._remove()

    def _remove(self) -> None:
        """Ask for the decision without the chosen window."""
        from pda_studio.inspection import filling_of, removal_steps

        spot = self._inspection.spot
        box = spot.box if spot else None
        if spot is None or box is None:
            return
        of = spot.of

        def steps() -> Iterator[Removal]:
            filling = filling_of(of.method, of.subject.scored)
            yield from removal_steps(of.subject, box, filling)

        self._removing.start(steps, self._on_removal)

    def _on_removal(self, removal: Removal) -> None:
        if self._inspection.spot is not None:
            self._inspection.spot = replace(self._inspection.spot, removal=removal)

    def _on_spot_failed(self, error: BaseException, details: str) -> None:
        spot = self._inspection.spot
        if spot is not None:
            self._inspection.spot = replace(spot, message=str(error))
        self._tell(error, details)

    # A region

    def _cut(self, cut: RegionRemoval) -> None:
        from pda_studio.inspection import RegionFilling, removal_steps

        height, width = cut.of.subject.view.shape[:2]
        box = _within(cut.box, height, width)
        subject, fill = cut.of.subject, cast("RegionFillName", self._inspection.fill)
        self._inspection.cut = replace(cut, box=box, message="")
        self._cutting.start(
            lambda: removal_steps(subject, box, RegionFilling(subject.scored, fill)),
            self._on_cut,
        )

    def _on_cut(self, removal: Removal) -> None:
        if self._inspection.cut is not None:
            self._inspection.cut = replace(self._inspection.cut, removal=removal)

    def _on_cut_failed(self, error: BaseException, details: str) -> None:
        if self._inspection.cut is not None:
            self._inspection.cut = replace(self._inspection.cut, message=str(error))
        self._tell(error, details)

    def _on_fill(self, *_: object) -> None:
        if self._inspection.cut is not None:
            self._cut(self._inspection.cut)

    def _tell(self, error: BaseException, details: str) -> None:
        if not isinstance(error, PdaStudioError):  # those are sentences, shown where one looks
            self.failed.emit(error, details)


def _grid_of(of: Inspected) -> tuple[object, ...]:
    values = of.request.values
    return of.request.method, values.get("window"), values.get("stride")


def _within(box: Box, height: int, width: int) -> Box:
    """The part of a region that lies within the image; at least a pixel."""
    top, left = min(max(box.top, 0), height - 1), min(max(box.left, 0), width - 1)
    bottom, right = min(max(box.bottom, top + 1), height), min(max(box.right, left + 1), width)
    return replace(box, top=top, left=left, height=bottom - top, width=right - left)
