"""Prediction difference analysis: five names for one loop with four interchangeable parts."""

from __future__ import annotations

from typing import ClassVar

from pda_studio.methods.base import Need
from pda_studio.methods.removed_windows import InfillName, PredictionDifference, outer_around
from pda_studio.parameters import same_but
from pda_studio.pda.options import Difference, ForwardName


class EfficientPDA(PredictionDifference):
    """Algorithm 2: the conditional mean replaces a window, one forward pass each."""

    name: ClassVar[str] = "efficient-pda"
    title: ClassVar[str] = "Efficient PDA"
    summary: ClassVar[str] = "The conditional mean replaces each window: one forward pass a window."
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Algorithm 2"
    )


class OriginalPDA(PredictionDifference):
    """Algorithm 1: probabilities are averaged over S samples, then the odds are taken."""

    name: ClassVar[str] = "original-pda"
    title: ClassVar[str] = "Original PDA"
    summary: ClassVar[str] = "S samples replace each window; the probability is averaged over them."
    citation: ClassVar[str] = (
        "Zintgraf et al., Visualizing deep neural network decisions, ICLR 2017"
    )

    infill: InfillName = same_but(PredictionDifference, "infill", "conditional-samples")


class SampledPDA(PredictionDifference):
    """Figure 15: the empirical mean of S samples replaces a window, one forward pass each."""

    name: ClassVar[str] = "sampled-pda"
    title: ClassVar[str] = "Sampled PDA"
    summary: ClassVar[str] = (
        "The mean of S samples replaces each window: what sampling alone does to a map."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Fig. 15"
    )

    infill: InfillName = same_but(PredictionDifference, "infill", "conditional-empirical-mean")


class SimplifiedPDA(PredictionDifference):
    """Algorithm 3: the conditional mean, to first order: one gradient for the whole image."""

    name: ClassVar[str] = "simplified-pda"
    needs: ClassVar[tuple[Need, ...]] = ("gradients",)
    title: ClassVar[str] = "Simplified PDA"
    summary: ClassVar[str] = (
        "The conditional mean, scored to first order: one gradient for the whole image."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Algorithm 3"
    )

    difference: Difference = same_but(PredictionDifference, "difference", "probability")
    forward: ForwardName = same_but(PredictionDifference, "forward", "linearised")
    at: str = same_but(PredictionDifference, "at", "input")


class Occlusion(PredictionDifference):
    """Zeiler's occlusion: a grey square replaces a window, the probability is compared."""

    name: ClassVar[str] = "occlusion"
    title: ClassVar[str] = "Occlusion"
    summary: ClassVar[str] = "A grey square covers each window; the probability is compared."
    citation: ClassVar[str] = (
        "Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV 2014"
    )

    infill: InfillName = same_but(PredictionDifference, "infill", "grey")
    difference: Difference = same_but(PredictionDifference, "difference", "probability")


__all__ = [
    "EfficientPDA",
    "InfillName",
    "Occlusion",
    "OriginalPDA",
    "PredictionDifference",
    "SampledPDA",
    "SimplifiedPDA",
    "outer_around",
]
