"""Colours laid over the grey image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.rendering.scales import drawn_evidence, map_colours, reliable
from pda_studio.rendering.style import Drawing, OverlayStyle, soft_grey

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap


class Blended(OverlayStyle):
    """Strong evidence hides the image, weak evidence lets it through."""

    name = "blend"
    title = "Blended"
    help = "Colours over the grey image, the stronger the less transparent."
    icon = "style-blend"
    order = 10

    def draw(
        self, layer: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
    ) -> Drawing:
        """Give weak evidence a clear colour that covers little: a pale one looks like fog."""
        strength = np.clip(drawn_evidence(layer, appearance, limit) / limit, -1, 1)
        amount = np.abs(strength)
        colours = map_colours(layer, appearance).at(np.sign(strength) * (0.4 + 0.6 * amount))
        cover = reliable(amount**0.75, layer, preview)
        return Drawing(soft_grey(layer), colours, cover[..., None])
