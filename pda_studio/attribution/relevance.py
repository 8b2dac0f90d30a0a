"""Relevance's work: rules by which each layer hands back what it got, by zennit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, ClassVar

import torch
from torch import nn
from zennit.core import Composite, Hook
from zennit.rules import AlphaBeta, Epsilon, Norm, Pass, ZBox, ZPlus

from pda_studio.attribution.gradients import differentiable, logit_unit, prepared
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.endings import Contrast
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.classifiers.pieces import Piece, piecewise_linear
from pda_studio.diagnostics import Conservation
from pda_studio.errors import UsageError
from pda_studio.methods.base import Progress
from pda_studio.methods.relevance import Bias, Relevance
from pda_studio.results import EvidenceMap, Subject

_TINY = 1e-6
"""Keeps denominators from 0, as a share of the root mean square of a layer's results."""


@dataclass(frozen=True)
class Rules:
    """How each layer shares out the relevance that it gets among its inputs.

    Attributes
    ----------
    purpose : str
        The method's name for people, for messages.
    bounded : bool
        Whether the rule at the pixels needs to know their bounds.
    """

    bounded: ClassVar[bool] = False

    purpose: str

    def weighted(self) -> Hook:
        """The rule of convolutions and fully connected layers."""
        raise NotImplementedError

    def at_pixels(self, classifier: Classifier) -> Hook:
        """The rule of convolutions that take the pixels themselves."""
        return self.weighted()

    def sum(self) -> Hook:
        """The rule of skip connections: in proportion to the parts."""
        return _in_proportion()


@dataclass(frozen=True)
class EpsilonRules(Rules):
    """In proportion to what inputs gave, with an ε that mutes what cancels out."""

    bias: Bias
    epsilon: float

    def weighted(self) -> Hook:
        """Share in proportion to z_ij, stabilised."""
        return Epsilon(_stabilised(max(self.epsilon, _TINY)), _left_out(self.bias))


@dataclass(frozen=True)
class AlphaBetaRules(Rules):
    """Positive and negative parts apart, twice and once."""

    bias: Bias

    def weighted(self) -> Hook:
        """Share the positive and the negative parts apart."""
        return AlphaBeta(2, 1, _stabilised(_TINY), _left_out(self.bias))


@dataclass(frozen=True)
class DeepTaylorRules(Rules):
    """Positive parts inside, and within the pixels' bounds at the pixels."""

    bounded: ClassVar[bool] = True

    def weighted(self) -> Hook:
        """Share the positive parts."""
        return ZPlus(_stabilised(_TINY), ["bias"])

    def at_pixels(self, classifier: Classifier) -> Hook:
        """Share by the distance from the least (greatest) pixel where weights are positive."""
        normalise, channels = classifier.preprocessing.normalise, classifier.preprocessing.channels
        low = normalise(torch.zeros(1, channels, 1, 1))
        high = normalise(torch.ones(1, channels, 1, 1))
        return ZBox(low, high, _stabilised(_TINY), ["bias"])

    def sum(self) -> Hook:
        """Share the positive parts."""
        return self.weighted()


def steps(method: Relevance, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Share out in one backward pass."""
    began = perf_counter()
    classifier = subject.scored
    with differentiable():
        relevance, logit = relevance_of(
            method.rules(), classifier, prepared(subject), subject.index
        )
    found = subject.map_of(
        method,
        relevance[0].sum(0).cpu().numpy(),
        logit_unit(classifier),
        perf_counter() - began,
        diagnostics=(Conservation(relevance.double().sum().item(), logit),),
    )
    yield Progress(1, 1, lambda: found)


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
        If the network is not piece-wise linear.
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
    return relevance, logit.item()


def _layered(
    rules: Rules, classifier: Classifier, program: Program, pieces: dict[Operation, Piece]
) -> tuple[nn.ModuleList, dict[str, Hook]]:
    """Run each operation that needs a rule as a layer of its own: these, rules by name."""
    layers, by_name = nn.ModuleList(), {}
    for operation, piece in pieces.items():
        takes_pixels = program.image in operation.inputs()
        if rules.bounded and takes_pixels and piece != "weighted":
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
                by_name[name] = rules.at_pixels(classifier) if takes_pixels else rules.weighted()
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


def _stabilised(share: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """Push z away from 0: z + ε·sign(z), with ε = share · the root mean square of z."""

    def stabilise(z: torch.Tensor) -> torch.Tensor:
        epsilon = share * z.square().mean().sqrt() + torch.finfo(z.dtype).tiny
        return torch.where(z < 0, z - epsilon, z + epsilon)

    return stabilise


def _in_proportion() -> Hook:
    return Norm(_stabilised(_TINY))


def _left_out(bias: Bias) -> list[str]:
    """Names of weights that play no part in the rules."""
    return ["bias"] if bias == "ignored" else []
