"""Lattices of windows that are nested, and interpolation between their windows."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_COVARIANCES = ((1, 0.1), (2, 0.1), (4, 0.02), (8, 0.002))
"""Length scales, in least ones, each with the part of a window's variance that no other tells of.
The first is the best for most networks and photographs."""
_OF_STEP = 0.75  # of the lattice's step: the least length scale, so that windows tell of the next
_LEFT_OUT = 3  # of four rows or columns, the last: every second is one of the next coarser lattice


@dataclass(frozen=True)
class Lattice:
    """Some rows and columns of a grid of windows, evenly spread, and the last of each.

    Attributes
    ----------
    rows, columns : int
        How many there are in the grid.
    down, across : int
        How coarse it is along each axis: 2m takes every 2^m-th row (or column), 2m + 1 three of
        four of these. A finer one holds all that a coarser one takes.
    """

    rows: int
    columns: int
    down: int
    across: int

    @property
    def taken_rows(self) -> NDArray[np.int64]:
        """Indices of the rows that are taken."""
        return _taken(self.rows, self.down)

    @property
    def taken_columns(self) -> NDArray[np.int64]:
        """Indices of the columns that are taken."""
        return _taken(self.columns, self.across)

    @property
    def indices(self) -> NDArray[np.int64]:
        """(r, c): the windows, as a grid numbers them."""
        return self.taken_rows[:, None] * self.columns + self.taken_columns

    def __len__(self) -> int:
        return len(self.taken_rows) * len(self.taken_columns)

    @property
    def steps(self) -> tuple[float, float]:
        """From one row that is taken to the next, in the mean, and from one column."""
        return _step(self.down), _step(self.across)

    @property
    def partial_axes(self) -> tuple[int, ...]:
        """Along which axes some are left out: 0 for rows, 1 for columns."""
        return tuple(axis for axis, coarse in enumerate((self.down, self.across)) if coarse)

    def holds(self, other: "Lattice") -> bool:
        """Whether it takes all that the other takes."""
        return self.down <= other.down and self.across <= other.across

    def shared_with(self, other: "Lattice") -> "Lattice":
        """The windows that both take."""
        return replace(self, down=max(self.down, other.down), across=max(self.across, other.across))

    def missing(
        self, known: NDArray[np.bool_]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows and columns that cross at the windows that are not known, of the n windows.

        Rows of which the same columns are missing come together: mostly, these are all.
        """
        unknown = ~known[self.indices]
        patterns, which = np.unique(unknown, axis=0, return_inverse=True)
        return [
            (self.taken_rows[which.ravel() == one], self.taken_columns[pattern])
            for one, pattern in enumerate(patterns)
            if pattern.any()
        ]

    @property
    def complete(self) -> bool:
        """Whether every window is taken."""
        return self.down == self.across == 0

    def finer(self, axis: int) -> "Lattice":
        """The next finer lattice along rows (0) or columns (1)."""
        return self._along(axis, -1)

    def thinned(self, axis: int) -> "Lattice":
        """The lattice of twice the step along rows (0) or columns (1)."""
        return self._along(axis, 2)

    def _along(self, axis: int, more: int) -> "Lattice":
        if axis == 0:
            return replace(self, down=max(0, self.down + more))
        return replace(self, across=max(0, self.across + more))

    def interpolated(self, values: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
        """Values of all windows, by a Gaussian process through those of the lattice.

        Its covariance is a Matérn function of order 3/2 of the distance, plus a part that every
        window has for itself: what changes from one window to the next can't be interpolated, and
        is not carried on between them. The most likely of a few such covariances is taken (C. E.
        Rasmussen, C. K. I. Williams, *Gaussian processes for machine learning*, 2006, equations
        2.25, 4.17 and 5.8).

        Parameters
        ----------
        values : (r, c, F) float64
            Of the lattice's windows, about zero.
        reach : float
            The least length scale, in windows, where the lattice is not too coarse for it.

        Returns
        -------
        (rows, columns, F) float64
        """
        if self.complete:
            return values
        least = max(reach, _OF_STEP * max(self.steps))
        axes = [
            (
                _axis(self.rows, self.down, longer * least),
                _axis(self.columns, self.across, longer * least),
            )
            for longer, _ in _COVARIANCES
        ]
        inner, unlikely = [], []
        for (down, across), (_, alone) in zip(axes, _COVARIANCES, strict=True):
            variance = (1 - alone) * np.outer(down.variances, across.variances) + alone
            rotated = _along_both(down.vectors.T, across.vectors.T, values)
            inner.append(rotated / variance[..., None])
            scale = np.maximum((rotated * inner[-1]).mean((0, 1)), np.finfo(np.float64).tiny)
            unlikely.append(np.log(scale) + np.log(variance).mean())
        taken = np.argmin(unlikely, 0)
        everywhere = np.empty((self.rows, self.columns, values.shape[-1]))
        for one in np.unique(taken):
            down, across = axes[one]
            here = taken == one
            everywhere[..., here] = _along_both(down.carried, across.carried, inner[one][..., here])
            everywhere[..., here] *= 1 - _COVARIANCES[one][1]
        everywhere[np.ix_(self.taken_rows, self.taken_columns)] = values
        return everywhere


@dataclass(frozen=True, eq=False)
class _Axis:
    """Covariances along an axis: of n windows that are taken, of all N.

    Attributes
    ----------
    variances, vectors : (n,) and (n, n) float64
        Eigenvalues and eigenvectors of the covariances of those that are taken.
    carried : (N, n) float64
        Covariances of all with those that are taken, times the eigenvectors.
    """

    variances: NDArray[np.float64]
    vectors: NDArray[np.float64]
    carried: NDArray[np.float64]


def _taken(length: int, coarse: int) -> NDArray[np.int64]:
    taken = np.arange(0, length, 2 ** (coarse // 2))
    if coarse % 2:
        taken = taken[np.arange(len(taken)) % 4 != _LEFT_OUT]
    return taken if taken[-1] == length - 1 else np.append(taken, length - 1)


def _step(coarse: int) -> float:
    return float(2 ** (coarse // 2) * (4 / 3 if coarse % 2 else 1))


@lru_cache(maxsize=64)
def _axis(count: int, coarse: int, length: float) -> _Axis:
    taken = _taken(count, coarse)
    distances = np.abs(np.arange(count)[:, None] - taken) * np.sqrt(3) / length
    covariances = (1 + distances) * np.exp(-distances)
    variances, vectors = np.linalg.eigh(covariances[taken])
    return _Axis(variances, vectors, covariances @ vectors)


def _along_both(
    down: NDArray[np.float64], across: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(R, C, F): (R, r) and (C, c) times (r, c, F)."""
    some = np.tensordot(down, values, 1)
    both: NDArray[np.float64] = np.einsum("cj,rjf->rcf", across, some, optimize=True)
    return both
