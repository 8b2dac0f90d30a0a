"""How a change goes through each kind of operation: where it reaches, and what becomes of it.

Every rule is exact. Linear operations act on the differences themselves, without their bias;
a nonlinear f gives f(h + δ) − f(h). What has no rule of its own is computed on whole maps.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.pda.forward.incremental import graph
from pda_studio.pda.forward.incremental.changes import (
    Axis,
    Cache,
    Change,
    as_whole,
    padded_to,
    zero_outside,
)
from pda_studio.pda.forward.incremental.graph import Operation

_WHOLE_FROM = 0.9  # of a map's area: where a block's rectangles are larger, whole maps are used

State = Any
"""Of an operation during a run: a Change, a list of Changes, a Raw value, or None: unchanged."""


@dataclass(frozen=True)
class Raw:
    """A result that is no tensor: a shape, a number."""

    value: Any


@dataclass(frozen=True)
class Sliding:
    """What a convolution or a pool slides over its input, (rows, columns)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


def sliding(operation: Operation) -> Sliding | None:
    """The geometry of a convolution or pool that can be followed locally, else None."""
    layer, kind = operation.module, operation.kind
    if isinstance(layer, nn.Conv2d):
        if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
            return None
        return Sliding(
            *map(_pair, (layer.kernel_size, layer.stride, layer.padding, layer.dilation))
        )
    if kind in (nn.MaxPool2d, F.max_pool2d):
        said = _said(operation, "kernel_size", "stride", "padding", "dilation")
        return _pool(said, dilation=said.get("dilation") or 1)
    if kind in (nn.AvgPool2d, F.avg_pool2d):
        said = _said(
            operation, "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad",
            "divisor_override",
        )  # fmt: skip
        padded = any(_pair(said.get("padding") or 0))
        uneven = said.get("ceil_mode") or (padded and said.get("count_include_pad") is False)
        return None if uneven or said.get("divisor_override") else _pool(said, dilation=1)
    return None


def _pool(said: dict[str, Any], dilation: Any) -> Sliding:
    kernel = said["kernel_size"]
    return Sliding(
        *map(_pair, (kernel, said.get("stride") or kernel, said.get("padding") or 0, dilation))
    )


def _said(operation: Operation, *names: str) -> dict[str, Any]:
    """Arguments of a pool by name, whether it is a layer or a function."""
    if operation.module is not None:
        return {name: getattr(operation.module, name, None) for name in names}
    return {**dict(zip(names, operation.args[1:], strict=False)), **operation.kwargs}


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[-1])) if isinstance(value, Sequence) else (int(value),) * 2


def stays_local(operation: Operation) -> bool:
    """Whether a rectangle of its input changes no more than a rectangle of its output."""
    kind, value = operation.kind, operation.value
    if kind is operator.getitem:
        return isinstance(operation.args[0].value, tuple | list)
    if _splits(operation):
        return True
    if not isinstance(value, torch.Tensor) or value.ndim != 4:
        return False
    if sliding(operation) is not None:
        return True
    if kind in graph.CONCATENATE:
        dim = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("dim", 0)
        return bool(dim == 1)
    if kind in graph.MULTIPLY:
        return is_plain(operation) and all(_fits(factor, value) for factor in operation.inputs())
    if kind in graph.ADD or kind in graph.SUBTRACT:
        return is_plain(operation)
    return kind in (
        *graph.POINTWISE, *graph.RELU, *graph.IDENTITY, *graph.CHANNEL_SHUFFLE, nn.BatchNorm2d,
    )  # fmt: skip


def is_plain(operation: Operation) -> bool:
    """Whether a sum or product is one of its two arguments alone, without a factor beside."""
    return len(operation.args) == 2 and not operation.kwargs


def _fits(factor: Operation, product: torch.Tensor) -> bool:
    """Whether a factor is a map like the product, or one number for each channel or for all."""
    value = factor.value
    if not isinstance(value, torch.Tensor):
        return False
    by_channel = value.ndim >= 3 and value.shape[-2:] == (1, 1)
    like_product = value.ndim == 4 and value.shape[2:] == product.shape[2:]
    return value.ndim == 0 or by_channel or like_product


def _splits(operation: Operation) -> bool:
    if operation.kind not in ("chunk", "split", torch.chunk, torch.split):
        return False
    dim = operation.args[2] if len(operation.args) > 2 else operation.kwargs.get("dim", 0)
    return bool(dim == 1)


