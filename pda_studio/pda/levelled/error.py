"""How far a map is from the exact one, by how far it moves when its lattices are thinned."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pda_studio.pda.scores import Coarser, WindowScores

_FACTORS = {2: 0.52, 4: 0.6, 8: 0.64, 16: 0.8}
"""What part of the move from twice the step remains as error, up to this step (pixels): the
medians over photographs, networks and levels (tests/benchmarks/levelled.py)."""
_FLOOR = 0.2  # of a pixel's squared error that is the whole map's: few places tell of their own


def factor(step: int) -> float:
    """What part of the move from twice the step (pixels) remains as error."""
    return next((part for least, part in _FACTORS.items() if step <= least), _FACTORS[16])


def with_coarser(scores: WindowScores, coarser: Coarser) -> WindowScores:
    """The scores as the thinned lattices give them."""
    return replace(scores, probability=coarser.probability, logit=coarser.logit, coarser=None)


def approximation_error(
    evidence: NDArray[np.float64],
    coarser: NDArray[np.float64],
    step: int,
    window: int,
    standard_error: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Root mean square error of each pixel's evidence, from the map of thinned lattices.

    Parameters
    ----------
    evidence, coarser : (H, W) float64
        The map, and the same from lattices of twice the step.
    step : int
        The largest step of a lattice, in pixels.
    window : int
        Side k of a window, in pixels.
    standard_error : (H, W) float64, optional
        Of the map, where windows are sampled: a quarter of them has four times its square, so that
        the move holds three times its square, which is no error of approximation.

    Returns
    -------
    (H, W) float64
        In the unit of the evidence: its rms over all pixels is that of the map's error, its course
        that of the move around a pixel.
    """
    moved = np.square(evidence - coarser)
    if standard_error is not None:
        moved -= 3 * np.square(standard_error)
    around = uniform_filter(moved, 4 * step + window, mode="reflect")
    error: NDArray[np.float64] = factor(step) * np.sqrt(
        np.maximum((1 - _FLOOR) * around + _FLOOR * moved.mean(), 0)
    )
    return error


def relative(error: NDArray[np.floating], evidence: NDArray[np.floating]) -> float:
    """Root mean square error of a map over that of its evidence; 0 where there is neither."""
    whole = float(np.sqrt(np.square(evidence).mean()))
    rms = float(np.sqrt(np.square(error).mean()))
    if whole > 0:
        return rms / whole
    return 0.0 if rms == 0 else float("inf")
