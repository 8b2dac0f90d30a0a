"""Several devices of one kind share the windows of an image."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.base import Forward, SampleScores
from pda_studio.pda.windows import WindowGrid


def replicas(classifier: Classifier) -> list[Classifier]:
    """The classifier on each CUDA device that there is; itself alone on any other device."""
    if classifier.device.type != "cuda":
        return [classifier]
    others = [
        torch.device("cuda", index)
        for index in range(torch.cuda.device_count())
        if torch.device("cuda", index) != _numbered(classifier.device)
    ]
    return [classifier, *(on_device(classifier, device) for device in others)]


def on_device(classifier: Classifier, device: torch.device) -> Classifier:
    """A copy of a classifier on another device."""
    network = deepcopy(classifier.network).to(device)
    return replace(classifier, network=network, device=device, batch_sizes={})


class SharedForward:
    """Gives each of several forwards a part of every batch, at the same time.

    Parameters
    ----------
    forwards : list of Forward
        Of the same network and image, one a device.
    """

    def __init__(self, forwards: list[Forward]) -> None:
        self._forwards = forwards
        self._first = forwards[0]
        self.linearised = self._first.linearised
        self.original = self._first.original
        self.note = self._first.note
        self.description = f"{self._first.description}, on {len(forwards)} devices"
        self._threads = ThreadPoolExecutor(len(forwards), "device")

    @property
    def images_at_once(self) -> int:
        """How many infilled images a call should bring."""
        return self._first.images_at_once * len(self._forwards)

    def batches(
        self,
        grid: WindowGrid,
        samples: int,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Join as many batches of a single device as there are devices."""
        waiting: list[NDArray[np.int64]] = []
        for batch in self._first.batches(grid, samples, rows, columns):
            waiting.append(batch)
            if len(waiting) == len(self._forwards):
                yield np.concatenate(waiting)
                waiting = []
        if waiting:
            yield np.concatenate(waiting)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2) with infills (n, S, C, k, k), cut into runs of windows."""
        cuts = np.array_split(np.arange(len(corners)), len(self._forwards))
        work: list[Callable[[], SampleScores]] = [
            lambda forward=forward, cut=cut: forward(corners[cut], infills[cut])  # type: ignore[misc]
            for forward, cut in zip(self._forwards, cuts, strict=True)
            if len(cut)
        ]
        parts = list(self._threads.map(lambda one: one(), work))
        return SampleScores(
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.logit for part in parts]),
        )


def _numbered(device: torch.device) -> torch.device:
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.device("cuda", index)
