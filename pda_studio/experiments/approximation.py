"""How near the mean infill comes to the mean over infills: at the output, and layer by layer.

Zhou & Kainz, Efficient image evidence analysis, Figs. 9 to 11: the arithmetic mean of probabilities
over samples, their normalised geometric mean, which is the softmax of the mean logits, and the
probability with the mean infill, which is what efficient prediction difference analysis takes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.prediction_difference import ready_infill_of
from pda_studio.classifiers import Classifier
from pda_studio.experiments.image_work import ImageWork, Pieces
from pda_studio.experiments.map_work import MapStep, SubjectInput, beside
from pda_studio.experiments.random_weights import layers_with_weights
from pda_studio.inspection import Rectangle
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.results import Subject
from pda_studio.store.numbers import KeptNumbers, Numbers

_AT_ONCE = 8  # infilled images a pass
_SOME_UNITS = 4000  # of a layer whose mean and spread are kept for histograms

MEAN, SPREAD, RATIO, SWITCHING, ERROR = range(5)
"""What is known of a layer, in the order of `Approximation.by_layer`."""


@dataclass(frozen=True, eq=False)
class ImageApproximation:
    """What one window of one image gives.

    Attributes
    ----------
    image, target : str
        Their names.
    arithmetic : float
        Mean of the target's probability over samples, or of its plain value.
    geometric : float
        Softmax of the mean logits: the normalised geometric mean.
    by_mean : float
        With the mean infill.
    monte_carlo : float
        Standard error of the arithmetic mean.
    layers : (L, 5) float64
        Of each layer, over the units that the window reaches: the median of the mean input's size
        and of its spread, the median of their ratio, the share of units whose input changes its
        sign, and the error of the mean infill in units of the spread.
    units : tuple of (2, n)
        Mean and spread of units of the last two hidden layers.
    """

    image: str
    target: str
    arithmetic: float
    geometric: float
    by_mean: float
    monte_carlo: float
    layers: NDArray[np.float64]
    units: tuple[NDArray[np.float64], ...]

    @property
    def error(self) -> float:
        """What efficient prediction difference analysis is off."""
        return self.by_mean - self.arithmetic


@dataclass(frozen=True, eq=False)
class Approximation:
    """What has been found so far.

    Attributes
    ----------
    layers : sequence of str
        Layers with weights, from the image to the output.
    samples : int
        How many of each image.
    each : tuple of ImageApproximation
        Of each image.
    """

    layers: Sequence[str]
    samples: int
    each: tuple[ImageApproximation, ...] = ()

    def by_layer(self) -> NDArray[np.float64]:
        """(L, 5): the median over images."""
        stacked = np.stack([one.layers for one in self.each])
        rows = stacked.reshape(len(self.each), -1)
        medians = [
            np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan
            for column in rows.T
        ]
        return np.array(medians).reshape(stacked.shape[1:])

    @property
    def errors(self) -> NDArray[np.float64]:
        """(n,): of the mean infill, signed."""
        return np.array([one.error for one in self.each])

    @property
    def from_softmax(self) -> NDArray[np.float64]:
        """(n,): the part that stays where the logits are averaged without error."""
        return np.array([one.geometric - one.arithmetic for one in self.each])


def approximation_over_images(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    sampled: PredictionDifference,
    by_mean: PredictionDifference,
    pixel: tuple[int, int],
) -> Iterator[tuple[MapStep, Approximation]]:
    """Fill the same window of every image by samples and by their distribution's mean.

    Parameters
    ----------
    classifier : Classifier
        The network.
    subjects : sequence of SubjectInput
        What is explained.
    sampled, by_mean : PredictionDifference
        With a stochastic infill, and with the mean of its distribution.
    pixel : (int, int)
        Column and row of the pixel in the middle of the window.

    Yields
    ------
    MapStep, Approximation
        After each step, what has been found so far.
    """
    layers = [group[0] for group in reversed(layers_with_weights(classifier))]
    found = Approximation(layers, sampled.samples)
    values = {"sampled": sampled.model_dump(mode="json"), "mean": by_mean.model_dump(mode="json")}
    kept = KeptNumbers("approximation", {**values, "pixel": list(pixel)})
    work = ImageWork(kept, len(subjects))
    for image in subjects:
        subject, numbers = yield from beside(
            work.numbers_of(image, lambda one: _of_image(one, layers, sampled, by_mean, pixel)),
            found,
        )
        units = tuple(numbers[name] for name in sorted(numbers) if name.startswith("units"))
        arithmetic, geometric, of_mean, error = numbers["means"].tolist()
        one = ImageApproximation(
            image=image.name,
            target=subject.target_name,
            arithmetic=arithmetic,
            geometric=geometric,
            by_mean=of_mean,
            monte_carlo=error,
            layers=numbers["layers"],
            units=units,
        )
        found = replace(found, each=(*found.each, one))
        yield MapStep(work.done, work.total, image.name), found


def _of_image(
    subject: Subject,
    layers: Sequence[str],
    sampled: PredictionDifference,
    by_mean: PredictionDifference,
    pixel: tuple[int, int],
) -> Pieces:
    """Score all samples of the window, then the mean; each piece is one pass."""
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    height, width = subject.view.shape[:2]
    rectangle = Rectangle.around(pixel, sampled.window, (height, width))
    size = rectangle.height, rectangle.width
    infills = []
    for method in (sampled, by_mean):
        filler = ready_infill_of(method, classifier).filler(pixels, size)
        infills.append(filler.fill(rectangle.corner)[0])
    inputs = LayerInputs(subject, layers)
    outputs = []
    parts = torch.split(infills[0], _AT_ONCE)
    for number, part in enumerate(parts):
        outputs.append(inputs.outputs(_filled(pixels, rectangle, part), sampled=True))
        yield number + 1, len(parts) + 1
    logits = torch.cat(outputs)
    of_mean = inputs.outputs(_filled(pixels, rectangle, infills[1]), sampled=False)
    told, units = inputs.told()
    index = subject.index
    values = classifier.read(logits)[:, index].numpy()
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    means = [
        values.mean(),
        classifier.read(logits.mean(0, keepdim=True))[0, index].item(),
        classifier.read(of_mean)[0, index].item(),
        error,
    ]
    numbers: Numbers = {"means": np.array(means, np.float64), "layers": told}
    numbers |= {f"units {number}": values for number, values in enumerate(units)}
    yield len(parts) + 1, len(parts) + 1
    return numbers


class LayerInputs:
    """Mean and spread of what layers give to the next non-linearity, over infilled images.

    Parameters
    ----------
    subject : Subject
        Image, classifier and target.
    layers : sequence of str
        Layers with weights, whose results these are.
    """

    def __init__(self, subject: Subject, layers: Sequence[str]) -> None:
        self._classifier = subject.scored
        self._network = subject.classifier.network
        self._layers = layers
        self._of_mean: dict[str, torch.Tensor] = {}
        self._sums: dict[str, list[Any]] = {}

    def outputs(self, images: torch.Tensor, *, sampled: bool) -> torch.Tensor:
        """Outputs (N, K) float64 of images (N, C, H, W) in [0, 1].

        The results of all layers count among the samples, or are those of the mean infill.
        """
        take = self._take if sampled else self._note
        handles = [
            self._network.get_submodule(name).register_forward_hook(
                # At once: what follows may write over it.
                lambda _, __, result, name=name: take(name, result.double().cpu().flatten(1))
            )
            for name in self._layers
        ]
        try:
            return self._classifier.logits(self._classifier.prepare(images)).cpu().double()
        finally:
            for handle in handles:
                handle.remove()

    def _take(self, name: str, values: torch.Tensor) -> None:
        shift, *sums = self._sums.setdefault(name, [values[0].clone(), 0, 0, 0, 0])
        centred = values - shift  # around one of them: the spread may be small
        parts = (centred.sum(0), centred.square().sum(0), (values > 0).sum(0), len(values))
        self._sums[name] = [shift, *(a + b for a, b in zip(sums, parts, strict=True))]

    def _note(self, name: str, values: torch.Tensor) -> None:
        self._of_mean[name] = values[0]

    def told(self) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """What `ImageApproximation` has of layers, and of units."""
        rows, units = [], []
        for name in self._layers:
            if name not in self._sums:  # behind the target
                rows.append([np.nan] * 5)
                continue
            shift, total, squares, above, count = self._sums[name]
            mean = (shift + total / count).numpy()
            spread = np.sqrt(np.maximum((squares / count - (total / count).square()).numpy(), 0))
            reached = spread > 1e-9
            of_mean = self._of_mean[name].numpy()
            if not reached.any():
                rows.append([np.nan] * 5)
                continue
            size, own = np.abs(mean[reached]), spread[reached]
            changing = ((above > 0) & (above < count)).numpy()[reached]
            error = np.sqrt(np.square(of_mean - mean)[reached].mean() / np.square(own).mean())
            rows.append(
                [np.median(size), np.median(own), np.median(size / own), changing.mean(), error]
            )
            some = np.linspace(0, reached.sum(), min(reached.sum(), _SOME_UNITS), endpoint=False)
            units.append(np.stack([mean[reached], spread[reached]])[:, some.astype(int)])
        return np.array(rows, np.float64), units[-3:-1]


def _filled(pixels: torch.Tensor, at: Rectangle, infills: torch.Tensor) -> torch.Tensor:
    """The image (S, C, H, W) with each infill (S, C, h, w)."""
    images = pixels.expand(len(infills), -1, -1, -1).clone()
    images[..., at.top : at.bottom, at.left : at.right] = infills
    return images
