"""What rules compute with differences: sums, maxima and clamps that stay exact."""

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.graph import Operation
from pda_studio.pda.forward.incremental import kinds
from pda_studio.pda.forward.incremental.geometry import Slides


def bounds_of(operation: Operation) -> tuple[float, float | None]:
    """Where an operation that clamps ends: below, and above if it does."""
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


def maxima(values: torch.Tensor, slides: Slides) -> torch.Tensor:
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


def clamp(
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


def sum_of(operation: Operation, deltas: dict[Operation, torch.Tensor]) -> torch.Tensor:
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


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """The same values (N, C, H, W), with the channels of a pixel side by side in memory."""
    return tensor.contiguous(memory_format=torch.channels_last)
