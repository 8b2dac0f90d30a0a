"""The affine representation inside branches: what a layer's units and those beside it add together.

Inside a residual block the image reaches the logit through the branch and past it. The values that
are alive there, those of the layer and those that are still to be used, take the logit apart as
exactly as a single layer does where everything passes: S = Σ W·h over all of them, + b.
"""

from collections.abc import Iterator

import torch

from pda_studio.classifiers.graph import Operation, Program


def contributions(
    program: Program, logit: torch.Tensor, named: dict[str, Operation]
) -> Iterator[tuple[str, float]]:
    """What the values that are alive after each layer add to a logit.

    Parameters
    ----------
    program : Program
        After the image was run, with gradients.
    logit : ()
        S.
    named : dict
        Layers and the operations that give their results, in order.

    Yields
    ------
    str, float
        The layer, and Σ W·h over its values and those beside it.
    """
    order = {operation: place for place, operation in enumerate(program.operations)}
    needed = program.before([program.output])
    on_the_way = [program.image]
    seen = {program.image}
    last_use = dict(order)
    for operation in program.operations[1:]:
        if operation not in needed or not seen.intersection(operation.inputs()):
            continue
        seen.add(operation)
        on_the_way.append(operation)
        for used in operation.inputs():
            last_use[used] = max(last_use[used], order[operation])
    last_use[program.output] = len(order)

    def alive(operation: Operation) -> list[Operation]:
        here = order[operation]
        return [
            one
            for one in on_the_way
            if order[one] <= here and (last_use[one] > here or one is operation)
        ]

    narrow = [one for one in on_the_way if alive(one) == [one] and _is_real(one.value)]
    values = [one.value for one in narrow]
    slopes = torch.autograd.grad(
        logit, values, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    slope_of = dict(zip(narrow, slopes, strict=True))
    for name, operation in named.items():
        if operation in slope_of:
            yield name, (slope_of[operation] * operation.value).detach().double().sum().item()
            continue
        cut = [one for one in alive(operation) if _is_real(one.value)]
        end = next(one for one in narrow if order[one] > order[operation])
        fresh = {one: one.value.detach().requires_grad_() for one in cut}
        made = _rerun(on_the_way, fresh, order[operation], end, order)
        pieces = torch.autograd.grad(
            made,
            list(fresh.values()),
            slope_of[end].detach(),
            allow_unused=True,
            materialize_grads=True,
        )
        parts = zip(pieces, fresh.values(), strict=True)
        yield name, sum((slope * value).detach().double().sum().item() for slope, value in parts)


def _rerun(
    operations: list[Operation],
    fresh: dict[Operation, torch.Tensor],
    after: int,
    end: Operation,
    order: dict[Operation, int],
) -> torch.Tensor:
    """The result of an operation, anew from values that are alive before it."""
    made: dict[Operation, object] = dict(fresh)
    for operation in operations:
        if after < order[operation] <= order[end]:
            made[operation] = operation.with_arguments(
                lambda used: made.get(used, used.value)  # else it is none of the image's
            )
    found = made[end]
    assert isinstance(found, torch.Tensor), "a layer where everything passes is a tensor"
    return found


def _is_real(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()
