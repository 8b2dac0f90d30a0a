"""Evidence as colours: red for, blue against, white zero; the same in light and dark."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pda_studio.methods.evidence import EvidenceMap

# ColorBrewer's RdBu, from against (blue) over zero to for (red); its middle made pure white.
_STOPS = (
    (5, 48, 97),
    (33, 102, 172),
    (67, 147, 195),
    (146, 197, 222),
    (209, 229, 240),
    (255, 255, 255),
    (253, 219, 199),
    (244, 165, 130),
    (214, 96, 77),
    (178, 24, 43),
    (103, 0, 31),
)
_LUMINANCE = np.array((0.299, 0.587, 0.114), dtype=np.float32)
_GUESSED, _ROUGH = 0.5, 0.75  # what is left of the colour where evidence is guessed, or rough
_UNCERTAIN = np.array((240, 240, 241), dtype=np.float32)


@cache
def colour_table(steps: int = 511) -> NDArray[np.float32]:
    """(steps, 3) float32 colours from 0 to 255; the middle one is white."""
    at = np.linspace(0, len(_STOPS) - 1, steps)
    stops = np.array(_STOPS, dtype=np.float64)
    return np.stack(
        [np.interp(at, np.arange(len(stops)), channel) for channel in stops.T], axis=1
    ).astype(np.float32)


def colours(values: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Colours (…, 3) from 0 to 255 of evidence on a scale from −limit to limit."""
    table = colour_table()
    middle = len(table) // 2
    index = np.rint(np.clip(values / limit, -1, 1) * middle).astype(np.intp) + middle
    chosen: NDArray[np.float32] = table[index]
    return chosen


def heat_map(
    evidence_map: EvidenceMap, limit: float, threshold: float = 0.0, *, preview: bool = False
) -> NDArray[np.uint8]:
    """Draw the map alone, (H, W, 3) uint8; paler where it is guessed, or rough in a preview.

    Of a method that makes a picture, that picture.
    """
    if evidence_map.picture is not None:
        return evidence_map.picture
    shown = _shown(evidence_map, limit, threshold)
    picture = colours(shown, limit)
    if evidence_map.covered is not None:
        guessed = ~evidence_map.covered
        left = _ROUGH if preview else _GUESSED
        picture[guessed] = left * picture[guessed] + (1 - left) * _UNCERTAIN
    return np.rint(picture).astype(np.uint8)


def overlay(
    evidence_map: EvidenceMap,
    limit: float,
    opacity: float,
    threshold: float = 0.0,
    *,
    preview: bool = False,
) -> NDArray[np.uint8]:
    """Lay the map over the picture in grey, (H, W, 3) uint8: no evidence, no colour."""
    if evidence_map.picture is not None:
        return evidence_map.picture
    shown = _shown(evidence_map, limit, threshold)
    strength = np.clip(np.abs(shown) / limit, 0, 1)
    # Weak evidence gets a clear colour that covers little, rather than a pale one: on a picture
    # a pale colour looks like fog.
    tint = np.sign(shown) * (0.4 + 0.6 * strength)
    colour = colours(tint.astype(np.float32), 1.0)
    cover = opacity * strength**0.75
    if evidence_map.covered is not None:
        cover = np.where(evidence_map.covered, cover, (_ROUGH if preview else 0.4) * cover)
    # Neither black nor white, on which dark and light colours are hard to see.
    grey: NDArray[Any] = 51 + 0.7 * (evidence_map.view @ _LUMINANCE)
    mixed = grey[..., None] * (1 - cover[..., None]) + colour * cover[..., None]
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def _shown(evidence_map: EvidenceMap, limit: float, threshold: float) -> NDArray[np.float32]:
    values = evidence_map.evidence
    if threshold <= 0:
        return values
    return np.where(np.abs(values) >= threshold * limit, values, np.float32(0))
