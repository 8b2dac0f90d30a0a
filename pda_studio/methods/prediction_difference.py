"""Prediction difference analysis: five names for one loop with four interchangeable parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from pda_studio.methods.base import Family, Method, Progress
from pda_studio.parameters import parameter, same_but
from pda_studio.pda.options import (
    AUTO,
    Colour,
    Difference,
    ForwardName,
    InfillName,
    Precision,
    traits,
)
from pda_studio.targets import ClassTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.classifiers import Classifier
    from pda_studio.results import EvidenceMap, Subject

_RIM = 8  # pixels that an outer patch is larger than its window, where nothing else is said
_LARGEST_OUTER = 64
_PREVIEW_STRIDE = 8  # pixels: fewer windows tell too little, more take too long


class PredictionDifference(Method):
    """Take a window out, put in what its surroundings make likely, see how the decision changes.

    Evidence of a pixel is the mean difference over all windows that cover it.
    """

    family: ClassVar[Family] = "Prediction difference analysis"

    window: int = parameter(
        10, "Window", "Side k of the window that is taken out.", unit="pixels", ge=1, le=128
    )
    outer: int = parameter(
        18,
        "Outer patch",
        "Side l of the patch around it that its infill is conditioned on; at least k + 1.",
        unit="pixels",
        ge=2,
        le=_LARGEST_OUTER,
    )
    stride: int = parameter(
        1,
        "Stride",
        "Step from window to window; at most k, so that every pixel is covered.",
        unit="pixels",
        ge=1,
        le=128,
    )
    samples: int = parameter(
        10,
        "Samples",
        "How many infills S are drawn for each window.",
        unit="infills",
        ge=1,
        le=1000,
    )
    infill: InfillName = parameter(
        "conditional-mean", "Infill", "What stands in for a window that is taken out."
    )
    colour: Colour = parameter(
        "joint",
        "Colour",
        "Whether the infill conditions the colour channels on one another (joint) or takes each"
        " for itself (independent).",
    )
    difference: Difference = parameter(
        "log-odds",
        "Difference",
        "What is compared with and without the window: log-odds in bits, the probability, or the"
        " logit before the softmax.",
    )
    forward: ForwardName = parameter(
        "auto",
        "Forward",
        "How infilled images are scored: by the whole network (full); just as exactly by what a"
        " window changes in each layer (incremental); by the faster of the two (auto); or to first"
        " order (linearised).",
    )
    precision: Precision = parameter(
        "auto",
        "Precision",
        "Of what a window changes in each layer: float32, or bfloat16, which is up to twice as"
        " fast; auto takes it where it is faster and, in an exact map, loses less than 2 % on this"
        " image.",
    )
    at: str = parameter(
        "auto",
        "From layer",
        "From where on a linearised forward is linear, exact below: a layer's name, input, or auto"
        " for the earliest one that gives nearly the same map.",
    )
    statistics: Path | None = parameter(
        None,
        "Statistics",
        "A file made by fit-statistics; without it, those that ship for such images.",
    )
    reference: Path | None = parameter(
        None,
        "Reference folder",
        "A folder of images whose windows are the marginal samples; without it, they are drawn"
        " from the statistics.",
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same samples.", ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.stride > self.window:
            raise ValueError(
                f"A stride of {self.stride} leaves gaps between windows of {self.window} pixels:"
                " choose a stride of at most the window."
            )
        if "outer" not in self.inactive() and self.outer < self.window + 1:
            raise ValueError(
                f"An outer patch of {self.outer} pixels leaves no surroundings to a window of"
                f" {self.window}: choose an outer patch of at least {self.window + 1}."
            )
        return self

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, Any]:
        """Window, outer patch, and an infill of the law that suits the classifier's images."""
        settings = classifier.settings
        infill = str(cls.model_fields["infill"].default)
        if infill.startswith("conditional-"):
            infill = f"{settings.law}-{infill.partition('-')[2]}"
        return {"window": settings.window, "outer": settings.outer, "infill": infill}

    def inactive(self) -> frozenset[str]:
        """Parameters that the chosen infill does not look at."""
        infill = traits(self.infill)
        heeded = {
            "outer": infill.conditional,
            "samples": infill.drawn,
            "colour": infill.gaussian,
            "statistics": infill.gaussian,
            "reference": infill.drawn and not infill.conditional,
            "seed": infill.drawn,
            "precision": self.forward != "full"
            and not (self.forward == "linearised" and self.at == "input"),
            "at": self.forward == "linearised",
        }
        return frozenset([name for name, plays_a_part in heeded.items() if not plays_a_part])

    def cost(self, subject: Subject) -> int:
        """Number of infilled images; none are scored where all of the network is linearised."""
        if self.forward == "linearised" and self.at == "input":
            return 1
        each = self.samples if self.infill.endswith("-samples") else 1
        height, width = subject.view.shape[:2]
        return self._places(height) * self._places(width) * each

    def preview(self, subject: Subject) -> Self | None:
        """Fewer windows, the mean where samples are drawn, and a linearised tail."""
        if self.forward == "linearised":
            return None
        law, _, draw = self.infill.partition("-")
        drawn = draw in ("samples", "empirical-mean")
        stride = min(max(self.stride, _PREVIEW_STRIDE), self.window)
        if stride == self.stride and not drawn:
            return None  # as many windows: it would hardly be quicker
        if not subject.scored.is_traceable:
            return None
        rougher = {
            "infill": f"{law}-mean" if drawn else self.infill,
            "stride": stride,
            "forward": "linearised",
            "at": AUTO,
        }
        return type(self)(**{**dict(self), **rougher})

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Score the windows coarse to fine, a batch a step."""
        from pda_studio.attribution import prediction_difference

        yield from prediction_difference.steps(self, subject)

    def sources(self, subject: Subject) -> list[dict[str, Any]]:
        """Any difference and any target whose scores are kept, at this stride or a finer one."""
        (own,) = super().sources(subject)
        del own["difference"]
        if isinstance(subject.target, ClassTarget) and self.forward != "linearised":
            own["target"] = {"classes": subject.kept_classes.tolist()}
        finer = [stride for stride in range(1, self.stride) if self.stride % stride == 0]
        if subject.batch is not None:
            finer = []  # whoever names a batch wants the same last digits: no other batches
        return [{**own, "stride": stride} for stride in [self.stride, *reversed(finer)]]

    def redrawn(self, kept: EvidenceMap, subject: Subject) -> EvidenceMap:
        """Draw the subject's map from a finished one's scores: no forward pass."""
        from pda_studio.attribution import prediction_difference

        return prediction_difference.redrawn(self, kept, subject)

    def _places(self, length: int) -> int:
        """How many windows lie along a side of this length (pixels)."""
        return max(0, -(-(length - self.window) // self.stride) + 1)


def outer_around(window: int, side: int) -> int:
    """Side of the outer patch that suits a window, in an image of this shorter side (pixels)."""
    return max(2, min(window + _RIM, _LARGEST_OUTER, side))


class EfficientPDA(PredictionDifference):
    """Algorithm 2: the conditional mean stands in, one forward pass a window."""

    name: ClassVar[str] = "efficient-pda"
    title: ClassVar[str] = "Efficient PDA"
    summary: ClassVar[str] = (
        "The conditional mean of a window stands in for it: one forward pass a window."
    )
    citation: ClassVar[str] = "Zhou & Kainz, Efficient image evidence analysis, Algorithm 2"


class OriginalPDA(PredictionDifference):
    """Algorithm 1: probabilities are averaged over S samples, then the odds are taken."""

    name: ClassVar[str] = "original-pda"
    title: ClassVar[str] = "Original PDA"
    summary: ClassVar[str] = (
        "S samples stand in for a window; the probability is averaged over them."
    )
    citation: ClassVar[str] = (
        "Zintgraf et al., Visualizing deep neural network decisions, ICLR 2017"
    )

    infill: InfillName = same_but(PredictionDifference, "infill", "conditional-samples")


class SampledPDA(PredictionDifference):
    """Figure 15: the empirical mean of S samples stands in, one forward pass a window."""

    name: ClassVar[str] = "sampled-pda"
    title: ClassVar[str] = "Sampled PDA"
    summary: ClassVar[str] = (
        "The mean of S samples stands in for a window: what sampling alone does to a map."
    )
    citation: ClassVar[str] = "Zhou & Kainz, Efficient image evidence analysis, Fig. 15"

    infill: InfillName = same_but(PredictionDifference, "infill", "conditional-empirical-mean")


class SimplifiedPDA(PredictionDifference):
    """Algorithm 3: the conditional mean, to first order: one gradient for the whole image."""

    name: ClassVar[str] = "simplified-pda"
    title: ClassVar[str] = "Simplified PDA"
    summary: ClassVar[str] = (
        "The conditional mean, scored to first order: one gradient for the whole image."
    )
    citation: ClassVar[str] = "Zhou & Kainz, Efficient image evidence analysis, Algorithm 3"

    difference: Difference = same_but(PredictionDifference, "difference", "probability")
    forward: ForwardName = same_but(PredictionDifference, "forward", "linearised")
    at: str = same_but(PredictionDifference, "at", "input")


class Occlusion(PredictionDifference):
    """Zeiler's occlusion: a grey square stands in, the probability is compared."""

    name: ClassVar[str] = "occlusion"
    title: ClassVar[str] = "Occlusion"
    summary: ClassVar[str] = "A grey square covers each window; the probability is compared."
    citation: ClassVar[str] = (
        "Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV 2014"
    )

    infill: InfillName = same_but(PredictionDifference, "infill", "grey")
    difference: Difference = same_but(PredictionDifference, "difference", "probability")
