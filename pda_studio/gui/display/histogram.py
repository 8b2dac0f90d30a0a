"""How often each evidence occurs in a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts in bins of equal width.

    Attributes
    ----------
    heights : (B,) float64
        Counts on a logarithmic scale, the largest being 1: a few strong pixels matter as much
        as the many weak ones, and must be seen beside them.
    low, high : float
        Where the first bin begins and the last one ends, in the map's unit.
    """

    heights: NDArray[np.float64]
    low: float
    high: float


def counted(evidence_map: EvidenceMap, low: float, high: float, bins: int) -> Histogram:
    """Count the evidence of all pixels that have evidence of their own."""
    values = evidence_map.evidence
    if evidence_map.covered is not None and evidence_map.covered.any():
        values = values[evidence_map.covered]
    counts, _ = np.histogram(values, bins, (low, high))
    heights = np.log1p(counts)
    return Histogram(heights / max(heights.max(), 1e-9), low, high)
