"""The plain way: every infilled picture goes through the whole network."""

from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.base import SampleScores, sample_scores
from pda_studio.pda.forward.batches import BatchSize


class FullForward:
    """Scores infilled pictures by the network's forward pass.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The untouched picture, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.
    batch : int, optional
        Pictures per forward pass; without it the fastest size is found while working.
    """

    linearised = False

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: NDArray[np.int64],
        batch: int | None = None,
    ) -> None:
        self._classifier = classifier
        self._classes = classes
        self._picture = classifier.prepare(pixels[None])
        self._measured = batch is None  # what a user wants is not what is fastest
        known = batch or classifier.batch_sizes.get("full")
        self._batch = BatchSize(known, settled=True) if known else BatchSize()
        self._canvas = self._picture.repeat(1, 1, 1, 1)
        logits = classifier.logits(self._picture).cpu().numpy()
        self.original = sample_scores(logits, classes, samples=1)

    def windows_at_once(self, samples: int) -> int:
        """How many windows of S infills fill a batch."""
        return max(1, self._batch.size // samples)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2) with infills (n, S, C, k, k)."""
        samples = infills.shape[1]
        patches = self._classifier.preprocessing.normalise(
            infills.flatten(0, 1).to(self._picture.device)
        )
        places = np.repeat(corners, samples, axis=0)
        size = max(self._batch.size, 1)
        parts = []
        for start in range(0, len(patches), size):
            began = perf_counter()
            part = self._logits(places[start : start + size], patches[start : start + size])
            parts.append(part)
            self._batch.record(len(part), perf_counter() - began)
        if self._batch.settled and self._measured:
            self._classifier.batch_sizes.setdefault("full", self._batch.size)
        return sample_scores(np.concatenate(parts), self._classes, samples)

    def _logits(self, places: NDArray[np.int64], patches: torch.Tensor) -> NDArray[np.float32]:
        """Logits (m, K) of m pictures with one patch each."""
        count, k = len(patches), patches.shape[-1]
        if len(self._canvas) < count:
            self._canvas = self._picture.expand(count, -1, -1, -1).contiguous(
                memory_format=torch.channels_last
            )
        # Only the windows are written and put back: copying whole pictures would cost more.
        for picture, (top, left), patch in zip(self._canvas, places, patches, strict=False):
            picture[:, top : top + k, left : left + k] = patch
        logits: NDArray[np.float32] = self._classifier.logits(self._canvas[:count]).cpu().numpy()
        for picture, (top, left) in zip(self._canvas, places, strict=False):
            picture[:, top : top + k, left : left + k] = self._picture[
                0, :, top : top + k, left : left + k
            ]
        return logits
