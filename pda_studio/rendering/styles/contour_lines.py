"""Lines around the strongest evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.rendering.contours import contours
from pda_studio.rendering.style import Drawing, OverlayStyle, soft_grey

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap


class Contours(OverlayStyle):
    """Two levels of each sign over the grey image; with a threshold, the outermost follows it."""

    name = "contours"
    title = "Contours"
    help = "Lines around the strongest evidence: at the threshold, and above it."
    icon = "style-contours"
    order = 30

    def draw(
        self, layer: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
    ) -> Drawing:
        """Leave the image grey, and draw lines over it."""
        ground = soft_grey(layer)
        lines = tuple(contours(layer, appearance, limit))
        return Drawing(ground, np.repeat(ground, 3, axis=2), np.zeros_like(ground), lines)
