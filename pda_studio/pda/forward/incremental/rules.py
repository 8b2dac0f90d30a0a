"""How a change goes through each kind of operation.

Every rule is exact. Linear operations act on the differences themselves, without their bias;
a nonlinear f gives f(h + δ) − f(h). What has no rule of its own is computed on whole values.

The differences may be kept in bfloat16, which halves the work: they are small, and each is rounded
relative to itself. The values of the unmodified image that they are compared with stay exact.
"""

import operator
from typing import Any

import torch

from pda_studio.classifiers.graph import Operation, Program
from pda_studio.pda.forward.incremental import geometry
from pda_studio.pda.forward.incremental.changes import (
    Change,
    on_whole,
)
from pda_studio.pda.forward.incremental.facts import WHOLE_FROM, Raw, Rule, State, States
from pda_studio.pda.forward.incremental.rectangles import OnRectangles
from pda_studio.pda.forward.incremental.whole import OnWholeValues


class Rules(OnRectangles, OnWholeValues):
    """Applies operations to changes, with what is kept of the unmodified image.

    Parameters
    ----------
    program : Program
        The network, run on the unmodified image.
    dtype : torch.dtype
        Of the differences.
    """

    def __init__(self, program: Program, dtype: torch.dtype) -> None:
        super().__init__(program, dtype)
        self._local: dict[Operation, Rule] = {}
        self._linear: dict[Operation, Rule] = {}
        for operation in program.operations[1:]:
            if geometry.stays_local(operation):
                self._local[operation] = self._local_rule(operation)
            if (linear := self._linear_rule(operation)) is not None:
                self._linear[operation] = linear

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

    def _anything(self, operation: Operation, states: States, count: int) -> State:
        """Any operation: its result on the changed values less that on the unmodified ones."""

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


__all__ = ["WHOLE_FROM", "Rules", "States"]
