"""Lattices of windows that are nested, and interpolation between their windows."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

_DEGREE = 3


@dataclass(frozen=True)
class Lattice:
    """Every so many rows and columns of a grid of windows, and the last of each.

    Attributes
    ----------
    rows, columns : int
        How many there are in the grid.
    down, across : int
        Steps from one that is taken to the next; 1 takes all.
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
    def partial_axes(self) -> tuple[int, ...]:
        """Along which axes some are left out: 0 for rows, 1 for columns."""
        return tuple(axis for axis, step in enumerate((self.down, self.across)) if step > 1)

    def holds(self, other: "Lattice") -> bool:
        """Whether it takes all that the other takes, whose steps are powers of two as well."""
        return self.down <= other.down and self.across <= other.across

    def shared_with(self, other: "Lattice") -> "Lattice":
        """The windows that both take, whose steps are powers of two."""
        return replace(self, down=max(self.down, other.down), across=max(self.across, other.across))

    def missing(self, known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns whose windows are not all known, of the n windows."""
        unknown = ~known[self.indices]
        return self.taken_rows[unknown.any(1)], self.taken_columns[unknown.any(0)]

    @property
    def complete(self) -> bool:
        """Whether every window is taken."""
        return self.down == self.across == 1

    def halved(self, axis: int) -> "Lattice":
        """The lattice with half the step along rows (0) or columns (1); it holds this one."""
        if axis == 0:
            return replace(self, down=max(1, self.down // 2))
        return replace(self, across=max(1, self.across // 2))

    def doubled(self, axis: int) -> "Lattice":
        """The lattice with twice the step along rows (0) or columns (1); this one holds it."""
        if axis == 0:
            return replace(self, down=2 * self.down)
        return replace(self, across=2 * self.across)

    def interpolated(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of all windows by a cubic spline through those of the lattice.

        Parameters
        ----------
        values : (r, c, F) float64
            Of the lattice's windows.

        Returns
        -------
        (rows, columns, F) float64
        """
        down = _weights(self.rows, self.down)
        across = _weights(self.columns, self.across)
        some = np.tensordot(down, values, 1)
        everywhere: NDArray[np.float64] = np.einsum("cj,rjf->rcf", across, some, optimize=True)
        return everywhere


def _taken(length: int, step: int) -> NDArray[np.int64]:
    taken = np.arange(0, length, step)
    return taken if taken[-1] == length - 1 else np.append(taken, length - 1)


@lru_cache(maxsize=64)
def _weights(length: int, step: int) -> NDArray[np.float64]:
    """(length, taken): what each value that is taken gives to the spline at each place."""
    taken = _taken(length, step)
    if len(taken) == length:
        return np.eye(length)
    degree = min(_DEGREE, len(taken) - 1)
    if degree < 1:
        return np.ones((length, 1))
    weights: NDArray[np.float64] = make_interp_spline(taken, np.eye(len(taken)), k=degree)(
        np.arange(length)
    )
    return weights