def reach(operation: Operation, inputs: list[Axis], along: int) -> Axis:
    """Where a local operation's output can change along one axis (0 rows, 1 columns)."""
    hull = inputs[0]
    for other in inputs[1:]:
        hull = hull.hull(other)
    slides = sliding(operation)
    if slides is None:
        return hull
    return hull.through(
        slides.kernel[along], slides.stride[along], slides.padding[along], slides.dilation[along]
    )


class Rules:
    """Applies operations to changes, with what is kept of the untouched picture.

    Parameters
    ----------
    is_whole : callable
        Which operations are computed on whole maps, as told by the plan.
    """

    def __init__(self, is_whole: Callable[[Operation], bool]) -> None:
        self._is_whole = is_whole
        self._caches: dict[tuple[Operation, str], Cache] = {}
        self._values: dict[tuple[Operation, str], torch.Tensor] = {}

    def apply(self, operation: Operation, states: dict[Operation, State], count: int) -> State:
        """The state of an operation from those of its inputs, for `count` infilled pictures."""
        inputs = [states.get(used) for used in operation.inputs()]
        if all(state is None for state in inputs):
            return None
        if operation.kind is operator.getitem and isinstance(inputs[0], list):
            return inputs[0][operation.args[1]]
        changes = [state for state in inputs if isinstance(state, Change)]
        if changes and len(changes) == sum(state is not None for state in inputs):
            done: State = None
            if not self._is_whole(operation) and not any(change.whole for change in changes):
                done = self._local(operation, states, changes)
            if done is None:
                done = self._linear(operation, states, changes)
            if done is not None:
                return done
        return self._anything(operation, states, count)

    # On rectangles

    def _local(
        self, operation: Operation, states: dict[Operation, State], changes: list[Change]
    ) -> State:
        kind = operation.kind
        slides = sliding(operation)
        if slides is not None:
            return self._slide(operation, changes[0], slides)
        if kind in graph.IDENTITY:
            return changes[0]
        if _splits(operation) or kind in graph.CHANNEL_SHUFFLE or kind is nn.BatchNorm2d:
            return self._by_channel(operation, changes[0])
        rows, columns = changes[0].rows, changes[0].columns
        assert rows is not None and columns is not None
        for change in changes[1:]:
            assert change.rows is not None and change.columns is not None
            rows, columns = rows.hull(change.rows), columns.hull(change.columns)
        if kind in graph.RELU or kind in graph.POINTWISE:
            return self._pointwise(operation, changes[0], rows, columns)
        operands = list(operation.inputs())
        deltas = {
            used: padded_to(states[used], rows, columns) for used in operands if states.get(used)
        }
        if kind in graph.CONCATENATE:
            parts = [
                deltas[used]
                if used in deltas
                else _zeros(changes[0].delta, used.value.shape[1], rows, columns)
                for used in operation.args[0]
            ]
            return Change(_channels_last(torch.cat(parts, 1)), rows, columns)
        if kind in graph.ADD or kind in graph.SUBTRACT:
            return Change(_sum(operation, deltas), rows, columns)
        return self._multiply(operation, deltas, rows, columns)

    def _slide(self, operation: Operation, change: Change, slides: Sliding) -> Change | None:
        """A convolution or pool; None where these windows' rectangles fill the map."""
        assert change.rows is not None and change.columns is not None
        source = operation.inputs()[0]
        geometry = [
            (slides.kernel[i], slides.stride[i], slides.padding[i], slides.dilation[i])
            for i in (0, 1)
        ]
        height, width = operation.value.shape[2:]
        rows = change.rows.through(*geometry[0]).trimmed(height)
        columns = change.columns.through(*geometry[1]).trimmed(width)
        if rows.size * columns.size >= _WHOLE_FROM * height * width:
            return None
        above, beside = rows.needed(*geometry[0]), columns.needed(*geometry[1])
        padded = padded_to(change, above, beside)
        layer = operation.module
        if isinstance(layer, nn.Conv2d):
            delta = F.conv2d(
                padded, layer.weight, None, layer.stride, 0, layer.dilation, layer.groups
            )
        elif operation.kind in (nn.AvgPool2d, F.avg_pool2d):
            delta = F.avg_pool2d(padded, slides.kernel, slides.stride)
        else:
            before = self._cache(source, "below everything").crops(above, beside)
            values = Change(padded, above, beside).by_window() + before
            pooled = F.max_pool2d(
                values.flatten(0, 2).permute(0, 3, 1, 2),
                slides.kernel, slides.stride, 0, slides.dilation,
            )  # fmt: skip
            delta = _channels_last(pooled)
            view = Change(delta, rows, columns).by_window()
            view -= self._cache(operation).crops(rows, columns)
        return self._clean(operation, _channels_last(delta), rows, columns)

    def _pointwise(self, operation: Operation, change: Change, rows: Axis, columns: Axis) -> Change:
        source = operation.inputs()[0]
        before = change.by_window()
        if operation.kind in graph.RELU:
            # relu(z + δ) − relu(z) = max(δ + min(z, 0), −relu(z)): no difference of large numbers.
            after = before + self._cache(source, "negative part").crops(rows, columns)
            torch.maximum(after, self._cache(operation, "negated").crops(rows, columns), out=after)
        else:
            values = before + self._cache(source).crops(rows, columns)
            after = operation.with_arguments(lambda used: values if used is source else used.value)
            after = after - self._cache(operation).crops(rows, columns)
        delta = after.reshape(-1, *after.shape[3:]).permute(0, 3, 1, 2)
        return self._clean(operation, delta, rows, columns)

    def _by_channel(self, operation: Operation, change: Change) -> State:
        layer = operation.module
        if isinstance(layer, nn.BatchNorm2d):
            return Change(change.delta * _batch_norm_scale(layer), change.rows, change.columns)
        result = operation.with_arguments(lambda _: change.delta)
        if isinstance(result, tuple | list):
            return [Change(_channels_last(part), change.rows, change.columns) for part in result]
        return Change(_channels_last(result), change.rows, change.columns)

    def _multiply(
        self,
        operation: Operation,
        deltas: dict[Operation, torch.Tensor],
        rows: Axis,
        columns: Axis,
    ) -> Change:
        """(a + α)(b + β) − ab = α(b + β) + aβ, where a factor may be a constant."""
        first, second = operation.args[:2]

        def original(factor: Any) -> Any:
            if not isinstance(factor, Operation):
                return factor
            if factor.value.ndim == 4 and factor.value.shape[2:] != (1, 1):
                return self._cache(factor).crops(rows, columns)
            return factor.value.flatten()

        def difference(factor: Any) -> torch.Tensor | None:
            if isinstance(factor, Operation) and factor in deltas:
                return Change(deltas[factor], rows, columns).by_window()
            return None

        alpha, beta = difference(first), difference(second)
        if alpha is None:
            product = original(first) * beta
        elif beta is None:
            product = alpha * original(second)
        else:
            product = alpha * (original(second) + beta) + original(first) * beta
        delta = product.reshape(-1, *product.shape[3:]).permute(0, 3, 1, 2)
        return Change(delta, rows, columns)

    def _clean(
        self, operation: Operation, delta: torch.Tensor, rows: Axis, columns: Axis
    ) -> Change:
        zero_outside(delta, rows, columns, *operation.value.shape[2:])
        return Change(delta, rows, columns)

    # On whole values

    def _linear(
        self, operation: Operation, states: dict[Operation, State], changes: list[Change]
    ) -> Change | None:
        """Linear operations on whole differences; None for the others."""
        kind, layer, value = operation.kind, operation.module, operation.value
        if not isinstance(value, torch.Tensor):
            return None
        source = operation.inputs()[0]
        if is_global_mean(operation):
            total = changes[0].delta.sum((2, 3)) / source.value.shape[2:].numel()
            return Change(total.reshape(-1, *value.shape[1:]))
        if isinstance(layer, nn.Conv2d):
            if layer.padding_mode != "zeros":
                return None
            delta = as_whole(changes[0], source.value.shape)
            return Change(
                F.conv2d(
                    delta,
                    layer.weight,
                    None,
                    layer.stride,
                    layer.padding,
                    layer.dilation,
                    layer.groups,
                )
            )
        if isinstance(layer, nn.Linear):
            return Change(F.linear(as_whole(changes[0], source.value.shape), layer.weight))
        if isinstance(layer, nn.BatchNorm2d):
            delta = as_whole(changes[0], source.value.shape)
            return Change(delta * _batch_norm_scale(layer))
        if kind in graph.RELU:
            delta = as_whole(changes[0], source.value.shape)
            after = delta + self._kept(source, "negative part")
            return Change(torch.maximum(after, self._kept(operation, "negated"), out=after))
        plain = (nn.AvgPool2d, F.avg_pool2d, nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d)
        if kind in graph.IDENTITY or kind in graph.FLATTEN or kind in plain:
            delta = as_whole(changes[0], source.value.shape)
            return Change(operation.with_arguments(lambda _: delta))
        if kind in graph.CONCATENATE and value.shape[0] == 1:
            count = len(changes[0].delta)
            parts = [
                as_whole(states[used], used.value.shape)
                if states.get(used) is not None
                else torch.zeros_like(used.value).expand(count, *used.value.shape[1:])
                for used in operation.args[0]
            ]
            dim = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("dim", 0)
            return None if dim == 0 else Change(torch.cat(parts, dim))
        if (kind in graph.ADD or kind in graph.SUBTRACT) and is_plain(operation):
            deltas = {
                used: as_whole(states[used], used.value.shape)
                for used in operation.inputs()
                if states.get(used) is not None
            }
            return Change(_sum(operation, deltas))
        return None

    def _anything(self, operation: Operation, states: dict[Operation, State], count: int) -> State:
        """Any operation: its result on the changed values less that on the untouched ones."""

        def value(used: Operation) -> Any:
            state = states.get(used)
            if state is None:
                return used.value
            if isinstance(state, Raw):
                return state.value
            if isinstance(state, list):
                return [
                    one.expand(count, *one.shape[1:]) + as_whole(part, one.shape)
                    for one, part in zip(used.value, state, strict=True)
                ]
            return used.value + as_whole(state, used.value.shape)

        result = operation.with_arguments(value)
        if isinstance(result, torch.Tensor) and isinstance(operation.value, torch.Tensor):
            return Change(result - operation.value)
        if isinstance(result, tuple | list) and all(isinstance(r, torch.Tensor) for r in result):
            return [Change(r - v) for r, v in zip(result, operation.value, strict=True)]
        return Raw(result)

    def _cache(self, operation: Operation, what: str = "") -> Cache:
        key = (operation, what)
        if key not in self._caches:
            beyond = torch.finfo(operation.value.dtype).min / 4 if what == "below everything" else 0
            self._caches[key] = Cache(self._kept(operation, what), beyond)
        return self._caches[key]

    def _kept(self, operation: Operation, what: str) -> torch.Tensor:
        """What rules need of an untouched value again and again."""
        key = (operation, what)
        if key not in self._values:
            value = operation.value
            if what == "negative part":
                value = value.clamp(max=0)
            elif what == "negated":
                value = -value
            self._values[key] = value
        return self._values[key]


