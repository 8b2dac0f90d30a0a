"""Important neurons of a decision, and the patches of the image that they answer to."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.methods.base import Family, Method, Progress, parameter
from pda_studio.methods.evidence import EvidenceMap, Subject
from pda_studio.methods.feature_maps import FeatureMaps
from pda_studio.methods.ranking import Metric, Neuron, Ranking, ranked


@dataclass(frozen=True)
class Box:
    """A rectangle of the network's input, in pixels; bottom and right lie outside."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, eq=False)
class Patch:
    """Where a neuron looks.

    Attributes
    ----------
    neuron : Neuron
        The neuron.
    box : Box or None
        Smallest rectangle around all pixels that its strongest activation is projected to; None
        where it is not active anywhere in the image, or nothing of it reaches the pixels.
    projection : (H, W) float32
        The projection's absolute value, summed over the colours; 0 where there is none.
    """

    neuron: Neuron
    box: Box | None
    projection: NDArray[np.float32]


class Neurons(Method):
    """Rank the neurons of every layer, and project the most important ones to the pixels.

    Evidence is the mean of the projections' absolute values, each scaled to a largest value of 1.
    """

    name: ClassVar[str] = "neurons"
    title: ClassVar[str] = "Important neurons"
    family: ClassVar[Family] = "Neurons"
    summary: ClassVar[str] = (
        "Where the most important neurons of each layer look, by a deconvnet; without sign."
    )
    citation: ClassVar[str] = (
        "Lengerich et al., Towards visual explanations for convolutional neural networks via input"
        " resampling, 2017; Zeiler & Fergus, ECCV 2014"
    )

    metric: Metric = parameter(
        "activation-precision",
        "Metric",
        "What makes a neuron important: how its activation goes with the output, how little it"
        " varies, or the sum or the variance of its activation or of the weights that read it.",
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

    def unheeded(self) -> frozenset[str]:
        """The threshold, which only activation precision knows, and noise that nothing is told."""
        found = set() if self.metric == "activation-precision" else {"threshold"}
        if self.metric.partition("-")[2].startswith("matrix"):
            found |= {"inputs", "noise", "seed"}
        return frozenset(found)

    def cost(self, subject: Subject) -> int:
        """The noisy images, and about as much for the projections."""
        return 2 * self.inputs

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Prediction at noisy images, a batch a step; then project the neurons chosen."""
        began = perf_counter()
        maps = FeatureMaps.of(subject.classifier)
        blank = np.zeros(subject.view.shape[:2], np.float32)
        ranking = None
        for done, found in self._ranked(subject, maps):
            ranking = found
            seconds = perf_counter() - began
            yield Progress(
                done,
                self.inputs + 1,
                lambda seconds=seconds: self._map(subject, blank, seconds, None),  # type: ignore[misc]
            )
        assert ranking is not None
        patches = self.patches(subject, maps, ranking)
        evidence = mean_projection(patches) if patches else blank
        seconds = perf_counter() - began
        yield Progress(
            self.inputs + 1,
            self.inputs + 1,
            lambda: self._map(subject, evidence, seconds, patches),
        )

    def found(self, subject: Subject) -> tuple[Ranking, list[Patch]]:
        """The ranking itself, and where the neurons chosen prediction."""
        maps = FeatureMaps.of(subject.classifier)
        ranking = self.ranking(subject, maps)
        return ranking, self.patches(subject, maps, ranking)

    def ranking(self, subject: Subject, maps: FeatureMaps) -> Ranking:
        """The importance of all neurons by all metrics."""
        *_, (_, ranking) = self._ranked(subject, maps)
        assert ranking is not None
        return ranking

    def patches(self, subject: Subject, maps: FeatureMaps, ranking: Ranking) -> list[Patch]:
        """Where the most important neurons look, layer by layer, the most important first."""
        neurons = ranking.top(self.metric, self.top, self.layers_of(ranking))
        return patches_of(subject, maps, neurons)

    def layers_of(self, ranking: Ranking) -> list[str]:
        """Names of the layers between the two depths; at least one."""
        last = len(ranking.layers) - 1
        low, high = (round(last * share / 100) for share in (self.shallowest, self.deepest))
        return ranking.layers[low : max(low, high) + 1]

    def _ranked(self, subject: Subject, maps: FeatureMaps) -> Iterator[tuple[int, Ranking | None]]:
        return ranked(
            subject,
            maps,
            inputs=self.inputs,
            noise=self.noise,
            threshold=self.threshold,
            seed=self.seed,
        )

    def _map(
        self,
        subject: Subject,
        evidence: NDArray[np.float32],
        seconds: float,
        patches: list[Patch] | None,
    ) -> EvidenceMap:
        note = ""
        if patches is not None:
            silent = sum(patch.box is None for patch in patches)
            note = f"{len(patches)} neurons" + (
                f", {silent} of them driven by nothing" if silent else ""
            )
        unit = "mean |projection|"
        complete = patches is not None
        return self.map_of(subject, evidence, unit, seconds, complete=complete, forward=note)


def patches_of(subject: Subject, maps: FeatureMaps, neurons: list[Neuron]) -> list[Patch]:
    """Where neurons look in an image, in their order."""
    classifier = subject.classifier
    prepared = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
    chosen: dict[str, list[int]] = {}
    for neuron in neurons:
        chosen.setdefault(neuron.layer, []).append(neuron.channel)
    projected = {
        (layer, channel): None if projection is None else projection.abs().sum(0).cpu()
        for layer, channel, projection in maps.projections(prepared, chosen)
    }
    return [_patch(neuron, projected[neuron.layer, neuron.channel], subject) for neuron in neurons]


def mean_projection(patches: list[Patch]) -> NDArray[np.float32]:
    """Mean (H, W) over neurons of the projection, each scaled to a largest value of 1."""
    scaled = [patch.projection / (patch.projection.max() or 1) for patch in patches]
    mean: NDArray[np.float32] = np.mean(scaled, axis=0, dtype=np.float32)
    return mean


def _patch(neuron: Neuron, projection: torch.Tensor | None, subject: Subject) -> Patch:
    height, width = subject.view.shape[:2]
    if projection is None or not bool(projection.any()):
        return Patch(neuron, None, np.zeros((height, width), np.float32))
    rows, columns = (projection.amax(axis).nonzero()[:, 0] for axis in (1, 0))
    box = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return Patch(neuron, box, projection.numpy())
