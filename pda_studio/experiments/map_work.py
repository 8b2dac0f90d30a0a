"""The maps of a study: found where they are finished, else computed and kept, with the time left.

A study that was stopped goes on where it was when it is carried out again: each map that is
finished lies in the cache on the disk, together with those of the window.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import TypeVar

import numpy as np

from pda_studio.batch.sources import ImageSource, source_at
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.experiments.expected import Expected
from pda_studio.experiments.trials import seconds_of
from pda_studio.images import Image
from pda_studio.methods import Method
from pda_studio.results import EvidenceMap, Subject, map_in
from pda_studio.store import MapStore

Made = TypeVar("Made")
Found = TypeVar("Found")
One = TypeVar("One")
_FIRST = 10.0  # seconds: a first trial that took longer is not repeated
PARTS = 100
"""Units of work of a map."""


@dataclass(frozen=True)
class SubjectInput:
    """A subject that is made when it is needed: an image of a folder may be large.

    Attributes
    ----------
    name : str
        The image's name.
    load : callable
        Makes it.
    path : Path or None
        The image's file, where there is one.
    """

    name: str
    load: Callable[[], Subject]
    path: Path | None = None


@dataclass(frozen=True)
class MapStep:
    """How far the maps of a study have come.

    Attributes
    ----------
    done, total : int
        Hundredths of maps.
    doing : str
        What was done last.
    seconds_left : float or None
        How long the others take; None as long as that is not known.
    """

    done: int
    total: int
    doing: str
    seconds_left: float | None = None


class MapWork:
    """Computes the maps of a study, and says how long they take.

    Parameters
    ----------
    methods : sequence of Method
        What explains.
    maps : int
        How many maps of each.
    computed : sequence of int, optional
        How many of each must be computed, where the others are read from the same scores.
    names : sequence of str, optional
        What the methods are called; without it, by their titles.

    Attributes
    ----------
    besides : float
        Seconds that the study takes for an image beside its maps; 0 takes what lay between maps.

    Raises
    ------
    UsageError
        If there is no method, or one without evidence.
    """

    def __init__(
        self,
        methods: Sequence[Method],
        maps: int,
        *,
        computed: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        if not methods:
            raise UsageError("The study needs at least one method.")
        for method in methods:
            if not method.has_evidence:
                raise UsageError(f"{method.title} makes an image of its own: leave it out.")
        self.methods = tuple(methods)
        self.names = names_of(methods) if names is None else list(names)
        self.total = PARTS * maps * len(methods)
        self._store = MapStore()
        self._left = [maps] * len(methods)
        self._computed = list(self._left if computed is None else computed)
        self._expected = Expected(len(methods))
        self.besides = 0.0
        self._between: list[float] = []  # seconds from one map to the next: images, similarities
        self._ended: float | None = None

    @property
    def done(self) -> int:
        """Hundredths of maps that are finished."""
        return self.total - PARTS * sum(self._left)

    def trial(self, subject: Subject | Sequence[Subject]) -> Generator[MapStep, None, None]:
        """Find out how long a map of each method takes, by the beginning of one.

        Each is tried on the same subject, or on one of its own.
        """
        several = [subject] * len(self.methods) if isinstance(subject, Subject) else list(subject)
        for place, method in enumerate(self.methods):
            subject = several[place].with_fixed_batch()
            yield self._step(0, f"how long maps take: {self.names[place]}")
            if not self._computed[place]:
                self._expected.tried(place, 0.0)
                continue
            began = perf_counter()
            found = self._find(method, subject)
            if found is not None:
                # Where a study was stopped, the others take what this one took; in a folder of
                # results they are finished as well.
                read = perf_counter() - began
                self._expected.tried(place, found.seconds if subject.finished is None else read)
                continue
            looked = perf_counter() - began  # again for each map, and as long to keep it
            seconds = seconds_of(method, subject)
            if perf_counter() - began < _FIRST:  # what is prepared once is not paid for each map
                seconds = seconds_of(method, subject)
            self._expected.tried(place, seconds + 2 * looked)
        yield self.now()

    def map_of(
        self, place: int, subject: Subject, doing: str = ""
    ) -> Generator[MapStep, None, EvidenceMap]:
        """Find or compute a map.

        Parameters
        ----------
        place : int
            Which of the methods.
        subject : Subject
            What is explained.
        doing : str
            What else than the method's name tells this map from the others.

        Returns
        -------
        EvidenceMap
            Complete.
        """
        method, subject = self.methods[place], subject.with_fixed_batch()
        doing = ": ".join(filter(None, (doing, self.names[place])))
        began = perf_counter()
        if self._ended is not None:
            self._between.append(began - self._ended)
        found = self._find(method, subject)
        if found is None:
            entry = self._store.entry(method, subject)
            progress = None
            seen: list[tuple[float, int]] = []
            for progress in method.steps(subject):
                part = PARTS * progress.done // max(progress.total, 1)
                if progress.done and not progress.stage:
                    seen.append((perf_counter(), progress.done))
                rest = self._expected.of_rest(place, seen, progress.total)
                yield self._step(min(part, PARTS - 1), doing, (place, rest))
            assert progress is not None, "every method takes a step"
            found = map_in(progress.evidence())
            self._store.write(entry, found)
            self._expected.spent(place, perf_counter() - began)
        self._left[place] -= 1
        self._computed[place] = max(self._computed[place] - 1, 0)
        self._ended = perf_counter()
        yield self.now(doing)
        return found

    def left_out(self, place: int) -> MapStep:
        """Note that a map of one of the methods cannot be had."""
        self._left[place] -= 1
        return self.now()

    def now(self, doing: str = "") -> MapStep:
        """How far the work has come, between two maps."""
        return self._step(0, doing)

    def _find(self, method: Method, subject: Subject) -> EvidenceMap | None:
        """A finished map: of a folder of results, a study, or the window, which finds the batch."""
        if subject.finished is not None:
            made = subject.finished(method, subject)
            if made is not None:
                return map_in(made)
        for one in (subject, replace(subject, batch=None)):
            found = self._store.read(method, one)
            if found is not None:
                return map_in(found)
        return None

    def _step(
        self, part: int, doing: str, making: tuple[int, float | None] | None = None
    ) -> MapStep:
        """How far it is, with the method whose map is being made, and the seconds of its rest."""
        seconds = [self._expected.of_map(place) for place in range(len(self.methods))]
        left = None
        if None not in seconds:
            counts = [min(pair) for pair in zip(self._left, self._computed, strict=True)]
            rest = 0.0
            if making is not None:
                place, rest = making[0], making[1] or 0.0
                counts[place] = max(counts[place] - 1, 0)
            left = rest + sum(n * (s or 0.0) for n, s in zip(counts, seconds, strict=True))
            if self.besides:
                left += self.besides * max(self._left)
            else:
                left += fmean(self._between or [0.0]) * sum(counts)
        return MapStep(self.done + part, self.total, doing, left)


def beside(
    steps: Generator[MapStep, None, Made], found: Found
) -> Generator[tuple[MapStep, Found], None, Made]:
    """Each step of a piece of work, with what has been found before it."""
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            made: Made = stop.value
            return made
        yield step, found


def subjects_of(
    folder: Path,
    count: int | None,
    classifier: Classifier,
    read: Callable[[Path], Image] | None = None,
    source: ImageSource | None = None,
) -> list[SubjectInput]:
    """What is explained in a folder of images, in a folder of results, or by a plan.

    Parameters
    ----------
    folder : Path
        As `source_at` takes it; maps that are finished in a folder of results are found there.
    count : int or None
        So many of the images, from all over the list; None for all.
    classifier : Classifier
        What is explained.
    read : callable, optional
        Reads the images of a plain folder.
    source : ImageSource, optional
        What the folder holds, where that is known.

    Raises
    ------
    PdaStudioError
        If there are no images.
    """
    source = source or source_at(folder)
    chosen = source.images if count is None else evenly(source.images, count)
    return [
        SubjectInput(
            Path(one.path).name,
            lambda one=one: source.subject(one, classifier, read),  # type: ignore[misc]
            Path(one.path),
        )
        for one in chosen
    ]


def evenly(items: Sequence[One], count: int) -> list[One]:
    """So many of the items, from all over the list."""
    places = np.linspace(0, len(items), min(count, len(items)), endpoint=False).astype(int)
    return [items[place] for place in places]


def names_of(methods: Sequence[Method]) -> list[str]:
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
