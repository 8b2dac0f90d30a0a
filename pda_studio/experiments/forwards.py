"""The forwards that are compared, each behind the same call."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from time import perf_counter
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward import Forward
from pda_studio.pda.infill.simple import GreyFiller
from pda_studio.pda.windows import WindowGrid

Corners = NDArray[np.int64]


@dataclass(frozen=True)
class Benchmark:
    """What all forwards are given: a network, an image, its windows and their infill.

    Attributes
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The image, in [0, 1].
    grid : WindowGrid
        The windows.
    """

    classifier: Classifier
    pixels: torch.Tensor
    grid: WindowGrid

    @classmethod
    def of(cls, classifier: Classifier, window: int, stride: int) -> "Benchmark":
        """An image of noise for a network, and its windows."""
        pixels = noise(classifier.preprocessing.channels, classifier.input_size)
        return cls(classifier, pixels, WindowGrid(*classifier.input_size, window, stride))

    @property
    def filler(self) -> GreyFiller:
        """Grey: it costs nothing, and Captum's Occlusion does the same."""
        return GreyFiller(self.pixels, (self.grid.window, self.grid.window))

    @cached_property
    def target(self) -> int:
        """The most likely class."""
        return int(self.classifier.logits(self.classifier.prepare(self.pixels[None])).argmax())


def noise(channels: int, size: tuple[int, int]) -> torch.Tensor:
    """Noise (channels, H, W) in [0, 1] with a photograph's spectrum, always the same."""
    white = np.random.default_rng(0).standard_normal((channels, *size))
    down, across = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])
    frequency = np.hypot(down, across)
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(white) / frequency, s=size)
    noise = 0.5 + 0.2 * noise / noise.std((1, 2), keepdims=True)
    return torch.from_numpy(noise.clip(0, 1).astype(np.float32))


class TimedForward(Protocol):
    """Scores windows for some time."""

    def rate(self, blocks: Iterable[Corners], seconds: float) -> float:
        """Windows a second over so long, or over one batch where that takes longer.

        Parameters
        ----------
        blocks : iterable of (n, 2) int
            Corners of neighbouring windows, without an end.
        seconds : float
            How long to work.
        """
        ...


class OwnForward:
    """A forward of this program.

    Parameters
    ----------
    forward : Forward
        What scores.
    benchmark : Benchmark
        Holds the infill of a window.
    batch : int, optional
        How many windows a call brings, whatever their blocks; without it a block is a call.
    """

    def __init__(self, forward: Forward, benchmark: Benchmark, batch: int | None = None) -> None:
        self.forward = forward
        self._filler = benchmark.filler
        self._batch = batch

    def rate(self, blocks: Iterable[Corners], seconds: float) -> float:
        """Windows a second, of those in the blocks."""
        batches = iter(blocks) if self._batch is None else _cut_anew(blocks, self._batch)
        done, began = 0, perf_counter()
        while (elapsed := perf_counter() - began) < seconds or not done:
            corners = next(batches)
            self.forward(corners, self._filler.fill(corners))
            done += len(corners)
        return done / elapsed


def _cut_anew(blocks: Iterable[Corners], size: int) -> Iterator[Corners]:
    """The same windows in the same order, so many at a time."""
    corners = chain.from_iterable(blocks)
    while True:
        yield np.stack([next(corners) for _ in range(size)])


class _EnoughMeasured(Exception):
    """Breaks off Captum's loop over the windows."""


class CaptumForward:
    """Captum's Occlusion with the same windows.

    It computes the whole map and is broken off after a while, from within the network that it
    calls. What is counted are the windows in its forward passes, without the first one, of the
    unmodified image. Its windows are always those at the top; the time does not depend on the
    place, as every one takes a whole forward pass.

    Parameters
    ----------
    benchmark : Benchmark
        The network, the image and the windows.
    batch : int
        Captum's `perturbations_per_eval`.
    """

    def __init__(self, benchmark: Benchmark, batch: int) -> None:
        self._benchmark = benchmark
        self._batch = batch
        self._image = benchmark.classifier.prepare(benchmark.pixels[None])
        self._grey = benchmark.classifier.prepare(torch.full_like(benchmark.pixels[None], 0.5))

    def rate(self, blocks: Iterable[Corners], seconds: float) -> float:
        """Windows a second of its loop, set-up not counted."""
        done, elapsed = 0, 0.0
        while elapsed < seconds or not done:  # small images are done sooner
            windows, took = self._attribute(seconds - elapsed)
            done, elapsed = done + windows, elapsed + took
        return done / elapsed

    def _attribute(self, seconds: float) -> tuple[int, float]:
        """Windows scored and seconds taken."""
        from captum.attr import Occlusion

        classifier, grid = self._benchmark.classifier, self._benchmark.grid
        calls: list[int] = []
        began = 0.0

        def network(images: torch.Tensor) -> torch.Tensor:
            nonlocal began
            if len(calls) == 1:
                _finish(classifier.device)
                began = perf_counter()
            elif len(calls) > 1 and perf_counter() - began > seconds:
                raise _EnoughMeasured
            calls.append(len(images))
            return classifier.logits(images)

        channels = self._image.shape[1]
        with contextlib.suppress(_EnoughMeasured):
            Occlusion(network).attribute(
                self._image,
                sliding_window_shapes=(channels, grid.window, grid.window),
                strides=(channels, grid.stride, grid.stride),
                baselines=self._grey,
                target=self._benchmark.target,
                perturbations_per_eval=self._batch,
            )
        _finish(classifier.device)
        return sum(calls[1:]), perf_counter() - began


def _finish(device: torch.device) -> None:
    """Wait for what a device still has to do."""
    wait: dict[str, Callable[[], None]] = {
        "cuda": lambda: torch.cuda.synchronize(device),
        "mps": torch.mps.synchronize,
    }
    wait.get(device.type, lambda: None)()
