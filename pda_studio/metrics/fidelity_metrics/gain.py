"""Symmetric relevance gain: insertion less deletion, which does not depend much on the fill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric, MetricSettings

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap


class Gain(FidelityMetric):
    """Insertion less deletion: an order at random has 0 on average."""

    name: ClassVar[str] = "relevance-gain"
    title: ClassVar[str] = "Symmetric relevance gain"
    summary: ClassVar[str] = "insertion less deletion, 0 for an order at random"
    citation: ClassVar[str] = (
        "Blücher et al., Decoupling pixel flipping and occlusion strategy, TMLR 2024"
    )

    def at_random(self, settings: MetricSettings) -> float:
        """Its two curves are each other's mirror images."""
        return 0.0

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From −1 to 1."""
        return case.curves(maps[0]).gain
