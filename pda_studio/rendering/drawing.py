"""Maps as pixels: by themselves, or over the grey image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pda_studio.rendering.appearance import Appearance
from pda_studio.rendering.scales import drawn_evidence, floor, map_colours, scale_start

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap

_LUMINANCE = np.array((0.299, 0.587, 0.114))
_UNCERTAIN = np.array((240, 240, 241)) / 255
# What is left of the colour where evidence is guessed: in a map, in an overlay, in a preview.
_GUESSED, _GUESSED_OVERLAY, _ROUGH = 0.5, 0.4, 0.75


def heat_map(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
) -> NDArray[np.uint8]:
    """Draw a map by itself.

    Parameters
    ----------
    evidence_map : EvidenceMap
        The map. Of a method that makes an image, that image is returned.
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
    if evidence_map.image is not None:
        return evidence_map.image
    strength = np.clip(drawn_evidence(evidence_map, appearance, limit) / limit, -1, 1)
    image = map_colours(evidence_map, appearance).at(strength)
    if evidence_map.covered is not None:
        guessed = ~evidence_map.covered
        left = _ROUGH if preview else _GUESSED
        image[guessed] = left * image[guessed] + (1 - left) * _UNCERTAIN
    return as_pixels(image)


@dataclass(frozen=True, eq=False)
class Sheets:
    """An overlay before its sheets are laid on each other: all that opacity does not change.

    Attributes
    ----------
    ground : (H, W, 1) float
        The grey image, from 0 to 1.
    colours : (H, W, 3) float
        The evidence, from 0 to 1.
    cover : (H, W, 1) float
        How much of the image it hides at full opacity, from 0 to 1.
    """

    ground: NDArray[Any]
    colours: NDArray[Any]
    cover: NDArray[Any]

    def at(self, opacity: float) -> NDArray[np.uint8]:
        """Lay the evidence over the image, (H, W, 3) uint8."""
        alpha = opacity * self.cover
        return as_pixels(alpha * self.colours + (1 - alpha) * self.ground)


def overlay(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
) -> NDArray[np.uint8]:
    """Lay a map over the image in grey, in the style wanted: no evidence, no colour.

    Takes and returns what `heat_map` does. The lines of contours are not among the pixels: these
    are drawn over them, sharp at every size (`contours`).
    """
    if evidence_map.image is not None:
        return evidence_map.image
    return sheets(evidence_map, appearance, limit, preview=preview).at(appearance.opacity)


def sheets(
    evidence_map: EvidenceMap, appearance: Appearance, limit: float, *, preview: bool = False
) -> Sheets:
    """Prepare an overlay: everything but how opaque it is. Takes what `heat_map` does."""
    grey = (evidence_map.view @ _LUMINANCE / 255)[..., None]
    # Neither black nor white, on which dark and light colours are hard to see.
    ground = 0.2 + 0.7 * grey
    if appearance.style == "contours":
        return Sheets(ground, np.repeat(ground, 3, axis=2), np.zeros_like(ground))
    strength = np.clip(drawn_evidence(evidence_map, appearance, limit) / limit, -1, 1)
    amount = np.abs(strength)
    colours = map_colours(evidence_map, appearance)
    cover = amount**0.75
    if appearance.style == "hue":
        # A colour whose brightest channel is 1, times the image's brightness: hue and saturation
        # of the one, brightness of the other. Colours take light away; the ground has more of it.
        ground = 0.5 + 0.5 * grey
        tinted = colours.hues.at(strength) * ground
        if colours.is_neutral:  # where no evidence is no hue, colours fade by themselves
            cover = np.ones_like(cover)
        else:  # as weak evidence is dark in most of the others, bright hues of it would stand out
            cover = (amount * colours.at(strength).max(axis=2)).astype(cover.dtype)
    else:
        # Weak evidence gets a clear colour that covers little, rather than a pale one: on a
        # image a pale colour looks like fog.
        tinted = colours.at(np.sign(strength) * (0.4 + 0.6 * amount))
    if evidence_map.covered is not None:
        left = _ROUGH if preview else _GUESSED_OVERLAY
        cover = np.where(evidence_map.covered, cover, left * cover)
    return Sheets(ground, tinted, cover[..., None])


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


def as_pixels(colours: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours from 0 to 1 as bytes."""
    pixels: NDArray[np.uint8] = np.rint(255 * colours).astype(np.uint8)
    return pixels
