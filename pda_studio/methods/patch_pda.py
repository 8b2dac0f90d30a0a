"""Prediction difference analysis with windows on the lattice of a network's patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.methods.prediction_difference import (
    EfficientPDA,
    InfillName,
    PredictionDifference,
    outer_around,
)
from pda_studio.parameters import parameter, same_but
from pda_studio.pda.options import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.classifiers import Classifier
    from pda_studio.results import EvidenceMap, Subject


class PatchPDA(Method):
    """Remove whole patches, as a network of tokens cuts them: the windows lie on their lattice.

    The side of a patch is the network's own, that of its patch embedding: a convolution that moves
    by as much as it covers. Windows are so many patches wide and move by one patch. So each changes
    few tokens and those altogether, where windows elsewhere change parts of many. Where patches do
    not fill the input, the last windows end at its edge, off the lattice.
    """

    name: ClassVar[str] = "patch-pda"
    title: ClassVar[str] = "Patch PDA"
    family: ClassVar[Family] = "Prediction difference analysis"
    needs: ClassVar[tuple[Need, ...]] = ("patches",)
    summary: ClassVar[str] = (
        "Efficient PDA with windows on the lattice of a transformer's patches, which are found in"
        " the network."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Algorithm 2;"
        " patches of Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021"
    )

    patches: int = parameter(
        1,
        "Patches",
        "How many patches wide and high a window is; it moves by one patch.",
        ge=1,
        le=16,
    )
    infill: InfillName = same_but(PredictionDifference, "infill", "conditional-mean")
    samples: int = same_but(PredictionDifference, "samples", 10)
    difference: Difference = same_but(PredictionDifference, "difference", "log-odds")
    seed: int = same_but(PredictionDifference, "seed", 0)

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, Any]:
        """An infill of the distribution that suits the classifier."""
        return {"infill": PredictionDifference.suited_to(classifier)["infill"]}

    def inactive(self) -> frozenset[str]:
        """What the infill does not take."""
        idle = EfficientPDA.model_construct(infill=self.infill).inactive()
        return idle & set(type(self).model_fields)

    def on_pixels(self, subject: Subject) -> EfficientPDA:
        """The same windows, in pixels.

        Raises
        ------
        UsageError
            If the network has no patches, or so many are too wide for the infill.
        """
        from pda_studio.classifiers.patches import patch_side

        side = patch_side(subject.classifier, self.title)
        window = self.patches * side
        return EfficientPDA.of_values(
            {
                **{name: value for name, value in self if name != "patches"},
                "window": window,
                "outer": outer_around(window, min(subject.view.shape[:2])),
                "stride": side,
            }
        )

    def cost(self, subject: Subject) -> int:
        """Number of infilled images."""
        return self.on_pixels(subject).cost(subject)

    def warning(self, subject: Subject) -> str:
        """What the infill's covariances take, if that is much."""
        return self.on_pixels(subject).warning(subject)

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Score the windows coarse to fine, a batch a step."""
        from pda_studio.attribution import patch_pda

        yield from patch_pda.steps(self, subject)
