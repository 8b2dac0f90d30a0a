"""The loop that all variants of prediction difference analysis share.

Remove a window, put an infill in its place, score the infilled image, do that everywhere
(Zhou & Kainz, Algorithms 1 to 3).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import PdaStudioError
from pda_studio.pda.allocator import return_freed_memory
from pda_studio.pda.forward import Forward, SampleScores
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.scores import WindowScores, second_samples
from pda_studio.pda.windows import WindowGrid


def score_windows(
    grid: WindowGrid,
    filler: Filler,
    forward: Forward,
    classes: NDArray[np.int64],
    class_count: int,
    windows: NDArray[np.int64] | None = None,
) -> Iterator[WindowScores | Preparation]:
    """Score the windows of an image, coarse to fine, a batch a step.

    Parameters
    ----------
    grid : WindowGrid
        The n windows.
    filler : Filler
        What replaces a window; S infills each.
    forward : Forward
        How infilled images are scored.
    classes : (C,) int
        The classes that `forward` keeps.
    class_count : int
        K, all classes of the classifier.
    windows : (m,) int, optional
        Indices of the windows to score, in this order; all of them if not given.

    Yields
    ------
    WindowScores
        The same arrays at every step, filled further: take what you need before the next step.
    Preparation
        In between, while a batch's infills need something computed first.
    """
    scores = unscored(grid, forward, classes, class_count, stochastic=filler.stochastic)
    sampled_again = second_samples(grid) & (filler.stochastic and filler.samples == 1)
    scorer = InfillScorer(forward)
    try:
        for batch in _batches(grid, forward, filler.samples, windows):
            corners = grid.corners[batch]
            infills = yield from filler.fill_in_steps(corners)
            parts: list[SampleScores] = []
            # Hundreds of samples of one window take long: whoever iterates can stop in between.
            for part in scorer.parts(corners, infills):
                if parts:
                    yield scores
                parts.append(part)
            enter(scores, batch, parts)
            again = batch[sampled_again[batch]]
            if len(again):
                corners = grid.corners[again]
                infills = yield from filler.fill_in_steps(corners, repetition=1)
                _compare(scores, again, scorer(corners, infills))
            yield scores
    finally:
        return_freed_memory()


def _batches(
    grid: WindowGrid, forward: Forward, samples: int, windows: NDArray[np.int64] | None
) -> Iterator[NDArray[np.int64]]:
    if windows is None:
        return forward.batches(grid, samples)
    each = max(1, forward.images_at_once // samples)
    return (windows[start : start + each] for start in range(0, len(windows), each))


class InfillScorer:
    """Scores infills of windows or of a rectangle, in halves what a device has no memory for.

    It remembers how much there was room for.

    Parameters
    ----------
    forward : Forward
        What scores.
    """

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._most: int | None = None  # infilled images at once, once memory was short

    def parts(self, corners: NDArray[np.int64], infills: torch.Tensor) -> Iterator[SampleScores]:
        """Score infills (n, S, C, h, w), a few of the S samples a step: (n, some, C) each."""
        at_once = max(1, self._forward.images_at_once // len(corners))
        for some in torch.split(infills, at_once, dim=1):
            yield self(corners, some)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score infills (n, S, C, h, w) of rectangles at these corners (n, 2)."""
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
    grid: WindowGrid,
    forward: Forward,
    classes: NDArray[np.int64],
    class_count: int,
    *,
    stochastic: bool,
) -> WindowScores:
    """Scores of no window yet; with room for variances where infills are stochastic."""
    shape = (len(grid), len(classes))
    return WindowScores(
        grid=grid,
        classes=classes,
        class_count=class_count,
        original_probability=forward.original.probability[0, 0],
        original_logit=forward.original.logit[0, 0],
        probability=np.zeros(shape),
        logit=np.zeros(shape),
        probability_variance=np.zeros(shape) if stochastic else None,
        logit_variance=np.zeros(shape) if stochastic else None,
        scored=np.zeros(len(grid), dtype=bool),
        varied=np.zeros(len(grid), dtype=bool),
        linearised=forward.linearised,
    )


def enter(scores: WindowScores, batch: NDArray[np.int64], parts: list[SampleScores]) -> None:
    """Enter the mean over each window's S infills, and the variance of that mean."""
    for mean, variance, values in (
        (scores.probability, scores.probability_variance, [part.probability for part in parts]),
        (scores.logit, scores.logit_variance, [part.logit for part in parts]),
    ):
        samples = np.concatenate(values, axis=1)
        mean[batch] = samples.mean(1)
        count = samples.shape[1]
        if variance is not None and count > 1:
            variance[batch] = samples.var(1, ddof=1) / count
            scores.varied[batch] = True
    scores.scored[batch] = True


def _compare(scores: WindowScores, batch: NDArray[np.int64], again: SampleScores) -> None:
    """Enter the variance that an independent second sample shows: half its squared difference."""
    for first, variance, second in (
        (scores.probability, scores.probability_variance, again.probability),
        (scores.logit, scores.logit_variance, again.logit),
    ):
        assert variance is not None, "only what is sampled is sampled again"
        variance[batch] = (first[batch] - second[:, 0]) ** 2 / 2
    scores.varied[batch] = True
