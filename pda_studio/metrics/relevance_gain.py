"""Symmetric relevance gain: how well a map's order of blocks shows and hides a class.

Blocks of the image are put into the image's fill in the order of their evidence, the most
positive first, and the class's probability is watched (insertion); and they are taken out of the
image in the same order (deletion). A good map raises the first curve soon and lowers the second
soon: the gain is the area under the first less the area under the second. What an order at random
gains is 0 on average, whatever the fill, as its two curves are each other's mirror images.

Petsiuk, Das & Saenko, RISE, BMVC 2018, Section 4.2 (both curves); Blücher, Vielhaben & Strodthoff,
Decoupling pixel flipping and occlusion strategy for consistent XAI benchmarks, TMLR 2024 (that only
their difference does not depend on the fill).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import trapezoid

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.scored import scored
from pda_studio.counts import written
from pda_studio.errors import UsageError
from pda_studio.metrics.fills import Filled
from pda_studio.pda.infill.simple import GREY, blurred
from pda_studio.results import EvidenceMap

Fill = Literal["blur", "grey"]

_BATCH = 16  # images per pass


@dataclass(frozen=True, eq=False)
class RelevanceGain:
    """Two curves of a class's probability, and the area between them.

    Attributes
    ----------
    share : (n + 1,) float64
        Which share of the blocks is put in or taken out, from 0 to 1.
    inserted, deleted : (n + 1,) float64
        The class's probability where just these blocks are shown, and where just they are not.
    """

    share: NDArray[np.float64]
    inserted: NDArray[np.float64]
    deleted: NDArray[np.float64]

    @property
    def insertion(self) -> float:
        """Area under the insertion curve, by the trapezoidal rule, from 0 to 1."""
        return float(trapezoid(self.inserted, self.share))

    @property
    def deletion(self) -> float:
        """Area under the deletion curve, likewise."""
        return float(trapezoid(self.deleted, self.share))

    @property
    def gain(self) -> float:
        """Insertion less deletion, from −1 to 1."""
        return self.insertion - self.deletion


@dataclass(frozen=True)
class Mean:
    """A mean over images, and what it is uncertain by.

    Attributes
    ----------
    mean, low, high : float
        The mean, and its confidence interval.
    count : int
        How many images.
    """

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return (
            f"{written(self.mean, '.3f')} [{written(self.low, '.3f')}, {written(self.high, '.3f')}]"
        )


def relevance_gain(
    evidence_map: EvidenceMap,
    classifier: Classifier,
    *,
    block: int = 8,
    fill: Fill = "blur",
    sigma: float = 10.0,
    steps: int = 28,
) -> RelevanceGain:
    """Put an image's blocks in and take them out in the order of a map's evidence.

    Parameters
    ----------
    evidence_map : EvidenceMap
        A block's evidence is the mean over its pixels; of equal ones the upper left comes first.
    classifier : Classifier
        Whose probability of the map's target is watched; usually the map's own.
    block : int
        Side of a block, in pixels. Blocks that do not fit at the right and the bottom are cut off.
    fill : {"blur", "grey"}
        What is there where a block is not: the image blurred by a Gaussian, or middle grey.
    sigma : float
        Standard deviation of that Gaussian, in pixels.
    steps : int
        In how many steps of about equally many blocks. More are slower, and hardly differ.

    Raises
    ------
    UsageError
        If a number is not positive, the map is of no class or is unfinished, or the classifier
        sees images of another size or channels.
    """
    if block < 1 or steps < 1 or sigma <= 0:
        raise UsageError("The block, the steps and sigma must be positive.")
    check_measurable(evidence_map, classifier)
    pixels = classifier.preprocessing.pixels(evidence_map.view)
    filled = blurred(pixels, sigma) if fill == "blur" else torch.full_like(pixels, GREY)
    height, width = evidence_map.evidence.shape
    parts = blocks(height, width, block)
    return removal_curves(evidence_map, classifier, parts, Filled(pixels, filled), steps)


def removal_curves(
    evidence_map: EvidenceMap,
    classifier: Classifier,
    parts: NDArray[np.int64],
    fill: Filled,
    steps: int,
) -> RelevanceGain:
    """Put parts of an image in and take them out in the order of a map's evidence.

    Parameters
    ----------
    evidence_map : EvidenceMap
        A part's evidence is the mean over its pixels; of equal ones the first comes first.
    classifier : Classifier
        Whose probability of the map's target is watched; `check_measurable` says whether it can be.
    parts : (H, W) int64
        The number of each pixel's part, from 0.
    fill : Filled
        What is there where a part is not.
    steps : int
        In how many steps of about equally many parts.
    """
    made = scored(classifier, evidence_map.target)
    rank = torch.from_numpy(order_of(evidence_map.evidence, parts))
    count = int(rank.max()) + 1
    cuts = np.linspace(0, count, min(steps, count) + 1).round().astype(np.int64)
    curves = []
    for putting_in in (True, False):
        said = []
        for first in range(0, len(cuts), _BATCH):
            some = torch.from_numpy(cuts[first : first + _BATCH])[:, None, None]
            mixed = fill.without(rank >= some if putting_in else rank < some)
            logits = made.classifier.logits(classifier.prepare(mixed)).cpu().double()
            said.append(made.classifier.read(logits)[:, made.index])
        curves.append(torch.cat(said).numpy())
    return RelevanceGain(cuts / count, *curves)


def check_measurable(evidence_map: EvidenceMap, classifier: Classifier) -> None:
    """Refuse maps that no probability can be followed for.

    Raises
    ------
    UsageError
        If the map is of no class or is unfinished, or the classifier sees images of another size.
    """
    if not evidence_map.has_probability:
        raise UsageError(
            f"{evidence_map.target_name} has no probability to follow: explain a class instead."
        )
    scored(classifier, evidence_map.target)  # refuses a target that the classifier does not have
    if not evidence_map.complete:
        raise UsageError(f"The map of {evidence_map.title} is unfinished: let it run to its end.")
    if evidence_map.view.shape[:2] != classifier.input_size:
        raise UsageError(f"The map's image is not of the size that {classifier.name} sees.")


def blocks(height: int, width: int, block: int) -> NDArray[np.int64]:
    """The number of each pixel's block (H, W), row by row; the last ones may be cut off."""
    rows, columns = np.arange(height) // block, np.arange(width) // block
    numbers: NDArray[np.int64] = rows[:, None] * (columns[-1] + 1) + columns
    return numbers


def order_of(evidence: NDArray[np.floating], parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each pixel (H, W), the place of its part in the order of evidence, 0 for the most."""
    weights = evidence.astype(np.float64).ravel()
    means = np.bincount(parts.ravel(), weights) / np.bincount(parts.ravel())
    place = np.empty(len(means), np.int64)
    place[np.argsort(-means, kind="stable")] = np.arange(len(means))
    placed: NDArray[np.int64] = place[parts]
    return placed


def mean_over_images(values: Sequence[float], confidence: float = 0.95) -> Mean:
    """Mean and its interval by Student's t, one value an image.

    Raises
    ------
    UsageError
        If there are fewer than two images, from which no interval follows.
    """
    if len(values) < 2:
        raise UsageError("A confidence interval needs at least two images.")
    exact = np.asarray(values, np.float64)
    mean = float(exact.mean())
    error = float(exact.std(ddof=1)) / len(exact) ** 0.5
    reach = float(stats.t.ppf((1 + confidence) / 2, len(exact) - 1)) * error
    return Mean(mean, mean - reach, mean + reach, len(exact))
