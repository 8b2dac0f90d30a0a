"""Where the colour scale of a map begins and ends, and which evidence is drawn on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pda_studio.rendering.colour_maps import ColourMap, colour_map

if TYPE_CHECKING:  # methods import PyTorch, which takes seconds
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap

# What is left of an overlay where evidence is guessed, or a preview.
_GUESSED, _ROUGH = 0.4, 0.75


def scale_end(
    evidence_map: EvidenceMap, maps: Iterable[EvidenceMap], appearance: Appearance
) -> float:
    """The evidence at which a map's colours are deepest.

    Parameters
    ----------
    evidence_map : EvidenceMap
        The map.
    maps : iterable of EvidenceMap
        All maps that are drawn together; only those of the same unit matter.
    appearance : Appearance
        Says how scales are chosen.

    Returns
    -------
    float
        In the map's unit; never 0.
    """
    unit = evidence_map.unit
    if appearance.scale == "fixed" and unit in appearance.limits:
        return appearance.limits[unit]
    if appearance.scale == "all":
        return max([evidence_map.limit, *(one.limit for one in maps if one.unit == unit)])
    return evidence_map.limit


def scale_start(evidence_map: EvidenceMap, appearance: Appearance, limit: float) -> float:
    """The other end of the scale: −limit, or 0 for a map whose colours begin with zero."""
    return 0.0 if map_colours(evidence_map, appearance).is_sequential else -limit


def map_colours(evidence_map: EvidenceMap, appearance: Appearance) -> ColourMap:
    """The colours that a map is drawn with."""
    if appearance.unsigned_colours and is_unsigned(evidence_map):
        return colour_map(appearance.unsigned_colours)
    return colour_map(appearance.colours)


def is_unsigned(evidence_map: EvidenceMap) -> bool:
    """Whether nothing in a map speaks against, and no window is missing that still could."""
    return evidence_map.share is None and bool(evidence_map.evidence.min() >= 0)


def floor(evidence_map: EvidenceMap, appearance: Appearance, limit: float) -> float | None:
    """The absolute evidence, in the map's unit, below which nothing is drawn.

    None where each pixel has its own: where significance decides and the map has a standard error.
    """
    threshold = appearance.threshold
    if threshold.kind == "part":
        return threshold.part * limit
    if threshold.kind == "value":
        return threshold.values.get(evidence_map.unit, 0.0)
    if threshold.kind == "percentile":
        return float(np.percentile(np.abs(evidence_map.evidence), threshold.percentile))
    return 0.0 if evidence_map.standard_error is None else None


def drawn_evidence(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float
) -> NDArray[np.float32]:
    """The evidence (H, W) of the sign that is wanted, 0 where it is too weak to be drawn."""
    values = of_sign(evidence_map.evidence, appearance)
    lowest = floor(evidence_map, appearance, limit)
    if lowest is None:
        assert evidence_map.standard_error is not None
        errors = np.float32(appearance.threshold.errors)
        strong = np.abs(values) > errors * evidence_map.standard_error
    elif lowest > 0:
        strong = np.abs(values) >= lowest
    else:
        return values
    return np.where(strong, values, np.float32(0))


def of_sign(values: NDArray[np.float32], appearance: Appearance) -> NDArray[np.float32]:
    """The evidence of the sign that is wanted, 0 elsewhere."""
    if appearance.sign == "for":
        return np.maximum(values, np.float32(0))
    if appearance.sign == "against":
        return np.minimum(values, np.float32(0))
    return values


def reliable(cover: NDArray[Any], evidence_map: EvidenceMap, preview: bool) -> NDArray[Any]:
    """How much an overlay covers (H, W), less where evidence is guessed or a preview's."""
    if evidence_map.covered is None:
        return cover
    left = _ROUGH if preview else _GUESSED
    return np.where(evidence_map.covered, cover, left * cover)
