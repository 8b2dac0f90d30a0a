"""Relevance gain of several methods over many images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from time import perf_counter
from typing import Any

import numpy as np

from pda_studio.counts import counted, written
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.methods import Method
from pda_studio.metrics.relevance_gain import RelevanceGain, mean_over_images, relevance_gain
from pda_studio.results import Subject


@dataclass
class Gains:
    """What each method gained on each image so far.

    Attributes
    ----------
    names : list of str
        The methods' titles, each with what tells it apart.
    found : list of list of RelevanceGain
        For each image, one of each method.
    seconds : list of list of float
        How long each map took.
    """

    names: list[str]
    found: list[list[RelevanceGain]] = field(default_factory=list)
    seconds: list[list[float]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many images have been measured by all methods."""
        return len(self.found)

    def rows(self) -> list[tuple[Any, ...]]:
        """Name, images, mean gain with its interval, insertion, deletion and seconds of each."""
        return [self._row(index, name) for index, name in enumerate(self.names)]

    def _row(self, index: int, name: str) -> tuple[Any, ...]:
        gains = [one[index] for one in self.found]
        values = [one.gain for one in gains]
        low = high = None
        if len(values) > 1:
            mean = mean_over_images(values)
            low, high = mean.low, mean.high
        return (
            name,
            len(values),
            fmean(values),
            low,
            high,
            fmean(one.insertion for one in gains),
            fmean(one.deletion for one in gains),
            median(one[index] for one in self.seconds),
        )

    def sentence(self) -> str:
        """Which method orders blocks best, and whether that could be chance."""
        values = np.array([[one.gain for one in each] for each in self.found])
        order = np.argsort(-values.mean(0), kind="stable")
        best = int(order[0])
        images = counted(self.count, "image")
        head = f"{self.names[best]} orders the blocks best over {images}: its gain is"
        mean = written(values[:, best].mean(), ".3f")
        head = f"{head} {mean}"
        if len(order) < 2:
            return (
                f"The gain of {self.names[best]} is {mean} over {images};"
                " that of an order at random is 0."
            )
        other = int(order[1])
        more = values[:, best] - values[:, other]
        if self.count < 2:
            return f"{head}, {written(more.mean(), '.3f')} more than that of {self.names[other]}."
        interval = mean_over_images(list(more))
        lead = f"{interval} more than that of {self.names[other]}"
        if interval.low > 0:
            return f"{head}, {lead}, a lead that is hardly chance (95 % interval above 0)."
        return f"{head}, {lead}, a lead that could be chance (95 % interval holds 0)."


def gains_over_images(
    subjects: Sequence[SubjectInput],
    methods: Sequence[Method],
    options: dict[str, Any],
) -> Iterator[tuple[MapStep, Gains]]:
    """Explain images by methods, and measure what their maps gain.

    Parameters
    ----------
    subjects : sequence of SubjectInput
        What is explained in each image.
    methods : sequence of Method
        What explains.
    options : dict
        As `relevance_gain` takes them.

    Yields
    ------
    MapStep, Gains
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If there is no method, or one without evidence.
    """
    work = MapWork(methods, len(subjects))
    gains = Gains(work.names)
    taken: list[float] = []
    for number, image in enumerate(subjects):
        subject = image.load()
        if not number:
            work.besides = len(methods) * _seconds_of(subject, methods[0], options)
            yield from beside(work.trial(subject), gains)
        maps = []
        for place in range(len(methods)):
            maps.append((yield from beside(work.map_of(place, subject, image.name), gains)))
        began = perf_counter()
        gained = [relevance_gain(one, subject.classifier, **options) for one in maps]
        taken.append(perf_counter() - began)
        work.besides = fmean(taken)
        seconds = [one.seconds for one in maps]
        gains = Gains(gains.names, [*gains.found, gained], [*gains.seconds, seconds])
        yield work.now(image.name), gains


def _seconds_of(subject: Subject, method: Method, options: dict[str, Any]) -> float:
    """How long the gain of a map takes, tried on noise; the first try pays for preparation."""
    noise = np.random.default_rng(0).standard_normal(subject.view.shape[:2])
    made = subject.map_of(method, noise, "noise", 0.0)
    began = 0.0
    for _ in range(2):
        began = perf_counter()
        relevance_gain(made, subject.classifier, **options)
    return perf_counter() - began
