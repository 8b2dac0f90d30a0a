"""Neurons ranked by how they answer to images around the one that is explained.

B. J. Lengerich, S. Konam, E. P. Xing, S. Rosenthal, M. Veloso, *Towards visual explanations for
convolutional neural networks via input resampling*, 2017. A neuron is a channel of a convolution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.methods.neurons import Metric
from pda_studio.results import Subject

METRICS: tuple[Metric, ...] = get_args(Metric)

_SCORES_AT_ONCE = 10  # images in a batch
_STILL = 1e-5  # of the layer's largest signal: what changes by less is rounding


@dataclass(frozen=True)
class Neuron:
    """A channel of a convolution.

    Attributes
    ----------
    layer : str
        Name of the layer.
    depth : int
        The layer's place among the convolutions, from 0.
    channel : int
        Index of the channel.
    score : float
        Its importance by the metric that chose it.
    """

    layer: str
    depth: int
    channel: int
    score: float


@dataclass(frozen=True)
class Ranking:
    """The importance of every neuron of every layer by all six metrics.

    Attributes
    ----------
    scores : dict
        For each metric, for each layer in order, the importance (C,) of its channels. NaN where a
        metric says nothing of a neuron: its activation is below the threshold or never varies, or
        no weights read it.
    inputs : int
        How many images it was measured on.
    """

    scores: dict[Metric, dict[str, NDArray[np.float64]]]
    inputs: int

    @property
    def layers(self) -> list[str]:
        """Names of all layers, in order."""
        return list(next(iter(self.scores.values())))

    def top(self, metric: Metric, count: int, layers: list[str] | None = None) -> list[Neuron]:
        """The most important neurons of each layer, or of some, the most important first."""
        chosen = []
        for depth, (layer, scores) in enumerate(self.scores[metric].items()):
            if layers is not None and layer not in layers:
                continue
            known = np.flatnonzero(~np.isnan(scores))
            order = known[np.argsort(-scores[known], kind="stable")][:count]
            chosen += [Neuron(layer, depth, int(c), float(scores[c])) for c in order]
        return chosen

    def overlap(
        self, one: Metric, other: Metric, count: int, layers: list[str] | None = None
    ) -> float:
        """Jaccard index |a ∩ b| / |a ∪ b| of the neurons that two metrics choose."""
        a, b = (
            {(neuron.layer, neuron.channel) for neuron in self.top(metric, count, layers)}
            for metric in (one, other)
        )
        return len(a & b) / len(a | b) if a | b else 1.0


def ranked(
    subject: Subject,
    maps: FeatureMaps,
    *,
    inputs: int = 50,
    noise: float = 0.1,
    threshold: float = 0.0,
    seed: int = 0,
) -> Iterator[tuple[int, Ranking | None]]:
    """Measure all neurons; yields how many images are done, and at the end the ranking.

    The image's pixels x in [0, 1] are multiplied by 1 + N(0, noise²), each for itself, `inputs`
    times. With z_i the signal of a neuron for image i and o_i the target's logit:

    - activation-output correlation (Eq. 2): |correlation of z_i's mean over places with o_i|;
    - activation precision (Eq. 3): the mean over places of 1 / variance of z_i there. Neurons whose
      mean |z_i| is below the threshold are left out, and so are places where z_i never varies;
    - activation matrix sum and variance: of the unmodified image's z over its places;
    - weight matrix sum and variance: of all weights of the next layers that read the neuron.

    The printed variances lack their 1/n, and are differences that can be negative; here they are
    variances.

    Parameters
    ----------
    subject : Subject
        The image, the classifier and the target.
    maps : FeatureMaps
        The classifier's.
    inputs, noise, threshold, seed
        How many images, how strong the noise, λ, and where it starts.
    """
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    random = torch.Generator().manual_seed(seed)
    layers = {name: _Signals() for name in maps.convolutions}
    outputs = []
    with torch.inference_mode():
        for name, z in maps.signals(classifier.prepare(pixels[None])):
            if name:
                layers[name].start(z[0])
    for first in range(0, inputs, _SCORES_AT_ONCE):
        count = min(_SCORES_AT_ONCE, inputs - first)
        with torch.inference_mode():
            filters = 1 + noise * torch.randn(count, *pixels.shape, generator=random)
            for name, z in maps.signals(classifier.prepare(pixels * filters)):
                if name:
                    layers[name].add(z)
                else:
                    outputs.append(z[:, subject.index].double().cpu())
        yield first + count, None
    output = torch.cat(outputs).numpy()
    scores: dict[Metric, dict[str, NDArray[np.float64]]] = {metric: {} for metric in METRICS}
    for name, signals in layers.items():
        weights = maps.readers(name)
        for metric, values in zip(
            METRICS,
            (
                signals.correlation(output),
                signals.precision(inputs, threshold),
                _array(signals.baseline.sum((1, 2))),
                _array(signals.baseline.var((1, 2), correction=0)),
                *_of_weights(weights, len(signals.baseline)),
            ),
            strict=True,
        ):
            scores[metric][name] = values
    yield inputs, Ranking(scores, inputs)


class _Signals:
    """What is summed up of a layer's signals z (N, C, H, W) over the images.

    Sums are of differences from the unmodified image's, so that no digits are lost.
    """

    baseline: torch.Tensor  # (C, H, W)

    def start(self, baseline: torch.Tensor) -> None:
        """Begin with the unmodified image's signals (C, H, W)."""
        self.baseline = baseline.clone()
        self.sums = torch.zeros_like(self.baseline)
        self.squares = torch.zeros_like(self.baseline)
        self.sizes = torch.zeros(len(baseline), device=baseline.device)
        self.means: list[torch.Tensor] = []

    def add(self, z: torch.Tensor) -> None:
        """Add those of some images."""
        change = z - self.baseline
        self.sums += change.sum(0)
        self.squares += change.square().sum(0)
        self.sizes += z.abs().mean((2, 3)).sum(0)
        self.means.append(change.mean((2, 3)).double().cpu())

    def correlation(self, output: NDArray[np.float64]) -> NDArray[np.float64]:
        """Absolute correlation (C,) of the mean over places with the output (N,)."""
        means = torch.cat(self.means).numpy()
        means = means - means.mean(0)
        output = output - output.mean()
        size = np.sqrt((means**2).sum(0) * (output**2).sum())
        still = np.abs(means).max(0) <= _STILL * float(self.baseline.abs().max())
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = np.abs(output @ means) / size
        return np.where(still | (size == 0), np.nan, found)

    def precision(self, inputs: int, threshold: float) -> NDArray[np.float64]:
        """Mean over places of the inverse variance (C,)."""
        variance = self.squares / inputs - (self.sums / inputs).square()
        varies = variance > (_STILL * self.baseline.abs().max()).square()
        inverse = torch.where(varies, 1 / variance, 0)
        found = _array(inverse.sum((1, 2)) / varies.sum((1, 2)))  # NaN where nothing varies
        weak = _array(self.sizes / inputs) < threshold
        return np.where(weak, np.nan, found)


def _of_weights(
    weights: torch.Tensor | None, channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and variance (C,) of the weights (C, n) that read each channel."""
    if weights is None or not weights.shape[1]:
        nothing = np.full(channels, np.nan)
        return nothing, nothing
    weights = weights.double()
    return _array(weights.sum(1)), _array(weights.var(1, correction=0))


def _array(values: torch.Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values.double().cpu().numpy()
    return found
