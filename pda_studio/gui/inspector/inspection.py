"""State of the inspector: a pixel's windows, a removed region, the deletion curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from psygnal import SignalGroupDescriptor
from PySide6.QtCore import QCoreApplication

from pda_studio.document.operations import Matrix
from pda_studio.gui.grid import geometry
from pda_studio.gui.maps.requests import Request
from pda_studio.gui.maps.runs import wanted_by
from pda_studio.gui.session.session import Key, Session
from pda_studio.infills import AUTO
from pda_studio.results import EvidenceMap

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.inspection import ClassScores, RankedWindows, Rectangle, Removal, Stage
    from pda_studio.methods import Method
    from pda_studio.results import Subject

Page = Literal["windows", "region", "strongest"]
Wanted = Literal["auto", "open", "closed"]


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
        return self.request.method

    @property
    def has_windows(self) -> bool:
        """Whether the method takes windows out; else blocks stand for them."""
        from pda_studio.methods.prediction_difference import PredictionDifference

        return isinstance(self.method, PredictionDifference)

    @property
    def makes_image(self) -> str:
        """Why there is nothing to look behind, where the method makes an image; else ""."""
        method = self.method
        if method.has_evidence:
            return ""
        text = QCoreApplication.translate("Inspected", "{0} makes an image, which has no evidence.")
        return text.format(method.title)

    @property
    def largest_side(self) -> int:
        """Of a block, in pixels: larger ones say nothing of a place."""
        height, width = self.subject.view.shape[:2]
        return max(int(min(height, width)) // 4, 2)

    @property
    def target_name(self) -> str:
        """Name of the target."""
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
    """What a panel shows now; None until its row has predictions, or if it is gone."""
    row, column = session.work.row(key[0]), session.work.column(key[1])
    if row is None or column is None:
        return None
    request = session.request(row, column)
    if request is None:
        return None
    subject = wanted_by(session, row, column, request).subject
    found = session.finished(row, column)
    evidence = found if isinstance(found, EvidenceMap) else None
    return Inspected(key, request, subject, evidence)


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
        Index of the chosen window.
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
    def rectangle(self) -> Rectangle | None:
        """The chosen window."""
        if self.windows is None or self.chosen is None:
            return None
        return self.windows.rectangle(self.chosen)


@dataclass(frozen=True, eq=False)
class RegionRemoval:
    """A region that was removed by hand.

    Attributes
    ----------
    of : Inspected
        The panel.
    rectangle : Rectangle
        The region.
    removal : Removal or None
        The scores without it; those without an earlier region until they are there.
    message : str
        Why it cannot be told.
    """

    of: Inspected
    rectangle: Rectangle
    removal: Removal | None = None
    message: str = ""


@dataclass(frozen=True, eq=False)
class DeletionCurve:
    """The strongest windows removed one after the other, as far as one has come.

    Attributes
    ----------
    of : Inspected
        The panel.
    rectangles : tuple of Rectangle
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
    rectangles: tuple[Rectangle, ...] = ()
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
        return [float(stage.scores.values[target]) for stage in self.stages]

    @property
    def baseline(self) -> ClassScores | None:
        """What the classifier says of the unmodified image."""
        return self.stages[0].scores if self.stages else None


@dataclass(frozen=True)
class Marks:
    """Rectangles to outline in a panel and in its row's input; the last one is the chosen one."""

    key: Key
    rectangles: tuple[Rectangle, ...]


@dataclass
class Inspection:
    """State of the inspector; `events` tells of every change.

    Attributes
    ----------
    open : bool
        Whether it is seen.
    wanted : {"auto", "open", "closed"}
        What the user wants: that it opens with the first pixel that is clicked, is open, or stays
        closed.
    page : {"windows", "region", "strongest"}
        Which page.
    pixel, region, deletion
        What the three pages show.
    infill : str
        What replaces regions; a name of `region_infills`.
    sign : {"for", "against"}
        Which windows go one after the other.
    side : int
        Side of a block where a method has no windows, in pixels.
    playing : bool
        Whether windows go by themselves.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    open: bool = False
    wanted: Wanted = "auto"
    page: Page = "windows"
    pixel: PixelWindows | None = None
    region: RegionRemoval | None = None
    deletion: DeletionCurve | None = None
    infill: str = AUTO
    sign: str = "for"
    side: int = 16
    playing: bool = False

    @property
    def marks(self) -> Marks | None:
        """What to outline on the grid."""
        if not self.open:
            return None
        if self.page == "windows":
            rectangle = self.pixel.rectangle if self.pixel else None
            return Marks(self.pixel.of.key, (rectangle,)) if self.pixel and rectangle else None
        if self.page == "region":
            return Marks(self.region.of.key, (self.region.rectangle,)) if self.region else None
        stage = self.deletion.shown if self.deletion else None
        return Marks(self.deletion.of.key, stage.rectangles) if self.deletion and stage else None