def is_global_mean(operation: Operation) -> bool:
    """Whether an operation is the mean over all pixels of each channel."""
    pools = (nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d, *graph.GLOBAL_MEAN)
    if operation.kind not in pools:
        return False
    source, value = operation.inputs()[0].value, operation.value
    same_channels = source.ndim == 4 and source.shape[:2] == value.shape[:2]
    return bool(same_channels and value.numel() == source.shape[1])


def _sum(operation: Operation, deltas: dict[Operation, torch.Tensor]) -> torch.Tensor:
    """α ± β; unchanged summands and constants drop out."""
    first, second = operation.args[:2]
    alpha = deltas.get(first) if isinstance(first, Operation) else None
    beta = deltas.get(second) if isinstance(second, Operation) else None
    if beta is not None and operation.kind in graph.SUBTRACT:
        beta = -beta
    if alpha is None or beta is None:
        only = beta if alpha is None else alpha
        assert only is not None
        return only
    return alpha + beta


def _batch_norm_scale(layer: nn.BatchNorm2d) -> torch.Tensor:
    assert layer.running_var is not None
    scale = (layer.running_var + layer.eps).rsqrt()
    if layer.weight is not None:
        scale = scale * layer.weight
    return scale[:, None, None]


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _zeros(like: torch.Tensor, channels: int, rows: Axis, columns: Axis) -> torch.Tensor:
    return like.new_zeros(len(like), channels, rows.size, columns.size)
