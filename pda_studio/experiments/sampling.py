"""How many samples: the score without one window against their number, and that of whole maps.

Zhou & Kainz, Efficient image evidence analysis, Fig. 16, with repeats, a Monte-Carlo band, and what
follows for the map.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.stats import foldnorm

from pda_studio.attribution.prediction_difference import ready_infill_of
from pda_studio.experiments.map_work import PARTS, MapStep, MapWork, beside
from pda_studio.inspection import ClassScores, Rectangle, Removal, removal_steps
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.results import EvidenceMap, Subject

_BAND = 0.95
_MOST = 1_000_000  # samples: beyond this, more are no use to anybody


@dataclass(frozen=True, eq=False)
class Reliability:
    """What two maps of the same number of samples say of all others.

    Attributes
    ----------
    samples : int
        S of both maps.
    signal : float
        Variance of the evidence between pixels, without that of sampling.
    noise : float
        Mean squared standard error of the evidence at S samples.
    found : float
        Pearson's correlation of the two maps.
    """

    samples: int
    signal: float
    noise: float
    found: float

    def correlation(self, samples: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Pearson's correlation to be expected of two maps with so many samples each."""
        noise = self.noise * self.samples / np.asarray(samples, np.float64)
        return np.asarray(self.signal / (self.signal + noise), np.float64)

    def samples_for(self, correlation: float) -> int | None:
        """So many samples are needed for two maps to correlate by so much; None beyond all use."""
        if self.signal <= 0:
            return None
        wanted = self.noise * self.samples / self.signal * correlation / (1 - correlation)
        return max(1, math.ceil(wanted)) if wanted < _MOST else None


@dataclass(frozen=True, eq=False)
class Sampling:
    """What has been found so far.

    Attributes
    ----------
    rectangle : Rectangle
        The window.
    before : float
        The target's probability, or plain value, in the image itself.
    by_mean : float
        The same without the window, with the mean of its distribution as the infill.
    of_each : tuple of (S,) float64
        Of each repeat, the same with one sample after the other.
    reliability : Reliability or None
        Of whole maps, once there are two.
    """

    rectangle: Rectangle
    before: float
    by_mean: float
    of_each: tuple[NDArray[np.float64], ...] = ()
    reliability: Reliability | None = None

    @property
    def mean(self) -> float:
        """Mean over all samples of all repeats."""
        return float(np.concatenate(self.of_each).mean())

    @property
    def spread(self) -> float:
        """Standard deviation from sample to sample."""
        return float(np.concatenate(self.of_each).std(ddof=1))

    def running(self) -> NDArray[np.float64]:
        """(R, S): the mean over the first s samples, of each repeat."""
        values = np.stack(self.of_each)
        means: NDArray[np.float64] = values.cumsum(1) / np.arange(1, values.shape[1] + 1)
        return means

    def error(self, samples: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Standard error of a mean over so many samples."""
        return np.asarray(self.spread / np.sqrt(samples), np.float64)

    def band(self, samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where 95 % of all repeats lie with their distance to the score of the mean infill."""
        error = np.maximum(self.error(samples), 1e-12)
        distance = abs(self.mean - self.by_mean)
        ends = [(1 - _BAND) / 2, (1 + _BAND) / 2]
        low, high = (foldnorm.ppf(end, distance / error, scale=error) for end in ends)
        return low, high

    def samples_for(self, error: float) -> int:
        """How many samples leave so small a standard error."""
        return max(1, math.ceil((self.spread / error) ** 2))


def sampling_of(
    subject: Subject,
    sampled: PredictionDifference,
    by_mean: PredictionDifference,
    pixel: tuple[int, int],
    *,
    repeats: int,
    map_samples: int,
) -> Iterator[tuple[MapStep, Sampling]]:
    """Score one window with ever more samples, again and again; then two whole maps.

    Parameters
    ----------
    subject : Subject
        Image, classifier and target.
    sampled : PredictionDifference
        With a stochastic infill, and as many samples as are taken of the window.
    by_mean : PredictionDifference
        The same with the mean of its distribution as the infill.
    pixel : (int, int)
        Column and row of the pixel in the middle of the window.
    repeats : int
        How often, each time with another seed.
    map_samples : int
        Samples of the maps; 0 for no map.

    Yields
    ------
    MapStep, Sampling
        After each step, what has been found so far.
    """
    height, width = subject.view.shape[:2]
    rectangle = Rectangle.around(pixel, sampled.window, (height, width))
    classifier = subject.scored
    maps = [
        sampled.model_copy(update={"samples": map_samples, "seed": sampled.seed + number})
        for number in range(2)
    ]
    work = MapWork(maps, 1) if map_samples else None
    total = PARTS + (work.total if work else 0)
    whole = _last(removal_steps(subject, rectangle, ready_infill_of(by_mean, classifier)))
    found = Sampling(rectangle, _value(subject, whole.before), _value(subject, whole.after))
    left_of_maps = 0.0
    if work:
        for step in work.trial(subject):
            left_of_maps = step.seconds_left or 0.0
            yield MapStep(0, total, step.doing), found
    began = perf_counter()
    for number in range(repeats):
        other = sampled.model_copy(update={"seed": sampled.seed + number})
        infill = ready_infill_of(other, classifier)
        removal = None
        for removed in removal_steps(subject, rectangle, infill):
            if isinstance(removed, Removal):
                removal = removed
                part = number + len(removed.of_each) / len(removed.infills)
                left_seconds = (perf_counter() - began) * (repeats - part) / part + left_of_maps
                done = min(int(PARTS * part / repeats), PARTS)
                yield MapStep(done, total, f"repeat {number + 1} of {repeats}", left_seconds), found
        assert removal is not None, "infills are scored"
        found = replace(found, of_each=(*found.of_each, removal.of_each))
        yield MapStep(PARTS * (number + 1) // repeats, total, "", None), found
    if work is None:
        return
    made: list[EvidenceMap] = []
    for place in range(2):
        made.append((yield from beside(_after(work.map_of(place, subject), total), found)))
    found = replace(found, reliability=reliability_of(made[0], made[1], map_samples))
    yield MapStep(total, total, "maps", 0.0), found


def reliability_of(first: EvidenceMap, other: EvidenceMap, samples: int) -> Reliability:
    """What two maps with independent samples say of the number of samples.

    The variance that both share is the signal, their mean squared difference twice the noise.
    """
    one, two = (made.evidence.astype(np.float64) for made in (first, other))
    noise = float(np.square(one - two).mean() / 2)
    flat = one.std() == 0 or two.std() == 0
    shared = float(np.mean((one - one.mean()) * (two - two.mean())))
    correlation = float("nan") if flat else float(np.corrcoef(one.ravel(), two.ravel())[0, 1])
    return Reliability(samples, max(shared, 0.0), noise, correlation)


def _after(
    steps: Generator[MapStep, None, EvidenceMap], total: int
) -> Generator[MapStep, None, EvidenceMap]:
    """The steps of a map that comes after the window."""
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            made: EvidenceMap = stop.value
            return made
        yield replace(step, done=step.done + PARTS, total=total)


def _value(subject: Subject, scores: ClassScores) -> float:
    values = scores.values
    return float(values.reshape(-1, values.shape[-1])[0, subject.index])


def _last(steps: Iterator[object]) -> Removal:
    removal = None
    for step in steps:
        removal = step if isinstance(step, Removal) else removal
    assert removal is not None, "infills are scored"
    return removal
