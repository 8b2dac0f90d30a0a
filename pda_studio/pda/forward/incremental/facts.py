"""What rules need of the unmodified image and of the layers again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.graph import Operation, Program
from pda_studio.pda.forward.incremental import geometry
from pda_studio.pda.forward.incremental.arithmetic import bounds_of, clamp
from pda_studio.pda.forward.incremental.changes import (
    Change,
    crop,
)
from pda_studio.pda.forward.incremental.geometry import Slides
from pda_studio.pda.forward.incremental.products import weight

WHOLE_FROM = 0.9  # of a map's area: rectangles larger than this cost more than they save

State = Any
"""Of an operation during a run: a Change, a list of Changes, or a Raw value; absent: unchanged."""
States = dict[Operation, State]
Rule = Callable[[Operation, States, list[Change]], State]


@dataclass(frozen=True)
class Raw:
    """A result that is no tensor: a shape, a number."""

    value: Any


class Facts:
    """What is known of a network on an image, and what every kind of rule shares.

    Parameters
    ----------
    program : Program
        The network, run on the unmodified image.
    dtype : torch.dtype
        Of the differences.
    """

    def __init__(self, program: Program, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._exact = program.image.value.dtype
        self._inputs = {operation: operation.inputs() for operation in program.operations}
        self._slides: dict[Operation, Slides | None] = {
            operation: geometry.sliding(operation) for operation in program.operations[1:]
        }
        self._kept: dict[tuple[Operation, str], Any] = {}

    def _clamp(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        a, low, high = self._clamped(operation)
        if change.rows is not None and change.columns is not None:
            a, low = crop(a, change.rows, change.columns), crop(low, change.rows, change.columns)
            high = None if high is None else crop(high, change.rows, change.columns)
        return Change(
            clamp(change.delta, a, low, high, self._own(operation)), change.rows, change.columns
        )

    def _normalise(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        layer: Any = operation.module
        return Change(change.delta * weight(layer, self._dtype), change.rows, change.columns)

    def _own(self, operation: Operation) -> bool:
        """Whether an operation may write over its input: made for it alone, needed no more."""
        (source,) = self._inputs[operation]
        return source in operation.last_uses and isinstance(source.module, nn.Conv2d)

    def _clamped(
        self, operation: Operation
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Of c(z) = clamp(z): z − c(z), and the bounds of c(z + δ) − c(z)."""
        key = (operation, "clamped")
        if key not in self._kept:
            (source,) = self._inputs[operation]
            after = operation.value
            low, high = bounds_of(operation)
            self._kept[key] = (
                (source.value - after).to(self._dtype),
                (low - after).to(self._dtype),
                None if high is None else (high - after).to(self._dtype),
            )
        clamped: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] = self._kept[key]
        return clamped

    def _bordered(self, operation: Operation, slides: Slides) -> tuple[int, torch.Tensor]:
        """A map with a border below all values, as a maximum sees it, and the border's width."""
        edge = 2 * max(slide.padding + slide.kernel * slide.dilation for slide in slides)
        key = (operation, f"bordered by {edge}")
        if key not in self._kept:
            lowest = torch.finfo(self._exact).min / 4
            self._kept[key] = F.pad(operation.value, (edge,) * 4, value=lowest)
        return edge, self._kept[key]
