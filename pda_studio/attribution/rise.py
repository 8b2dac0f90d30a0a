"""RISE's work: scores behind random masks."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from pda_studio.attribution.masked_scores import scores_of, unit_of
from pda_studio.diagnostics import MaskCount
from pda_studio.methods.base import Progress
from pda_studio.methods.rise import Rise
from pda_studio.pda.forward.batches import BatchSize
from pda_studio.results import EvidenceMap, Subject


def steps(method: Rise, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """A batch of masks a step."""
    began = perf_counter()
    classifier = subject.scored
    image = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
    height, width = subject.view.shape[:2]
    masks = Masks(height, width, method.masks, method.cells, method.shown, method.seed)
    batch = BatchSize.known_or_sought(subject.batch or classifier.batch_sizes.get("full"))
    sums = _Sums(height * width)
    while sums.count < method.masks:
        start = perf_counter()
        size = min(batch.size, method.masks - sums.count)
        with torch.inference_mode():
            drawn = masks(sums.count, size)
            scores = scores_of(image * drawn[:, None].to(image.device), subject, method.score)
            sums.add(scores, (drawn - method.shown).flatten(1))
        batch.record(size, perf_counter() - start)
        seconds = perf_counter() - began
        yield Progress(
            sums.count,
            method.masks,
            lambda seconds=seconds: _map(method, subject, sums, seconds),  # type: ignore[misc]
        )


def _map(method: Rise, subject: Subject, sums: _Sums, seconds: float) -> EvidenceMap:
    evidence, error = sums.covariance(method.shown)
    size = subject.view.shape[:2]
    return subject.map_of(
        method,
        evidence.reshape(size),
        unit_of(subject, method.score),
        seconds,
        standard_error=error.reshape(size),
        complete=sums.count == method.masks,
        diagnostics=(MaskCount(sums.count),),
    )


class Masks:
    """Random masks: coarse grids of zeros and ones, enlarged linearly, each shifted at random.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    count, cells : int
        How many, and rows and columns of their grids.
    shown : float
        Probability of a one.
    seed : int
        The same seed draws the same masks, in whatever batches they are made.
    """

    def __init__(
        self, height: int, width: int, count: int, cells: int, shown: float, seed: int
    ) -> None:
        random = torch.Generator().manual_seed(seed)
        self._size = height, width
        self._cell = -(-height // cells), -(-width // cells)
        self._grids = (torch.rand(count, 1, cells, cells, generator=random) < shown).float()
        self._shifts = [
            torch.randint(side, (count,), generator=random).tolist() for side in self._cell
        ]
        # One cell more than fits, so that there is room to shift.
        self._enlarged = [(cells + 1) * side for side in self._cell]

    def __call__(self, first: int, count: int) -> torch.Tensor:
        """Make `count` masks (count, H, W) in [0, 1], beginning with one of them."""
        here = slice(first, first + count)
        large = interpolate(
            self._grids[here], self._enlarged, mode="bilinear", align_corners=False
        )[:, 0]
        height, width = self._size
        return torch.stack(
            [
                mask[top : top + height, left : left + width]
                for mask, top, left in zip(
                    large, self._shifts[0][here], self._shifts[1][here], strict=True
                )
            ]
        )


class _Sums:
    """Sums over masks, for the covariance of scores and masks and its standard error."""

    def __init__(self, pixels: int) -> None:
        self.count = 0
        self._scores = 0.0
        self._products = torch.zeros(pixels, dtype=torch.float64)
        # Of squared masks, times the score to the power of 0, 1 and 2.
        self._squares = torch.zeros(3, pixels, dtype=torch.float64)
        self._masks = torch.zeros(pixels, dtype=torch.float64)

    def add(self, scores: torch.Tensor, masks: torch.Tensor) -> None:
        """Enter scores (n,) and masks (n, H·W) less their expectation."""
        self.count += len(scores)
        self._scores += float(scores.sum())
        powers = torch.stack([torch.ones_like(scores), scores, scores**2]).to(masks)
        sums = powers[:2] @ masks
        self._masks += sums[0]
        self._products += sums[1]
        self._squares += powers @ masks**2

    def covariance(self, shown: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The covariance over p (H·W), and its standard error."""
        mean = self._scores / self.count
        evidence = (self._products - mean * self._masks) / self.count / shown
        constant, linear, square = self._squares / self.count / shown**2
        second = (square - 2 * mean * linear + mean**2 * constant).clamp(min=0)
        variance = (second - evidence**2).clamp(min=0) / self.count
        return evidence.numpy(), variance.sqrt().numpy()
