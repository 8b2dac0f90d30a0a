"""Prediction difference analysis of a hidden layer: its maps, units or windows are removed.

Zintgraf et al., Visualizing deep neural network decisions: prediction difference analysis, 3.3,
with hidden values h in the place of pixels: AD_i(z|h) = z(h) − E[z(h_i, h without i)].
"""

import hashlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.attribution.layers_with_places import layer_with_places, shown
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.layers import layers
from pda_studio.errors import UsageError
from pda_studio.experiments.image_work import ImageWork, Pieces
from pda_studio.experiments.layer_statistics import (
    Distribution,
    LayerStatistics,
    MapInfill,
    WindowInfill,
    fit_layer,
)
from pda_studio.experiments.map_work import MapStep, SubjectInput, beside, subjects_of
from pda_studio.experiments.replaced_layer import ReplacedLayer, values_at
from pda_studio.images import View
from pda_studio.inspection import ClassScores
from pda_studio.pda.differences import log_odds
from pda_studio.pda.options import AUTO
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import Subject
from pda_studio.store.numbers import KeptNumbers

Removed = Literal["maps", "windows"]

_AT_ONCE = 16  # infilled layers a pass
_MOST_IMAGES = 100  # that statistics come from


@dataclass(frozen=True)
class Removal:
    """What is removed from a layer, and what replaces it.

    Attributes
    ----------
    layer : str
        Its name, or auto.
    what : {"maps", "windows"}
        Each map, or unit of a layer without places; or windows of all maps.
    window, stride : int
        Of windows, in places of the layer.
    distribution : {"conditional", "marginal"}
        Given the other channels at a place, or the places around the window; or not.
    samples : int
        How many infills; 0 for the distribution's mean alone.
    seed : int
        Of the samples.
    """

    layer: str = AUTO
    what: Removed = "maps"
    window: int = 3
    stride: int = 1
    distribution: Distribution = "conditional"
    samples: int = 10
    seed: int = 0


@dataclass(frozen=True, eq=False)
class HiddenEvidence:
    """What an image's target loses without each part of a layer.

    Attributes
    ----------
    image, target, unit : str
        Names of image and target, and in what the evidence is counted.
    view : (H, W, 3)
        The image as the network sees it.
    evidence, error : (n,) float64
        Of each map or window, and its standard error of sampling.
    values : (C, h, w) float32
        The layer's values.
    grid : WindowGrid or None
        Where the windows lie.
    """

    image: str
    target: str
    unit: str
    view: View
    evidence: NDArray[np.float64]
    error: NDArray[np.float64]
    values: NDArray[np.float32]
    grid: WindowGrid | None

    @property
    def places(self) -> NDArray[np.float64] | None:
        """(h, w): the mean over the windows that cover each place; None where maps are removed."""
        return None if self.grid is None else self.grid.average(self.evidence)


