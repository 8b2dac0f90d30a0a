"""What is known of each level, and the scores of all windows that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.levelled.fields import log_odds, scores_of
from pda_studio.pda.levelled.known import KnownLevel, KnownLevels
from pda_studio.pda.levelled.lattice import Lattice
from pda_studio.pda.levelled.levels import Level
from pda_studio.pda.loop import unscored
from pda_studio.pda.scores import Coarser, WindowScores
from pda_studio.pda.windows import WindowGrid

_FEWEST = 4  # windows along an axis of a lattice: fewer tell too little
_AT_HAND = 24  # estimates of what levels add that are kept for the next steps, a megabyte each
_REACH = 0.4  # of a window's side: the length scale of what a level adds


@dataclass(eq=False)
class Computed:
    """What is known of a level.

    Attributes
    ----------
    level : Level
        The level.
    values : (n, 2C) float64
        By how much its fields differ from those of the unmodified image, where that is known.
    known : (n,) bool
        Where that is.
    lattice : Lattice or None
        The finest lattice of windows that are all known.
    """

    level: Level
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    lattice: Lattice | None = None


@dataclass(frozen=True, eq=False)
class _Added:
    """What a level adds at all windows, and how much of the one below it takes over."""

    taken: NDArray[np.float64]
    values: NDArray[np.float64]


class LevelledScores:
    """The levels of a map, each known on a lattice of its own, and their sum.

    Parameters
    ----------
    grid : WindowGrid
        The n windows.
    levels : list of Level
        The cheapest first; the last is exact.
    classes : (C,) int
        The classes that the forwards keep.
    class_count : int
        K, all classes of the classifier.
    tolerance : float
        What the levels were chosen for.
    """

    def __init__(
        self,
        grid: WindowGrid,
        levels: list[Level],
        classes: NDArray[np.int64],
        class_count: int,
        tolerance: float = 0.0,
    ) -> None:
        self.grid, self.tolerance = grid, tolerance
        size = (len(grid), 2 * len(classes))
        self.computed = [
            Computed(level, np.zeros(size), np.zeros(len(grid), dtype=np.bool_)) for level in levels
        ]
        last = levels[-1]
        self.exact = unscored(
            grid, last.forward, classes, class_count, stochastic=last.filler.stochastic
        )
        self.original = np.concatenate(
            [log_odds(self.exact.original_probability), self.exact.original_logit]
        )
        self._reach = _REACH * grid.window / grid.stride
        self._added: dict[tuple[int, Lattice, int | None], _Added] = {}

    def known(self) -> KnownLevels | None:
        """What is known of the levels, for a finer map to go on from; None before all are begun."""
        levels = [
            KnownLevel(
                one.level.name, one.lattice, np.flatnonzero(one.known), one.values[one.known]
            )
            for one in self.computed
            if one.lattice is not None
        ]
        if len(levels) < len(self.computed):
            return None
        return KnownLevels.of(tuple(levels), self.exact, self.tolerance)

    def take(self, known: KnownLevels) -> bool:
        """Take over what an earlier map knows of the same windows and classes.

        Returns
        -------
        bool
            Whether its levels are all of these. Then the map goes on where that one stands. Where
            other levels reach the finer tolerance for less, it begins with their coarsest lattices
            and ends with those of a map from the beginning; windows of levels that both have are
            not scored again, and exact ones stay exact.
        """
        earlier = {level.name: level for level in known.levels}
        same = [one.level.name for one in self.computed] == list(earlier)
        for one in self.computed:
            level = earlier.get(one.level.name)
            if level is None:
                continue
            one.values[level.windows] = level.values
            one.known[level.windows] = True
            if same:
                one.lattice = level.lattice
        known.enter(self.exact)
        return same

    def first_lattice(self, step: int) -> Lattice:
        """The lattice of this step in pixels, or a little more: of a power of two of windows."""
        shape = (len(self.grid.rows), len(self.grid.columns))
        coarse = []
        for length in shape:
            along = 1
            while along * self.grid.stride < step and 2 * along * (_FEWEST - 1) < length:
                along *= 2
            coarse.append(2 * (along.bit_length() - 1))
        return Lattice(*shape, *coarse)

    @property
    def complete(self) -> bool:
        """Whether every window is scored exactly."""
        return bool(self.computed[-1].known.all())

    def scores(self) -> WindowScores:
        """Scores of all windows: exact ones where they are known, and estimates elsewhere."""
        known = self.computed[-1].known
        if self.complete:
            return self.exact
        probability, logit = scores_of(self._estimated({}, slice(None)))
        for estimated, exact in ((probability, self.exact.probability), (logit, self.exact.logit)):
            estimated[known] = exact[known]
        lattices, step = self.thinned()
        coarser = scores_of(self._estimated(lattices, slice(None)))
        return self._all_scored(probability, logit, Coarser(*coarser, known.copy(), step))

    def of_class(self, column: int, changed: Mapping[int, Lattice]) -> WindowScores:
        """Estimates for one kept class, with some levels on a coarser lattice than is known."""
        count = len(self.exact.classes)
        values = self._estimated(changed, slice(column, None, count))
        one = slice(column, column + 1)
        return replace(
            self._all_scored(*scores_of(values)),
            classes=self.exact.classes[one],
            original_probability=self.exact.original_probability[one],
            original_logit=self.exact.original_logit[one],
            probability_variance=_columns(self.exact.probability_variance, one),
            logit_variance=_columns(self.exact.logit_variance, one),
        )

    def description(self) -> str:
        """Which levels are known at which part of the windows."""
        forward = self.computed[-1].level.forward.description
        if self.complete:
            return forward
        parts = [
            f"{one.level.name} at {_percent(float(one.known.mean()))} of windows"
            for one in self.computed
            if one.known.any()
        ]
        return f"levelled, {', '.join(parts)}; {forward}"

    def _all_scored(
        self,
        probability: NDArray[np.float64],
        logit: NDArray[np.float64],
        coarser: Coarser | None = None,
    ) -> WindowScores:
        return replace(
            self.exact,
            probability=probability,
            logit=logit,
            scored=np.ones(len(self.grid), dtype=np.bool_),
            varied=self.exact.varied.copy(),
            coarser=coarser,
        )

    def _estimated(self, changed: Mapping[int, Lattice], columns: slice) -> NDArray[np.float64]:
        """(n, F): the fields of the highest level that is known anywhere, everywhere."""
        total: NDArray[np.float64] | None = None
        for place, one in enumerate(self.computed):
            if one.lattice is None:
                continue
            lattice = changed.get(place, one.lattice)
            if total is not None:
                under = self.computed[place - 1].lattice
                assert under is not None
                lattice = lattice.shared_with(under)
            key = place, lattice, columns.start
            added = self._added.pop(key, None) or self._interpolated(place, lattice, columns)
            if columns.start is not None:  # of one class: looked at again and again
                self._added[key] = added
                while len(self._added) > _AT_HAND:
                    del self._added[next(iter(self._added))]
            total = added.values if total is None else added.taken * total + added.values
        assert total is not None, "no level is known yet"
        everywhere: NDArray[np.float64] = total.reshape(len(self.grid), -1) + self.original[columns]
        return everywhere

    def _interpolated(self, place: int, lattice: Lattice, columns: slice) -> _Added:
        """What a level adds to the one below it, from the windows of a lattice."""
        values = self.computed[place].values[lattice.indices, columns]
        if all(one.lattice is None for one in self.computed[:place]):
            return _Added(np.zeros(values.shape[-1]), lattice.interpolated(values, self._reach))
        below = self.computed[place - 1].values[lattice.indices, columns]
        taken = _coefficients(below, values)
        return _Added(taken, lattice.interpolated(values - taken * below, self._reach))

    def thinned(self) -> tuple[dict[int, Lattice], int]:
        """Lattices of twice the step for levels that are not known everywhere.

        With them the largest step that these levels have now, in pixels.
        """
        coarser, step = {}, 1
        for place, one in enumerate(self.computed):
            if one.lattice is None or one.lattice.complete:
                continue
            coarser[place] = one.lattice
            for axis in one.lattice.partial_axes:
                coarser[place] = coarser[place].thinned(axis)
            step = max(step, *map(ceil, one.lattice.steps))
        return coarser, step * self.grid.stride


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %" if part >= 0.0995 else f"{100 * part:.2g} %"


def _coefficients(below: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,): how much of a level, (r, c, F), to take off the one above it, by least squares.

    As of a control variate (M. B. Giles, *Multilevel Monte Carlo methods*, 2015, section 1.2).
    """
    squares = np.square(below).sum((0, 1))
    together = (below * above).sum((0, 1))
    taken: NDArray[np.float64] = np.ones_like(squares)
    np.divide(together, squares, out=taken, where=squares > 0)
    return taken


def _columns(values: NDArray[np.float64] | None, columns: slice) -> NDArray[np.float64] | None:
    return None if values is None else values[:, columns]
