"""The map by itself, in the colours of its scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.rendering.scales import drawn_evidence, map_colours
from pda_studio.rendering.style import Drawing, OverlayStyle

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap

_UNCERTAIN = np.array((240, 240, 241)) / 255
_GUESSED, _ROUGH = 0.5, 0.75  # what is left of the colour where evidence is guessed, or a preview


class HeatMap(OverlayStyle):
    """The evidence alone; paler where it is guessed or roughly right."""

    name = "map"
    title = "Heat map"
    help = "The map by itself."
    icon = "style-map"
    over_image = False
    uses = OverlayStyle.uses - {"opacity"}
    order = 0

    def draw(
        self, layer: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
    ) -> Drawing:
        """Colour each pixel by its evidence."""
        strength = np.clip(drawn_evidence(layer, appearance, limit) / limit, -1, 1)
        colours = map_colours(layer, appearance).at(strength)
        if layer.covered is not None:
            guessed = ~layer.covered
            left = _ROUGH if preview else _GUESSED
            colours[guessed] = left * colours[guessed] + (1 - left) * _UNCERTAIN
        return Drawing(colours, colours)
