"""Rules by which a layer hands its relevance to its inputs, with nothing lost on the way.

In zennit's rules a unit's bias and ε keep their share of its relevance. Where a unit has few
inputs, as in a depthwise convolution, or is active because of its bias alone, that is most of it.
The rules here give that share to the inputs, too: in proportion to the size |z_ij| of what each
gave, and where none gave anything, to the squares of the weights, as the w² rule of deep Taylor
decomposition does. Units that no ReLU follows can be negative; then what makes them so is what the
rules for positive parts take.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from zennit.core import Hook, ParamMod
from zennit.rules import ClampMod, GammaMod, NoMod

Stabiliser = Callable[[Tensor], Tensor]
"""Pushes sums away from 0."""

Pass = tuple[Callable[[Tensor], Tensor], ParamMod]
"""What becomes of a layer's input, and of its weights, for another pass through it."""

TINY = 1e-6
"""Keeps denominators from 0, as a share of the root mean square of a layer's results."""


def stabilised(share: float = TINY) -> Stabiliser:
    """Push z away from 0: z + ε·sign(z), with ε = share · the root mean square of z."""

    def stabilise(z: Tensor) -> Tensor:
        epsilon = share * z.square().mean().sqrt() + torch.finfo(z.dtype).tiny
        return torch.where(z < 0, z - epsilon, z + epsilon)

    return stabilise


def _positive(x: Tensor) -> Tensor:
    return x.clamp(min=0)


def _negative(x: Tensor) -> Tensor:
    return x.clamp(max=0)


_WITHOUT: dict[str, Any] = {"zero_params": ["bias"]}
_EXCITING: tuple[Pass, ...] = (
    (_positive, ClampMod(min=0.0, **_WITHOUT)),
    (_negative, ClampMod(max=0.0, **_WITHOUT)),
)
_INHIBITING: tuple[Pass, ...] = (
    (_positive, ClampMod(max=0.0, **_WITHOUT)),
    (_negative, ClampMod(min=0.0, **_WITHOUT)),
)
_PLAIN: Pass = (torch.clone, NoMod(**_WITHOUT))
_SIZES: Pass = (torch.abs, ParamMod(lambda weights, _: weights.abs(), **_WITHOUT))
_SQUARES: Pass = (torch.ones_like, ParamMod(lambda weights, _: weights**2, **_WITHOUT))


class Conserving(Hook):  # type: ignore[misc]  # zennit has no types
    """A rule that hands on all of a unit's relevance."""

    passes: Sequence[Pass]

    @abstractmethod
    def factors(self, value: Tensor, parts: list[Tensor], relevance: Tensor) -> list[Tensor]:
        """By what each pass's z_ij are multiplied to give the inputs' shares.

        Parameters
        ----------
        value : Tensor
            The layer's result.
        parts : list of Tensor
            The results of `passes`, each without the bias.
        relevance : Tensor
            What is shared out.
        """

    def remainder(
        self, parts: list[Tensor], factors: list[Tensor], relevance: Tensor, value: Tensor
    ) -> Tensor:
        """The relevance that these factors leave with the units."""
        left = relevance.clone()
        for part, factor in zip(parts, factors, strict=True):
            left -= part * factor
        return left

    def copy(self) -> "Conserving":
        """Return the same rule for another layer, as zennit asks for."""
        made = type(self).__new__(type(self))
        Hook.__init__(made)
        made.__dict__ = {**self.__dict__, **made.__dict__}
        return made

    def forward(self, module: nn.Module, input: Any, output: Tensor) -> None:
        """Hold what the layer was given, and what it made of it."""
        self.stored_tensors.update(input=input, value=output.detach())

    def backward(self, module: nn.Module, grad_input: Any, grad_output: Any) -> Any:
        """Share out the relevance of the layer's results."""
        image, value = self.stored_tensors["input"][0], self.stored_tensors["value"]
        relevance = grad_output[0]
        made = [_passed(module, image, one) for one in self.passes]
        parts = [output.detach() for _, output in made]
        factors = self.factors(value, parts, relevance)
        inputs = [pair[0] for pair in made]
        gradients = torch.autograd.grad([pair[1] for pair in made], inputs, factors)
        shares = torch.zeros_like(image)
        for x, gradient in zip(inputs, gradients, strict=True):
            shares = shares + x.detach() * gradient
        left = self.remainder(parts, factors, relevance, value)
        for one in (_SIZES, _SQUARES):
            if not left.any():
                break
            x, total = _passed(module, image, one)
            some = total.detach() > 0
            factor = torch.where(some, left / torch.where(some, total.detach(), 1), 0)
            shares = shares + x.detach() * torch.autograd.grad(total, x, factor)[0]
            left = torch.where(some, 0, left)
        return tuple(shares if one.shape == shares.shape else None for one in grad_input)


