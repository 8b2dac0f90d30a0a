"""How a change goes through each kind of operation.

Every rule is exact. Linear operations act on the differences themselves, without their bias;
a nonlinear f gives f(h + δ) − f(h). What has no rule of its own is computed on whole values.

The differences may be kept in bfloat16, which halves the work: they are small, and each is rounded
relative to itself. The untouched values that they are compared with stay exact.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.endings import Reader
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.pda.forward.incremental import geometry, kinds
from pda_studio.pda.forward.incremental.changes import (
    Change,
    Span,
    crop,
    margins,
    on_rectangle,
    on_whole,
)
from pda_studio.pda.forward.incremental.geometry import Slides
from pda_studio.pda.forward.incremental.products import convolution, product, weight

_CACHED_VALUES = 2**19

WHOLE_FROM = 0.9  # of a map's area: rectangles larger than this cost more than they save

State = Any
"""Of an operation during a run: a Change, a list of Changes, or a Raw value; absent: unchanged."""
States = dict[Operation, State]
Rule = Callable[[Operation, States, list[Change]], State]


@dataclass(frozen=True)
class Raw:
    """A result that is no tensor: a shape, a number."""

    value: Any


class Rules:
    """Applies operations to changes, with what is kept of the unmodified image.

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
        self._slides: dict[Operation, Slides | None] = {}
        self._local: dict[Operation, Rule] = {}
        self._linear: dict[Operation, Rule] = {}
        for operation in program.operations[1:]:
            self._slides[operation] = geometry.sliding(operation)
            if geometry.stays_local(operation):
                self._local[operation] = self._local_rule(operation)
            if (linear := self._linear_rule(operation)) is not None:
                self._linear[operation] = linear
        self._kept: dict[tuple[Operation, str], Any] = {}

    def apply(self, operation: Operation, states: States, count: int) -> State:
        """The state of an operation from those of its inputs, for `count` infilled images."""
        inputs = self._inputs[operation]
        present = [states[used] for used in inputs if used in states]
        if not present:
            return None
        if operation.kind is operator.getitem and isinstance(present[0], list):
            return present[0][operation.args[1]]
        if all(isinstance(state, Change) for state in present):
            done: State = None
            if operation in self._local and not any(change.whole for change in present):
                done = self._local[operation](operation, states, present)
            if done is None and operation in self._linear:
                done = self._linear[operation](operation, states, present)
            if done is not None:
                return done
        return self._anything(operation, states, count)

    # On rectangles

    def _local_rule(self, operation: Operation) -> Rule:
        kind = operation.kind
        if isinstance(operation.module, nn.Conv2d):
            return self._convolve
        if self._slides[operation] is not None:
            return self._pool
        if kind in kinds.IDENTITY:
            return lambda operation, states, changes: changes[0]
        if kind is nn.BatchNorm2d:
            return self._normalise
        if kind in kinds.CLAMP:
            return self._clamp
        if kind in kinds.POINTWISE:
            return self._pointwise
        if kind in kinds.CONCATENATE:
            return self._concatenate
        if kind in kinds.ADD or kind in kinds.SUBTRACT:
            return self._add
        return self._multiply if kind in kinds.MULTIPLY else self._by_channel

    def _reached(self, operation: Operation, change: Change) -> tuple[Span, Span] | None:
        """Where a sliding operation's outputs change; None where that is most of the map."""
        slides = self._slides[operation]
        assert slides is not None and change.rows is not None and change.columns is not None
        height, width = operation.value.shape[2:]
        rows = change.rows.reached(slides[0], height)
        columns = change.columns.reached(slides[1], width)
        if rows.size * columns.size >= WHOLE_FROM * height * width:
            return None
        return rows, columns

    def _convolve(self, operation: Operation, states: States, changes: list[Change]) -> State:
        reached = self._reached(operation, changes[0])
        if reached is None:
            return None
        rows, columns = reached
        layer: Any = operation.module
        slides = self._slides[operation]
        assert slides is not None
        above, beside = rows.needed(slides[0]), columns.needed(slides[1])
        left, right, top, bottom = margins(changes[0], above, beside)
        if left == right >= 0 and top == bottom >= 0:  # the convolution pads for nothing
            source, padding = changes[0].delta, (top, left)
        else:
            source, padding = on_rectangle(changes[0], above, beside), (0, 0)
        delta = convolution(layer, source, padding)
        return Change(delta, rows, columns)

    def _pool(self, operation: Operation, states: States, changes: list[Change]) -> State:
        reached = self._reached(operation, changes[0])
        if reached is None:
            return None
        rows, columns = reached
        slides = self._slides[operation]
        assert slides is not None
        above, beside = rows.needed(slides[0]), columns.needed(slides[1])
        (change,) = changes
        if operation.kind in (nn.AvgPool2d, F.avg_pool2d):
            kernel, stride = zip(*((one.kernel, one.stride) for one in slides), strict=True)
            padded = on_rectangle(change, above, beside)
            return Change(F.avg_pool2d(padded, kernel, stride), rows, columns)
        edge, before = self._bordered(self._inputs[operation][0], slides)
        before = crop(
            before,
            Span(above.start + edge, above.stop + edge),
            Span(beside.start + edge, beside.stop + edge),
        )
        after = crop(operation.value, rows, columns)
        delta = torch.empty(
            (len(change.delta), *after.shape[1:]),
            dtype=self._dtype,
            device=after.device,
            memory_format=torch.channels_last,
        )
        # A few images at a time, that stay in the processor's cache.
        few = max(1, _CACHED_VALUES // before.numel())
        for some, result in zip(
            torch.split(change.delta, few), torch.split(delta, few), strict=True
        ):
            values = on_rectangle(Change(some, change.rows, change.columns), above, beside)
            greatest = _greatest(values + before, slides)
            result.copy_(torch.sub(greatest, after, out=greatest))
        return Change(delta, rows, columns)

    def _clamp(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        a, low, high = self._clamped(operation)
        if change.rows is not None and change.columns is not None:
            a, low = crop(a, change.rows, change.columns), crop(low, change.rows, change.columns)
            high = None if high is None else crop(high, change.rows, change.columns)
        return Change(
            _clamp(change.delta, a, low, high, self._own(operation)), change.rows, change.columns
        )

    def _pointwise(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        (source,) = self._inputs[operation]
        assert change.rows is not None and change.columns is not None
        values = change.delta + crop(source.value, change.rows, change.columns)
        after = operation.with_arguments(lambda _: values)
        after -= crop(operation.value, change.rows, change.columns)
        return Change(after.to(self._dtype), change.rows, change.columns)

    def _normalise(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        layer: Any = operation.module
        return Change(change.delta * weight(layer, self._dtype), change.rows, change.columns)

    def _by_channel(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        result = operation.with_arguments(lambda _: change.delta)
        if isinstance(result, tuple | list):
            return [Change(_channels_last(one), change.rows, change.columns) for one in result]
        return Change(_channels_last(result), change.rows, change.columns)

    def _aligned(
        self, operation: Operation, states: States, changes: list[Change]
    ) -> tuple[dict[Operation, torch.Tensor], Span, Span]:
        """Differences of all changed inputs on one rectangle that holds them all."""
        rows, columns = changes[0].rows, changes[0].columns
        assert rows is not None and columns is not None
        for change in changes[1:]:
            assert change.rows is not None and change.columns is not None
            rows, columns = rows.hull(change.rows), columns.hull(change.columns)
        deltas = {
            used: on_rectangle(states[used], rows, columns)
            for used in self._inputs[operation]
            if used in states
        }
        return deltas, rows, columns

    def _concatenate(self, operation: Operation, states: States, changes: list[Change]) -> State:
        deltas, rows, columns = self._aligned(operation, states, changes)
        like = changes[0].delta
        parts = [
            deltas[used]
            if used in deltas
            else like.new_zeros(len(like), used.value.shape[1], rows.size, columns.size)
            for used in operation.args[0]
        ]
        return Change(_channels_last(torch.cat(parts, 1)), rows, columns)

    def _add(self, operation: Operation, states: States, changes: list[Change]) -> State:
        deltas, rows, columns = self._aligned(operation, states, changes)
        return Change(_sum(operation, deltas), rows, columns)

    def _multiply(self, operation: Operation, states: States, changes: list[Change]) -> State:
        """(a + α)(b + β) − ab = α(b + β) + aβ, where a factor may be a constant."""
        deltas, rows, columns = self._aligned(operation, states, changes)
        first, second = operation.args[:2]

        def original(factor: Any) -> Any:
            if not isinstance(factor, Operation):
                return factor
            if factor.value.ndim == 4 and factor.value.shape[2:] != (1, 1):
                return crop(factor.value, rows, columns)
            return factor.value

        alpha = deltas.get(first) if isinstance(first, Operation) else None
        beta = deltas.get(second) if isinstance(second, Operation) else None
        if alpha is None:
            product = original(first) * beta
        elif beta is None:
            product = alpha * original(second)
        else:
            product = alpha * (original(second) + beta) + original(first) * beta
        return Change(product.to(self._dtype), rows, columns)

    # On whole values

    def _linear_rule(self, operation: Operation) -> Rule | None:
        """The rule for an operation whose differences are easily had; None for the others."""
        kind, layer, value = operation.kind, operation.module, operation.value
        if not isinstance(value, torch.Tensor):
            return None
        if geometry.is_global_mean(operation):
            return self._mean
        if isinstance(layer, nn.Conv2d):
            return self._convolve_whole if layer.padding_mode == "zeros" else None
        if isinstance(layer, nn.Linear):
            return self._connect
        if isinstance(layer, Reader):
            return self._read
        if isinstance(layer, nn.BatchNorm2d):
            return self._normalise
        if kind in kinds.CLAMP:
            return self._clamp
        plain = (nn.AvgPool2d, F.avg_pool2d, nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d)
        if kind in kinds.IDENTITY or kind in kinds.FLATTEN or kind in plain:
            return self._as_it_is
        if kind in kinds.CONCATENATE and value.shape[0] == 1:
            along = geometry.concatenates_along(operation)
            return None if along == 0 else self._concatenate_whole
        if (kind in kinds.ADD or kind in kinds.SUBTRACT) and geometry.is_plain(operation):
            return self._add_whole
        return None

    def _read(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        (source,) = self._inputs[operation]
        reader: Any = operation.module
        if change.rows is None or change.columns is None:
            return Change(reader(change.delta))
        map_of_each = change.delta[:, reader.channel]
        if reader.place is None:
            total = map_of_each.sum((1, 2), dtype=self._exact) / source.value.shape[2:].numel()
            return Change(total.to(self._dtype)[:, None])
        row, column = (
            place - span.start
            for place, span in zip(reader.place, (change.rows, change.columns), strict=True)
        )
        if not (0 <= row < change.rows.size and 0 <= column < change.columns.size):
            return None
        return Change(map_of_each[:, row, column, None])

    def _connect(self, operation: Operation, states: States, changes: list[Change]) -> State:
        delta = on_whole(changes[0], self._inputs[operation][0].value.shape)
        layer: Any = operation.module
        return Change(product(layer, delta))

    def _mean(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        pixels = self._inputs[operation][0].value.shape[2:].numel()
        total = change.delta.sum((2, 3), dtype=self._exact) / pixels
        return Change(total.to(self._dtype).reshape(-1, *operation.value.shape[1:]))

    def _convolve_whole(self, operation: Operation, states: States, changes: list[Change]) -> State:
        layer: Any = operation.module
        delta = on_whole(changes[0], self._inputs[operation][0].value.shape)
        return Change(
            F.conv2d(
                delta,
                weight(layer, self._dtype),
                None,
                layer.stride,
                layer.padding,
                layer.dilation,
                layer.groups,
            )
        )

    def _as_it_is(self, operation: Operation, states: States, changes: list[Change]) -> State:
        delta = on_whole(changes[0], self._inputs[operation][0].value.shape)
        return Change(operation.with_arguments(lambda _: delta))

    def _concatenate_whole(
        self, operation: Operation, states: States, changes: list[Change]
    ) -> State:
        count = len(changes[0].delta)
        parts = [
            on_whole(states[used], used.value.shape)
            if used in states
            else changes[0].delta.new_zeros(count, *used.value.shape[1:])
            for used in operation.args[0]
        ]
        return Change(torch.cat(parts, geometry.concatenates_along(operation)))

    def _add_whole(self, operation: Operation, states: States, changes: list[Change]) -> State:
        deltas = {
            used: on_whole(states[used], used.value.shape)
            for used in self._inputs[operation]
            if used in states
        }
        return Change(_sum(operation, deltas))

    def _anything(self, operation: Operation, states: States, count: int) -> State:
        """Any operation: its result on the changed values less that on the untouched ones."""

        def value(used: Operation) -> Any:
            state = states.get(used)
            if state is None:
                return used.value
            if isinstance(state, Raw):
                return state.value
            if isinstance(state, list):
                return [
                    one.expand(count, *one.shape[1:]) + on_whole(part, one.shape)
                    for one, part in zip(used.value, state, strict=True)
                ]
            return used.value + on_whole(state, used.value.shape)

        result = operation.with_arguments(value)
        if isinstance(result, torch.Tensor) and isinstance(operation.value, torch.Tensor):
            return Change((result - operation.value).to(self._dtype))
        if isinstance(result, tuple | list) and all(isinstance(r, torch.Tensor) for r in result):
            pairs = zip(result, operation.value, strict=True)
            return [Change((after - before).to(self._dtype)) for after, before in pairs]
        return Raw(result)

    # What is needed of the unmodified image and of the layers again and again

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
            low, high = _bounds(operation)
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


def _bounds(operation: Operation) -> tuple[float, float | None]:
    if operation.kind in kinds.RELU:
        return 0.0, None
    if operation.kind in (nn.ReLU6, F.relu6):
        return 0.0, 6.0
    if isinstance(operation.module, nn.Hardtanh):
        return float(operation.module.min_val), float(operation.module.max_val)
    named = operation.kwargs
    said = (*operation.args[1:], *(named[name] for name in ("min_val", "max_val") if name in named))
    low, high = said if len(said) == 2 else (-1.0, 1.0)
    return float(low), float(high)


def _greatest(values: torch.Tensor, slides: Slides) -> torch.Tensor:
    """Max pooling (N, C, H, W) without padding, along one axis after the other.

    Several times faster than PyTorch's, which also finds out where each maximum is.
    """
    for dim, one in zip((2, 3), slides, strict=True):
        reach = (one.kernel - 1) * one.dilation
        count = (values.shape[dim] - reach - 1) // one.stride + 1
        shifted = [
            values.narrow(dim, first * one.dilation, (count - 1) * one.stride + 1)[
                (slice(None),) * dim + (slice(None, None, one.stride),)
            ]
            for first in range(one.kernel)
        ]
        greatest = shifted[0].clone() if one.kernel == 1 else torch.maximum(*shifted[:2])
        for other in shifted[2:]:
            torch.maximum(greatest, other, out=greatest)
        values = greatest
    return values


def _clamp(
    delta: torch.Tensor,
    a: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor | None,
    in_place: bool,
) -> torch.Tensor:
    """c(z + δ) − c(z) = clamp(δ + (z − c(z)), low − c(z), high − c(z)).

    No difference of large numbers: δ stays as exact as it was.
    """
    changed = torch.add(delta, a, out=delta) if in_place else delta + a
    if high is None:
        return torch.maximum(changed, low, out=changed)
    return torch.clamp(changed, low, high, out=changed)


def _sum(operation: Operation, deltas: dict[Operation, torch.Tensor]) -> torch.Tensor:
    """α ± β; unchanged summands and constants drop out."""
    first, second = operation.args[:2]
    alpha = deltas.get(first) if isinstance(first, Operation) else None
    beta = deltas.get(second) if isinstance(second, Operation) else None
    if beta is not None and operation.kind in kinds.SUBTRACT:
        beta = -beta
    if alpha is None or beta is None:
        only = beta if alpha is None else alpha
        assert only is not None
        return only
    return alpha + beta


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)
