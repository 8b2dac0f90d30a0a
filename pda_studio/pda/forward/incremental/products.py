"""The weights of layers as products with changes need them, made ready once for a network."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional as F

Product = Callable[[torch.Tensor], torch.Tensor]

_ready: WeakKeyDictionary[nn.Module, dict[Any, Any]] = WeakKeyDictionary()
_ONEDNN = (torch.float32, torch.bfloat16)


def weight(layer: nn.Module, dtype: torch.dtype) -> torch.Tensor:
    """A convolution's weights without its bias; a BatchNorm's factor for each channel."""
    kept = _ready.setdefault(layer, {})
    if dtype not in kept:
        if isinstance(layer, nn.BatchNorm2d):
            value = _batch_norm_scale(layer)
        else:
            assert isinstance(layer, nn.Conv2d)
            value = layer.weight.detach().contiguous(memory_format=torch.channels_last)
        kept[dtype] = value.to(dtype)
    ready: torch.Tensor = kept[dtype]
    return ready


def convolution(layer: nn.Conv2d, delta: torch.Tensor, padding: tuple[int, int]) -> torch.Tensor:
    """Convolve changes (N, C, h, w) with a layer's weights, without its bias.

    Of depthwise convolutions cuDNN makes a program for each new size of a rectangle, which takes
    seconds; PyTorch's own kernel takes any size at once.
    """
    depthwise = delta.is_cuda and layer.groups == layer.in_channels > 1
    arguments = (None, layer.stride, padding, layer.dilation, layer.groups)
    if not depthwise:
        return F.conv2d(delta, weight(layer, delta.dtype), *arguments)
    with torch.backends.cudnn.flags(enabled=False):
        return F.conv2d(delta, weight(layer, delta.dtype), *arguments)


def product(layer: nn.Linear, delta: torch.Tensor) -> torch.Tensor:
    """Multiply vectors (N, I) by the weights (O, I) of a fully connected layer.

    On a processor oneDNN with weights rearranged once is up to three times as fast as the product
    that `F.linear` takes. PyTorch's own compiler uses it; where it is not there, `F.linear` is.
    """
    kept = _ready.setdefault(layer, {})
    if delta.dtype not in kept:
        kept[delta.dtype] = _product(layer.weight.detach().to(delta.dtype), delta)
    result: torch.Tensor = kept[delta.dtype](delta)
    return result


def forget(dtype: torch.dtype) -> None:
    """Free what was made ready for differences of a type; it is made again where it is needed."""
    for kept in _ready.values():
        kept.pop(dtype, None)


def _product(weights: torch.Tensor, like: torch.Tensor) -> Product:
    def plain(delta: torch.Tensor) -> torch.Tensor:
        return F.linear(delta, weights)

    if like.device.type != "cpu" or like.ndim != 2 or like.dtype not in _ONEDNN:
        return plain
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weights, len(like))

        def rearranged(delta: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
                delta, packed, None, "none", [], ""
            )
            return result

        rearranged(like[:1])
    except (AttributeError, RuntimeError):
        return plain
    return rearranged


def _batch_norm_scale(layer: nn.BatchNorm2d) -> torch.Tensor:
    assert layer.running_var is not None
    scale = (layer.running_var + layer.eps).rsqrt()
    if layer.weight is not None:
        scale = scale * layer.weight.detach()
    return scale[:, None, None]
