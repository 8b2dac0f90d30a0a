"""AttnLRP: relevance through the attention, norms and shortcuts of a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject


class AttnLrp(Method):
    """Hand the logit back through a transformer, from each operation to what it was given.

    Linear layers, convolutions, means and shortcuts share R_j by z_ij / (z_j + ε), z_j with its
    bias; products of two matrices of the image, as of queries and keys, by half of that to each;
    softmax s(x) by R_i = x_i (R_i − s_i Σ_j R_j), its Taylor decomposition; norms and activations
    hand on all of it. The map is the pixels' R, summed over the colours. It sums to the logit but
    for what biases, position embeddings, the class token and ε keep, and what the softmax's
    decomposition leaves to its constant: |ΣR − f| / |f|, the conservation error, is told with it.
    With γ > 0 parts that speak for a value count 1 + γ times in linear layers and convolutions, as
    the authors do for vision transformers: with the ε rule alone parts cancel out, and in a deep
    network they grow far beyond the logit.
    """

    name: ClassVar[str] = "attn-lrp"
    title: ClassVar[str] = "AttnLRP"
    family: ClassVar[Family] = "Relevance"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "attention")
    summary: ClassVar[str] = (
        "Relevance of a transformer: handed back through attention, norms and shortcuts by a rule"
        " for each."
    )
    citation: ClassVar[str] = (
        "Achtibat et al., AttnLRP: Attention-aware layer-wise relevance propagation for"
        " transformers, ICML 2024"
    )

    epsilon: float = parameter(
        0.0,
        "ε",
        "What is added to each sum, relative to the root mean square of its layer; more mutes"
        " what cancels out, and loses more of the logit.",
        step=0.01,
        ge=0,
        le=1,
    )
    gamma: float = parameter(
        0.25,
        "γ",
        "How much more the parts count in linear layers and convolutions that speak for a unit's"
        " value; more gives smoother maps. 0 is the ε rule.",
        step=0.05,
        ge=0,
        le=10,
    )

    def cost(self, subject: Subject) -> int:
        """One pass forwards; back, each operation is run again, and four times where γ is."""
        return 4 if self.gamma == 0 else 12

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import attention_relevance

        yield from attention_relevance.steps(self, subject)
