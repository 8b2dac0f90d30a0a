"""RISE: how the decision fares behind many random masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Score = Literal["probability", "logit"]


class Rise(Method):
    """1/(N p) Σ_i (s_i − s̄) M_i: the covariance of score and mask, over p (Petsiuk et al., Eq. 6).

    M_i (H, W) are N random masks with values from 0 to 1 and mean p, s_i the score of the masked
    image. The paper's map, 1/(N p) Σ_i s_i M_i, estimates the mean score where a pixel is kept;
    here the mean score s̄ of all masks is taken off, which is what to expect of a pixel that plays
    no part. So evidence has a sign and 0 means something. What is masked becomes the mean colour,
    as in the authors' program.
    """

    name: ClassVar[str] = "rise"
    title: ClassVar[str] = "RISE"
    family: ClassVar[Family] = "Attention and masks"
    summary: ClassVar[str] = (
        "How much higher than on average the score is behind those random masks that show a pixel."
    )
    citation: ClassVar[str] = (
        "Petsiuk, Das & Saenko, RISE: randomized input sampling for explanation, BMVC 2018"
    )

    masks: int = parameter(4000, "Masks", "How many random masks are tried.", ge=2, le=100_000)
    cells: int = parameter(
        7, "Cells", "Rows and columns of a mask before it is enlarged.", ge=2, le=32
    )
    shown: float = parameter(
        0.5, "Shown", "Probability of a cell to be shown.", step=0.05, ge=0.05, le=0.95
    )
    score: Score = parameter(
        "probability",
        "Score",
        "What is looked at behind a mask: the probability, or the logit before the softmax.",
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same masks.", ge=0, le=2**32 - 1)

    def cost(self, subject: Subject) -> int:
        """One pass a mask."""
        return self.masks

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """A batch of masks a step."""
        from pda_studio.attribution import rise

        yield from rise.steps(self, subject)
