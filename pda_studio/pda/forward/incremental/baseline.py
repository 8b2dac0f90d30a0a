"""The unmodified image in a network, and what removed windows change there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import Operation, Program, forget_traces, trace
from pda_studio.pda.forward.incremental import products
from pda_studio.pda.forward.incremental.changes import Change, Span
from pda_studio.pda.forward.incremental.plan import block_shape
from pda_studio.pda.forward.incremental.rules import Rules, States

_KEPT = 2  # images whose values are kept


@dataclass
class BaselineActivations:
    """All values of a network for one image, from which changes are counted.

    Attributes
    ----------
    program : Program
        The traced network, with the values.
    """

    program: Program
    _rules: dict[torch.dtype, Rules] = field(default_factory=dict)
    _ways: dict[tuple[Operation, ...], list[Operation]] = field(default_factory=dict)
    _shapes: dict[tuple[object, ...], tuple[int, int]] = field(default_factory=dict)

    @torch.inference_mode()
    def changes(
        self,
        corners: NDArray[np.int64],
        delta: torch.Tensor,
        wanted: Sequence[Operation],
        dtype: torch.dtype = torch.float32,
    ) -> list[Change | None]:
        """What windows change in some operations' results.

        Parameters
        ----------
        corners : (N, 2) int
            Top row and left column of each window, in pixels; best near one another.
        delta : (N, C, k, k)
            By how much the prepared image changes in each.
        wanted : sequence of Operation
            Whose changes to return; nothing that they don't depend on is computed.
        dtype : torch.dtype
            Of the differences that are carried through the network.

        Returns
        -------
        list of Change
            One for each wanted operation; None where nothing changes.
        """
        if dtype not in self._rules:
            self._rules[dtype] = Rules(self.program, dtype)
        rules = self._rules[dtype]
        states: States = {self.program.image: _on_hull(corners, delta.to(dtype))}
        needed = set(wanted)
        for operation in self._way(tuple(wanted)):
            state = rules.apply(operation, states, len(delta))
            if state is not None:
                states[operation] = state
            for used in operation.last_uses:
                if used not in needed:
                    states.pop(used, None)
        return [states.get(operation) for operation in wanted]

    def block_shape(
        self, window: int, strides: tuple[int, int], samples: int, wanted: Sequence[Operation] = ()
    ) -> tuple[int, int]:
        """How many windows down and across a block are fastest; estimated once."""
        key = (window, strides, samples, *wanted)
        if key not in self._shapes:
            self._shapes[key] = block_shape(self.program, window, strides, samples, wanted)
        return self._shapes[key]

    def forget(self, dtype: torch.dtype) -> None:
        """Free what was kept for differences of a type."""
        self._rules.pop(dtype, None)
        products.forget(dtype)

    def _way(self, wanted: tuple[Operation, ...]) -> list[Operation]:
        """The operations from the image to what is wanted, in order."""
        if wanted not in self._ways:
            before = self.program.before(wanted)
            self._ways[wanted] = [
                operation for operation in self.program.operations[1:] if operation in before
            ]
        return self._ways[wanted]


_latest: list[tuple[Classifier, torch.Tensor, BaselineActivations]] = []


@torch.inference_mode()
def baseline_activations(classifier: Classifier, pixels: torch.Tensor) -> BaselineActivations:
    """Run a classifier on the unmodified image (C, H, W) in [0, 1], or find what was run before.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network.
    """
    for entry in _latest:
        if entry[0] is classifier and torch.equal(entry[1], pixels):
            return entry[2]
    program = trace(classifier.network)
    program.run(classifier.prepare(pixels[None]))
    _latest.insert(0, (classifier, pixels, BaselineActivations(program)))
    del _latest[_KEPT:]
    return _latest[0][2]


def forget() -> None:
    """Let go of the images and traced networks that are kept for the next time."""
    _latest.clear()
    forget_traces()


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
