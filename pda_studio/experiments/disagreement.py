"""Where methods disagree: correlations of their maps, clusters of methods, the map of spread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage, optimal_leaf_ordering
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from pda_studio.attribution.combining import standardised
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.images import View
from pda_studio.methods import Method

Values = Literal["signed", "absolute"]
Measure = Literal["spearman", "pearson"]


@dataclass(frozen=True, eq=False)
class Spread:
    """How far methods are apart in an image.

    Attributes
    ----------
    name : str
        The image's.
    view : (H, W, 3) uint8 or float32
        The image as the network sees it.
    values : (H, W) float64
        Standard deviation between maps in units of their own root mean square.
    agreement : float
        Mean correlation of all pairs of maps.
    """

    name: str
    view: View
    values: NDArray[np.float64]
    agreement: float


@dataclass(frozen=True, eq=False)
class Disagreement:
    """What has been found so far.

    Attributes
    ----------
    names : sequence of str
        The methods' names.
    each : tuple of (n, n) float64
        Of each image, the correlations of all methods' maps; not a number where a map is the same
        everywhere.
    spread : Spread or None
        That of the image in which methods agree least.
    """

    names: Sequence[str]
    each: tuple[NDArray[np.float64], ...] = ()
    spread: Spread | None = field(default=None)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """(n, n): mean correlations over images; not a number where no image tells one."""
        stack = np.stack(self.each)
        known = np.isfinite(stack)
        total = np.where(known, stack, 0).sum(0)
        counts = known.sum(0)
        return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)

    @cached_property
    def tree(self) -> NDArray[np.float64]:
        """Clusters by average linkage of one less the correlation, as scipy has them."""
        distances = 1 - np.where(np.isfinite(self.mean), self.mean, 0)
        np.fill_diagonal(distances, 0)
        condensed = squareform((distances + distances.T) / 2, checks=False)
        return np.asarray(
            optimal_leaf_ordering(linkage(condensed, "average"), condensed), np.float64
        )

    @cached_property
    def order(self) -> list[int]:
        """The methods, with like ones beside one another."""
        return [int(place) for place in leaves_list(self.tree)]

    def groups(self, alike: float) -> list[list[str]]:
        """Methods whose maps correlate by so much on average, the largest group first."""
        labels = fcluster(self.tree, 1 - alike, "distance")
        found: dict[int, list[str]] = {}
        for place in self.order:
            found.setdefault(int(labels[place]), []).append(self.names[place])
        return sorted(found.values(), key=len, reverse=True)

    def pairs(self) -> list[tuple[str, str, list[float]]]:
        """Each pair of methods with its correlation in each image; most alike first."""
        found = []
        for first in range(len(self.names)):
            for other in range(first + 1, len(self.names)):
                values = [float(one[first, other]) for one in self.each]
                mean = -float(np.nan_to_num(self.mean[first, other], nan=-2))
                found.append((mean, self.names[first], self.names[other], values))
        return [(one, other, values) for _, one, other, values in sorted(found)]


def correlations(maps: Sequence[NDArray[np.floating]], measure: Measure) -> NDArray[np.float64]:
    """Correlate maps (H, W) with one another.

    Returns
    -------
    (n, n) float64
        1 for equal maps, about 0 for independent ones; not a number for a map that is the same
        everywhere.
    """
    rows = np.stack([one.astype(np.float64).ravel() for one in maps])
    if measure == "spearman":
        rows = rankdata(rows, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.corrcoef(rows), np.float64)


def spread_of(maps: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """(H, W): standard deviation between maps, each in units of its own root mean square."""
    values: NDArray[np.float64] = np.stack([standardised(one) for one in maps]).std(0, ddof=1)
    return values


def disagreement_over_images(
    subjects: Sequence[SubjectInput],
    methods: Sequence[Method],
    *,
    measure: Measure = "spearman",
    values: Values = "signed",
    blur: float = 0.0,
) -> Iterator[tuple[MapStep, Disagreement]]:
    """Explain images by methods, and correlate the maps of each image.

    Parameters
    ----------
    subjects : sequence of SubjectInput
        The images.
    methods : sequence of Method
        At least two.
    measure : {"spearman", "pearson"}
        Of ranks, or of values.
    values : {"signed", "absolute"}
        Whether evidence for and against is told apart.
    blur : float
        Standard deviation of a Gaussian by which maps are smoothed first, in pixels; 0 for none.

    Yields
    ------
    MapStep, Disagreement
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If there are fewer than two methods, or one is without evidence.
    """
    if len(methods) < 2:
        raise UsageError("The study compares methods: choose at least two.")
    work = MapWork(methods, len(subjects))
    found = Disagreement(work.names)
    for number, image in enumerate(subjects):
        subject = image.load()
        if not number:
            yield from beside(work.trial(subject), found)
        maps: list[NDArray[np.floating]] = []
        for place in range(len(methods)):
            made = yield from beside(work.map_of(place, subject, image.name), found)
            evidence = np.abs(made.evidence) if values == "absolute" else made.evidence
            maps.append(gaussian_filter(evidence.astype(np.float64), blur) if blur else evidence)
        matrix = correlations(maps, measure)
        above = matrix[np.triu_indices(len(maps), 1)]
        agreed = float(np.nan_to_num(above).mean())
        spread = found.spread
        if spread is None or agreed < spread.agreement:
            spread = Spread(image.name, subject.view, spread_of(maps), agreed)
        found = Disagreement(work.names, (*found.each, matrix), spread)
        yield work.now(image.name), found
