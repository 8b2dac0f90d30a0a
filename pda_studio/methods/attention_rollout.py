"""Attention rollout: from which patches a vision transformer's class token draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Fusion = Literal["mean", "max", "min"]


class AttentionRollout(Method):
    """R = Ã_L … Ã_1 with Ã = (A + I) / 2, its rows scaled to sum 1 (Abnar & Zuidema, Section 3).

    A (T, T) are a layer's attention weights, its heads fused; the identity stands for the shortcut
    past it. Shown is the class token's row of R: a patch's share of what the token is made of. It
    does not ask what for: it is the same for every class, and has no sign. Asked about a hidden
    unit, the row is that of the token where it is read, or the mean over all of them.
    """

    name: ClassVar[str] = "attention-rollout"
    title: ClassVar[str] = "Attention rollout"
    family: ClassVar[Family] = "Attention and masks"
    needs: ClassVar[tuple[Need, ...]] = ("class token",)
    summary: ClassVar[str] = (
        "Attention of a vision transformer: each patch's share of it through all layers,"
        " without a sign and the same for every class."
    )
    citation: ClassVar[str] = (
        "Abnar & Zuidema, Quantifying attention flow in transformers, ACL 2020"
    )

    fusion: Fusion = parameter(
        "mean", "Heads", "How the heads of a layer become one: their mean, maximum or minimum."
    )
    discarded: float = parameter(
        0.0,
        "Discarded",
        "Share of each layer's weights, the weakest, that is set to 0.",
        step=0.05,
        ge=0,
        le=0.99,
    )

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import attention_rollout

        yield from attention_rollout.steps(self, subject)
