"""Fills the inspector: scores on the worker, and follows what the panels show."""

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
from pda_studio.infills import infill_named
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.infill.terms import Preparation

if TYPE_CHECKING:
    from pda_studio.inspection import RankedWindows, Rectangle, Removal

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
        self._ranking = Stepper(jobs, self._on_pixel_failed)
        self._removing = Stepper(jobs, self._on_pixel_failed)
        self._region_steps = Stepper(jobs, self._on_region_failed)
        self.playing = DeletionPlayer(inspection, jobs, self)
        self.playing.failed.connect(self._report)
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
        follow(self, events.infill, self._on_infill)
        follow(self, events.side, self._on_side)
        follow(self, events.open, self._on_open)
        follow(self, events, self._show_marks)

    def stop(self) -> None:
        """Compute nothing more: the window is closing."""
        self.playing.stop()
        for stepper in (self._ranking, self._removing, self._region_steps):
            stepper.stop()

    def _on_open(self, open: bool) -> None:
        self.opened.emit(open)

    def _show_marks(self, *_: object) -> None:
        self.marks_changed.emit(self._inspection.marks)

    # Actions of the user

    def open(self, open: bool) -> None:
        """Show or hide the inspector, as the user wants it from now on."""
        if open != self._inspection.open:
            self._inspection.wanted = "open" if open else "closed"
            self._inspection.open = open

    def inspect_pixel(self, key: Key, point: tuple[float, float]) -> None:
        """Show the windows over a pixel of a panel; a point in pixels of the first row's input.

        The inspector opens for it, unless the user has closed it.
        """
        of = inspected(self._session, key)
        stays_closed = not self._inspection.open and self._inspection.wanted == "closed"
        if stays_closed or of is None:
            return
        x, y = moved_point(own_matrix(self._session, key), *point)
        column, row = floor(x + _ROUNDING), floor(y + _ROUNDING)
        height, width = of.subject.view.shape[:2]
        if 0 <= column < width and 0 <= row < height:
            self._inspection.open = True
            self._inspection.page = "windows"
            self._rank(PixelWindows(of, column, row))

    def choose(self, index: int) -> None:
        """Show one of the windows over the pixel."""
        pixel = self._inspection.pixel
        if pixel is not None and index != pixel.chosen:
            self._inspection.pixel = replace(pixel, chosen=index)
            self._remove()

    def frame(self, key: Key, frame: QRectF) -> None:
        """Remove a region that was drawn, in input pixels; only whole pixels go."""
        from pda_studio.inspection import Rectangle

        left, top = round(frame.left()), round(frame.top())
        right, bottom = round(frame.right()), round(frame.bottom())
        self.remove_region(Rectangle(top, left, bottom - top, right - left), key)

    def remove_region(self, rectangle: Rectangle, key: Key | None = None) -> None:
        """Remove a region; without a panel, of the same as before."""
        earlier = self._inspection.region
        if key is None and earlier is not None:
            key = earlier.of.key
        of = inspected(self._session, key or self._panel())
        if of is None:
            return
        self._inspection.open = True
        self._inspection.page = "region"
        removal = earlier.removal if earlier and earlier.of.same_image(of) else None
        self._remove_region(RegionRemoval(of, rectangle, removal))

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
        if inspection.pixel is not None:
            pixel = inspection.pixel
            of = inspected(session, pixel.of.key)
            if of is None or not of.same_image(pixel.of):
                self._drop_pixel()
            elif not of.same_map(pixel.of):
                same_windows = _grid_of(of) == _grid_of(pixel.of)
                self._rank(replace(pixel, of=of, chosen=pixel.chosen if same_windows else None))
        if inspection.region is not None:
            region = inspection.region
            of = inspected(session, region.of.key)
            if of is None or not of.same_image(region.of):
                self._region_steps.stop()
                inspection.region = None
            elif of.request.target != region.of.request.target:
                self._remove_region(replace(region, of=of))
        if inspection.page == "strongest":
            self.playing.follow(inspected(session, self._panel()))
        else:
            inspection.playing = False

    def _drop_pixel(self) -> None:
        self._ranking.stop()
        self._removing.stop()
        self._inspection.pixel = None

    # The windows over a pixel

    def _rank(self, pixel: PixelWindows) -> None:
        """Bring the windows over a pixel into order: from the map, or by scoring them anew."""
        from pda_studio.inspection import ranked_over, ranked_windows

        height, width = pixel.of.subject.view.shape[:2]
        if pixel.column >= width or pixel.row >= height:
            self._drop_pixel()
            return
        of, side = pixel.of, min(self._inspection.side, pixel.of.largest_side)
        known = of.evidence

        def windows() -> Iterator[RankedWindows | Preparation]:
            if known is not None and (known.scores is not None or not of.has_windows):
                yield ranked_windows(known, side)
            else:
                method = cast("PredictionDifference", of.method)
                yield from ranked_over(method, of.subject, pixel.column, pixel.row)

        self._removing.stop()
        message = "" if known is not None else self._why_later(of)
        self._inspection.pixel = replace(pixel, windows=None, removal=None, message=message)
        if message:
            self._ranking.stop()
        else:
            self._ranking.start(windows, self._on_windows)

    def _why_later(self, of: Inspected) -> str:
        """Why to wait for the map instead of scoring the windows anew; "" if there is no reason."""
        if of.makes_image:
            return of.makes_image
        if not of.has_windows:
            text = self.tr("{0} has no windows: its blocks are known when the map is finished.")
            return text.format(of.method.title)
        coming = self._session.panel(*of.key).active
        method = cast("PredictionDifference", of.method)
        windows = ceil(method.window / method.stride) ** 2
        infills = windows * infill_named(method.infill).count(method.samples)
        if coming and infills > _MOST_PASSES:
            return self.tr("There are many windows here: they are known when the map is finished.")
        return ""

    def _on_side(self, *_: object) -> None:
        pixel = self._inspection.pixel
        if pixel is not None and not pixel.of.has_windows:
            self._rank(replace(pixel, chosen=None))

    def _on_windows(self, windows: RankedWindows | Preparation) -> None:
        from pda_studio.inspection.ranking import windows_over

        pixel = self._inspection.pixel
        if pixel is None:
            return
        if isinstance(windows, Preparation):
            self._inspection.pixel = replace(pixel, message=self._computing(windows))
            return
        over = windows.over(pixel.column, pixel.row)
        total = len(windows_over(windows.grid, pixel.column, pixel.row))
        # While windows are scored the strongest changes; what the user has chosen stays.
        wanted = self._removing.busy or pixel.removal is not None
        whole = len(over) == total
        chosen = (
            pixel.chosen if pixel.chosen in over and (wanted or whole) else next(iter(over), None)
        )
        self._inspection.pixel = replace(
            pixel, windows=windows, total=total, chosen=chosen, message=""
        )
        if whole and not wanted:
            self._remove()

    def _remove(self) -> None:
        """Ask for the decision without the chosen window."""
        from pda_studio.inspection import infill_of, removal_steps

        pixel = self._inspection.pixel
        rectangle = pixel.rectangle if pixel else None
        if pixel is None or rectangle is None:
            return
        of = pixel.of

        def steps() -> Iterator[Removal | Preparation]:
            infill = infill_of(of.method, of.subject.scored, (rectangle.height, rectangle.width))
            yield from removal_steps(of.subject, rectangle, infill)

        self._removing.start(steps, self._on_removal)

    def _on_removal(self, removal: Removal | Preparation) -> None:
        if self._inspection.pixel is not None and not isinstance(removal, Preparation):
            self._inspection.pixel = replace(self._inspection.pixel, removal=removal)

    def _on_pixel_failed(self, error: BaseException, details: str) -> None:
        pixel = self._inspection.pixel
        if pixel is not None:
            self._inspection.pixel = replace(pixel, message=str(error))
        self._report(error, details)

    # A region

    def _remove_region(self, region: RegionRemoval) -> None:
        from pda_studio.infills.ready import ready_for_region
        from pda_studio.inspection import removal_steps

        height, width = region.of.subject.view.shape[:2]
        rectangle = _within(region.rectangle, height, width)
        subject, name = region.of.subject, self._inspection.infill
        self._inspection.region = replace(region, rectangle=rectangle, message="")

        def steps() -> Iterator[Removal | Preparation]:
            infill = ready_for_region(name, subject.scored, (rectangle.height, rectangle.width))
            yield from removal_steps(subject, rectangle, infill)

        self._region_steps.start(steps, self._on_region_removal)

    def _on_region_removal(self, removal: Removal | Preparation) -> None:
        region = self._inspection.region
        if region is None:
            return
        if isinstance(removal, Preparation):
            self._inspection.region = replace(region, message=self._computing(removal))
        else:
            self._inspection.region = replace(region, removal=removal, message="")

    def _computing(self, preparation: Preparation) -> str:
        return self.tr("Computing {0}.").format(preparation)

    def _on_region_failed(self, error: BaseException, details: str) -> None:
        if self._inspection.region is not None:
            self._inspection.region = replace(self._inspection.region, message=str(error))
        self._report(error, details)

    def _on_infill(self, *_: object) -> None:
        if self._inspection.region is not None:
            self._remove_region(self._inspection.region)

    def _report(self, error: BaseException, details: str) -> None:
        if not isinstance(error, PdaStudioError):  # those are sentences, shown where one looks
            self.failed.emit(error, details)


def _grid_of(of: Inspected) -> tuple[object, ...]:
    method = of.method
    sides = (method.window, method.stride) if isinstance(method, PredictionDifference) else ()
    return type(method), *sides


def _within(rectangle: Rectangle, height: int, width: int) -> Rectangle:
    """The part of a region that lies within the image; at least a pixel."""
    top, left = min(max(rectangle.top, 0), height - 1), min(max(rectangle.left, 0), width - 1)
    bottom, right = (
        min(max(rectangle.bottom, top + 1), height),
        min(max(rectangle.right, left + 1), width),
    )
    return replace(rectangle, top=top, left=left, height=bottom - top, width=right - left)
