"""How a change goes through an operation once it fills a whole map or a vector."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.endings import Reader
from pda_studio.classifiers.graph import Operation
from pda_studio.pda.forward.incremental import geometry, kinds
from pda_studio.pda.forward.incremental.arithmetic import (
    sum_of,
)
from pda_studio.pda.forward.incremental.changes import (
    Change,
    on_whole,
)
from pda_studio.pda.forward.incremental.facts import Facts, Rule, State, States
from pda_studio.pda.forward.incremental.products import convolution, product


class OnWholeValues(Facts):
    """The rules for changes of whole maps and vectors whose differences are easily had."""

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
        return Change(convolution(layer, delta, layer.padding))

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
        return Change(sum_of(operation, deltas))
