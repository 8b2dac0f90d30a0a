"""Exact scoring of infilled windows that recomputes only what a window can have changed.

A k×k window changes a small rectangle of the first layers' maps. The maps of the untouched picture
are kept, and the *change* δ alone is carried from layer to layer, in rectangles that grow until
they fill a map: a convolution acts on δ without its bias, relu gives relu(z + δ) − relu(z), and so
on. Nothing is left out, and nothing is a difference of large numbers.

Neighbouring windows are computed together, on the rectangle that holds what any of them changes:
deeper in the network it is hardly larger than for one of them.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.base import SampleScores, sample_scores
from pda_studio.pda.forward.incremental.changes import Change, Span
from pda_studio.pda.forward.incremental.graph import NotTraceable, Operation, Program, trace
from pda_studio.pda.forward.incremental.plan import CPU, GPU, batches, windows_along
from pda_studio.pda.forward.incremental.rules import Rules, States
from pda_studio.pda.patches import windows_of
from pda_studio.pda.windows import WindowGrid


class IncrementalForward:
    """Scores infilled pictures exactly, by what their windows change.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The untouched picture, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network.
    """

    linearised = False

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: NDArray[np.int64],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._pixels = pixels
        self._std = torch.tensor(classifier.preprocessing.std)[:, None, None]
        self._classes = classes
        self._device = classifier.device
        self._changes = Changes(trace(classifier.network), classifier.prepare(pixels[None]), dtype)
        self._logits = self._changes.output.value.double().cpu().numpy()
        self.original = sample_scores(self._logits, classes, samples=1)
        self.pictures_at_once = 64

    def batches(self, grid: WindowGrid, samples: int) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into blocks of neighbouring windows, coarse to fine."""
        speed = CPU if self._device.type == "cpu" else GPU
        along = windows_along(self._changes.program, grid.window, grid.stride, samples, speed)
        yield from batches(grid, along)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2), best near one another, with infills (n, S, C, k, k)."""
        samples, window = infills.shape[1], infills.shape[-1]
        removed = windows_of(self._pixels, corners, window)[:, None]
        delta = ((infills - removed) / self._std).flatten(0, 1).to(self._device)
        change = self._changes(np.repeat(corners, samples, axis=0), delta).double().cpu().numpy()
        return sample_scores(self._logits + change, self._classes, samples)


class Changes:
    """Changes of a network's output for removed windows of one picture.

    Parameters
    ----------
    program : Program
        The traced network.
    prepared : (1, C, H, W)
        The untouched picture, as the network takes it.
    dtype : torch.dtype
        Of the differences; what is kept of the untouched picture is as exact as that.

    Attributes
    ----------
    program : Program
        The network, with all its values for the untouched picture.
    output : Operation
        The logits, with their value for the untouched picture.
    """

    @torch.inference_mode()
    def __init__(
        self, program: Program, prepared: torch.Tensor, dtype: torch.dtype = torch.float32
    ) -> None:
        program.run(prepared)
        self.program = program
        self.output = program.output
        self._dtype = dtype
        self._rules = Rules(program, dtype)

    @torch.inference_mode()
    def __call__(self, corners: NDArray[np.int64], delta: torch.Tensor) -> torch.Tensor:
        """Change of the logits (N, K), for changes (N, C, k, k) of windows at corners (N, 2)."""
        states: States = {self.program.picture: _on_hull(corners, delta.to(self._dtype))}
        for operation in self.program.operations[1:]:
            state = self._rules.apply(operation, states, len(delta))
            if state is not None:
                states[operation] = state
            for used in operation.last_uses:
                states.pop(used, None)
        change: torch.Tensor = states[self.output].delta
        return change


def _on_hull(corners: NDArray[np.int64], delta: torch.Tensor) -> Change:
    """Changes of windows, each in its place on the smallest rectangle that holds them all."""
    count, channels, window, _ = delta.shape
    (top, left), (bottom, right) = corners.min(0).tolist(), (corners.max(0) + window).tolist()
    hull = delta.new_zeros(count, bottom - top, right - left, channels)
    within = np.arange(window)
    rows = (corners[:, 0] - top)[:, None, None] + within[:, None]
    columns = (corners[:, 1] - left)[:, None, None] + within
    each = np.arange(count)[:, None, None]
    places = torch.from_numpy((each * hull.shape[1] + rows) * hull.shape[2] + columns)
    hull.view(-1, channels)[places.to(delta.device)] = delta.permute(0, 2, 3, 1)
    return Change(hull.permute(0, 3, 1, 2), Span(top, bottom), Span(left, right))


__all__ = ["Changes", "IncrementalForward", "NotTraceable", "Operation"]
