"""The work of `neurons`: rank the neurons, and project the most important ones to the pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.attribution.ranking import Neuron, Ranking, ranked
from pda_studio.diagnostics import Diagnostics, NeuronCount
from pda_studio.methods.base import Progress
from pda_studio.methods.neurons import Neurons
from pda_studio.results import EvidenceMap, Subject


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


def steps(method: Neurons, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Prediction at noisy images, a batch a step; then project the neurons chosen."""
    began = perf_counter()
    maps = FeatureMaps.of(subject.scored)
    blank = np.zeros(subject.view.shape[:2], np.float32)
    ranking = None
    for done, found in _ranked(method, subject, maps):
        ranking = found
        seconds = perf_counter() - began
        yield Progress(
            done,
            method.inputs + 1,
            lambda seconds=seconds: _map(method, subject, blank, seconds, None),  # type: ignore[misc]
        )
    assert ranking is not None
    patches = most_important(method, subject, maps, ranking)
    evidence = mean_projection(patches) if patches else blank
    seconds = perf_counter() - began
    yield Progress(
        method.inputs + 1,
        method.inputs + 1,
        lambda: _map(method, subject, evidence, seconds, patches),
    )


def most_important_in(method: Neurons, subject: Subject) -> tuple[Ranking, list[Patch]]:
    """The ranking itself, and where the neurons chosen look."""
    maps = FeatureMaps.of(subject.scored)
    ranking = ranking_of(method, subject, maps)
    return ranking, most_important(method, subject, maps, ranking)


def ranking_of(method: Neurons, subject: Subject, maps: FeatureMaps) -> Ranking:
    """The importance of all neurons by all metrics."""
    *_, (_, ranking) = _ranked(method, subject, maps)
    assert ranking is not None
    return ranking


def most_important(
    method: Neurons, subject: Subject, maps: FeatureMaps, ranking: Ranking
) -> list[Patch]:
    """Where the most important neurons look, layer by layer, the most important first."""
    neurons = ranking.top(method.metric, method.top, layers_of(method, ranking))
    return patches_of(subject, maps, neurons)


def layers_of(method: Neurons, ranking: Ranking) -> list[str]:
    """Names of the layers between the two depths; at least one."""
    return layers_between(method, ranking.layers)


def layers_between(method: Neurons, layers: Sequence[str]) -> list[str]:
    """Of all layers in order, those between the two depths; at least one."""
    last = len(layers) - 1
    low, high = (round(last * share / 100) for share in (method.shallowest, method.deepest))
    return list(layers[low : max(low, high) + 1])


def _ranked(
    method: Neurons, subject: Subject, maps: FeatureMaps
) -> Iterator[tuple[int, Ranking | None]]:
    return ranked(
        subject,
        maps,
        inputs=method.inputs,
        noise=method.noise,
        threshold=method.threshold,
        seed=method.seed,
    )


def _map(
    method: Neurons,
    subject: Subject,
    evidence: NDArray[np.float32],
    seconds: float,
    patches: list[Patch] | None,
) -> EvidenceMap:
    diagnostics: Diagnostics = ()
    if patches is not None:
        diagnostics = (NeuronCount(len(patches), sum(patch.box is None for patch in patches)),)
    unit = "mean |projection|"
    complete = patches is not None
    return subject.map_of(
        method, evidence, unit, seconds, complete=complete, diagnostics=diagnostics
    )


def patches_of(subject: Subject, maps: FeatureMaps, neurons: list[Neuron]) -> list[Patch]:
    """Where neurons look in an image, in their order."""
    classifier = subject.scored
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
