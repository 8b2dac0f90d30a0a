"""Deletion: how soon a class is lost when parts are taken out, the most relevant first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap


class Deletion(FidelityMetric):
    """Area under the target's probability while parts are taken out of the image."""

    name: ClassVar[str] = "deletion"
    title: ClassVar[str] = "Deletion"
    summary: ClassVar[str] = (
        "area under the target's probability while parts are taken out, most relevant first"
    )
    citation: ClassVar[str] = "Petsiuk et al., RISE, BMVC 2018"
    higher_is_better: ClassVar[bool] = False

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0 to 1."""
        return case.curves(maps[0]).deletion
