"""The loop that all variants of prediction difference analysis share.

Take a window out, put in what stands in for it, ask the classifier, do that everywhere
(Zhou & Kainz, Algorithms 1 to 3).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import PdaStudioError
from pda_studio.pda.allocator import return_freed_memory
from pda_studio.pda.forward import Forward, SampleScores
from pda_studio.pda.infill import Infill
from pda_studio.pda.scores import WindowScores, second_draws
from pda_studio.pda.windows import WindowGrid


def score_windows(
    grid: WindowGrid,
    infill: Infill,
    forward: Forward,
    classes: NDArray[np.int64],
    class_count: int,
) -> Iterator[WindowScores]:
    """Score all windows of an image, coarse to fine, a batch a step.

    Parameters
    ----------
    grid : WindowGrid
        The n windows.
    infill : Infill
        What stands in for a window; S infills each.
    forward : Forward
        How infilled images are scored.
    classes : (C,) int
        The classes that `forward` keeps.
    class_count : int
        K, all classes of the classifier.

    Yields
    ------
    WindowScores
        The same arrays at every step, filled further: take what you need before the next step.
    """
    scores = unscored(grid, forward, classes, class_count, drawn=infill.drawn)
    drawn_again = second_draws(grid) & (infill.drawn and infill.samples == 1)
    careful = _Careful(forward)
    try:
        for batch in forward.batches(grid, infill.samples):
            corners = grid.corners[batch]
            infills = infill.fill(corners)
            answers: list[SampleScores] = []
            # Hundreds of samples of one window take long: whoever iterates can stop in between.
            for some in torch.split(infills, max(1, forward.images_at_once // len(batch)), dim=1):
                if answers:
                    yield scores
                answers.append(careful(corners, some))
            enter(scores, batch, answers)
            again = batch[drawn_again[batch]]
            if len(again):
                corners = grid.corners[again]
                _compare(scores, again, careful(corners, infill.fill(corners, draw=1)))
            yield scores
    finally:
        return_freed_memory()


class _Careful:
    """Scores in halves what a device has no memory for at once, and remembers how much it had.

    Parameters
    ----------
    forward : Forward
        What scores.
    """

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._most: int | None = None  # infilled images at once, once memory was short

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        images = infills.shape[0] * infills.shape[1]
        if self._most is None or images <= self._most:
            try:
                return self._forward(corners, infills)
            except (torch.OutOfMemoryError, MemoryError) as error:
                if images == 1:
                    raise PdaStudioError(
                        "There is too little memory for a single image: close other programs,"
                        " or use --device cpu."
                    ) from error
                self._most = images // 2
            # What the failed attempt held is free only here, after its exception is gone.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        along = 0 if len(corners) > 1 else 1
        half = infills.shape[along] // 2
        if along == 0:
            parts = [self(corners[:half], infills[:half]), self(corners[half:], infills[half:])]
        else:
            parts = [self(corners, infills[:, :half]), self(corners, infills[:, half:])]
        return SampleScores(
            np.concatenate([part.probability for part in parts], along),
            np.concatenate([part.logit for part in parts], along),
        )


def unscored(
    grid: WindowGrid, forward: Forward, classes: NDArray[np.int64], class_count: int, *, drawn: bool
) -> WindowScores:
    """Scores of no window yet; with room for variances where infills are drawn."""
    shape = (len(grid), len(classes))
    return WindowScores(
        grid=grid,
        classes=classes,
        class_count=class_count,
        original_probability=forward.original.probability[0, 0],
        original_logit=forward.original.logit[0, 0],
        probability=np.zeros(shape),
        logit=np.zeros(shape),
        probability_variance=np.zeros(shape) if drawn else None,
        logit_variance=np.zeros(shape) if drawn else None,
        scored=np.zeros(len(grid), dtype=bool),
        varied=np.zeros(len(grid), dtype=bool),
        linearised=forward.linearised,
    )


def enter(scores: WindowScores, batch: NDArray[np.int64], answers: list[SampleScores]) -> None:
    """Enter the mean over each window's S infills, and the variance of that mean."""
    for mean, variance, parts in (
        (scores.probability, scores.probability_variance, [a.probability for a in answers]),
        (scores.logit, scores.logit_variance, [a.logit for a in answers]),
    ):
        samples = np.concatenate(parts, axis=1)
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
