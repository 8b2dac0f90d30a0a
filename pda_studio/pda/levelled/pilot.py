"""What a few windows say of a network's layers, and which layers follow from it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_STEPS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0, 11.3, 16.0)
_LEFT = (0.0, 0.07, 0.10, 0.17, 0.23, 0.35, 0.45, 0.63, 0.77)
"""What share of a level's rms is left as error of the map, where every so many windows carry it;
the median over photographs (tests/benchmarks/levelled.py)."""
_RISK = (
    1.1  # what a level more has to save: estimates are rough, and each needs lattices of its own
)
_WORTH = 0.8  # of the exact map's time: what levels have to save


@dataclass(frozen=True)
class Pilot:
    """What a few windows say of a network's layers, in the order of the network.

    Attributes
    ----------
    layers : list of str
        Where it may be linear from.
    residuals : list of list of float
        (L + 1, L + 1): rms over the windows of what the log-odds linear from one layer (rows)
        leave, taken off by least squares, of those linear from another; the last is the whole
        network, which is exact.
    rms : list of float
        (L + 1): of their change itself.
    seconds : list of float
        (L + 1): estimate for a window.
    """

    layers: list[str]
    residuals: list[list[float]]
    rms: list[float]
    seconds: list[float]


def pilot_from(names: list[str], values: NDArray[np.float64], seconds: list[float]) -> Pilot:
    """What changes of the log-odds, (windows, L + 1) float64, say of the layers.

    The last is exact; `seconds` are estimates for a window.
    """
    together = values.T @ values / len(values)
    squares = together.diagonal()
    explained = np.square(together) / np.maximum(squares[:, None], np.finfo(np.float64).tiny)
    left = np.sqrt(np.maximum(squares - explained, 0))
    return Pilot(names, left.tolist(), np.sqrt(squares).tolist(), seconds)


def cheapest(pilot: Pilot, tolerance: float) -> list[str]:
    """The layers from which on scores are linear, of the cheapest levels that reach a tolerance.

    The error of a level's lattice is a share of what the level adds to the one below; the cost is
    that of its windows. All choices of at most two layers and of the lattices are compared.
    """
    last = len(pilot.layers)
    everything = pilot.seconds[last]
    best, least = [], np.inf
    chains = [[], *([one] for one in range(last))]
    chains += [[one, two] for one in range(last) for two in range(one + 1, last)]
    for chain in chains:
        seconds = _seconds(pilot, [*chain, last], tolerance)
        seconds *= _RISK ** len(chain)
        if seconds < least:
            best, least = chain, seconds
    if least > _WORTH * everything:
        return []
    return [pilot.layers[one] for one in best]


def _seconds(pilot: Pilot, chain: list[int], tolerance: float) -> float:
    """Of a window of the whole map, with the best lattices of the levels."""
    adds = [pilot.rms[chain[0]]]
    adds += [pilot.residuals[below][above] for below, above in pairwise(chain)]
    whole = pilot.rms[-1]
    if not whole > 0:
        return np.inf
    best = np.inf
    steps = np.array(_STEPS)
    shares = 1 / steps**2
    # Of levels with independent errors the sum of squares counts; each tries all its lattices.
    errors = [np.square(np.array(_LEFT) * added / whole) for added in adds]
    costs = [shares * pilot.seconds[one] for one in chain]
    error, cost = errors[0], costs[0]
    for more, dearer in zip(errors[1:], costs[1:], strict=True):
        error = np.add.outer(error, more).ravel()
        cost = np.add.outer(cost, dearer).ravel()
    allowed = error <= tolerance**2
    if allowed.any():
        best = float(cost[allowed].min())
    return best
