"""Lines around the strongest evidence, as paths: sharp at every size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from pda_studio.rendering.scales import drawn_evidence, floor, map_colours, of_sign

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap

_FINEST = 28  # lines of fewer points than side / 28 are specks, as noisy gradients have thousands
_Chunks = tuple[list[NDArray[np.float64] | None], list[NDArray[np.intp] | None]]
_PARTS = (0.3, 0.65)  # of what lies between the threshold and the scale's end


@dataclass(frozen=True, eq=False)
class Contour:
    """All lines at one level.

    Attributes
    ----------
    level : float
        The evidence on the lines, in the map's unit.
    colour : tuple of float
        Red, green and blue, from 0 to 1.
    points : (P, 2) float64
        x, y of all lines, one after the other, in pixels of the map; its upper left corner is
        0, 0. The first point of a closed line is also its last.
    starts : (L,) int
        Where in the points each line begins; the first begins at 0.
    """

    level: float
    colour: tuple[float, float, float]
    points: NDArray[np.float64]
    starts: NDArray[np.intp]

    @property
    def lines(self) -> list[NDArray[np.float64]]:
        """The points (N, 2) of each line."""
        return np.split(self.points, self.starts[1:])


def contours(evidence_map: EvidenceMap, appearance: Appearance, limit: float) -> list[Contour]:
    """Lines at two levels of each sign; with a threshold, the outermost follows it.

    Parameters
    ----------
    evidence_map : EvidenceMap
        The map.
    appearance : Appearance
        Colours, sign and threshold.
    limit : float
        End of the colour scale, in the map's unit.

    Returns
    -------
    list of Contour
        Weakest first, so that the strongest are drawn on top; without levels that have no line.
    """
    lowest = floor(evidence_map, appearance, limit)
    if lowest is None:  # every pixel has its own threshold: what is below it counts as zero
        values, lowest = drawn_evidence(evidence_map, appearance, limit), 0.0
    else:
        values = of_sign(evidence_map.evidence, appearance)
    if lowest >= limit:
        return []
    parts = _PARTS if lowest == 0 else (0.0, *_PARTS[1:])
    colours = map_colours(evidence_map, appearance)
    found = []
    for part in parts:
        level = lowest + part * (limit - lowest)
        for sign in (-1, 1):
            points, starts = _lines(values, sign * level)
            if len(starts):
                strength = np.asarray(sign * (0.4 + 0.6 * level / limit))
                red, green, blue = (float(channel) for channel in colours.at(strength))
                found.append(Contour(sign * level, (red, green, blue), points, starts))
    return found


def _lines(
    values: NDArray[np.float32], level: float
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Points and starts of the lines where values, each at its pixel's centre, pass a level."""
    nothing = np.zeros((0, 2)), np.zeros(0, np.intp)
    if (values.max() < level) if level > 0 else (values.min() > level):
        return nothing
    from contourpy import LineType, contour_generator

    height, width = values.shape
    # Half a pixel more on every side, so that lines run up to the image's edge.
    x = np.concatenate(([0], np.arange(width) + 0.5, [width]))
    y = np.concatenate(([0], np.arange(height) + 0.5, [height]))
    kind = LineType.ChunkCombinedOffset
    generator = contour_generator(x, y, np.pad(values, 1, mode="edge"), line_type=kind)
    (points,), (ends,) = cast(_Chunks, generator.lines(level))
    if points is None or ends is None:
        return nothing
    counts = ends[1:].astype(np.intp) - ends[:-1].astype(np.intp)
    kept = counts >= max(height, width) // _FINEST
    return points[np.repeat(kept, counts)], (np.cumsum(counts[kept]) - counts[kept])
