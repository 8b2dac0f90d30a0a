"""Relevance: the target's logit is handed back from layer to layer, down to the pixels."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress
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
    ReLUs do. Maxima pass it to the largest input, and averages share it in proportion to the parts.
    What biases and ε keep is missing in the map: |ΣR − f| / |f|, the conservation error, is told
    with it.
    """

    family: ClassVar[Family] = "Relevance"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "linear pieces")

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


Bias = Literal["shared", "absorbs", "ignored"]


class LayerwiseRelevance(Relevance):
    """What the rules of layer-wise relevance propagation have in common."""

    bias: Bias = parameter(
        "shared",
        "Biases",
        "What becomes of the share that a layer's biases and ε have in its relevance: its inputs"
        " get it, in proportion to the size of what each gave, so that the map adds up to the logit"
        " (shared); it stays with them, as in the papers and in zennit (absorbs); or biases are"
        " left out of the rules (ignored).",
    )


class LrpEpsilon(LayerwiseRelevance):
    """R_i = Σ_j z_ij / (z_j + ε·sign z_j) · R_j with z_ij = x_i w_ij and z_j = Σ_i z_ij + b_j.

    ε is relative: `epsilon` times the root mean square of the layer's z, so that one value suits
    all layers. Montavon et al. (Layer-wise relevance propagation: an overview, 2019) take 0.25.
    In a deep network nothing else does: where ε keeps its share, 0.25 leaves 5 % of squeezenet1_1's
    logit and less than 1 % of mobilenet_v2's, while 0.01 leaves the pixels parts that sum to 47
    times the logit in size and cancel out. So ε stays, and its share is given to the inputs.
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
        " gives smoother maps.",
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


Composition = Literal[
    "epsilon-plus",
    "epsilon-plus-flat",
    "epsilon-gamma-box",
    "epsilon-alpha2-beta1",
    "epsilon-alpha2-beta1-flat",
]


class LrpComposite(LayerwiseRelevance):
    """One rule for each kind of layer, as practitioners combine them: zennit's composites.

    Fully connected layers have the ε rule with an ε of 1e-6. Convolutions have the z⁺ rule (plus),
    the γ rule or α2β1; the first layer shares out alike over all its inputs (flat) or by the z^B
    rule (box).
    """

    name: ClassVar[str] = "lrp-composite"
    title: ClassVar[str] = "LRP composite"
    summary: ClassVar[str] = (
        "Relevance by one rule for fully connected layers, one for convolutions and one for the"
        " first layer."
    )
    citation: ClassVar[str] = (
        "Montavon et al., Layer-wise relevance propagation: an overview, 2019; Lapuschkin et al.,"
        " Unmasking Clever Hans predictors, Nature Communications 10, 2019; the combinations by"
        " Anders et al., Software for dataset-wide XAI (zennit), 2021"
    )

    composite: Composition = parameter(
        "epsilon-plus-flat",
        "Rules",
        "The rules of fully connected layers, of convolutions, and of the first layer, by zennit's"
        " names.",
    )
    gamma: float = parameter(
        0.25,
        "γ",
        "How much more the parts count that speak for a unit's value, in epsilon-gamma-box.",
        step=0.05,
        ge=0,
        le=10,
    )

    def inactive(self) -> frozenset[str]:
        """γ, where no rule has it."""
        return frozenset() if "gamma" in self.composite else frozenset({"gamma"})

    def rules(self) -> Rules:
        """The rules by which layers share out."""
        from pda_studio.attribution.relevance import CompositeRules

        return CompositeRules(self.title, self.composite, self.bias, self.gamma)


class DeepTaylor(Relevance):
    """z⁺ rule inside, z^B rule at the pixels.

    R_i = Σ_j z_ij / Σ_i′ z_i′j · R_j with z_ij = x_i w⁺_ij inside, and at the pixels, whose least
    and greatest values after normalisation are l and h, z_ij = x_i w_ij − l_i w⁺_ij − h_i w⁻_ij.
    Neither has the biases in it. Where a unit's value is negative, which only units without a ReLU
    can be, w⁻ takes the place of w⁺: what makes it so is relevant. A unit that no part speaks for,
    as its bias alone drives it, shares in proportion to |z_ij|, and if all are 0, to w_ij². As all
    shares are positive, the whole map has the sign of f.
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
