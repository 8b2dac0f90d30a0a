"""Spectral relevance analysis: clusters of whole maps of one class.

Lapuschkin et al., Unmasking Clever Hans predictors and assessing what machines really learn, Nature
Communications, 2019: maps are made small, a graph joins each with its nearest neighbours, and the
eigenvalues of the graph's Laplacian say how many clusters there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.csgraph import laplacian
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import kneighbors_graph

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.experiments.class_images import ClassImages, Members, images_of_class
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.images import View
from pda_studio.methods import Method

Evidence = Literal["signed", "positive", "absolute"]
Embedding = Literal["t-sne", "spectral"]

LEAST = 6
"""Fewer maps have no clusters."""
_EXAMPLES = 4  # images that are shown of a cluster
_PERPLEXITY = 30.0


@dataclass(frozen=True)
class Clustering:
    """How maps are compared and clustered.

    Attributes
    ----------
    side : int
        Of the maps, once they are made small, in pixels.
    evidence : {"signed", "positive", "absolute"}
        What of them counts.
    neighbours : int
        How many nearest maps each one is joined with; 0 for the square root of their number.
    clusters, most : int
        How many clusters, 0 for as many as the eigenvalues say, up to `most`.
    embedding : {"t-sne", "spectral"}
        How the maps are laid out in a plane.
    seed : int
        Of the embedding.
    """

    side: int = 16
    evidence: Evidence = "signed"
    neighbours: int = 0
    clusters: int = 0
    most: int = 8
    embedding: Embedding = "t-sne"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Example:
    """An image of a cluster with its map.

    Attributes
    ----------
    name : str
        Of the image.
    view : (H, W, 3)
        The image as the network sees it.
    evidence : (H, W) float32
        Its map.
    """

    name: str
    view: View
    evidence: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MapCluster:
    """Maps that are alike.

    Attributes
    ----------
    members : (m,) int
        Places of the images, the most typical first.
    mean : (side, side) float64
        Mean of the small maps, each of root mean square 1.
    probability : float
        Mean probability of the class.
    silhouette : float
        Mean over its maps of how much nearer they are to one another than to the next cluster,
        from −1 to 1; not a number of a single cluster.
    examples : tuple of Example
        The most typical images.
    """

    members: NDArray[np.int64]
    mean: NDArray[np.float64]
    probability: float
    silhouette: float
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, eq=False)
class MapClusters:
    """What was found.

    Attributes
    ----------
    of : ClassImages
        The images.
    maps : (n, side, side) float64
        The small maps, each of root mean square 1.
    clusters : tuple of MapCluster
        The largest first.
    plane : (n, 2) float64
        Where each map lies in the embedding.
    eigenvalues : (m,) float64
        The smallest ones of the graph's normalised Laplacian, ascending.
    neighbours : int
        How many nearest maps each one is joined with.
    """

    of: ClassImages
    maps: NDArray[np.float64]
    clusters: tuple[MapCluster, ...]
    plane: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    neighbours: int

    @property
    def gap(self) -> float:
        """Between the last eigenvalue that belongs to a cluster and the next one."""
        count = len(self.clusters)
        return float(self.eigenvalues[count] - self.eigenvalues[count - 1])


def map_clusters(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    method: Method,
    clustering: Clustering,
    *,
    index: int,
    members: Members,
) -> Iterator[tuple[MapStep, MapClusters | None]]:
    """Explain the images of a class, and cluster their maps.

    Parameters
    ----------
    classifier : Classifier
        The network.
    subjects : sequence of SubjectInput
        The images, of any class.
    method : Method
        What explains.
    clustering : Clustering
        How maps are compared.
    index, members
        Which images: see `images_of_class`.

    Yields
    ------
    MapStep, MapClusters or None
        None until all maps are there.

    Raises
    ------
    UsageError
        If too few images are of the class.
    """
    nothing: MapClusters | None = None
    of = yield from beside(images_of_class(classifier, subjects, index, members), nothing)
    if len(of.images) < LEAST:
        raise UsageError(
            f"{len(of.images)} images are of the class “{of.name}”, and clusters of maps need"
            f" {LEAST} at least: name more images, or another class."
        )
    work = MapWork([method], len(of.images))
    small = []
    for number, image in enumerate(of.images):
        subject = image.load()
        if not number:
            yield from beside(work.trial(subject), nothing)
        made = yield from beside(work.map_of(0, subject, image.name), nothing)
        small.append(small_map(made.evidence, clustering.side, clustering.evidence))
    yield work.now("clusters"), nothing
    found = clustered(of, np.stack(small), clustering)
    shown = [list(one.members[:_EXAMPLES]) for one in found.clusters]
    again = MapWork([method], sum(map(len, shown)))  # finished maps are found
    clusters = []
    for cluster, places in zip(found.clusters, shown, strict=True):
        examples = []
        for image in (of.images[place] for place in places):
            subject = image.load()
            made = yield from beside(again.map_of(0, subject, image.name), nothing)
            examples.append(Example(image.name, subject.view, made.evidence))
        clusters.append(replace(cluster, examples=tuple(examples)))
    yield work.now(), replace(found, clusters=tuple(clusters))


def small_map(
    evidence: NDArray[np.floating], side: int, counted: Evidence = "signed"
) -> NDArray[np.float64]:
    """A map (H, W) as (side, side) means over its parts, of root mean square 1, or of zeros."""
    values = evidence.astype(np.float64)
    if counted != "signed":
        values = np.abs(values) if counted == "absolute" else np.maximum(values, 0)
    small = np.asarray(cv2.resize(values, (side, side), interpolation=cv2.INTER_AREA), np.float64)
    size = float(np.sqrt(np.mean(small**2)))
    return small / size if size > 0 else small


def clustered(of: ClassImages, maps: NDArray[np.float64], clustering: Clustering) -> MapClusters:
    """Cluster small maps (n, side, side) by their graph of nearest neighbours."""
    flat = maps.reshape(len(maps), -1)
    neighbours = min(clustering.neighbours or round(len(maps) ** 0.5), len(maps) - 1)
    joined = kneighbors_graph(flat, neighbours, include_self=False)
    graph = (0.5 * (joined + joined.T)).toarray()
    most = min(clustering.most, len(maps) - 1)
    values, vectors = eigh(laplacian(graph, normed=True), subset_by_index=[0, most])
    count = min(clustering.clusters, most) or int(np.diff(values).argmax()) + 1
    rows = vectors[:, :count]  # by Ng, Jordan & Weiss: also parts that nothing joins are clusters
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    labels = KMeans(count, n_init=10, random_state=clustering.seed).fit_predict(rows)
    apart = np.full(len(maps), np.nan)
    if 1 < len(np.unique(labels)) < len(maps):
        apart = silhouette_samples(flat, labels)
    probabilities = np.array(of.probabilities)
    clusters = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        mean = maps[places].mean(0)
        order = np.argsort(((maps[places] - mean) ** 2).sum((1, 2)), kind="stable")
        clusters.append(
            MapCluster(
                places[order],
                mean,
                float(probabilities[places].mean()),
                float(apart[places].mean()),
            )
        )
    clusters.sort(key=lambda one: (-len(one.members), int(one.members.min())))
    plane = vectors[:, 1:3] if clustering.embedding == "spectral" else _spread(flat, clustering)
    return MapClusters(of, maps, tuple(clusters), plane, values, neighbours)


def _spread(flat: NDArray[np.float64], clustering: Clustering) -> NDArray[np.float64]:
    """(n, 2): t-distributed stochastic neighbour embedding, from the principal components on."""
    perplexity = min(_PERPLEXITY, (len(flat) - 1) / 3)
    made = TSNE(perplexity=perplexity, init="pca", random_state=clustering.seed)
    return np.asarray(made.fit_transform(flat), np.float64)
