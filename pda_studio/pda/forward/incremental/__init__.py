"""Exact scoring of infilled windows that recomputes only what a window can have changed.

A k×k window changes a small rectangle of the first layers' maps. The maps of the untouched picture
are kept, and the *change* δ alone is carried from layer to layer, in rectangles that grow until
they fill a map: a convolution acts on δ without its bias, relu gives relu(z + δ) − relu(z), and so
on. Nothing is left out, and nothing is a difference of large numbers.

Windows a whole number of periods apart (the product of the strides that the rectangles go through)
have the same geometry in every layer, so that they are computed together as one batch.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.base import SampleScores, sample_scores
from pda_studio.pda.forward.incremental.changes import Axis, Change, as_whole
from pda_studio.pda.forward.incremental.graph import NotTraceable, Operation, Program, trace
from pda_studio.pda.forward.incremental.plan import batches, lattice, make_plan
from pda_studio.pda.forward.incremental.rules import Rules, State, is_global_mean
from pda_studio.pda.patches import windows_of
from pda_studio.pda.windows import WindowGrid

_WINDOWS_ALONG = 5  # a side of a batch: its maps stay in the processor's caches
_MAPS_AT_ONCE = 8  # whole maps are large: fewer pictures at a time


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
    window : int
        k, in pixels.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network.
    """

    linearised = False
    pictures_at_once = _WINDOWS_ALONG**2

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: NDArray[np.int64],
        window: int,
    ) -> None:
        self._pixels = pixels
        self._std = torch.tensor(classifier.preprocessing.std)[:, None, None]
        self._classes = classes
        self._device = classifier.device
        self._changes = Changes(trace(classifier.network), classifier.prepare(pixels[None]), window)
        self._logits = self._changes.output.value.double().cpu().numpy()
        self.original = sample_scores(self._logits, classes, samples=1)

    def batches(self, grid: WindowGrid, samples: int) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into lattices of windows, coarse to fine."""
        along = max(1, round(_WINDOWS_ALONG / samples**0.5))
        yield from batches(grid, self._changes.period, along)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2) that form a lattice, with infills (n, S, C, k, k)."""
        samples, window = infills.shape[1], infills.shape[-1]
        removed = windows_of(self._pixels, corners, window)[:, None]
        delta = ((infills - removed) / self._std).flatten(0, 1).to(self._device)
        change = self._changes(*lattice(corners, window), delta).double().cpu().numpy()
        return sample_scores(self._logits + change, self._classes, samples)


class Changes:
    """Changes of a network's output for lattices of windows of one picture.

    Parameters
    ----------
    program : Program
        The traced network.
    prepared : (1, C, H, W)
        The untouched picture, as the network takes it.
    window : int
        k, in pixels.

    Attributes
    ----------
    output : Operation
        The logits, with their value for the untouched picture.
    period : int
        Windows so many pixels apart, along both axes, can be computed together.
    """

    @torch.inference_mode()
    def __init__(self, program: Program, prepared: torch.Tensor, window: int) -> None:
        program.run(prepared)
        self._program = program
        self._plan = make_plan(program, window)
        self.output = program.output
        self.period = self._plan.period
        self._rules = Rules(lambda operation: operation not in self._plan.local)
        self._local_until, self._maps_until = self._stages()

    def _stages(self) -> tuple[int, int]:
        """Where the last rectangles end, and where the last maps end and vectors remain."""
        operations = self._program.operations
        last_local = max(i for i, op in enumerate(operations) if op in self._plan.local)
        if is_global_mean(operations[last_local + 1]):
            last_local += 1  # sums rectangles as well as maps
        last_map = max(
            i
            for i, operation in enumerate(operations)
            if i <= last_local
            or not isinstance(operation.value, torch.Tensor)
            or operation.value.ndim > 2
        )
        return last_local + 1, last_map + 1

    @torch.inference_mode()
    def __call__(self, rows: Axis, columns: Axis, delta: torch.Tensor) -> torch.Tensor:
        """Change of the logits (N, K), for changes (N, C, k, k) of the prepared picture."""
        delta = delta.contiguous(memory_format=torch.channels_last)
        states: dict[Operation, State] = {self._program.picture: Change(delta, rows, columns)}
        self._run(states, 1, self._local_until, len(delta))
        states = self._through_maps(states, len(delta))
        self._run(states, self._maps_until, len(self._program.operations), len(delta))
        change: torch.Tensor = states[self.output].delta
        return change

    def _through_maps(self, states: dict[Operation, State], count: int) -> dict[Operation, State]:
        """Run what works on whole maps, for a few pictures at a time where that can be cut."""
        whole = {
            operation: as_whole(state, operation.value.shape)
            for operation, state in states.items()
            if isinstance(state, Change)
        }
        if len(whole) < len(states):
            self._run(states, self._local_until, self._maps_until, count)
            return states
        parts: list[dict[Operation, State]] = []
        for some in zip(
            *(torch.split(value, _MAPS_AT_ONCE) for value in whole.values()), strict=True
        ):
            part: dict[Operation, State] = {
                operation: Change(delta) for operation, delta in zip(whole, some, strict=True)
            }
            self._run(part, self._local_until, self._maps_until, len(some[0]))
            parts.append(part)
        return {
            operation: Change(torch.cat([part[operation].delta for part in parts]))
            for operation in parts[0]
        }

    def _run(self, states: dict[Operation, State], start: int, stop: int, count: int) -> None:
        for operation in self._program.operations[start:stop]:
            state = self._rules.apply(operation, states, count)
            if state is not None:
                states[operation] = state
            for used in operation.last_uses:
                states.pop(used, None)


__all__ = ["Changes", "IncrementalForward", "NotTraceable"]
