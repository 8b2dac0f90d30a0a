"""What is looked at behind a map: a pixel's windows, a region, the strongest windows in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from psygnal import SignalGroupDescriptor

from pda_studio.document.operations import Matrix
from pda_studio.document.workspace import COMBINED
from pda_studio.gui.grid import geometry
from pda_studio.gui.maps.requests import Request
from pda_studio.gui.session.session import Key, Session

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.inspection import Answer, Box, RankedWindows, Removal, Stage
    from pda_studio.methods import Method
    from pda_studio.results import EvidenceMap, Subject

Page = Literal["windows", "region", "strongest"]


@dataclass(frozen=True, eq=False)
class Inspected:
    """What a panel asks for, and its map if that is finished.

    Attributes
    ----------
    key : tuple of int
        The panel.
    request : Request
        What it asks for.
    subject : Subject
        SourceImage, classifier and target.
    evidence : EvidenceMap or None
        The finished map.
    """

    key: Key
    request: Request
    subject: Subject
    evidence: EvidenceMap | None

    @property
    def method(self) -> Method:
        """The method with the panel's parameters."""
        from pda_studio.gui.session.fitting import kind_of

        values = {} if self.request.method == COMBINED else self.request.values
        return kind_of(self.request.method).create(**values)

    @property
    def has_windows(self) -> bool:
        """Whether the method takes windows out; else blocks stand for them."""
        from pda_studio.methods.prediction_difference import PredictionDifference

        return isinstance(self.method, PredictionDifference)

    @property
    def largest_side(self) -> int:
        """Of a block, in pixels: larger ones say nothing of a place."""
        height, width = self.subject.view.shape[:2]
        return max(int(min(height, width)) // 4, 2)

    @property
    def target_name(self) -> str:
        """Name of the class that is asked about."""
        return self.subject.target_name

    def same_image(self, other: Inspected) -> bool:
        """Whether a pixel means the same in both."""
        mine, others = self.request, other.request
        return (mine.image, mine.operations, mine.classifier) == (
            others.image,
            others.operations,
            others.classifier,
        )

    def same_map(self, other: Inspected) -> bool:
        """Whether both ask for the same and have come as far."""
        return self.request == other.request and self.evidence is other.evidence


def inspected(session: Session, key: Key) -> Inspected | None:
    """What a panel asks for now; None until its row has been looked at, or if it is gone."""
    row, column = session.work.row(key[0]), session.work.column(key[1])
    if row is None or column is None:
        return None
    prediction, request = session.subject_prediction(row, column), session.request(row, column)
    if prediction is None or request is None:
        return None
    assert request.target is not None, "only keys of caches leave the target open"
    subject = prediction.subject.about(request.target)
    return Inspected(key, request, subject, session.finished(row, column))


def own_matrix(session: Session, key: Key) -> Matrix:
    """From the first row's input to what a panel's network sees, also where the map is turned."""
    row, column = session.work.row(key[0]), session.work.column(key[1])
    if row is None or column is None:
        return np.eye(3)
    return geometry.between(session, row, column)


@dataclass(frozen=True, eq=False)
class PixelWindows:
    """A pixel and the windows over it.

    Attributes
    ----------
    of : Inspected
        The panel.
    column, row : int
        The pixel.
    windows : RankedWindows or None
        The windows with their evidence, as far as it is known.
    total : int
        How many windows cover the pixel.
    chosen : int or None
        Index of the window that is looked at.
    removal : Removal or None
        The decision without it.
    message : str
        Why there is nothing to look at.
    """

    of: Inspected
    column: int
    row: int
    windows: RankedWindows | None = None
    total: int = 0
    chosen: int | None = None
    removal: Removal | None = None
    message: str = ""

    @property
    def over(self) -> list[int]:
        """Indices of the windows whose evidence is known, the strongest first."""
        return self.windows.over(self.column, self.row) if self.windows else []

    @property
    def box(self) -> Box | None:
        """The window that is looked at."""
        if self.windows is None or self.chosen is None:
            return None
        return self.windows.box(self.chosen)


@dataclass(frozen=True, eq=False)
class RegionRemoval:
    """A region that was taken out by hand.

    Attributes
    ----------
    of : Inspected
        The panel.
    box : Box
        The region.
    removal : Removal or None
        The decision without it; that without an earlier region until it is there.
    message : str
        Why it cannot be told.
    """

    of: Inspected
    box: Box
    removal: Removal | None = None
    message: str = ""


@dataclass(frozen=True, eq=False)
class DeletionCurve:
    """The strongest windows taken out one after the other, as far as one has come.

    Attributes
    ----------
    of : Inspected
        The panel.
    boxes : tuple of Box
        All that can go, in their order.
    stages : tuple of Stage
        What is known by now, from the unmodified image on.
    at : int
        How many are to be gone.
    summed : bool
        Whether they are blocks of a method without windows.
    message : str
        Why there is nothing to look at.
    """

    of: Inspected
    boxes: tuple[Box, ...] = ()
    stages: tuple[Stage, ...] = ()
    at: int = 0
    summed: bool = False
    message: str = ""

    @property
    def shown(self) -> Stage | None:
        """The stage to look at: the wanted one, or the last that is known."""
        return self.stages[min(self.at, len(self.stages) - 1)] if self.stages else None

    @property
    def curve(self) -> list[float]:
        """The target's probability, or a unit's activation, at each known stage."""
        target = self.of.subject.index
        return [float(stage.answer.values[target]) for stage in self.stages]

    @property
    def baseline(self) -> Answer | None:
        """What the classifier says of the unmodified image."""
        return self.stages[0].answer if self.stages else None


@dataclass(frozen=True)
class Marks:
    """Rectangles to outline in a panel and in its row's input; the last one is looked at."""

    key: Key
    boxes: tuple[Box, ...]


@dataclass
class Inspection:
    """State of the inspector; `events` tells of every change.

    Attributes
    ----------
    open : bool
        Whether it is seen.
    page : {"windows", "region", "strongest"}
        Which page.
    spot, cut, course
        What the three pages show.
    fill : str
        What fills regions; a name of `REGION_FILLINGS`.
    speaking : {"for", "against"}
        Which windows go one after the other.
    side : int
        Side of a block where a method has no windows, in pixels.
    playing : bool
        Whether windows go by themselves.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    open: bool = True
    page: Page = "windows"
    spot: PixelWindows | None = None
    cut: RegionRemoval | None = None
    course: DeletionCurve | None = None
    fill: str = "auto"
    speaking: str = "for"
    side: int = 16
    playing: bool = False

    @property
    def marks(self) -> Marks | None:
        """What to outline on the grid."""
        if not self.open:
            return None
        if self.page == "windows":
            box = self.spot.box if self.spot else None
            return Marks(self.spot.of.key, (box,)) if self.spot and box else None
        if self.page == "region":
            return Marks(self.cut.of.key, (self.cut.box,)) if self.cut else None
        stage = self.course.shown if self.course else None
        return Marks(self.course.of.key, stage.boxes) if self.course and stage else None
