"""Relevance: the target's logit is handed back from layer to layer, down to the pixels."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.attribution.relevance import Rules
    from pda_studio.results import EvidenceMap, Subject

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

    @abstractmethod
    def rules(self) -> Rules:
        """The rules by which layers share out."""

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Share out in one backward pass."""
        from pda_studio.attribution import relevance

        yield from relevance.steps(self, subject)

    def cost(self, subject: Subject) -> int:
        """Two forward passes and a backward pass, whose rules run each layer up to four times."""
        return 8


Bias = Literal["absorbs", "ignored"]


class LayerwiseRelevance(Relevance):
    """What the rules of layer-wise relevance propagation have in common."""

    bias: Bias = parameter(
        "absorbs",
        "Biases",
        "Whether a layer's bias takes its share of the relevance (absorbs), as the paper has it, or"
        " leaves all to the layer's inputs (ignored).",
    )


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

    def rules(self) -> Rules:
        """The rules by which layers share out."""
        from pda_studio.attribution.relevance import EpsilonRules

        return EpsilonRules(self.title, self.bias, self.epsilon)


class LrpAlpha2Beta1(LayerwiseRelevance):
    """R_i = Σ_j (2 z⁺_ij / z⁺_j − z⁻_ij / z⁻_j) · R_j: positive and negative parts apart."""

    name: ClassVar[str] = "lrp-alpha2-beta1"
    title: ClassVar[str] = "LRP-α2β1"
    summary: ClassVar[str] = (
        "What excites a unit gets twice its relevance, and what inhibits it loses it once."
    )
    citation: ClassVar[str] = f"{_BACH}, Eq. 60"

    def rules(self) -> Rules:
        """The rules by which layers share out."""
        from pda_studio.attribution.relevance import AlphaBetaRules

        return AlphaBetaRules(self.title, self.bias)


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

    def rules(self) -> Rules:
        """The rules by which layers share out."""
        from pda_studio.attribution.relevance import DeepTaylorRules

        return DeepTaylorRules(self.title)
