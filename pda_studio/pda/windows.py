"""Which windows are taken out of the image, in which order, and how they become a map."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from pda_studio.errors import UsageError

_FIRST_PASS = 8  # windows along each side of the first pass: a rough map of the whole image


@dataclass(frozen=True)
class WindowGrid:
    """All k×k windows at rows and columns 0, s, 2s, … and at the last one, H−k and W−k.

    Attributes
    ----------
    height, width : int
        Size of the input, in pixels.
    window : int
        Side k of a window, in pixels.
    stride : int
        Step s between windows, in pixels; s ≤ k, so that every pixel is covered.
    """

    height: int
    width: int
    window: int
    stride: int

    def __post_init__(self) -> None:
        if self.window < 1 or self.stride < 1:
            raise UsageError("The window and the stride must be at least 1 pixel.")
        if self.window > min(self.height, self.width):
            raise UsageError(
                f"A window of {self.window} pixels is larger than the classifier's input"
                f" of {self.width}×{self.height}: choose a smaller one."
            )
        if self.stride > self.window:
            raise UsageError(
                f"A stride of {self.stride} leaves gaps between windows of {self.window} pixels:"
                " choose a stride of at most the window."
            )

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Top rows of the windows, in pixels."""
        return _positions(self.height, self.window, self.stride)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Left columns of the windows, in pixels."""
        return _positions(self.width, self.window, self.stride)

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @cached_property
    def corners(self) -> NDArray[np.int64]:
        """(n, 2): top row and left column of every window, row by row."""
        top, left = np.meshgrid(self.rows, self.columns, indexing="ij")
        return np.stack([top.ravel(), left.ravel()], axis=1)

    def spread(self, along: int) -> list[NDArray[np.int64]]:
        """Corners (1, 2) of a few windows all over the image: so many along each axis, at most."""
        rows, columns = (
            at[np.unique(np.linspace(0, len(at) - 1, along).round().astype(int))]
            for at in (self.rows, self.columns)
        )
        return [np.array([[row, column]]) for row in rows for column in columns]

    def passes(self) -> list[NDArray[np.int64]]:
        """Indices of the windows, coarse to fine: each pass covers the whole image.

        The first pass takes about 8×8 windows, each later one halves the distance; together they
        name every window once.
        """
        index = np.arange(len(self)).reshape(len(self.rows), len(self.columns))
        waiting = np.ones(index.shape, dtype=bool)
        step = 1
        while max(index.shape) > _FIRST_PASS * step:
            step *= 2
        passes = []
        while step:
            visited = np.zeros_like(waiting)
            visited[::step, ::step] = True
            passes.append(index[visited & waiting])
            waiting &= ~visited
            step //= 2
        return [indices for indices in passes if len(indices)]

    def batches(
        self,
        size: Callable[[], int],
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Cut the passes into batches of what `size()` says at the time.

        If rows and columns are named, the windows that lie on both come instead, row by row.
        """
        if rows is None or columns is None:
            passes = self.passes()
        else:
            passes = [(rows[:, None] * len(self.columns) + columns).ravel()]
        for indices in passes:
            start = 0
            while start < len(indices):
                batch = indices[start : start + size()]
                yield batch
                start += len(batch)

    def coverage(self, scored: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """(H, W): how many windows (of those scored) cover each pixel."""
        if scored is None:
            return self._whole_coverage
        return np.rint(self._sums(scored.astype(float))).astype(np.int64)

    @cached_property
    def _whole_coverage(self) -> NDArray[np.int64]:
        counts = np.rint(self._sums(np.ones(len(self)))).astype(np.int64)
        counts.flags.writeable = False
        return counts

    def average(
        self, values: NDArray[np.float64], scored: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Evidence of each pixel: the mean of the values of all windows that cover it.

        Parameters
        ----------
        values : (n,) float
            One value a window, in the order of `corners`.
        scored : (n,) bool, optional
            Which windows have a value by now; all of them if not given.

        Returns
        -------
        (H, W) float64
            Pixels that no scored window covers take the value of the nearest scored window.
        """
        if scored is None:
            return self._sums(values) / self.coverage()
        count = self.coverage(scored)
        mean = self._sums(np.where(scored, values, 0.0)) / np.maximum(count, 1)
        return self._fill_from_nearest(mean, values, scored, count == 0)

    def standard_error(
        self,
        variances: NDArray[np.float64],
        known: NDArray[np.bool_],
        scored: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """Standard error of `average`, where the windows' values are independent.

        Parameters
        ----------
        variances : (n,) float
            Of each window's value.
        known : (n,) bool
            Which variances are known; the others are taken to be like those around them.
        scored : (n,) bool, optional
            Which windows have a value by now; all of them if not given.

        Returns
        -------
        (H, W) float64
            √(Σ variances) / n over the n windows that cover a pixel.
        """
        each = self.average(variances, None if known.all() else known)
        return np.sqrt(np.maximum(each, 0) / np.maximum(self.coverage(scored), 1))

    def lattice(self, spacing: int) -> NDArray[np.bool_]:
        """(n,): marks every so many windows along both axes."""
        marked = np.zeros((len(self.rows), len(self.columns)), dtype=bool)
        marked[::spacing, ::spacing] = True
        return marked.ravel()

    def _sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(H, W): sum over the windows that cover a pixel, by running sums of their corners."""
        k = self.window
        edges = np.zeros((self.height + 1, self.width + 1))
        grid = values.reshape(len(self.rows), len(self.columns))
        for down, across, sign in ((0, 0, 1), (k, 0, -1), (0, k, -1), (k, k, 1)):
            edges[_where(self.rows + down, self.columns + across)] += sign * grid
        sums: NDArray[np.float64] = edges.cumsum(0).cumsum(1)[:-1, :-1]
        return sums

    def _fill_from_nearest(
        self,
        pixels: NDArray[np.float64],
        values: NDArray[np.float64],
        scored: NDArray[np.bool_],
        missing: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        if not missing.any() or not scored.any():
            return pixels
        at_centre = np.full((self.height, self.width), -1, dtype=np.int64)
        centres = self.corners + self.window // 2
        done = np.flatnonzero(scored)
        at_centre[centres[done, 0], centres[done, 1]] = done
        nearest = distance_transform_edt(at_centre < 0, return_distances=False, return_indices=True)
        owner = at_centre[tuple(nearest[:, missing])]
        filled = pixels.copy()
        filled[missing] = values[owner]
        return filled


def _positions(length: int, window: int, stride: int) -> NDArray[np.int64]:
    positions = np.arange(0, length - window + 1, stride)
    if positions[-1] != length - window:
        positions = np.append(positions, length - window)
    return positions


def _where(
    rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[slice, slice] | tuple[NDArray[np.int64], ...]:
    """The index of all pixels on both: slices, which are much faster, where steps are even."""
    down, across = _span(rows), _span(columns)
    if down is None or across is None:
        return np.ix_(rows, columns)
    return down, across


def _span(positions: NDArray[np.int64]) -> slice | None:
    steps = np.diff(positions)
    step = int(steps[0]) if len(steps) else 1
    if not (steps == step).all():
        return None
    return slice(int(positions[0]), int(positions[-1]) + 1, step)
