"""Single deletion: whether a part's evidence ranks as what happens without that part alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric, MetricSettings

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap


class SingleDeletion(FidelityMetric):
    """Rank correlation of parts' evidence with the fall of the logit without each, from 0 to 1."""

    name: ClassVar[str] = "single-deletion"
    title: ClassVar[str] = "Single deletion"
    summary: ClassVar[str] = (
        "½ + ρ/2, with Spearman's ρ of each part's evidence and the fall of the logit without it;"
        " ½ for a random map"
    )
    citation: ClassVar[str] = "Hesse et al., FunnyBirds, ICCV 2023, Section 4"

    def at_random(self, settings: MetricSettings) -> float:
        """No correlation."""
        return 0.5

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0 to 1; ½ for a map that is the same everywhere."""
        import numpy as np
        from scipy.stats import spearmanr

        weights = maps[0].evidence.astype(np.float64).ravel()
        evidence = np.bincount(case.parts.ravel(), weights)
        drops = case.drops
        if np.ptp(evidence) == 0 or np.ptp(drops) == 0:
            return 0.5
        return 0.5 + 0.5 * float(spearmanr(evidence, drops).statistic)
