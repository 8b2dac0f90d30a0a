"""The loop that all variants of prediction difference analysis share.

Take a window out, put in what stands in for it, ask the classifier, do that everywhere
(Zhou & Kainz, Algorithms 1 to 3).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.forward import Forward
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
    sampled = infill.samples > 1
    scores = WindowScores(
        grid=grid,
        classes=classes,
        class_count=class_count,
        original_probability=forward.original.probability[0, 0],
        original_logit=forward.original.logit[0, 0],
        probability=np.zeros(shape),
        logit=np.zeros(shape),
        probability_variance=np.zeros(shape) if sampled else None,
        logit_variance=np.zeros(shape) if sampled else None,
        scored=np.zeros(len(grid), dtype=bool),
        linearised=forward.linearised,
    )
    for indices in grid.passes():
        start = 0
        while start < len(indices):
            batch = indices[start : start + forward.windows_at_once(infill.samples)]
            corners = grid.corners[batch]
            answer = forward(corners, infill.fill(corners))
            for mean, variance, samples in (
                (scores.probability, scores.probability_variance, answer.probability),
                (scores.logit, scores.logit_variance, answer.logit),
            ):
                mean[batch] = samples.mean(1)
                if variance is not None:
                    variance[batch] = samples.var(1, ddof=1) / infill.samples
            scores.scored[batch] = True
            start += len(batch)
            yield scores
