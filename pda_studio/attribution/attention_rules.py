"""How AttnLRP hands relevance through each operation: one rule for each kind.

The network is run as it is, under a mode in which every operation of torch computes what it always
does and hands relevance back, where it would hand back a gradient. What is known of an operation is
whether its relevance is that of its inputs in proportion to what each gave, or all of its one
input's; one that has no rule is refused by name.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from pda_studio.attribution.relevance_rules import TINY, stabilised

Share = Callable[[Tensor], tuple[Tensor, ...]]
"""Relevance of a result -> that of each of the inputs that come from the image."""

_WEIGHTED = {"linear", "conv1d", "conv2d", "conv3d"}
_LINEAR = {
    *("mean", "sum", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_avg_pool1d", "cumsum"),
    *("add", "radd", "sub", "rsub", "subtract"),
}
_MIXING = {"matmul", "rmatmul", "bmm", "einsum", "mm"}
_TIMES = {"mul", "rmul", "multiply", "truediv", "div", "divide"}
_OUT_OF_PLACE: dict[str, Callable[..., Tensor]] = {
    **{"iadd": torch.add, "isub": torch.sub, "imul": torch.mul, "itruediv": torch.div}
}
_ALONE = {
    *("neg", "negative"),
    *("relu", "relu6", "leaky_relu", "gelu", "silu", "mish", "elu", "selu", "celu", "softplus"),
    *("hardswish", "hardsigmoid", "hardtanh", "sigmoid", "tanh"),
    *("layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm", "normalize"),
}
_MOVING = {
    *("getitem", "view", "reshape", "flatten", "unflatten", "permute", "transpose", "contiguous"),
    *(
        "squeeze",
        "unsqueeze",
        "chunk",
        "split",
        "clone",
        "cat",
        "concat",
        "stack",
        "unbind",
        "roll",
    ),
    *("movedim", "swapaxes", "swapdims", "expand", "expand_as", "repeat", "pad", "flip", "get"),
    *("select", "narrow", "index_select", "gather", "to", "float", "type", "dropout", "t"),
    *("pixel_shuffle", "pixel_unshuffle", "max_pool2d", "view_as", "tensor_split", "identity"),
    *("alpha_dropout", "dropout2d", "feature_dropout", "moveaxis", "adjoint", "double", "type_as"),
}


class NoRule(Exception):
    """The name of an operation for which there is no rule."""


class AttentionRules(TorchFunctionMode):
    """AttnLRP's rules (Achtibat et al., Section 3.3), for what is done while it is entered.

    Parameters
    ----------
    epsilon : float
        Relative to the root mean square of a result.
    gamma : float
        How much more weights count in linear layers and convolutions that speak for the result.

    Attributes
    ----------
    attentions : int
        How many matrix products of two values that both come from the image have been met.
    """

    def __init__(self, epsilon: float, gamma: float) -> None:
        super().__init__()
        self._stabilise = stabilised(max(epsilon, TINY))
        self._gamma = gamma
        self.attentions = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, and let relevance come back through it."""
        # Only what comes from the image hands back anything: the rest is fixed.
        args, kwargs = tree_map(_fixed, (args, kwargs or {}))
        flat, spec = tree_flatten((args, kwargs))
        places = [i for i, value in enumerate(flat) if _is_from_image(value)]
        if not places:
            with torch.no_grad():
                return func(*args, **kwargs)
        name = str(getattr(func, "__name__", func))
        if name.endswith("_") and not name.endswith("__"):
            raise NoRule(name)  # it writes over a value that a rule may look at later
        name = name.strip("_")
        if name in _OUT_OF_PLACE:
            func, name = _OUT_OF_PLACE[name], name[1:]
        if name in _PARTS:
            with self:
                return _PARTS[name](*args, **kwargs)
        if name in ("softmax", "special_softmax"):
            return self._softmax(func, args, kwargs)
        if name in _ALONE:
            return self._alone(func, *_out_of_place(args, kwargs, name))
        if name in _WEIGHTED and self._gamma and len(places) == 1:
            return self._weighted(func, args, kwargs)
        divides = name in ("truediv", "div", "divide")
        if name in _TIMES and len(places) == 1 and not (divides and places == [1]):
            return self._scaled(func, args, kwargs, flat[places[0]])
        if name not in _WEIGHTED | _LINEAR | _MIXING | _TIMES or divides:
            result = func(*args, **kwargs)
            if name in _MOVING or not _any_from_image(result):
                return result
            raise NoRule(name)

        def run(*inputs: Tensor) -> Tensor:
            again = list(flat)
            for place, value in zip(places, inputs, strict=True):
                again[place] = value
            same, named = tree_unflatten(again, spec)
            result: Tensor = func(*same, **named)
            return result

        inputs = [flat[place] for place in places]
        self.attentions += name in _MIXING and len(inputs) == 2
        return self._in_proportion(run, inputs, 1 if name in _LINEAR else len(inputs))

    def _alone(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """The identity rule: a value's relevance is that of what is made of it alone."""
        image = args[0]
        with torch.no_grad():
            result = func(*args, **kwargs)
        return _ruled(result, [image], lambda relevance: (relevance,))

    def _scaled(self, func: Any, args: Any, kwargs: Any, image: Tensor) -> Tensor:
        """All of the relevance, where a value is multiplied by what is fixed."""
        with torch.no_grad():
            result = func(*args, **kwargs)
        return _ruled(result, [image], lambda relevance: (relevance.sum_to_size(image.shape),))

    def _softmax(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """R_i = x_i (R_i − s_i Σ_j R_j), the Taylor decomposition with its bias (Prop. 3.1)."""
        with torch.no_grad():
            result = func(*args, **kwargs)
        x = args[0].detach()
        axis = kwargs.get("dim", args[1] if len(args) > 1 else -1)

        def share(relevance: Tensor) -> tuple[Tensor]:
            left = relevance - result * relevance.sum(axis, keepdim=True)
            return (torch.where(x.isfinite(), x, 0) * left,)  # masked ones are −∞, and have none

        return _ruled(result, [args[0]], share)

    def _in_proportion(
        self, run: Callable[..., Tensor], inputs: list[Tensor], factors: int
    ) -> Tensor:
        """R_i = x_i ∂z_j/∂x_i · R_j / (n (z_j + ε)): the ε rule, and the matmul rule for n = 2."""
        with torch.no_grad():
            result = run(*inputs)
            finite = torch.where(result.isfinite(), result, 0)  # a mask's −∞ have no relevance

        def share(relevance: Tensor) -> tuple[Tensor, ...]:
            parts = relevance / self._stabilise(finite) / factors
            again = [one.detach().requires_grad_() for one in inputs]
            with torch.enable_grad():
                found = torch.autograd.grad(run(*again), again, parts)
            return tuple(x.detach() * one for x, one in zip(again, found, strict=True))

        return _ruled(result, inputs, share)

    def _weighted(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """The γ rule for inputs of both signs; the bias keeps its share."""
        names = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        image, weight, bias = names["input"], names["weight"], names.get("bias")
        rest = args[3:], {k: v for k, v in kwargs.items() if k not in ("input", "weight", "bias")}
        with torch.no_grad():
            result = func(*args, **kwargs)

        def run(x: Tensor, sign: int, with_bias: bool) -> Tensor:
            """With weights of this sign 1 + γ times as large."""
            more = [
                None if one is None else one + self._gamma * sign * (sign * one).clamp(min=0)
                for one in (weight, bias)
            ]
            made: Tensor = func(x, more[0], more[1] if with_bias else None, *rest[0], **rest[1])
            return made

        def share(relevance: Tensor) -> tuple[Tensor]:
            x = image.detach().requires_grad_()
            with torch.enable_grad():
                up = run(x.clamp(min=0), 1, True) + run(x.clamp(max=0), -1, False)
                down = run(x.clamp(min=0), -1, True) + run(x.clamp(max=0), 1, False)
                z = torch.where(result > 0, up, down)
                (found,) = torch.autograd.grad(z, x, relevance / self._stabilise(z.detach()))
            return (x.detach() * found,)

        return _ruled(result, [image], share)


class _Ruled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, share: Share, result: list[Tensor], *inputs: Tensor) -> Tensor:
        ctx.share = share
        return result[0]

    @staticmethod
    def backward(ctx: Any, *relevance: Any) -> Any:
        return None, None, *ctx.share(relevance[0])


def _ruled(result: Tensor, inputs: Iterable[Tensor], share: Share) -> Tensor:
    """A result through which relevance comes back by a rule."""
    with torch.enable_grad():
        made: Tensor = _Ruled.apply(share, [result], *inputs)
    return made


def _is_from_image(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _any_from_image(result: Any) -> bool:
    return any(_is_from_image(one) for one in tree_flatten(result)[0])


def _fixed(value: Any) -> Any:
    """A parameter without its gradient."""
    return value.detach() if isinstance(value, nn.Parameter) and value.requires_grad else value


def _out_of_place(args: Any, kwargs: Any, name: str) -> tuple[Any, Any]:
    """The same arguments, but nothing is written over."""
    if not name.endswith("norm"):
        args = [False if one is True else one for one in args]
    return args, {key: False if key == "inplace" else one for key, one in kwargs.items()}


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention as torch has it, in its parts."""
    if enable_gqa or is_causal:
        raise NoRule("scaled_dot_product_attention with groups or an order")
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = torch.matmul(query * scale, key.transpose(-2, -1))
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            blocked = torch.zeros(attn_mask.shape, device=scores.device, dtype=scores.dtype)
            attn_mask = blocked.masked_fill(~attn_mask, -math.inf)
        scores = scores + attn_mask
    return torch.matmul(torch.softmax(scores, -1), value)


def _multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    **named: Any,
) -> tuple[Tensor, Tensor | None]:
    """The attention of `torch.nn.MultiheadAttention` (T, N, C), in its parts."""
    if (
        query.ndim != 3
        or bias_k is not None
        or add_zero_attn
        or named.get("key_padding_mask") is not None
    ):
        raise NoRule("multi_head_attention_forward of another kind")
    if named.get("use_separate_proj_weight"):
        weights = [named[f"{one}_proj_weight"] for one in "qkv"]
    else:
        assert in_proj_weight is not None
        weights = list(in_proj_weight.chunk(3))
    biases = [None] * 3 if in_proj_bias is None else list(in_proj_bias.chunk(3))
    made = zip((query, key, value), weights, biases, strict=True)
    parts = [F.linear(x, weight, bias) for x, weight, bias in made]
    queries, keys, values = (_by_head(part, num_heads) for part in parts)
    mixed = _attention(queries, keys, values, _mask(named.get("attn_mask")))
    length, count, width = parts[0].shape
    joined = mixed.permute(2, 0, 1, 3).reshape(length, count, width)
    return F.linear(joined, out_proj_weight, out_proj_bias), None


def _by_head(tokens: Tensor, heads: int) -> Tensor:
    """Tokens (T, N, C) as (N, heads, T, C / heads)."""
    length, count, width = tokens.shape
    return tokens.reshape(length, count, heads, width // heads).permute(1, 2, 0, 3)


def _mask(mask: Tensor | None) -> Tensor | None:
    """What is added to the scores; where a mask is true, nobody may look."""
    if mask is None or mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, device=mask.device).masked_fill(mask, -math.inf)


_PARTS: dict[str, Callable[..., Any]] = {
    "scaled_dot_product_attention": _attention,
    "multi_head_attention_forward": _multi_head_attention,
}
"""What torch does as one, in operations that have rules."""
