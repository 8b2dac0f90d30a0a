"""Relevance: the target's logit is handed back from layer to layer, down to the pixels."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import nn

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.endings import Contrast
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.classifiers.pieces import Piece, piecewise_linear
from pda_studio.errors import UsageError
from pda_studio.methods.base import Family, Method, Progress, parameter
from pda_studio.methods.evidence import Subject
from pda_studio.methods.gradients import differentiable, logit_unit, prepared

if TYPE_CHECKING:
    from zennit.core import Hook

_TINY = 1e-6
"""Keeps denominators from 0, as a share of the root mean square of a layer's results."""

_BACH = "Bach et al., On pixel-wise explanations for non-linear classifier decisions, PLoS ONE 2015"


class Relevance(Method):
    """Hand the logit back from each layer to the one before it, in proportion to what it gave.

    The relevance R_j of a unit is shared among its inputs by a rule. All start with the target's
    logit f at the output; the map is the pixels' R, summed over the colours. BatchNorm is folded
    into the convolutions first; where it does not follow one, it passes relevance on as it is, as
    ReLUs do. Maxima pass it to the largest input; averages and skip connections share it in
    proportion to the parts. What biases and stabilisers take is missing in the map:
    |ΣR − f| / |f|, the conservation error, is told with it.
    """

    family: ClassVar[Family] = "Relevance"

    bounded: ClassVar[bool] = False
    """Whether the rule at the pixels needs to know their bounds."""

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Share out in one backward pass."""
        began = perf_counter()
        classifier = subject.classifier
        with differentiable():
            relevance, logit = self.relevance(classifier, prepared(subject), subject.target)
        found = self.map_of(
            subject,
            relevance[0].sum(0).cpu().numpy(),
            logit_unit(classifier),
            perf_counter() - began,
            forward=_conservation(relevance, logit),
        )
        yield Progress(1, 1, lambda: found)

    def cost(self, subject: Subject) -> int:
        """Two forward passes and a backward pass, whose rules run each layer up to four times."""
        return 8

    def relevance(
        self, classifier: Classifier, image: torch.Tensor, target: int
    ) -> tuple[torch.Tensor, float]:
        """Relevance of every number that the network is given.

        Parameters
        ----------
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
        from zennit.core import Composite

        with torch.no_grad():
            program, pieces = piecewise_linear(classifier, image, self.title, folded=True)
            layers, rules = self._layered(classifier, program, pieces)
        variable = image.detach().clone().requires_grad_()
        # The rules hook on copies of the layers: the network itself is not touched.
        with Composite(module_map=lambda _, name, __: rules.get(name)).context(layers):
            program.run(variable)
            logit = program.output.value[0, target]
            (relevance,) = torch.autograd.grad(logit, variable, logit.detach())
        return relevance, logit.item()

    def weighted(self) -> "Hook":
        """The rule of convolutions and fully connected layers."""
        raise NotImplementedError

    def at_pixels(self, classifier: Classifier) -> "Hook":
        """The rule of convolutions that take the pixels themselves."""
        return self.weighted()

    def sum(self) -> "Hook":
        """The rule of skip connections: in proportion to the parts."""
        return _in_proportion()

    def _layered(
        self, classifier: Classifier, program: Program, pieces: dict[Operation, Piece]
    ) -> tuple[nn.ModuleList, "dict[str, Hook]"]:
        """Run each operation that needs a rule as a layer of its own: these, rules by name."""
        from zennit.rules import Pass

        layers, rules = nn.ModuleList(), {}
        for operation, piece in pieces.items():
            takes_pixels = program.image in operation.inputs()
            if self.bounded and takes_pixels and piece != "weighted":
                raise UsageError(
                    f"{self.title} needs a network whose first layer is a convolution;"
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
                    rules[name] = _in_proportion()  # so that a map of a − b is that of a less b's
                else:
                    rules[name] = self.at_pixels(classifier) if takes_pixels else self.weighted()
            elif piece == "sum":
                layers.append(_Sum(operation.value))
                rules[f"{name}.parts"] = self.sum()
            else:
                layers.append(_Alone(operation, inputs[0]))
                passes = piece in ("activation", "normalisation")
                rules[name] = Pass() if passes else _in_proportion()
            operation.call, operation.args, operation.kwargs = layers[-1], tuple(inputs), {}
        return layers, rules


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


def _in_proportion() -> "Hook":
    from zennit.rules import Norm

    return Norm(_stabilised(_TINY))


def _conservation(relevance: torch.Tensor, logit: float) -> str:
    """How much of the logit the pixels have lost or gained."""
    if logit == 0:
        return "nothing to share out: the logit is 0"
    percent = 100 * abs(relevance.double().sum().item() - logit) / abs(logit)
    return f"conservation error {percent:{'.2g' if percent < 10 else '.0f'}} %"


Bias = Literal["absorbs", "ignored"]


class LayerwiseRelevance(Relevance):
    """What the rules of layer-wise relevance propagation have in common."""

    bias: Bias = parameter(
        "absorbs",
        "Biases",
        "Whether a layer's bias takes its share of the relevance (absorbs), as the paper has it, or"
        " leaves all to the layer's inputs (ignored).",
    )

    @property
    def left_out(self) -> list[str]:
        """Names of weights that play no part in the rules."""
        return ["bias"] if self.bias == "ignored" else []


class LrpEpsilon(LayerwiseRelevance):
    """R_i = Σ_j z_ij / (z_j + ε·sign z_j) · R_j with z_ij = x_i w_ij and z_j = Σ_i z_ij + b_j.

    ε is relative: `epsilon` times the root mean square of the layer's z, so that one value suits
    all layers. Montavon et al. (Layer-wise relevance propagation: an overview, 2019) take 0.25.
    """

    name: ClassVar[str] = "lrp-epsilon"
    title: ClassVar[str] = "LRP-ε"
    summary: ClassVar[str] = (
        "Each layer hands relevance back in proportion to what its inputs gave; a small ε mutes"
        " units whose inputs cancel out."
    )
    citation: ClassVar[str] = f"{_BACH}, Eq. 58"

    epsilon: float = parameter(
        0.25,
        "ε",
        "What is added to each unit's sum, relative to the root mean square of its layer; more"
        " gives smoother maps and loses more relevance.",
        step=0.01,
        ge=0,
        le=1,
    )

    def weighted(self) -> "Hook":
        """Share in proportion to z_ij, stabilised."""
        from zennit.rules import Epsilon

        return Epsilon(_stabilised(max(self.epsilon, _TINY)), self.left_out)


class LrpAlpha2Beta1(LayerwiseRelevance):
    """R_i = Σ_j (2 z⁺_ij / z⁺_j − z⁻_ij / z⁻_j) · R_j: positive and negative parts apart."""

    name: ClassVar[str] = "lrp-alpha2-beta1"
    title: ClassVar[str] = "LRP-α2β1"
    summary: ClassVar[str] = (
        "What excites a unit gets twice its relevance, and what inhibits it loses it once."
    )
    citation: ClassVar[str] = f"{_BACH}, Eq. 60"

    def weighted(self) -> "Hook":
        """Share the positive and the negative parts apart."""
        from zennit.rules import AlphaBeta

        return AlphaBeta(2, 1, _stabilised(_TINY), self.left_out)


class DeepTaylor(Relevance):
    """z⁺ rule inside, z^B rule at the pixels.

    R_i = Σ_j z_ij / Σ_i′ z_i′j · R_j with z_ij = x_i w⁺_ij inside, and at the pixels, whose least
    and greatest values after normalisation are l and h, z_ij = x_i w_ij − l_i w⁺_ij − h_i w⁻_ij.
    Neither has the biases in it. As all shares are positive, the whole map has the sign of f.
    """

    name: ClassVar[str] = "deep-taylor"
    title: ClassVar[str] = "Deep Taylor decomposition"
    summary: ClassVar[str] = (
        "Each layer hands relevance back to what excites it only: a map of one sign, that of the"
        " logit."
    )
    citation: ClassVar[str] = (
        "Montavon et al., Explaining nonlinear classification decisions with deep Taylor"
        " decomposition, Pattern Recognition 65, 2017"
    )

    bounded: ClassVar[bool] = True

    def weighted(self) -> "Hook":
        """Share the positive parts."""
        from zennit.rules import ZPlus

        return ZPlus(_stabilised(_TINY), ["bias"])

    def at_pixels(self, classifier: Classifier) -> "Hook":
        """Share by the distance from the least (greatest) pixel where weights are positive."""
        from zennit.rules import ZBox

        normalise, channels = classifier.preprocessing.normalise, classifier.preprocessing.channels
        low = normalise(torch.zeros(1, channels, 1, 1))
        high = normalise(torch.ones(1, channels, 1, 1))
        return ZBox(low, high, _stabilised(_TINY), ["bias"])

    def sum(self) -> "Hook":
        """Share the positive parts."""
        return self.weighted()
