"""Relevance's work: rules by which each layer hands back what it got, by zennit."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from zennit.core import Composite, Hook
from zennit.rules import AlphaBeta, Epsilon, Flat, Gamma, Norm, Pass, ZBox, ZPlus

from pda_studio.attribution import relevance_map
from pda_studio.attribution.gradients import prepared
from pda_studio.attribution.relevance_rules import (
    TINY,
    ConservingAlphaBeta,
    ConservingEpsilon,
    ConservingGamma,
    ConservingPlus,
    stabilised,
)
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.endings import Contrast
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.classifiers.pieces import Piece, piecewise_linear
from pda_studio.errors import UsageError
from pda_studio.methods.base import Progress
from pda_studio.methods.relevance import Bias, Composition, Relevance
from pda_studio.results import EvidenceMap, Subject


@dataclass(frozen=True)
class Rules:
    """How each layer shares out the relevance that it gets among its inputs.

    Attributes
    ----------
    purpose : str
        The method's name for people, for messages.
    special_first : bool
        Whether convolutions that take the pixels have a rule of their own.
    """

    purpose: str

    @property
    def special_first(self) -> bool:
        """Whether the first layer must be a convolution."""
        return False

    def weighted(self, layer: nn.Module) -> Hook:
        """The rule of a convolution or a fully connected layer."""
        raise NotImplementedError

    def at_pixels(self, layer: nn.Module, classifier: Classifier) -> Hook:
        """The rule of a convolution that takes the pixels themselves."""
        return self.weighted(layer)

    def sum(self) -> Hook:
        """The rule of skip connections: in proportion to the parts."""
        return _in_proportion()


@dataclass(frozen=True)
class EpsilonRules(Rules):
    """In proportion to what inputs gave, with an ε that mutes what cancels out."""

    bias: Bias
    epsilon: float

    def weighted(self, layer: nn.Module) -> Hook:
        """Share in proportion to z_ij, stabilised."""
        return _epsilon(self.epsilon, self.bias)

    def sum(self) -> Hook:
        """Share as weighted layers do, or in proportion to the parts."""
        return self.weighted(nn.Identity()) if self.bias == "shared" else super().sum()


@dataclass(frozen=True)
class AlphaBetaRules(Rules):
    """Positive and negative parts apart, twice and once."""

    bias: Bias

    def weighted(self, layer: nn.Module) -> Hook:
        """Share the positive and the negative parts apart."""
        return _alpha_beta(self.bias)

    def sum(self) -> Hook:
        """Share as weighted layers do, or in proportion to the parts."""
        return self.weighted(nn.Identity()) if self.bias == "shared" else super().sum()


@dataclass(frozen=True)
class DeepTaylorRules(Rules):
    """Positive parts inside, and within the pixels' bounds at the pixels."""

    @property
    def special_first(self) -> bool:
        """Pixels are bounded."""
        return True

    def weighted(self, layer: nn.Module) -> Hook:
        """Share the positive parts."""
        return ConservingPlus()

    def at_pixels(self, layer: nn.Module, classifier: Classifier) -> Hook:
        """Share by the distance from the least (greatest) pixel where weights are positive."""
        return _box(classifier, ["bias"])

    def sum(self) -> Hook:
        """Share the positive parts."""
        return ConservingPlus()


@dataclass(frozen=True)
class CompositeRules(Rules):
    """One rule for fully connected layers, one for convolutions, one for the first."""

    composite: Composition
    bias: Bias
    gamma: float

    @property
    def special_first(self) -> bool:
        """Whether the composite names a rule for the first layer."""
        return self.composite.endswith(("-flat", "-box"))

    def weighted(self, layer: nn.Module) -> Hook:
        """ε for fully connected layers, and what the composite names for convolutions."""
        if isinstance(layer, nn.Linear):
            return _epsilon(TINY, self.bias)
        return self._convolution()

    def at_pixels(self, layer: nn.Module, classifier: Classifier) -> Hook:
        """The same, or what the composite names for the first layer."""
        if self.composite.endswith("-flat"):
            return Flat(stabilised())
        if self.composite.endswith("-box"):
            return _box(classifier, ["bias"] if self.bias == "shared" else _left_out(self.bias))
        return self.weighted(layer)

    def sum(self) -> Hook:
        """Share as convolutions do, or in proportion to the parts."""
        return self._convolution() if self.bias == "shared" else super().sum()

    def _convolution(self) -> Hook:
        shared, left_out = self.bias == "shared", _left_out(self.bias)
        if "gamma" in self.composite:
            gamma = Gamma(self.gamma, stabilised(), left_out)
            return ConservingGamma(self.gamma) if shared else gamma
        if "alpha2-beta1" in self.composite:
            return _alpha_beta(self.bias)
        return ConservingPlus() if shared else ZPlus(stabilised(), left_out)


