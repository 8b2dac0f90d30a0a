"""GridPG: whether the evidence for a class lies in its own image of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric, MetricSettings, Subjects

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap, Subject


class GridPointing(FidelityMetric):
    """Share of the positive evidence for a class in the cell of its image."""

    name: ClassVar[str] = "grid-pg"
    title: ClassVar[str] = "GridPG"
    summary: ClassVar[str] = (
        "share of the positive evidence for a class that lies in its own image of a grid"
    )
    citation: ClassVar[str] = (
        "Rao et al., Towards better understanding attribution methods, CVPR 2022"
    )
    subjects: ClassVar[Subjects] = "grid"

    def images(self, settings: MetricSettings) -> int:
        """One for each cell."""
        return settings.cells**2

    def maps(self, settings: MetricSettings) -> int:
        """One for the class of each cell."""
        return settings.cells**2

    def asked(self, given: Sequence[Subject], settings: MetricSettings) -> list[Subject]:
        """The grid with the class of each cell as target."""
        from pda_studio.metrics.grids import grid_of

        disconnected = self.subjects == "disconnected"
        return grid_of(given, settings.cells, disconnected=disconnected)

    def at_random(self, settings: MetricSettings) -> float:
        """One of the cells."""
        return 1 / settings.cells**2

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0 to 1, the mean over the cells; one over their number for a random map."""
        from pda_studio.metrics.grids import cell_of, share_in

        height, width = maps[0].evidence.shape
        cells = case.settings.cells
        return fmean(
            share_in(one.evidence, cell_of(height, width, cells, cell))
            for cell, one in enumerate(maps)
        )


class DisconnectedGrid(GridPointing):
    """The same where the network of a class sees its own cell alone: all else is wrong."""

    name: ClassVar[str] = "difull"
    title: ClassVar[str] = "DiFull"
    summary: ClassVar[str] = (
        "share of the positive evidence for a class that lies in the only cell of a grid that the"
        " network sees for it: the others can have no influence, and 1 is right"
    )
    subjects: ClassVar[Subjects] = "disconnected"
