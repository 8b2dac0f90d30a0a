"""Prediction difference analysis with windows of several sizes in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from pda_studio.methods.base import Bounds, Family, Method, Progress
from pda_studio.methods.prediction_difference import (
    EfficientPDA,
    InfillName,
    PredictionDifference,
    outer_around,
)
from pda_studio.parameters import parameter, same_but
from pda_studio.pda.options import Difference, ForwardName, Precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.classifiers import Classifier
    from pda_studio.results import EvidenceMap, Subject


class MultiscalePDA(Method):
    """Small windows see details, large ones see parts: the mean of their standardised maps.

    The activations of the unmodified image are shared by all sizes.
    """

    name: ClassVar[str] = "multiscale-pda"
    title: ClassVar[str] = "Multi-scale PDA"
    family: ClassVar[Family] = "Prediction difference analysis"
    summary: ClassVar[str] = (
        "Efficient PDA with windows of several sizes: the mean of their maps, each divided by its"
        " root mean square."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, outlook"
    )

    smallest: int = parameter(
        10, "Smallest window", "Side of the smallest window.", unit="pixels", ge=1, le=128
    )
    largest: int = parameter(
        32, "Largest window", "Side of the largest window.", unit="pixels", ge=1, le=128
    )
    sizes: int = parameter(
        3, "Sizes", "How many sizes, from the smallest to the largest, evenly by ratio.", ge=2, le=8
    )
    overlap: int = parameter(
        4, "Overlap", "How many windows in a row cover a pixel, at each size.", ge=1, le=32
    )
    infill: InfillName = same_but(PredictionDifference, "infill", "conditional-mean")
    difference: Difference = same_but(PredictionDifference, "difference", "log-odds")
    forward: ForwardName = same_but(PredictionDifference, "forward", "auto")
    precision: Precision = same_but(PredictionDifference, "precision", "auto")
    tolerance: float = same_but(PredictionDifference, "tolerance", 0.05)

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.largest <= self.smallest:
            raise ValueError(
                f"The largest window of {self.largest} pixels must be larger than the smallest of"
                f" {self.smallest}."
            )
        return self

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, Any]:
        """Windows that the classifier's input has room for, and an infill of its distribution."""
        suited = PredictionDifference.suited_to(classifier)
        largest = min(32, classifier.shorter_side // 3)
        smallest = min(int(suited["window"]), largest - 1)
        return {"smallest": smallest, "largest": largest, "infill": suited["infill"]}

    def inactive(self) -> frozenset[str]:
        """The tolerance, which only levelled maps have; a levelled map chooses its precision."""
        return frozenset(["precision" if self.forward == "levelled" else "tolerance"])

    def bounds(self, input_size: int) -> dict[str, Bounds]:
        """The smallest window is smaller than the largest, and that fits into the input."""
        declared = super().bounds(input_size)
        part = EfficientPDA.model_construct(infill=self.infill).bounds(input_size)
        return {
            **declared,
            "smallest": (declared["smallest"][0], self.largest - 1),
            "largest": (self.smallest + 1, part["window"][1]),
        }

    def windows(self) -> list[int]:
        """Sides of the windows, in pixels, the largest first: its map is there soonest."""
        ratio = (self.largest / self.smallest) ** (1 / (self.sizes - 1))
        sides = {round(self.smallest * ratio**place) for place in range(self.sizes)}
        return sorted(sides, reverse=True)

    def parts(self, subject: Subject) -> list[EfficientPDA]:
        """One method for each size."""
        made = []
        for side in self.windows():
            made.append(
                EfficientPDA(
                    window=side,
                    outer=outer_around(side, min(subject.view.shape[:2])),
                    stride=max(1, side // self.overlap),
                    infill=self.infill,
                    difference=self.difference,
                    forward=self.forward,
                    precision=self.precision,
                    tolerance=self.tolerance,
                )
            )
        return made

    def cost(self, subject: Subject) -> int:
        """Number of infilled images."""
        return sum(part.cost(subject) for part in self.parts(subject))

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Go through the sizes, the largest windows first."""
        from pda_studio.attribution import multiscale

        yield from multiscale.steps(self, subject)
