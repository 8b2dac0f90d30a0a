"""Relevance gain of several methods over many images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.images import Image, read_image
from pda_studio.methods import Method
from pda_studio.metrics.relevance_gain import RelevanceGain, mean_over_images, relevance_gain
from pda_studio.results import Subject, map_in


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
        images = f"{self.count} image{'' if self.count == 1 else 's'}"
        head = f"{self.names[best]} orders the blocks best over {images}: its gain is"
        head = f"{head} {values[:, best].mean():.3f}"
        if len(order) < 2:
            return (
                f"The gain of {self.names[best]} is {values[:, best].mean():.3f} over {images};"
                " that of an order at random is 0."
            )
        other = int(order[1])
        more = values[:, best] - values[:, other]
        if self.count < 2:
            return f"{head}, {more.mean():.3f} more than that of {self.names[other]}."
        interval = mean_over_images(list(more))
        lead = f"{interval} more than that of {self.names[other]}"
        if interval.low > 0:
            return f"{head}, {lead}, a lead that is hardly chance (95 % interval above 0)."
        return f"{head}, {lead}, a lead that could be chance (95 % interval holds 0)."


@dataclass(frozen=True)
class GainStep:
    """How far the measurement has come.

    Attributes
    ----------
    done, total : int
        Maps.
    doing : str
        What was done last.
    gains : Gains
        What has been found so far.
    """

    done: int
    total: int
    doing: str
    gains: Gains


def gains_over_images(
    classifier: Classifier,
    paths: Sequence[Path],
    count: int,
    methods: Sequence[Method],
    options: dict[str, Any],
    read: Callable[[Path], Image] | None = None,
) -> Iterator[GainStep]:
    """Explain images by methods, and measure what their maps gain.

    Parameters
    ----------
    classifier : Classifier
        Each image is explained for its most likely class.
    paths : sequence of Path
        The images, of which so many are taken, from all over the list.
    count : int
        How many.
    methods : sequence of Method
        What explains.
    options : dict
        As `relevance_gain` takes them.
    read : callable, optional
        Reads an image; without it, `read_image` does.

    Yields
    ------
    GainStep
        After each step of each map.

    Raises
    ------
    UsageError
        If there is no method, or one without evidence.
    """
    if not methods:
        raise UsageError("The study needs at least one method.")
    for method in methods:
        if not method.has_evidence:
            raise UsageError(f"{method.title} makes an image of its own: leave it out.")
    chosen = evenly(paths, count)
    total = len(chosen) * len(methods)
    gains = Gains(_names(methods))
    done = 0
    for path in chosen:
        subject = Subject.of((read or read_image)(path), classifier)
        found, seconds = [], []
        for method, name in zip(methods, gains.names, strict=True):
            doing = f"{path.name}: {name}"
            last = None
            for last in method.steps(subject):  # noqa: B007  the last one is used
                yield GainStep(done, total, doing, gains)
            assert last is not None, "every method takes a step"
            evidence_map = map_in(last.evidence())
            found.append(relevance_gain(evidence_map, subject.classifier, **options))
            seconds.append(evidence_map.seconds)
            done += 1
            if len(found) == len(methods):
                gains = Gains(gains.names, [*gains.found, found], [*gains.seconds, seconds])
            yield GainStep(done, total, doing, gains)


def evenly(paths: Sequence[Path], count: int) -> list[Path]:
    """So many of the paths, from all over the list."""
    places = np.linspace(0, len(paths), min(count, len(paths)), endpoint=False).astype(int)
    return [paths[place] for place in places]


def _names(methods: Sequence[Method]) -> list[str]:
    """Title of each method; where several share it, with the parameters that differ."""
    titles = [method.title for method in methods]
    names = []
    for method, title in zip(methods, titles, strict=True):
        twins = [other for other in methods if other.title == title]
        values = [other.model_dump(mode="json") for other in twins]
        own = method.model_dump(mode="json")
        differing = [key for key in own if len({str(value[key]) for value in values}) > 1]
        values_in_words = ", ".join(f"{key} {own[key]}" for key in differing)
        names.append(f"{title} ({values_in_words})" if values_in_words else title)
    for index, name in enumerate(names):
        if names.count(name) > 1:
            names[index] = f"{name} ({index + 1})"
    return names
