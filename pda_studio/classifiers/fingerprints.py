"""What tells one network from another: a hash of all that it has learnt."""

from collections.abc import Iterator

import torch
from torch import nn


def bytes_of_weights(network: nn.Module) -> Iterator[bytes]:
    """Names and values of all parameters and buffers, in the order of the names."""
    for name, value in sorted(network.state_dict().items()):
        yield name.encode()
        yield from _bytes_of(value)


def _bytes_of(value: object) -> Iterator[bytes]:
    """Those of a tensor; a quantised layer holds its weights in a tuple, beside their type."""
    if isinstance(value, torch.Tensor):
        plain = value.dequantize() if value.is_quantized else value
        yield plain.detach().cpu().contiguous().numpy().tobytes()
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _bytes_of(one)
    else:
        yield repr(value).encode()
