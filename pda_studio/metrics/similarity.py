"""How alike two maps of one size are: by ranks, by structure, and by oriented gradients.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, Section 4, with scikit-image's SSIM
and HOG at the settings of that paper, scaled to the size of the map.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skimage.feature import hog
from skimage.metrics import structural_similarity

from pda_studio.errors import UsageError

_ssim: Any = structural_similarity  # without types
_CELLS = 14  # of HOG along the shorter side: 16 pixels of 224
_SMALLEST_CELL = 4
_SHORTEST = 3 * _SMALLEST_CELL  # pixels: a block of HOG has three cells along a side


@dataclass(frozen=True)
class Similarity:
    """How alike two maps are: 1 if they are the same, about 0 if they have nothing in common.

    Attributes
    ----------
    spearman, absolute : float
        Spearman's correlation of the evidence, and of its size; not a number where a map is the
        same everywhere.
    ssim : float
        Structural similarity of the maps, each divided by its largest absolute evidence.
    hog : float
        Pearson's correlation of their histograms of oriented gradients; not a number where a map
        is the same everywhere.
    """

    spearman: float
    absolute: float
    ssim: float
    hog: float


def similarity(first: NDArray[np.floating], other: NDArray[np.floating]) -> Similarity:
    """Compare two maps (H, W).

    Raises
    ------
    UsageError
        If they are of different sizes, or of less than 12 pixels along a side.
    """
    if first.shape != other.shape:
        raise UsageError("Maps of different sizes cannot be compared.")
    if min(first.shape) < _SHORTEST:
        raise UsageError(f"Maps of less than {_SHORTEST} pixels along a side cannot be compared.")
    one, two = (values.astype(np.float64) for values in (first, other))
    scaled = _scaled(one), _scaled(two)
    gradients = np.stack([_oriented(values) for values in scaled])
    flat = np.ptp(one) == 0 or np.ptp(two) == 0
    return Similarity(
        spearman=_ranked(one, two),
        absolute=_ranked(np.abs(one), np.abs(two)),
        ssim=float(_ssim(*scaled, data_range=2.0)),
        hog=float("nan") if flat else float(np.asarray(np.corrcoef(gradients))[0, 1]),
    )


def _ranked(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return float("nan")
    return float(spearmanr(one, two, axis=None).statistic)


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = float(np.abs(values).max())
    return values / largest if largest > 0 else values


def _oriented(values: NDArray[np.float64]) -> NDArray[np.float64]:
    cell = max(_SMALLEST_CELL, round(min(values.shape) / _CELLS))
    found: NDArray[np.float64] = hog(values, pixels_per_cell=(cell, cell))
    return found
