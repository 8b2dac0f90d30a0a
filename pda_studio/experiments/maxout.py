"""Maxout units of a single input, and what a mean infill costs them (Zhou & Kainz, Fig. 8).

A maxout unit is the largest of k affine pieces: with two of them it is a ReLU or an absolute
value, with more it comes near any convex function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


@dataclass(frozen=True)
class Maxout:
    """max_i (slopes_i·x + offsets_i).

    Attributes
    ----------
    name : str
        What it is, or comes near to.
    slopes, offsets : sequence of float
        Of the pieces, the slopes in rising order; each piece is the largest somewhere.
    """

    name: str
    slopes: Sequence[float]
    offsets: Sequence[float]

    def __call__(self, x: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Its value at each input."""
        pieces = np.multiply.outer(np.asarray(x, np.float64), self.slopes) + self.offsets
        largest: NDArray[np.float64] = pieces.max(-1)
        return largest

    def expected(self, mean: float, deviation: float) -> float:
        """Its mean over a normally distributed input: exactly, piece by piece."""
        slopes, offsets = np.asarray(self.slopes), np.asarray(self.offsets)
        kinks = -np.diff(offsets) / np.diff(slopes)
        ends = (np.concatenate([[-np.inf], kinks, [np.inf]]) - mean) / deviation
        shares, tails = np.diff(norm.cdf(ends)), -np.diff(norm.pdf(ends))
        values = (slopes * mean + offsets) * shares + slopes * deviation * tails
        return float(values.sum())

    def bound(self, deviation: float) -> float:
        """What the mean of the values and the value of the mean differ by at most (Eq. 31)."""
        variance = (np.abs(self.slopes).max() * deviation) ** 2
        return log(len(self.slopes)) + float(variance) / 2


def tangents(count: int, reach: float) -> Maxout:
    """x² by tangents at places from −reach to reach."""
    places = np.linspace(-reach, reach, count)
    return Maxout(f"x² by {count} pieces", (2 * places).tolist(), (-(places**2)).tolist())


UNITS = (
    Maxout("ReLU", (0.0, 1.0), (0.0, 0.0)),
    Maxout("absolute value", (-1.0, 1.0), (0.0, 0.0)),
    tangents(5, 2.0),
)
