"""Whether a network sees the same classes in the most relevant pixels alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap


class TopClasses(FidelityMetric):
    """Share of the likeliest classes that stay when only the most relevant pixels are kept."""

    name: ClassVar[str] = "top-classes"
    title: ClassVar[str] = "Top classes kept"
    summary: ClassVar[str] = (
        "share of the likeliest classes that stay when only the most relevant pixels are kept"
    )
    citation: ClassVar[str] = (
        "Chen et al., Delving deep into interpreting neural nets with piece-wise affine"
        " representation, ICIP 2019, Section 3.1"
    )

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0 to 1."""
        from pda_studio.metrics.fidelity import fidelity

        settings = case.settings
        return fidelity(maps[0], case.classifier, settings.share, settings.top).overlap
