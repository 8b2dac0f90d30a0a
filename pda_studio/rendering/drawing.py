"""Maps as pixels, and the colours of their scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pda_studio.rendering.appearance import Appearance
from pda_studio.rendering.scales import floor, map_colours, scale_start
from pda_studio.rendering.style import STYLES, as_pixels

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap


def heat_map(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
) -> NDArray[np.uint8]:
    """Draw a map by itself.

    Parameters
    ----------
    evidence_map : EvidenceMap
        The map.
    appearance : Appearance
        Colours, sign and threshold.
    limit : float
        End of the colour scale, in the map's unit.
    preview : bool
        Whether what is not covered is roughly right, and not merely guessed.

    Returns
    -------
    (H, W, 3) uint8
        Paler where it is guessed or rough.
    """
    return _drawn("map", evidence_map, appearance, limit, preview)


def overlay(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
) -> NDArray[np.uint8]:
    """Lay a map over the grey image, in the appearance's overlay style.

    Takes and returns what `heat_map` does. The lines of contours are not among the pixels: these
    are drawn over them, sharp at every size.
    """
    return _drawn(appearance.style, evidence_map, appearance, limit, preview)


def _drawn(
    style: str, evidence_map: EvidenceMap, appearance: Appearance, limit: float, preview: bool
) -> NDArray[np.uint8]:
    drawing = STYLES[style].draw(evidence_map, appearance, limit, preview=preview)
    return drawing.at(appearance.opacity)


def colour_scale(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float, steps: int = 511
) -> NDArray[np.uint8]:
    """The colours of a map's scale from `scale_start` to `limit`, (steps, 3) uint8.

    What is not drawn, being of the other sign or too weak, has the colour of zero.
    """
    colours = map_colours(evidence_map, appearance)
    values = np.linspace(scale_start(evidence_map, appearance, limit), limit, steps)
    shown = np.abs(values) >= (floor(evidence_map, appearance, limit) or 0)
    if appearance.sign != "both":
        shown &= values > 0 if appearance.sign == "for" else values < 0
    return as_pixels(colours.at(np.where(shown, values / limit, 0)))
