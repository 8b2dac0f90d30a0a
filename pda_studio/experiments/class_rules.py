"""Rules of a class: clusters of the strongest patches of its maps, and which occur together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from pda_studio.attribution.layers_with_places import layer_with_places
from pda_studio.attribution.places import Places
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.layers import activations
from pda_studio.errors import UsageError
from pda_studio.experiments.class_images import ClassImages, Members, images_of_class
from pda_studio.experiments.hidden_features import layer_of
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.experiments.patch_rules import Together, Without, rules_together, rules_without
from pda_studio.images import View
from pda_studio.methods import Method

LEAST = 3
"""Fewer images, or patches, have no rules."""
EXAMPLES = 7
"""Patches that are shown of a cluster."""
_SILHOUETTE_OF = 3000  # patches that the number of clusters is told from
_PARTS = 6  # of the model input's shorter side: the usual side of a patch


@dataclass(frozen=True)
class Patches:
    """Which patches are taken, and how they are clustered.

    Attributes
    ----------
    layer : str
        Whose activations are the features; auto for the last one with maps of features.
    side : int
        Of a patch, in pixels; 0 for a sixth of the model input's shorter side.
    each : int
        How many patches of an image at most.
    least : float
        Which part of its strongest patch's evidence another one of an image has at least.
    clusters, most : int
        How many clusters, 0 for the largest silhouette, up to `most`.
    seed : int
        Of the clusters.
    """

    layer: str = "auto"
    side: int = 0
    each: int = 12
    least: float = 0.25
    clusters: int = 0
    most: int = 8
    seed: int = 0


@dataclass(frozen=True)
class Patch:
    """A square of an image with evidence for the class.

    Attributes
    ----------
    image : int
        Place of the image.
    row, column : int
        Of its first pixel.
    evidence : float
        Mean over its pixels.
    """

    image: int
    row: int
    column: int
    evidence: float


@dataclass(frozen=True, eq=False)
class PatchCluster:
    """Patches with like features.

    Attributes
    ----------
    name : str
        A, B, C …
    patches : tuple of Patch
        The most typical first.
    images : int
        How many images have one of them.
    evidence : float
        Mean over its patches.
    part : float
        Of all evidence of the patches.
    examples : tuple of (Patch, (H, W, 3) View)
        The most typical, each of another image, with the model input.
    """

    name: str
    patches: tuple[Patch, ...]
    images: int
    evidence: float
    part: float
    examples: tuple[tuple[Patch, View], ...] = ()


@dataclass(frozen=True, eq=False)
class ClassRules:
    """What was found.

    Attributes
    ----------
    of : ClassImages
        The images.
    layer, unit : str
        Whose activations the features are, and in what evidence is counted.
    side : int
        Of a patch.
    clusters : tuple of PatchCluster
        The one with most evidence first.
    silhouette : float
        Mean over patches, from −1 to 1; not a number of a single cluster.
    full : int
        How many images have as many patches as are taken at most.
    together : tuple of Together
        Each pair of clusters.
    without : tuple of Without
        Each ordered pair of clusters.
    """

    of: ClassImages
    layer: str
    unit: str
    side: int
    clusters: tuple[PatchCluster, ...]
    silhouette: float
    full: int
    together: tuple[Together, ...]
    without: tuple[Without, ...]


def class_rules(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    method: Method,
    patches: Patches,
    *,
    index: int,
    members: Members,
) -> Iterator[tuple[MapStep, ClassRules | None]]:
    """Explain the images of a class, and cluster the strongest patches of their maps.

    Parameters
    ----------
    classifier : Classifier
        The network.
    subjects : sequence of SubjectInput
        The images, of any class.
    method : Method
        What explains.
    patches : Patches
        Which patches.
    index, members
        Which images: see `images_of_class`.

    Yields
    ------
    MapStep, ClassRules or None
        None until all maps are there.

    Raises
    ------
    UsageError
        If too few images are of the class, or too little speaks for it, or there is no such layer.
    """
    nothing: ClassRules | None = None
    layer = layer_of(classifier, patches.layer)
    layer, places = layer_with_places(classifier, layer, "The study of class rules")
    of = yield from beside(images_of_class(classifier, subjects, index, members), nothing)
    if len(of.images) < LEAST:
        raise UsageError(
            f"{len(of.images)} images are of the class “{of.name}”, and rules need {LEAST} at"
            " least: name more images, or another class."
        )
    work = MapWork([method], len(of.images))
    found: list[Patch] = []
    features = []
    unit, side, full = "", 0, 0
    for number, image in enumerate(of.images):
        subject = image.load()
        if not number:
            yield from beside(work.trial(subject), nothing)
        made = yield from beside(work.map_of(0, subject, image.name), nothing)
        size = made.evidence.shape
        unit, side = made.unit, min(patches.side or max(2, min(size) // _PARTS), *size)
        strongest = strongest_patches(made.evidence, side, patches.each, patches.least)
        full += len(strongest) == patches.each
        values = _maps(activations(subject.classifier, subject.view, layer), places)
        for row, column, value in strongest:
            found.append(Patch(number, row, column, value))
            features.append(features_of(values, (row, column), side, (size[0], size[1])))
    if len(found) < LEAST:
        raise UsageError(
            f"Only {len(found)} patches of {len(of.images)} images speak for “{of.name}”, too few"
            " for rules: choose another method, or more images."
        )
    yield work.now("clusters"), nothing
    labels, silhouette = clustered(np.stack(features), patches)
    clusters, evidence = _clusters(found, np.stack(features), labels, len(of.images))
    shown = []
    for cluster in clusters:
        examples = []
        for patch in _of_different_images(cluster.patches):
            yield work.now(f"patches of {cluster.name}"), nothing
            examples.append((patch, of.images[patch.image].load().view))
        shown.append(replace(cluster, examples=tuple(examples)))
    names = [one.name for one in clusters]
    together, without = rules_together(names, evidence > 0), rules_without(names, evidence)
    rules = ClassRules(
        of, layer, unit, side, tuple(shown), silhouette, full, tuple(together), tuple(without)
    )
    yield work.now(), rules


def strongest_patches(
    evidence: NDArray[np.floating], side: int, most: int, least: float
) -> list[tuple[int, int, float]]:
    """Squares of a map (H, W) with most evidence for the target, of which no two overlap.

    Parameters
    ----------
    evidence : (H, W) float
        The map.
    side : int
        Of a square, in pixels.
    most : int
        How many at most.
    least : float
        Which part of the first one's evidence the others have at least.

    Returns
    -------
    list of (int, int, float)
        First row and column, and the mean evidence of each; the strongest first.
    """
    sums = np.zeros((evidence.shape[0] + 1, evidence.shape[1] + 1))
    sums[1:, 1:] = evidence.astype(np.float64).cumsum(0).cumsum(1)
    means = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    means /= side**2
    found: list[tuple[int, int, float]] = []
    while len(found) < most:
        row, column = (int(one) for one in np.unravel_index(means.argmax(), means.shape))
        value = float(means[row, column])
        if value <= 0 or (found and value < least * found[0][2]):
            break
        found.append((row, column, value))
        rows = slice(max(row - side + 1, 0), row + side)
        means[rows, max(column - side + 1, 0) : column + side] = -np.inf
    return found


def features_of(
    values: NDArray[np.floating], corner: tuple[int, int], side: int, size: tuple[int, int]
) -> NDArray[np.float64]:
    """(C,): mean of maps (C, h, w) of a layer over a square of the input, of length 1.

    Each place of the layer counts by the part of it that lies in the square.
    """
    weights = []
    for first, pixels, count in zip(corner, size, values.shape[1:], strict=True):
        ends = np.arange(count + 1) * pixels / count
        inside = np.minimum(ends[1:], first + side) - np.maximum(ends[:-1], first)
        weights.append(np.maximum(inside, 0) / side)
    mean: NDArray[np.float64] = np.einsum("chw,h,w->c", values.astype(np.float64), *weights)
    length = float(np.linalg.norm(mean))
    return mean / length if length > 0 else mean


def clustered(features: NDArray[np.float64], patches: Patches) -> tuple[NDArray[np.int64], float]:
    """Cluster features (n, C) by k-means: their labels, and the mean silhouette."""
    different = len(np.unique(features.round(9), axis=0))
    most = min(patches.most, different, len(features) - 1)
    counts = [min(patches.clusters, different)] if patches.clusters else range(2, most + 1)
    best, labels = np.nan, np.zeros(len(features), np.int64)
    for count in counts:
        if count < 2:
            break
        made = KMeans(count, n_init=5, random_state=patches.seed).fit_predict(features)
        of = min(_SILHOUETTE_OF, len(features))
        value = np.nan
        if 1 < len(np.unique(made)) < len(features):
            value = silhouette_score(features, made, sample_size=of, random_state=patches.seed)
        if not best >= value:
            best, labels = float(value), np.asarray(made, np.int64)
    return labels, best


def _clusters(
    found: Sequence[Patch],
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    images: int,
) -> tuple[list[PatchCluster], NDArray[np.float64]]:
    """The clusters, most evidence first, and the evidence of each in each image (n, K)."""
    values = np.array([one.evidence for one in found])
    total = [-values[labels == label].sum() for label in np.unique(labels)]
    ranked = np.unique(labels)[np.argsort(total, kind="stable")]
    clusters = []
    evidence = np.zeros((images, len(ranked)))
    for number, label in enumerate(ranked):
        own = np.flatnonzero(labels == label)
        away = ((features[own] - features[own].mean(0)) ** 2).sum(1)
        patches = tuple(found[place] for place in own[np.argsort(away, kind="stable")])
        np.add.at(
            evidence[:, number], [one.image for one in patches], [p.evidence for p in patches]
        )
        count = len({one.image for one in patches})
        mean, part = float(values[own].mean()), float(values[own].sum() / values.sum())
        clusters.append(PatchCluster(chr(ord("A") + number), patches, count, mean, part))
    return clusters, evidence


def _of_different_images(patches: Sequence[Patch]) -> list[Patch]:
    first: dict[int, Patch] = {}
    for one in patches:
        first.setdefault(one.image, one)
    return list(first.values())[:EXAMPLES]


def _maps(values: NDArray[np.float32], places: Places) -> NDArray[np.float32]:
    """Maps (C, h, w) of what `activations` gives."""
    if places.prefix is not None:  # tokens (C, T)
        return values[:, places.prefix :].reshape(len(values), places.rows, places.columns)
    return np.moveaxis(values, -1, 0) if places.channels_last else values
