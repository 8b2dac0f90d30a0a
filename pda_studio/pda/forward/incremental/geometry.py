"""Where a change can reach: which operations keep it within a rectangle, and how that grows."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.graph import Operation
from pda_studio.pda.forward.incremental import kinds
from pda_studio.pda.forward.incremental.changes import Sliding, Span

Slides = tuple[Sliding, Sliding]
"""What slides along the rows and along the columns."""


def sliding(operation: Operation) -> Slides | None:
    """The geometry of a convolution or pool that can be followed locally, else None."""
    layer, kind = operation.module, operation.kind
    if isinstance(layer, nn.Conv2d):
        if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
            return None
        return _slides(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
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


def _slides(*geometry: Any) -> Slides:
    rows, columns = zip(*map(_pair, geometry), strict=True)
    return Sliding(*rows), Sliding(*columns)


def _pool(said: dict[str, Any], dilation: Any) -> Slides:
    kernel = said["kernel_size"]
    return _slides(kernel, said.get("stride") or kernel, said.get("padding") or 0, dilation)


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
    if splits(operation):
        return True
    if not isinstance(value, torch.Tensor) or value.ndim != 4:
        return False
    if sliding(operation) is not None:
        return True
    if kind in kinds.CONCATENATE:
        return concatenates_along(operation) == 1
    if kind in kinds.MULTIPLY:
        return is_plain(operation) and all(_fits(factor, value) for factor in operation.inputs())
    if kind in kinds.ADD or kind in kinds.SUBTRACT:
        return is_plain(operation)
    return kind in (
        *kinds.POINTWISE, *kinds.CLAMP, *kinds.IDENTITY, *kinds.CHANNEL_SHUFFLE, nn.BatchNorm2d,
    )  # fmt: skip


def reach(slides: Slides | None, inputs: list[Span], along: int, length: int) -> Span:
    """Where a local operation's output can change along one axis (0 rows, 1 columns)."""
    hull = inputs[0]
    for other in inputs[1:]:
        hull = hull.hull(other)
    return hull if slides is None else hull.reached(slides[along], length)


def reach_of_many(
    slides: Slides | None, inputs: list[NDArray[np.int64]], along: int, length: int
) -> NDArray[np.int64]:
    """The same for many spans at once: starts and stops (2, …) in the place of each span."""
    start = np.min([one[0] for one in inputs], axis=0)
    stop = np.max([one[1] for one in inputs], axis=0)
    if slides is None:
        return np.array([start, stop])
    axis = slides[along]
    overlap = (axis.kernel - 1) * axis.dilation - axis.padding
    first = np.clip(-((overlap - start) // axis.stride), 0, length - 1)
    last = (stop - 1 + axis.padding) // axis.stride
    return np.array([first, np.maximum(first + 1, np.minimum(last + 1, length))])


def is_plain(operation: Operation) -> bool:
    """Whether a sum or product is one of its two arguments alone, without a factor beside."""
    return len(operation.args) == 2 and not operation.kwargs


def concatenates_along(operation: Operation) -> int:
    """The dimension along which values are joined."""
    dim = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("dim", 0)
    return int(dim)


def splits(operation: Operation) -> bool:
    """Whether an operation cuts a map into groups of channels."""
    if operation.kind not in ("chunk", "split", torch.chunk, torch.split):
        return False
    dim = operation.args[2] if len(operation.args) > 2 else operation.kwargs.get("dim", 0)
    return bool(dim == 1)


def is_global_mean(operation: Operation) -> bool:
    """Whether an operation is the mean over all pixels of each channel."""
    pools = (nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d, *kinds.GLOBAL_MEAN)
    if operation.kind not in pools:
        return False
    source, value = operation.inputs()[0].value, operation.value
    same_channels = source.ndim == 4 and source.shape[:2] == value.shape[:2]
    return bool(same_channels and value.numel() == source.shape[1])


def _fits(factor: Operation, product: torch.Tensor) -> bool:
    """Whether a factor is a map like the product, or one number for each channel or for all."""
    value = factor.value
    if not isinstance(value, torch.Tensor):
        return False
    by_channel = value.ndim >= 3 and value.shape[-2:] == (1, 1)
    like_product = value.ndim == 4 and value.shape[2:] == product.shape[2:]
    return value.ndim == 0 or by_channel or like_product
