"""How a change goes through an operation on the rectangle that it fills."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.graph import Operation
from pda_studio.pda.forward.incremental import kinds
from pda_studio.pda.forward.incremental.arithmetic import (
    channels_last,
    maxima,
    sum_of,
)
from pda_studio.pda.forward.incremental.changes import (
    Change,
    Span,
    crop,
    margins,
    on_rectangle,
)
from pda_studio.pda.forward.incremental.facts import WHOLE_FROM, Facts, Rule, State, States
from pda_studio.pda.forward.incremental.products import convolution

_CACHED_VALUES = 2**19


class OnRectangles(Facts):
    """The rules for changes that fill a part of a map."""

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
            greatest = maxima(values + before, slides)
            result.copy_(torch.sub(greatest, after, out=greatest))
        return Change(delta, rows, columns)

    def _pointwise(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        (source,) = self._inputs[operation]
        assert change.rows is not None and change.columns is not None
        values = change.delta + crop(source.value, change.rows, change.columns)
        after = operation.with_arguments(lambda _: values)
        after -= crop(operation.value, change.rows, change.columns)
        return Change(after.to(self._dtype), change.rows, change.columns)

    def _by_channel(self, operation: Operation, states: States, changes: list[Change]) -> State:
        (change,) = changes
        result = operation.with_arguments(lambda _: change.delta)
        if isinstance(result, tuple | list):
            return [Change(channels_last(one), change.rows, change.columns) for one in result]
        return Change(channels_last(result), change.rows, change.columns)

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
        return Change(channels_last(torch.cat(parts, 1)), rows, columns)

    def _add(self, operation: Operation, states: States, changes: list[Change]) -> State:
        deltas, rows, columns = self._aligned(operation, states, changes)
        return Change(sum_of(operation, deltas), rows, columns)

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
