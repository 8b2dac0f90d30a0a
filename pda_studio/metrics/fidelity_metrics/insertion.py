"""Insertion: how soon a class is seen when parts are put in, the most relevant first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap


class Insertion(FidelityMetric):
    """Area under the target's probability while parts are put into the fill."""

    name: ClassVar[str] = "insertion"
    title: ClassVar[str] = "Insertion"
    summary: ClassVar[str] = (
        "area under the target's probability while parts are put in, most relevant first"
    )
    citation: ClassVar[str] = "Petsiuk et al., RISE, BMVC 2018"

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0 to 1."""
        return case.curves(maps[0]).insertion
