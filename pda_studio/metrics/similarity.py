"""How alike two maps of one size are: by ranks, by structure, and by oriented gradients.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, Section 4, with scikit-image's SSIM
and HOG at the settings of that paper, scaled to the size of the map.

For maps that have nothing in common Spearman's correlation is 0. Of the other measures that holds
where evidence is spread over the whole map: SSIM compares maps over their largest evidence, so
that two that are nearly 0 nearly everywhere are alike by it, and HOG finds the same blank places
in them. What each says of independent maps is therefore told beside it: see `independent`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog
from skimage.metrics import structural_similarity

from pda_studio.errors import UsageError
from pda_studio.metrics.rank_correlation import rank_correlation

_ssim: Any = structural_similarity  # without types
_CELLS = 14  # of HOG along the shorter side: 16 pixels of 224
_SMALLEST_CELL = 4
_SHORTEST = 3 * _SMALLEST_CELL  # pixels: a block of HOG has three cells along a side


@dataclass(frozen=True)
class Similarity:
    """How alike two maps are: 1 if they are the same.

    If they have nothing in common, rank correlations are about 0, and the others what they are for
    maps that are `independent`.

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
        spearman=rank_correlation(one, two),
        absolute=rank_correlation(np.abs(one), np.abs(two)),
        ssim=float(_ssim(*scaled, data_range=2.0)),
        hog=float("nan") if flat else float(np.asarray(np.corrcoef(gradients))[0, 1]),
    )


def independent(values: NDArray[np.floating], seed: int) -> NDArray[np.float64]:
    """A map that has nothing in common with another but its values, blank places and smoothness.

    The phases of its spectrum are random, then its pixels get the other's values by their ranks:
    an amplitude-adjusted surrogate (Theiler et al., Physica D 58, 1992). Where the other is 0, as
    over an empty background, this one is as well.

    Parameters
    ----------
    values : (H, W)
        The other map.
    seed : int
        The same seed gives the same map.
    """
    noise = np.random.default_rng(seed).normal(size=values.shape)
    phases = np.fft.rfft2(noise)
    phases /= np.maximum(np.abs(phases), 1e-12)
    spectrum = np.abs(np.fft.rfft2(values - values.mean()))
    made = np.fft.irfft2(spectrum * phases, s=values.shape)
    found = np.zeros(values.shape)
    told = np.flatnonzero(values)
    order = told[np.argsort(made.flat[told], kind="stable")]
    found.flat[order] = np.sort(values.flat[told])
    return found


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = float(np.abs(values).max())
    return values / largest if largest > 0 else values


def _oriented(values: NDArray[np.float64]) -> NDArray[np.float64]:
    cell = max(_SMALLEST_CELL, round(min(values.shape) / _CELLS))
    found: NDArray[np.float64] = hog(values, pixels_per_cell=(cell, cell))
    return found
