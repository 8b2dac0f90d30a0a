"""Important neurons of a decision, and the patches of the image that they answer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Metric = Literal[
    "activation-output-correlation",
    "activation-precision",
    "activation-matrix-sum",
    "activation-matrix-variance",
    "weight-matrix-sum",
    "weight-matrix-variance",
]


class Neurons(Method):
    """Rank the neurons of every layer, and project the most important ones to the pixels.

    Evidence is the mean of the projections' absolute values, each scaled to a largest value of 1.
    """

    name: ClassVar[str] = "neurons"
    title: ClassVar[str] = "Important neurons"
    family: ClassVar[Family] = "Neurons"
    needs: ClassVar[tuple[Need, ...]] = ("convolutions",)
    summary: ClassVar[str] = (
        "Where the most important neurons of each layer look, by a deconvnet; without sign."
    )
    citation: ClassVar[str] = (
        "Lengerich et al., Towards visual explanations for convolutional neural networks via input"
        " resampling, 2017; Zeiler & Fergus, Visualizing and understanding convolutional networks,"
        " ECCV 2014"
    )

    metric: Metric = parameter(
        "activation-precision",
        "Metric",
        "What makes a neuron important: how its activation goes with the output, how little it"
        " varies, or the sum or the variance of its activation or of the weights that read it. The"
        " first two hang on the noise: the verb neurons tells how far.",
    )
    top: int = parameter(
        5, "Neurons", "How many neurons of each layer are shown.", unit="neurons", ge=1, le=50
    )
    shallowest: int = parameter(
        0, "From depth", "The first layer that counts, of all convolutions.", unit="%", ge=0, le=100
    )
    deepest: int = parameter(
        100, "To depth", "The last layer that counts, of all convolutions.", unit="%", ge=0, le=100
    )
    inputs: int = parameter(
        50, "Inputs", "How many noisy copies of the image are looked at.", ge=2, le=1000
    )
    noise: float = parameter(
        0.1,
        "Noise",
        "Standard deviation of the factor around 1 that each pixel is multiplied by.",
        step=0.01,
        ge=0.001,
        le=1,
    )
    threshold: float = parameter(
        0.0,
        "Threshold",
        "Neurons whose mean absolute activation is below it are left out of activation precision.",
        step=0.1,
        ge=0,
        le=1000,
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same noise.", ge=0, le=2**32 - 1)

    def inactive(self) -> frozenset[str]:
        """The threshold, which only activation precision knows, and noise that nothing is told."""
        found = set() if self.metric == "activation-precision" else {"threshold"}
        if self.metric.partition("-")[2].startswith("matrix"):
            found |= {"inputs", "noise", "seed"}
        return frozenset(found)

    def cost(self, subject: Subject) -> int:
        """The noisy images, and about as much for the projections."""
        return 2 * self.inputs

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Prediction at noisy images, a batch a step; then project the neurons chosen."""
        from pda_studio.attribution import neurons

        yield from neurons.steps(self, subject)
