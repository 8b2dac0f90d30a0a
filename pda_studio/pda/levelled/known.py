"""What a map keeps of its levels, for a finer map of the same to go on from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.levelled.lattice import Lattice
from pda_studio.pda.scores import WindowScores

_ENTERED = ("probability", "logit", "probability_variance", "logit_variance")


@dataclass(frozen=True, eq=False)
class KnownLevel:
    """What is known of a level.

    Attributes
    ----------
    name : str
        The level's.
    lattice : Lattice
        The finest of windows that are all known.
    windows : (m,) int64
        All that are known: an earlier map may have known others besides.
    values : (m, 2C) float64
        Their fields.
    """

    name: str
    lattice: Lattice
    windows: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KnownLevels:
    """What is known of all levels of a map.

    Attributes
    ----------
    classes : (C,) int
        The classes whose scores are kept.
    levels : tuple of KnownLevel
        The cheapest first; the last is exact.
    entered : dict of (m, C) float64
        The scores of the exact level's windows and their variances, by name.
    varied : (m,) bool
        For which of these the variance is known.
    tolerance : float
        What the levels were chosen for.
    """

    classes: NDArray[np.int64]
    levels: tuple[KnownLevel, ...]
    entered: dict[str, NDArray[np.float64]]
    varied: NDArray[np.bool_]
    tolerance: float

    @classmethod
    def of(
        cls, levels: tuple[KnownLevel, ...], exact: WindowScores, tolerance: float
    ) -> "KnownLevels":
        """Pick the exact level's windows out of all scores."""
        at = levels[-1].windows
        arrays = {name: getattr(exact, name) for name in _ENTERED}
        entered = {name: array[at] for name, array in arrays.items() if array is not None}
        return cls(exact.classes, levels, entered, exact.varied[at], tolerance)

    def enter(self, exact: WindowScores) -> None:
        """Enter the scores of the exact level into those of all windows."""
        at = self.levels[-1].windows
        for name, values in self.entered.items():
            getattr(exact, name)[at] = values
        exact.varied[at] = self.varied
        exact.scored[at] = True

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        values = sum(level.values.nbytes for level in self.levels)
        return values + sum(array.nbytes for array in self.entered.values())