class ConservingEpsilon(Conserving):
    """In proportion to z_ij, the less the nearer Σ_i z_ij + b_j is to 0."""

    passes = (_PLAIN,)

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self._stabilise = stabilised(epsilon)

    def factors(self, value: Tensor, parts: list[Tensor], relevance: Tensor) -> list[Tensor]:
        """R_j / (z_j + ε·sign z_j)."""
        return [relevance / self._stabilise(value)]


class ConservingPlus(Conserving):
    """In proportion to the parts of the sign of the unit's own value.

    Only what a unit without any such part would lose is shared out otherwise: where there is one,
    this is zennit's ZPlus, bit for bit.
    """

    passes = (*_EXCITING, *_INHIBITING)

    def __init__(self) -> None:
        super().__init__()
        self._stabilise = stabilised()

    def factors(self, value: Tensor, parts: list[Tensor], relevance: Tensor) -> list[Tensor]:
        """R_j / z⁺_j, or R_j / z⁻_j where z_j < 0."""
        up = relevance / self._stabilise(parts[0] + parts[1])
        down = relevance / self._stabilise(parts[2] + parts[3])
        return [torch.where(value < 0, 0, up)] * 2 + [torch.where(value < 0, down, 0)] * 2

    def remainder(
        self, parts: list[Tensor], factors: list[Tensor], relevance: Tensor, value: Tensor
    ) -> Tensor:
        """The relevance of units without such a part."""
        own = torch.where(value < 0, parts[2] + parts[3], parts[0] + parts[1])
        return torch.where(own == 0, relevance, 0)


class ConservingAlphaBeta(Conserving):
    """Twice for the parts of the sign of the unit's own value, once against the others."""

    passes = (*_EXCITING, *_INHIBITING)

    def __init__(self, alpha: float, beta: float) -> None:
        super().__init__()
        self._alpha, self._beta = alpha, beta
        self._stabilise = stabilised()

    def factors(self, value: Tensor, parts: list[Tensor], relevance: Tensor) -> list[Tensor]:
        """α·R_j / z⁺_j and −β·R_j / z⁻_j, the other way round where z_j < 0."""
        up = relevance / self._stabilise(parts[0] + parts[1])
        down = relevance / self._stabilise(parts[2] + parts[3])
        up = torch.where(value < 0, -self._beta, self._alpha) * up
        down = torch.where(value < 0, self._alpha, -self._beta) * down
        return [up, up, down, down]


class ConservingGamma(Conserving):
    """In proportion to z_ij, where those of the unit's own sign count 1 + γ times."""

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self._stabilise = stabilised()
        self.passes = (
            (_positive, GammaMod(gamma, min=0.0, **_WITHOUT)),
            (_negative, GammaMod(gamma, max=0.0, **_WITHOUT)),
            (_positive, GammaMod(gamma, max=0.0, **_WITHOUT)),
            (_negative, GammaMod(gamma, min=0.0, **_WITHOUT)),
            _PLAIN,
        )
        self._gamma = gamma

    def factors(self, value: Tensor, parts: list[Tensor], relevance: Tensor) -> list[Tensor]:
        """R_j over the sum of what counts, the bias included: so it has the sign of z_j."""
        bias = value - parts[4]
        for_positive = bias + self._gamma * _positive(bias)
        for_negative = bias + self._gamma * _negative(bias)
        up = relevance / self._stabilise(parts[0] + parts[1] + for_positive)
        down = relevance / self._stabilise(parts[2] + parts[3] + for_negative)
        up, down = torch.where(value < 0, 0, up), torch.where(value < 0, down, 0)
        return [up, up, down, down, torch.zeros_like(up)]


def _passed(module: nn.Module, image: Tensor, one: Pass) -> tuple[Tensor, Tensor]:
    """A layer's input as the pass wants it, and what the layer makes of it with those weights."""
    x = one[0](image.detach()).requires_grad_()
    with one[1](module) as modified, torch.enable_grad():
        return x, modified.forward(x)
