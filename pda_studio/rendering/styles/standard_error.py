"""The standard error of a map, as a layer of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pda_studio.rendering.appearance import Appearance, Threshold
from pda_studio.rendering.style import STYLES, Drawing, OverlayStyle

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap

_COLOURS = "viridis"


class StandardError(OverlayStyle):
    """The standard error in the place of the evidence, from zero up: all of it is drawn.

    Of a sampled map, its sampling error; of a mean of maps, their spread over √n.
    """

    name = "spread"
    title = "Standard error"
    help = "The standard error of sampled maps, or of the mean of several."
    icon = "style-spread"
    over_image = False
    uses = frozenset({"unsigned_colours", "scale"})
    needs = "standard_error"
    note = "standard error"
    order = 40

    def layer(self, evidence_map: EvidenceMap) -> EvidenceMap | None:
        """The standard error in the map's unit; None if the map has none."""
        error = evidence_map.standard_error
        if error is None:
            return None
        return evidence_map.replace(evidence=error, standard_error=None, share=None)

    def adapted(self, appearance: Appearance) -> Appearance:
        """From zero up, without sign and threshold: these are about evidence."""
        return appearance.replace(
            style=Appearance.style,
            unsigned_colours=appearance.unsigned_colours or _COLOURS,
            sign="both",
            threshold=Threshold(),
        )

    def limit(
        self, evidence_map: EvidenceMap, maps: Iterable[EvidenceMap], appearance: Appearance
    ) -> float:
        """The largest standard error; fixed ends are the evidence's: there, one unit shares it."""
        together = [] if appearance.scale == "map" else list(maps)
        same = [evidence_map, *(one for one in together if one.unit == evidence_map.unit)]
        errors = [one.standard_error for one in same if one.standard_error is not None]
        return max((float(error.max()) for error in errors), default=0.0) or 1.0

    def caption(self, evidence_map: EvidenceMap) -> str:
        """Which standard error it is, or that there is none."""
        if evidence_map.standard_error is None:
            return "No standard error: this map is not sampled"
        return "Spread of maps / √n" if evidence_map.method == "combined" else "Standard error"

    def draw(
        self, layer: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
    ) -> Drawing:
        """Draw as a heat map."""
        return STYLES["map"].draw(layer, appearance, limit, preview=preview)
