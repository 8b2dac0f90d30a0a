"""RISE: how the decision fares behind many random masks."""

from collections.abc import Iterator
from time import perf_counter
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from pda_studio.methods.base import Family, Method, Progress, parameter
from pda_studio.methods.evidence import EvidenceMap, Subject
from pda_studio.pda.forward.batches import BatchSize

Score = Literal["probability", "logit"]


class Rise(Method):
    """1/(N p) Σ_i (s_i − s̄) M_i: the covariance of score and mask, over p (Petsiuk et al., Eq. 6).

    M_i (H, W) are N random masks with values from 0 to 1 and mean p, s_i the score of the masked
    image. The paper's map, 1/(N p) Σ_i s_i M_i, estimates the mean score where a pixel is kept;
    here the mean score s̄ of all masks is taken off, which is what to expect of a pixel that plays
    no part. So evidence has a sign and 0 means something. What is masked becomes the mean colour,
    as in the authors' program.
    """

    name: ClassVar[str] = "rise"
    title: ClassVar[str] = "RISE"
    family: ClassVar[Family] = "Attention and masks"
    summary: ClassVar[str] = (
        "How much higher than on average the score is behind those random masks that show a pixel."
    )
    citation: ClassVar[str] = (
        "Petsiuk, Das & Saenko, RISE: randomized input sampling for explanation, BMVC 2018"
    )

    masks: int = parameter(4000, "Masks", "How many random masks are tried.", ge=2, le=100_000)
    cells: int = parameter(
        7, "Cells", "Rows and columns of a mask before it is enlarged.", ge=2, le=32
    )
    shown: float = parameter(
        0.5, "Shown", "Probability of a cell to be shown.", step=0.05, ge=0.05, le=0.95
    )
    score: Score = parameter(
        "probability",
        "Score",
        "What is looked at behind a mask: the probability, or the logit before the softmax.",
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same masks.", ge=0, le=2**32 - 1)

    def cost(self, subject: Subject) -> int:
        """One pass a mask."""
        return self.masks

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """A batch of masks a step."""
        began = perf_counter()
        classifier = subject.classifier
        image = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
        height, width = subject.view.shape[:2]
        masks = Masks(height, width, self.masks, self.cells, self.shown, self.seed)
        known = subject.batch or classifier.batch_sizes.get("full")
        batch = BatchSize(known, settled=True) if known else BatchSize()
        sums = _Sums(height * width)
        while sums.count < self.masks:
            start = perf_counter()
            size = min(batch.size, self.masks - sums.count)
            with torch.inference_mode():
                drawn = masks(sums.count, size)
                logits = classifier.logits(image * drawn[:, None].to(image.device))
                scores = self._scores(logits, subject)
                sums.add(scores, (drawn - self.shown).flatten(1))
            batch.record(size, perf_counter() - start)
            seconds = perf_counter() - began
            yield Progress(
                sums.count,
                self.masks,
                lambda seconds=seconds: self._map(subject, sums, seconds),  # type: ignore[misc]
            )

    def _scores(self, logits: torch.Tensor, subject: Subject) -> torch.Tensor:
        """The target's scores (N,)."""
        logits = logits.cpu().double()
        if self.score == "probability" and not subject.classifier.is_hidden:
            logits = logits.softmax(1)
        return logits[:, subject.target]

    def _map(self, subject: Subject, sums: "_Sums", seconds: float) -> EvidenceMap:
        evidence, error = sums.covariance(self.shown)
        size = subject.view.shape[:2]
        return self.map_of(
            subject,
            evidence.reshape(size),
            "activation" if subject.classifier.is_hidden else self.score,
            seconds,
            standard_error=error.reshape(size),
            complete=sums.count == self.masks,
            forward=f"{sums.count} masks",
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
        chance = torch.Generator().manual_seed(seed)
        self._size = height, width
        self._cell = -(-height // cells), -(-width // cells)
        self._grids = (torch.rand(count, 1, cells, cells, generator=chance) < shown).float()
        self._shifts = [
            torch.randint(side, (count,), generator=chance).tolist() for side in self._cell
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
