"""Consensus: the mean of three maps that look at a decision from different perspectives.

Zhou & Kainz close with it: the results of different perspectives can be combined. Which ones are
worth it was chosen by their symmetric relevance gain (`pda_studio.metrics.relevance_gain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.errors import UsageError
from pda_studio.infills import INFILLS
from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.methods.prediction_difference import (
    EfficientPDA,
    InfillName,
    PredictionDifference,
    outer_around,
)
from pda_studio.parameters import parameter, same_but

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

IMAGES = 8
"""How many images go through the network and back in each round of the learnt order."""

_BACK = 3  # a pass forwards and back costs about as much as three forwards


class Consensus(Method):
    """The mean of the standardised maps of Grad-CAM, PDA with large windows, and a learnt order.

    Grad-CAM tells which places of the last maps count, PDA what happens without a part of the
    image, and the learnt order which parts together show and hide the target soonest. They are
    wrong in different ways: where they agree, `standard_error` is small.

    The order is learnt to raise the symmetric relevance gain with blurred blocks, by which the
    combination was chosen: that gain flatters it. On 22 images with boxes (squeezenet1_1) it is
    0.49 ± 0.04 (the order alone 0.54, Grad-CAM 0.28), but 0.32 with grey and 0.19 with black
    blocks; the strongest pixel is in the box in 0.82 of them (Grad-CAM 0.91), and 0.52 of the
    evidence is (Grad-CAM 0.52).
    """

    name: ClassVar[str] = "consensus"
    title: ClassVar[str] = "Consensus"
    family: ClassVar[Family] = "Several methods"
    needs: ClassVar[tuple[Need, ...]] = ("gradients",)
    optimises: ClassVar[tuple[str, ...]] = ("relevance-gain", "insertion", "deletion")
    summary: ClassVar[str] = (
        "The mean of PDA with large windows, Grad-CAM, and an order of 8×8 blocks that is learnt to"
        " show and hide the class soonest, which is also what its relevance gain measures; it does"
        " not find the object better than Grad-CAM."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, outlook;"
        " Selvaraju et al., Grad-CAM, ICCV 2017; the learnt order after Fong & Vedaldi, Meaningful"
        " perturbation, ICCV 2017"
    )

    across: int = parameter(
        7,
        "Windows across",
        "How many of PDA's windows fit across the image: 7 of 32 pixels into 224. They overlap by"
        " half.",
        ge=2,
        le=28,
    )
    infill: InfillName = same_but(PredictionDifference, "infill", "blur")
    rounds: int = parameter(
        12,
        "Rounds",
        "How many steps the order is learnt in; eight images go through the network and back in"
        " each. With 0, it is left out.",
        ge=0,
        le=1000,
    )
    seed: int = parameter(0, "Seed", "The same seed learns the same order.", ge=0, le=2**32 - 1)

    def inactive(self) -> frozenset[str]:
        """The seed, where nothing is random."""
        random = self.rounds > 0 or INFILLS[self.infill].stochastic
        return frozenset() if random else frozenset({"seed"})

    def cost(self, subject: Subject) -> int:
        """Number of infilled images, and what the order's passes forwards and back are worth."""
        return self.windows(subject).cost(subject) + _BACK * IMAGES * self.rounds

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Grad-CAM, which is quick, then PDA's windows, then the order's passes."""
        from pda_studio.attribution import consensus

        yield from consensus.steps(self, subject)

    def windows(self, subject: Subject) -> EfficientPDA:
        """PDA with the windows that fit across the image."""
        side = min(subject.view.shape[:2])
        window = max(1, side // self.across)
        outer = outer_around(window, side)
        if INFILLS[self.infill].conditional and outer <= window:
            raise UsageError(
                f"The infill {self.infill} has no room around windows of {window} pixels: choose"
                " more windows across, or another infill."
            )
        return EfficientPDA(
            window=window,
            outer=outer,
            stride=max(1, window // 2),
            infill=self.infill,
            seed=self.seed,
            forward="full",  # windows this large change nearly all of every layer
        )
