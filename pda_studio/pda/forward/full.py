"""The plain way: every infilled image goes through the whole network."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.base import SampleScores, sample_scores
from pda_studio.pda.forward.batches import BatchSize
from pda_studio.pda.windows import WindowGrid


class FullForward:
    """Scores infilled images by the network's forward pass.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.
    batch : int, optional
        Images per forward pass; without it the fastest size is found while working.
    note : str
        Why this forward was taken, where another was asked for.
    """

    linearised = False

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: NDArray[np.int64],
        batch: int | None = None,
        note: str = "",
    ) -> None:
        self.description = f"full ({note})" if note else "full"
        self.note = note
        self._classifier = classifier
        self._classes = classes
        self._image = classifier.prepare(pixels[None])
        self._measured = batch is None  # what a user wants is not what is fastest
        self._batch = BatchSize.known_or_sought(batch or classifier.batch_sizes.get("full"))
        self._rows = self._image[0].permute(1, 2, 0).flatten(0, 1)  # (H·W, C)
        self._canvas = self._rows.clone()
        logits = classifier.logits(self._image).cpu().numpy()
        self.original = sample_scores(logits, classes, samples=1)

    @property
    def images_at_once(self) -> int:
        """How many infilled images a call should bring."""
        # Where the user names a batch nothing depends on the clock: the map is the same to the bit.
        return self._batch.images_at_once if self._measured else self._batch.size

    def batches(
        self,
        grid: WindowGrid,
        samples: int,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into batches of windows with S infills, coarse to fine."""
        return grid.batches(lambda: max(1, self.images_at_once // samples), rows, columns)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2) with infills (n, S, C, k, k)."""
        samples = infills.shape[1]
        patches = self._classifier.preprocessing.normalise(
            infills.flatten(0, 1).to(self._image.device)
        )
        down, across = (np.arange(length) for length in infills.shape[-2:])
        top, left = np.repeat(corners, samples, axis=0).T[:, :, None, None]
        places = (top + down[:, None]) * self._image.shape[3] + left + across
        size = self._batch.size
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
        """Logits (m, K) of m images with one patch (C, h, w) each, at places (h, w) of H·W."""
        count, (channels, height, width) = len(patches), self._image.shape[1:]
        area = height * width
        # In a batch of another size the last digits are others: where the user names one, it is
        # filled up with the image itself.
        at_once = count if self._measured else max(count, self._batch.size)
        if len(self._canvas) < at_once * area:
            self._canvas = self._rows.repeat(at_once, 1)
        # Only the windows are written and put back: copying whole images would cost more.
        on_canvas = torch.from_numpy(places + np.arange(count)[:, None, None] * area)
        self._canvas[on_canvas] = patches.permute(0, 2, 3, 1)
        images = self._canvas[: at_once * area].view(at_once, height, width, channels)
        logits: NDArray[np.float32] = (
            self._classifier.logits(images.permute(0, 3, 1, 2))[:count].cpu().numpy()
        )
        self._canvas[on_canvas] = self._rows[torch.from_numpy(places)]
        return logits
