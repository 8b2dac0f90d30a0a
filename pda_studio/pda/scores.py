"""A classifier's scores of an image without each of its windows."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.windows import WindowGrid


@dataclass(frozen=True, eq=False)
class Coarser:
    """The same scores from lattices of windows of twice the step: how far they move tells of error.

    Attributes
    ----------
    probability, logit : (n, C) float64
        Scores without each window, interpolated from the coarser lattices.
    exact : (n,) bool
        Which windows of the finer ones are scored exactly; all others are estimated.
    step : int
        The largest step of the finer ones, in pixels.
    """

    probability: NDArray[np.float64]
    logit: NDArray[np.float64]
    exact: NDArray[np.bool_]
    step: int


@dataclass(frozen=True, eq=False)
class WindowScores:
    """Scores of n windows for C kept classes out of K; everything else is arithmetic on these.

    Attributes
    ----------
    grid : WindowGrid
        The n windows.
    classes : (C,) int
        Indices of the kept classes.
    class_count : int
        K, all classes of the classifier.
    original_probability, original_logit : (C,) float64
        Scores of the unmodified image.
    probability, logit : (n, C) float64
        Scores without the window, averaged over its S infills; 0 where not yet scored.
    probability_variance, logit_variance : (n, C) float64, or None
        Sampling variance of those averages, where infills are stochastic.
    scored : (n,) bool
        Which windows have been scored by now.
    varied : (n,) bool
        For which of them the variance is known.
    linearised : bool
        Whether the scores are first-order estimates, in which a probability may leave [0, 1].
    coarser : Coarser, optional
        Of a levelled map, by which its approximation error is told; None where all are exact.
    """

    grid: WindowGrid
    classes: NDArray[np.int64]
    class_count: int
    original_probability: NDArray[np.float64]
    original_logit: NDArray[np.float64]
    probability: NDArray[np.float64]
    logit: NDArray[np.float64]
    probability_variance: NDArray[np.float64] | None
    logit_variance: NDArray[np.float64] | None
    scored: NDArray[np.bool_]
    varied: NDArray[np.bool_]
    linearised: bool = False
    coarser: Coarser | None = None

    @property
    def complete(self) -> bool:
        """Whether every window has been scored."""
        return bool(self.scored.all())

    def column(self, target: int) -> int:
        """Where a class stands among the kept ones.

        Raises
        ------
        KeyError
            If its scores were not kept.
        """
        found = np.flatnonzero(self.classes == target)
        if not len(found):
            raise KeyError(target)
        return int(found[0])


def second_samples(grid: WindowGrid) -> NDArray[np.bool_]:
    """(n,): which windows get a second sample where one infill is sampled for each.

    A single sample does not show how far it is from the next. A sixteenth of the windows is sampled
    again at stride 1, a quarter at the larger strides; each pixel is covered by some.
    """
    spacing = 2 ** max(0, round(math.log2(grid.window / (2 * grid.stride))))
    return grid.lattice(max(spacing, 2) if 2 * grid.stride <= grid.window else 1)


def at_stride(scores: WindowScores, stride: int) -> WindowScores:
    """Pick the windows of a coarser grid out of a finer one's: what a run at that stride finds.

    Parameters
    ----------
    scores : WindowScores
        Of the finer grid.
    stride : int
        A multiple of its stride, in pixels: then every window of the coarser grid is one of the
        finer grid, also the last one, which both have flush with the edge.

    Raises
    ------
    KeyError
        If it is no multiple, if scores are estimated from one another, or if a variance that a run
        at that stride knows is not known.
    """
    fine = scores.grid
    if stride == fine.stride:
        return scores
    if stride % fine.stride or scores.coarser is not None:
        raise KeyError(stride)
    grid = replace(fine, stride=stride)
    rows = np.searchsorted(fine.rows, grid.rows)
    columns = np.searchsorted(fine.columns, grid.columns)
    picked = (rows[:, None] * len(fine.columns) + columns).ravel()
    varied = scores.varied[picked]
    if scores.varied.any() and not scores.varied.all():  # one sample each, and some second ones
        wanted = second_samples(grid)
        if bool((wanted & ~varied).any()):
            raise KeyError(stride)
        varied = wanted
    first, second = scores.probability_variance, scores.logit_variance
    return replace(
        scores,
        grid=grid,
        probability=scores.probability[picked],
        logit=scores.logit[picked],
        probability_variance=None if first is None else first[picked],
        logit_variance=None if second is None else second[picked],
        scored=scores.scored[picked],
        varied=varied,
    )