@dataclass(frozen=True, eq=False)
class HiddenFeatures:
    """What has been found so far.

    Attributes
    ----------
    layer : str
        Whose values are removed.
    removal : Removal
        How.
    statistics : LayerStatistics or None
        Of the layer, where all images share them.
    each : tuple of HiddenEvidence
        Of each image.
    """

    layer: str
    removal: Removal
    statistics: LayerStatistics | None = None
    each: tuple[HiddenEvidence, ...] = ()

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean evidence over images of each map or window."""
        mean: NDArray[np.float64] = np.mean([one.evidence for one in self.each], axis=0)
        return mean

    def share_of_half(self) -> int:
        """How many of the maps or windows hold half of all evidence for the target, on average."""
        positive = np.sort(np.maximum(self.mean, 0))[::-1].cumsum()
        return int(np.searchsorted(positive, positive[-1] / 2) + 1) if positive[-1] > 0 else 0


def hidden_features_over_images(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    removal: Removal,
    reference: Sequence[SubjectInput] = (),
) -> Iterator[tuple[MapStep, HiddenFeatures]]:
    """Remove one part after another of a layer's values, of one image after the other.

    Parameters
    ----------
    classifier : Classifier
        The network.
    subjects : sequence of SubjectInput
        What is explained.
    removal : Removal
        What is removed, and how.
    reference : sequence of SubjectInput
        Images that the layer's statistics come from; without them, each image's own places.

    Yields
    ------
    MapStep, HiddenFeatures
        After each step, what has been found so far.

    Raises
    ------
    UsageError
        If there is no such layer, or a window is too large.
    """
    layer = layer_of(classifier, removal.layer)
    found = HiddenFeatures(layer, removal)
    images = list(reference)[:_MOST_IMAGES]
    statistics = None
    if images:
        made = []
        for image in images:
            yield MapStep(0, 1, f"statistics of {shown(layer)}: {image.name}"), found
            made.append(values_at(image.load(), layer))
            if made[-1].shape != made[0].shape:
                raise UsageError("The images of the folder must give a layer values of one size.")
        statistics = fit_layer(made, _reach(removal))
        found = replace(found, statistics=statistics)
    values = {key: value for key, value in vars(removal).items() if key != "layer"}
    kept = KeptNumbers("hidden-features", {**values, "layer": layer, "of": _digest(statistics)})
    work = ImageWork(kept, len(subjects))
    for image in subjects:
        subject, numbers = yield from beside(
            work.numbers_of(image, lambda one: _evidence(one, layer, removal, statistics)), found
        )
        grid = _grid(numbers["values"].shape, removal)
        has_odds = subject.scored.has_probabilities
        one = HiddenEvidence(
            image.name,
            subject.target_name,
            "bits" if has_odds else subject.unit,
            subject.view,
            numbers["evidence"],
            numbers["error"],
            numbers["values"],
            grid,
        )
        found = replace(found, each=(*found.each, one))
        yield MapStep(work.done, work.total, image.name), found


def layer_of(classifier: Classifier, name: str) -> str:
    """A layer's name; for auto that of the last one with maps that is not pooling.

    Where that has a map for each class, as in SqueezeNet, the last one before it is meant: without
    the map of a class nothing is left of it.
    """
    if name != AUTO:
        return name
    last = layer_with_places(classifier, AUTO, "The study of hidden features")[0]
    known = layers(classifier)
    names = [one.name for one in known]
    count = len(classifier.class_names)
    if known[names.index(last)].shape[0] != count:
        return last
    module_of = classifier.network.get_submodule
    before = [
        one.name
        for one in known[: names.index(last)]
        if len(one.shape) == 3
        and one.shape[0] != count
        and not isinstance(module_of(one.name), nn.Sequential | nn.Dropout | nn.Identity)
    ]
    return before[-1] if before else last


def _evidence(
    subject: Subject, layer: str, removal: Removal, statistics: LayerStatistics | None
) -> Pieces:
    """Score the network without each part; each piece is one pass."""
    network = ReplacedLayer(subject, layer)
    values = network.values
    grid = _grid(values.shape, removal)
    statistics = statistics or fit_layer([values], _reach(removal))
    before = network.original[0]
    count = len(values) if grid is None else len(grid)
    infills = _infills(statistics, values, removal, grid)
    evidence, error = np.zeros(count), np.zeros(count)
    samples = max(removal.samples, 1)
    parts = max(1, _AT_ONCE // samples)
    for start in range(0, count, parts):
        some = np.concatenate([next(infills) for _ in range(start, min(start + parts, count))])
        outputs = torch.cat([network.logits(few) for few in _few(some)])
        for at, after in enumerate(torch.split(outputs, samples)):
            evidence[start + at], error[start + at] = difference(subject, before, after)
        yield min(start + parts, count), count
    return {"evidence": evidence, "error": error, "values": values}


def difference(subject: Subject, before: torch.Tensor, after: torch.Tensor) -> tuple[float, float]:
    """What the target loses: z, or its log-odds in bits, less its mean over samples (S, K).

    The second is its standard error; of log-odds half the way that they go over one of the
    probability to both sides.
    """
    classifier, target = subject.scored, subject.index
    both = [ClassScores(classifier.read(z).numpy(), z.numpy(), classifier.output) for z in
            (before, after)]  # fmt: skip
    values = both[1].values[:, target]
    mean = ClassScores(both[1].probabilities.mean(0), both[1].logits.mean(0), classifier.output)
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    lost = both[0].less(mean, target, "log-odds")
    if classifier.has_probabilities and error:
        classes = 2 if classifier.output == "sigmoid" else len(before)
        ends = np.clip(values.mean() + np.array([-error, error]), 0, 1)
        error = float(np.diff(log_odds(ends, classes))[0] / 2)
    return lost, error


def _infills(
    statistics: LayerStatistics,
    values: NDArray[np.float32],
    removal: Removal,
    grid: WindowGrid | None,
) -> Generator[NDArray[np.float32], None, None]:
    """The layer's values (S, C, H, W) without each part in turn."""
    samples, seed, distribution = removal.samples, removal.seed, removal.distribution
    if grid is None:
        of_map = MapInfill(statistics, values, distribution, samples, seed)
        for channel in range(len(values)):
            yield _with(values, of_map.fill(channel)[:, None], np.s_[channel : channel + 1])
        return
    side = removal.window
    of_window = WindowInfill(statistics, values, distribution, side, _outer(side), samples, seed)
    for top, left in grid.corners.tolist():
        where = np.s_[:, top : top + side, left : left + side]
        yield _with(values, of_window.fill(top, left), where)


def _with(
    values: NDArray[np.float32], infills: NDArray[np.float32], where: object
) -> NDArray[np.float32]:
    made = np.repeat(values[None], len(infills), axis=0)
    for one, infill in zip(made, infills, strict=True):
        one[where] = infill
    return made


def _grid(shape: tuple[int, ...], removal: Removal) -> WindowGrid | None:
    """The windows of a layer of this shape; None where maps are removed."""
    if removal.what == "maps":
        return None
    height, width = shape[1:]
    if min(height, width) < 2:
        raise UsageError(
            "The layer has no rows and columns from which windows could be removed: remove maps."
        )
    if removal.window > min(height, width):
        raise UsageError(
            f"A window of {removal.window} places is larger than the maps of {width}×{height}:"
            " choose a smaller one."
        )
    return WindowGrid(height, width, removal.window, min(removal.stride, removal.window))


def _outer(window: int) -> int:
    return window + 4


def _reach(removal: Removal) -> int:
    return 0 if removal.what == "maps" else _outer(removal.window) - 1


def _few(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The infilled layers of one pass each."""
    return [values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)]


def _digest(statistics: LayerStatistics | None) -> str:
    """What statistics are, in a key."""
    if statistics is None:
        return ""
    digest = hashlib.sha256()
    for value in vars(statistics).values():
        digest.update(np.asarray(value).tobytes())
    return digest.hexdigest()


def reference_of(
    folder: Path | None, subjects: Sequence[SubjectInput], classifier: Classifier
) -> Sequence[SubjectInput]:
    """Images for statistics: of a folder, or the images themselves where there are several."""
    if folder is not None:
        return subjects_of(folder, _MOST_IMAGES, classifier)
    return subjects if len(subjects) > 1 else ()
