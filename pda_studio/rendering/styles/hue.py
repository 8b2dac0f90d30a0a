"""Hue and saturation from the evidence, brightness from the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.rendering.scales import drawn_evidence, map_colours, reliable
from pda_studio.rendering.style import Drawing, OverlayStyle, grey

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap


class Hue(OverlayStyle):
    """The image stays as sharp as it was, in the colours of the evidence [1]_.

    References
    ----------
    .. [1] Zintgraf, Cohen, Adel and Welling, "Visualizing Deep Neural Network Decisions:
       Prediction Difference Analysis", ICLR 2017.
    """

    name = "hue"
    title = "Hue"
    help = "Hue from the evidence, brightness from the image."
    icon = "style-hue"
    order = 20

    def draw(
        self, layer: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
    ) -> Drawing:
        """Multiply a colour whose brightest channel is 1 by the image's brightness."""
        strength = np.clip(drawn_evidence(layer, appearance, limit) / limit, -1, 1)
        amount = np.abs(strength)
        colours = map_colours(layer, appearance)
        ground = 0.5 + 0.5 * grey(layer)  # colours take light away: the ground has more of it
        tinted = colours.hues.at(strength) * ground
        cover = amount**0.75
        if colours.is_neutral:  # where no evidence is no hue, colours fade by themselves
            cover = np.ones_like(cover)
        else:  # as weak evidence is dark in most of the others, bright hues of it would stand out
            cover = (amount * colours.at(strength).max(axis=2)).astype(cover.dtype)
        return Drawing(ground, tinted, reliable(cover, layer, preview)[..., None])
