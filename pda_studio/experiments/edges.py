"""How much of a map is edges of the image, by the trained network and by one of random weights.

Nie, Towards explaining gradient-based visualizations in deep neural networks, 2017, asks at its end
why the saliency of a trained network looks good, and whether guided backpropagation shows edges;
Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, hold maps against an edge detector.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import canny
from skimage.filters import sobel

from pda_studio.classifiers import Classifier
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.experiments.random_weights import How, layers_with_weights, randomised
from pda_studio.images import View, shown_pixels
from pda_studio.methods import Method
from pda_studio.metrics.rank_correlation import rank_correlation

Detector = Literal["sobel", "canny"]
_sobel: Any = sobel  # without types
_canny: Any = canny


@dataclass(frozen=True)
class EdgeShare:
    """Spearman's correlations of the size of evidence, of one image and method.

    Attributes
    ----------
    trained, random : float
        With the image's edges, by the trained network and by that of random weights; not a number
        where a map is the same everywhere.
    networks : float
        Of the two networks' maps.
    rest : float
        The same, less what both share with the edges: the partial correlation.
    """

    trained: float
    random: float
    networks: float
    rest: float


@dataclass(frozen=True, eq=False)
class Edges:
    """What has been found so far.

    Attributes
    ----------
    methods : sequence of str
        Their names.
    each : tuple of list of EdgeShare
        Of each image, of each method.
    view : (H, W, 3) or None
        The first image, or the first of which fewer maps are the same everywhere.
    edges : (H, W) float64 or None
        Its edges.
    maps : tuple of ((H, W) float32, (H, W) float32)
        Of each method, its evidence by the trained network and by the other.
    """

    methods: Sequence[str]
    each: tuple[list[EdgeShare], ...] = ()
    view: View | None = None
    edges: NDArray[np.float64] | None = None
    maps: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...] = ()


def edges_of(view: View, detector: Detector, sigma: float) -> NDArray[np.float64]:
    """How strong edges are at each pixel (H, W): by Sobel's filter, or 0 and 1 by Canny's.

    Parameters
    ----------
    view : (H, W, 3)
        The image as the network sees it.
    detector : {"sobel", "canny"}
        Which detector of scikit-image.
    sigma : float
        Standard deviation of the Gaussian before Canny's, in pixels.
    """
    grey = rgb2gray(shown_pixels(view))
    found = _sobel(grey) if detector == "sobel" else _canny(grey, sigma=sigma)
    strength: NDArray[np.float64] = np.asarray(found, np.float64)
    return strength


def edge_share(
    trained: NDArray[np.floating], random: NDArray[np.floating], edges: NDArray[np.floating]
) -> EdgeShare:
    """Correlate the size of two networks' evidence (H, W) with edges, and with one another."""
    one, two = np.abs(trained), np.abs(random)
    with_edges, of_random, networks = (
        rank_correlation(*pair) for pair in ((one, edges), (two, edges), (one, two))
    )
    left = (1 - with_edges**2) * (1 - of_random**2)
    rest = (networks - with_edges * of_random) / np.sqrt(left) if left > 0 else float("nan")
    return EdgeShare(with_edges, of_random, networks, float(rest))


def edges_over_images(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    methods: Sequence[Method],
    *,
    detector: Detector = "sobel",
    sigma: float = 1.0,
    how: How = "re-initialise",
    seed: int = 0,
) -> Iterator[tuple[MapStep, Edges]]:
    """Explain images by a trained network and one of random weights, and correlate with edges.

    Parameters
    ----------
    classifier : Classifier
        The trained one.
    subjects : sequence of SubjectInput
        The images, each with its target.
    methods : sequence of Method
        What explains.
    detector, sigma
        See `edges_of`.
    how, seed
        Of the random weights: see `randomised`.

    Yields
    ------
    MapStep, Edges
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If there is no method, one is without evidence, or the network has no weights.
    """
    names = tuple(name for group in layers_with_weights(classifier) for name in group)
    work = MapWork(methods, 2 * len(subjects))
    other = randomised(classifier, names, seed, how)
    found = Edges(work.names)
    for number, image in enumerate(subjects):
        subject = image.load()
        if not number:
            yield from beside(work.trial(subject), found)
        random = subject.by(other)
        maps = []
        for place in range(len(methods)):
            pair = []
            for one, words in ((subject, "as trained"), (random, "random weights")):
                doing = f"{image.name}, {words}"
                made = yield from beside(work.map_of(place, one, doing), found)
                pair.append(made.evidence)
            maps.append((pair[0], pair[1]))
        edges = edges_of(subject.view, detector, sigma)
        found = replace(found, each=(*found.each, [edge_share(*pair, edges) for pair in maps]))
        if not number or _flat(found.maps) > _flat(maps):
            found = replace(found, view=subject.view, edges=edges, maps=tuple(maps))
        yield work.now(image.name), found


def _flat(maps: Sequence[tuple[NDArray[np.float32], ...]]) -> int:
    """How many maps are the same everywhere, as random weights can leave them."""
    return sum(np.ptp(one) == 0 for pair in maps for one in pair)
