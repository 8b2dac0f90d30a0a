"""The loop that all variants of prediction difference analysis share.

Take a window out, put in what stands in for it, ask the classifier, do that everywhere
(Zhou & Kainz, Algorithms 1 to 3).
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.forward import Forward, SampleScores
from pda_studio.pda.infill import Infill
from pda_studio.pda.scores import WindowScores
from pda_studio.pda.windows import WindowGrid


def score_windows(
    grid: WindowGrid,
    infill: Infill,
    forward: Forward,
    classes: NDArray[np.int64],
    class_count: int,
) -> Iterator[WindowScores]:
    """Score all windows of a picture, coarse to fine, a batch a step.

    Parameters
    ----------
    grid : WindowGrid
        The n windows.
    infill : Infill
        What stands in for a window; S infills each.
    forward : Forward
        How infilled pictures are scored.
    classes : (C,) int
        The classes that `forward` keeps.
    class_count : int
        K, all classes of the classifier.

    Yields
    ------
    WindowScores
        The same arrays at every step, filled further: take what you need before the next step.
    """
    shape = (len(grid), len(classes))
    scores = WindowScores(
        grid=grid,
        classes=classes,
        class_count=class_count,
        original_probability=forward.original.probability[0, 0],
        original_logit=forward.original.logit[0, 0],
        probability=np.zeros(shape),
        logit=np.zeros(shape),
        probability_variance=np.zeros(shape) if infill.drawn else None,
        logit_variance=np.zeros(shape) if infill.drawn else None,
        scored=np.zeros(len(grid), dtype=bool),
        varied=np.zeros(len(grid), dtype=bool),
        linearised=forward.linearised,
    )
    # A single drawn infill does not tell how far it is from the next: some windows get a second.
    spacing = math.ceil(grid.window / (2 * grid.stride))
    drawn_again = grid.lattice(spacing) & (infill.drawn and infill.samples == 1)
    for indices in grid.passes():
        for batch in _batches(indices, infill, forward):
            corners = grid.corners[batch]
            _enter(scores, batch, forward(corners, infill.fill(corners)))
            yield scores
        for batch in _batches(indices[drawn_again[indices]], infill, forward):
            corners = grid.corners[batch]
            _compare(scores, batch, forward(corners, infill.fill(corners, draw=1)))
            yield scores


def _batches(
    indices: NDArray[np.int64], infill: Infill, forward: Forward
) -> Iterator[NDArray[np.int64]]:
    """Cut a pass into what the forward wants at once, which may change on the way."""
    start = 0
    while start < len(indices):
        batch = indices[start : start + forward.windows_at_once(infill.samples)]
        yield batch
        start += len(batch)


def _enter(scores: WindowScores, batch: NDArray[np.int64], answer: SampleScores) -> None:
    """Enter the mean over each window's S infills, and the variance of that mean."""
    for mean, variance, samples in (
        (scores.probability, scores.probability_variance, answer.probability),
        (scores.logit, scores.logit_variance, answer.logit),
    ):
        mean[batch] = samples.mean(1)
        count = samples.shape[1]
        if variance is not None and count > 1:
            variance[batch] = samples.var(1, ddof=1) / count
            scores.varied[batch] = True
    scores.scored[batch] = True


def _compare(scores: WindowScores, batch: NDArray[np.int64], again: SampleScores) -> None:
    """Enter the variance that an independent second draw shows: half the squared difference."""
    for first, variance, second in (
        (scores.probability, scores.probability_variance, again.probability),
        (scores.logit, scores.logit_variance, again.logit),
    ):
        assert variance is not None, "only what is drawn is drawn again"
        variance[batch] = (first[batch] - second[:, 0]) ** 2 / 2
    scores.varied[batch] = True
