"""How infilled images are scored: what every way of doing it offers to the loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.windows import WindowGrid


@dataclass(frozen=True)
class SampleScores:
    """Scores of n windows × S infills for C classes.

    Attributes
    ----------
    probability, logit : (n, S, C) float64
        After and before the softmax.
    """

    probability: NDArray[np.float64]
    logit: NDArray[np.float64]


class Forward(Protocol):
    """Scores infilled windows of one image for chosen classes."""

    linearised: bool
    description: str
    """Which forward it is, for metadata: "incremental, float32"."""
    note: str
    """Why it was taken, where another was asked for; else ""."""
    original: SampleScores
    """Scores of the unmodified image, as one window with one infill."""

    @property
    def images_at_once(self) -> int:
        """How many infilled images a call should bring: the user can stop between two calls."""
        ...

    def batches(
        self,
        grid: WindowGrid,
        samples: int,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into batches of windows with S infills, coarse to fine.

        Together the batches hold every window once; if rows and columns of the grid are named by
        their indices, every window that lies on both. What of a batch lies on a coarser lattice of
        the grid (`WindowGrid.lattice`) can be scored by itself, too.
        """
        ...

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows.

        Parameters
        ----------
        corners : (n, 2) int
            Top row and left column of each window, in pixels.
        infills : (n, S, C, k, k) float32
            What stands in for each window, pixels in [0, 1].
        """
        ...


def sample_scores(
    logits: NDArray[np.floating], classes: NDArray[np.int64], samples: int
) -> SampleScores:
    """Scores of the kept classes, from the logits (n·S, K) of infilled images.

    In float64, as evidence is a small difference of scores near 1; in NumPy, as PyTorch's
    threads take longer to wake than these few numbers take.
    """
    exact = logits.astype(np.float64)
    exponentials = np.exp(exact - exact.max(axis=1, keepdims=True))
    total = exponentials.sum(axis=1, keepdims=True)
    shape = (-1, samples, len(classes))
    return SampleScores(
        (exponentials[:, classes] / total).reshape(shape), exact[:, classes].reshape(shape)
    )
