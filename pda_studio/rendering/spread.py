"""How uncertain a map is, as a map of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pda_studio.rendering.appearance import Appearance, Threshold

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap

_COLOURS = "viridis"


def spread_of(evidence_map: EvidenceMap) -> EvidenceMap | None:
    """The standard error of a map in the place of its evidence; None if the map has none.

    Parameters
    ----------
    evidence_map : EvidenceMap
        The map.

    Returns
    -------
    EvidenceMap or None
        Its evidence (H, W) is the standard error in the map's unit, from 0 up: of samples drawn,
        or, where several maps were put together, their spread over √n.
    """
    error = evidence_map.standard_error
    if error is None:
        return None
    return evidence_map.replace(evidence=error, standard_error=None, share=None)


def spread_end(
    evidence_map: EvidenceMap, maps: Iterable[EvidenceMap], appearance: Appearance
) -> float:
    """The standard error at which a spread's colour is the last of the scale; never 0.

    Takes what `scale_end` does. Fixed ends are the evidence's; where those are set, all spreads of
    one unit share the largest of theirs.
    """
    together = [] if appearance.scale == "map" else list(maps)
    same = [evidence_map, *(one for one in together if one.unit == evidence_map.unit)]
    errors = [one.standard_error for one in same if one.standard_error is not None]
    return max((float(error.max()) for error in errors), default=0.0) or 1.0


def spread_appearance(appearance: Appearance) -> Appearance:
    """How the spread is drawn beside maps of this appearance: from zero up, all of it.

    Sign and threshold are about evidence: the spread has neither.
    """
    return appearance.replace(
        style="blend",
        unsigned_colours=appearance.unsigned_colours or _COLOURS,
        sign="both",
        threshold=Threshold(),
    )