def steps(method: Relevance, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Share out in one backward pass."""

    def share() -> tuple[torch.Tensor, float]:
        with differentiable():
            return relevance_of(method.rules(), subject.scored, prepared(subject), subject.index)

    yield from relevance_map.steps(method, subject, share)


def relevance_of(
    rules: Rules, classifier: Classifier, image: torch.Tensor, target: int
) -> tuple[torch.Tensor, float]:
    """Relevance of every number that the network is given.

    Parameters
    ----------
    rules : Rules
        By which each layer shares out.
    classifier : Classifier
        The network.
    image : (1, C, H, W)
        Normalised.
    target : int
        Index of the class.

    Returns
    -------
    relevance : (1, C, H, W)
        In the logit's unit.
    logit : float
        f, which is shared out.

    Raises
    ------
    UsageError
        If the network is not piece-wise linear, or the rules let relevance grow without bounds.
    """
    with torch.no_grad():
        program, pieces = piecewise_linear(classifier, image, rules.purpose, folded=True)
        layers, by_name = _layered(rules, classifier, program, pieces)
    variable = image.detach().clone().requires_grad_()
    # The rules hook on copies of the layers: the network itself is not touched.
    with Composite(module_map=lambda _, name, __: by_name.get(name)).context(layers):
        program.run(variable)
        logit = program.output.value[0, target]
        (relevance,) = torch.autograd.grad(logit, variable, logit.detach())
    if not relevance.isfinite().all():
        raise UsageError(
            f"{rules.purpose} grows beyond all bounds in {classifier.name} with these rules: choose"
            " a larger ε, or biases shared."
        )
    return relevance, logit.item()


def _layered(
    rules: Rules, classifier: Classifier, program: Program, pieces: dict[Operation, Piece]
) -> tuple[nn.ModuleList, dict[str, Hook]]:
    """Run each operation that needs a rule as a layer of its own: these, rules by name."""
    layers, by_name = nn.ModuleList(), {}
    for operation, piece in pieces.items():
        takes_pixels = program.image in operation.inputs()
        if rules.special_first and takes_pixels and piece != "weighted":
            raise UsageError(
                f"{rules.purpose} needs a network whose first layer is a convolution;"
                f" {classifier.name} does something else to the image first."
            )
        if piece in ("maximum", "rearrangement"):
            continue  # their gradient hands on what it gets, to where the value came from
        name, inputs = str(len(layers)), _from_image(operation, program, pieces)
        if piece == "weighted":
            assert operation.module is not None
            # Weights are shared, but not the layer, on which rules put others for a moment.
            shared = {id(one): one for one in operation.module.parameters()}
            layers.append(deepcopy(operation.module, shared))
            if isinstance(classifier.network, Contrast) and operation.layers == ("difference",):
                by_name[name] = _in_proportion()  # so that a map of a − b is that of a less b's
            else:
                at_pixels = rules.at_pixels(layers[-1], classifier) if takes_pixels else None
                by_name[name] = at_pixels or rules.weighted(layers[-1])
        elif piece == "sum":
            layers.append(_Sum(operation.value))
            by_name[f"{name}.parts"] = rules.sum()
        else:
            layers.append(_Alone(operation, inputs[0]))
            passes = piece in ("activation", "normalisation")
            by_name[name] = Pass() if passes else _in_proportion()
        operation.call, operation.args, operation.kwargs = layers[-1], tuple(inputs), {}
    return layers, by_name


class _Alone(nn.Module):
    """An operation as a layer of one input; what does not come from the image is fixed."""

    def __init__(self, operation: Operation, variable: Operation) -> None:
        super().__init__()
        self._operation = replace(operation)  # as it is now: it will call this layer instead
        self._variable = variable

    def forward(self, x: torch.Tensor) -> Any:
        """Return its result for another value of the input."""
        return self._operation.with_arguments(
            lambda used: x if used is self._variable else used.value
        )


class _Sum(nn.Module):
    """A sum of two values as a linear layer of two inputs with weights 1."""

    def __init__(self, like: torch.Tensor) -> None:
        super().__init__()
        self._shape = like.shape
        self.parts = nn.Linear(2, 1, bias=False, device=like.device, dtype=like.dtype)
        nn.init.ones_(self.parts.weight).requires_grad_(False)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> Any:
        """Return first + second."""
        both = torch.stack((first.expand(self._shape), second.expand(self._shape)), -1)
        return self.parts(both)[..., 0]


def _from_image(
    operation: Operation, program: Program, pieces: dict[Operation, Piece]
) -> list[Operation]:
    """Inputs of an operation that come from the image."""
    return [used for used in operation.inputs() if used in pieces or used is program.image]


def _epsilon(epsilon: float, bias: Bias) -> Hook:
    if bias == "shared":
        return ConservingEpsilon(max(epsilon, TINY))
    return Epsilon(stabilised(max(epsilon, TINY)), _left_out(bias))


def _alpha_beta(bias: Bias) -> Hook:
    if bias == "shared":
        return ConservingAlphaBeta(2, 1)
    return AlphaBeta(2, 1, stabilised(), _left_out(bias))


def _box(classifier: Classifier, left_out: list[str]) -> Hook:
    """The z^B rule, between a black and a white pixel."""
    normalise, channels = classifier.preprocessing.normalise, classifier.preprocessing.channels
    low = normalise(torch.zeros(1, channels, 1, 1))
    high = normalise(torch.ones(1, channels, 1, 1))
    return ZBox(low, high, stabilised(), left_out)


def _in_proportion() -> Hook:
    return Norm(stabilised())


def _left_out(bias: Bias) -> list[str]:
    """Names of weights that play no part in the rules."""
    return ["bias"] if bias == "ignored" else []
