"""A copy of a network in which each max-pooling is one over windows that share no value.

Captum's DeepLIFT loses contributions at max-pooling in three ways: where pooling windows overlap,
those of several windows to the same value are written over one another; where a ReLU comes before
it, Captum reads that ReLU's gradient before the rule for the maximum has changed it; and functional
max-pooling gets no rule. Windows that are copied out first have none of these.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx, nn

_NAMES = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
_NOTHING = -1e30  # around the image: never the largest, and no difference to itself


class MaximumOfCopies(nn.Module):
    """Max-pooling as one along a line, in which the windows stand one after the other."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel, self.dilation, self.padding = map(_pair, (kernel_size, dilation, padding))
        self.stride = _pair(stride) if stride else self.kernel
        self.ceil_mode = ceil_mode
        self.largest = nn.MaxPool1d(self.kernel[0] * self.kernel[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, C, H′, W′), as max-pooling does."""
        like = F.max_pool2d(
            x.detach(), self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode
        )
        edges: list[int] = []
        for axis in (1, 0):
            reach = (like.shape[2 + axis] - 1) * self.stride[axis]
            reach += self.dilation[axis] * (self.kernel[axis] - 1) + 1
            before = self.padding[axis]
            edges += [before, reach - x.shape[2 + axis] - before]
        padded = F.pad(x, edges, value=_NOTHING)
        windows = F.unfold(padded, self.kernel, self.dilation, 0, self.stride)
        line = windows.reshape(*x.shape[:2], -1, windows.shape[2]).transpose(2, 3).flatten(2)
        return cast(torch.Tensor, self.largest(line)).reshape(like.shape)


def with_separate_maxima(graph: fx.GraphModule) -> fx.GraphModule:
    """Put windows of its own in the place of each max-pooling over an image's places.

    Parameters
    ----------
    graph : torch.fx.GraphModule
        It is changed.
    """
    modules = dict(graph.named_modules())
    for index, node in enumerate(list(graph.graph.nodes)):
        made = _replacement(node, modules)
        if made is None:
            continue
        name = f"separate_maximum_{index}"
        graph.add_submodule(name, made)
        with graph.graph.inserting_before(node):
            called = graph.graph.call_module(name, (node.all_input_nodes[0],))
        node.replace_all_uses_with(called)
        graph.graph.erase_node(node)
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _replacement(node: fx.Node, modules: dict[str, nn.Module]) -> MaximumOfCopies | None:
    if node.op == "call_module" and isinstance(pool := modules[str(node.target)], nn.MaxPool2d):
        sizes: Any = pool.kernel_size, pool.stride, pool.padding, pool.dilation
        kernel, stride, padding, dilation = sizes
        return MaximumOfCopies(kernel, stride, padding, dilation, pool.ceil_mode)
    if node.op == "call_function" and getattr(node.target, "__name__", "") == "max_pool2d":
        named: dict[str, Any] = {k: value for k, value in node.kwargs.items() if k in _NAMES}
        named |= zip(_NAMES, node.args[1:], strict=False)
        return MaximumOfCopies(**named)
    return None


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[-1])
