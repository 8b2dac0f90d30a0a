"""Methods against each other by metrics of fidelity, over many images."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput
from pda_studio.experiments.ranking import Standing, ranked
from pda_studio.methods import Method
from pda_studio.metrics.case import Case
from pda_studio.metrics.fidelity_metrics import FidelityMetric, MetricSettings, Subjects
from pda_studio.results import EvidenceMap, Subject

AT_RANDOM = "map at random"
"""What methods are compared with, where one map is enough."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What a metric found so far.

    Attributes
    ----------
    metric : FidelityMetric
        The metric.
    names : tuple of str
        Of the methods, and of the map at random where there is one.
    values : (cases, names) float64
        Not a number where a method has no map.
    optimise : frozenset of str
        Names of the methods that optimise this metric.
    at_random : float or None
        What a map at random has on average, where that is known beforehand.
    seed : int
        Of the bootstrap.
    """

    metric: FidelityMetric
    names: tuple[str, ...]
    values: NDArray[np.float64]
    optimise: frozenset[str] = frozenset()
    at_random: float | None = None
    seed: int = 0

    def ranking(self) -> list[Standing]:
        """The best first."""
        better = self.metric.higher_is_better
        return ranked(self.values, higher_is_better=better, seed=self.seed)


@dataclass(frozen=True, eq=False)
class Fidelities:
    """What all metrics found so far.

    Attributes
    ----------
    measured : tuple of Measured
        In the order of the metrics; those without any case yet are left out.
    images : int
        How many images took part.
    notes : tuple of str
        What could not be measured, and why.
    """

    measured: tuple[Measured, ...] = ()
    images: int = 0
    notes: tuple[str, ...] = ()


def fidelity_over_images(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    methods: Sequence[Method],
    metrics: Sequence[FidelityMetric],
    settings: MetricSettings,
) -> Iterator[tuple[MapStep, Fidelities]]:
    """Explain images by methods, and measure the maps.

    Parameters
    ----------
    classifier : Classifier
        Whose images they are.
    subjects : sequence of SubjectInput
        The images.
    methods : sequence of Method
        What explains.
    metrics : sequence of FidelityMetric
        What measures.
    settings : MetricSettings
        How.

    Yields
    ------
    MapStep, Fidelities
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If a method has no evidence, or nothing can be measured of these images.
    """
    found = Fidelities(images=len(subjects))
    groups: dict[tuple[Subjects, int], list[FidelityMetric]] = {}
    for metric in metrics:
        groups.setdefault((metric.subjects, metric.images(settings)), []).append(metric)
    cases: dict[int, list[list[SubjectInput]]] = {1: [[one] for one in subjects]}
    notes: list[str] = []
    works = []
    for (_, images), some in groups.items():
        if images not in cases:
            yield MapStep(0, 1, "which images have different classes"), found
            cases[images] = _of_different_classes(subjects, images)
        if not cases[images]:
            titles = " and ".join(metric.title for metric in some)
            notes.append(f"{titles}: needs {images} images of different classes")
            continue
        works.append(_Work(methods, some, cases[images], settings))
    if not works:
        raise UsageError(f"Nothing can be measured: {'; '.join(notes)}.")
    total = sum(work.maps.total for work in works)
    for one in (*(work.prepared() for work in works), *(work.carried_out() for work in works)):
        for doing in one:
            left = [work.seconds_left for work in works]
            known = None if None in left else sum(second or 0.0 for second in left)
            parts = [part for work in works for part in work.measured()]
            parts.sort(key=lambda part: metrics.index(part.metric))
            notes_now = (*notes, *(note for work in works for note in work.notes))
            if sum(len(part.values) for part in parts) != sum(
                len(part.values) for part in found.measured
            ):
                found = Fidelities(tuple(parts), len(subjects), notes_now)
            done = sum(work.maps.done for work in works) + doing.done
            yield MapStep(min(done, total), total, doing.doing, known), found


def _of_different_classes(subjects: Sequence[SubjectInput], count: int) -> list[list[SubjectInput]]:
    """Groups of so many images of different classes, those that the network is surest of first."""
    sure: list[tuple[float, int, object]] = []
    for number, one in enumerate(subjects):
        subject = one.load()
        sure.append((-float(subject.predictions.max()), number, subject.target))
    groups: list[dict[object, int]] = []
    for _, number, target in sorted(sure, key=lambda known: known[:2]):
        group = next((g for g in groups if len(g) < count and target not in g), None)
        if group is None:
            groups.append(group := {})
        group[target] = number
    return [[subjects[number] for number in g.values()] for g in groups if len(g) == count]


@dataclass(frozen=True)
class _Doing:
    """What a piece of work does now, and hundredths of the map that it is at."""

    done: int
    doing: str


class _Work:
    """Metrics that look at the same maps of the same cases."""

    def __init__(
        self,
        methods: Sequence[Method],
        metrics: Sequence[FidelityMetric],
        cases: Sequence[Sequence[SubjectInput]],
        settings: MetricSettings,
    ) -> None:
        self._metrics, self._cases, self._settings = metrics, cases, settings
        self._each = metrics[0].maps(settings)
        self.maps = MapWork(methods, len(cases) * self._each)
        self.notes: list[str] = []
        self._compared = self._each == 1
        self._rows: dict[str, list[list[float]]] = {metric.name: [] for metric in metrics}
        self._measures: float | None = None  # seconds that a case's measures take
        self._left: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes; None as long as that is not known."""
        if self._left is None or self._measures is None:
            return None
        done = len(self._rows[self._metrics[0].name])
        return self._left + (len(self._cases) - done) * self._measures

    def measured(self) -> list[Measured]:
        """What each metric found so far, if anything."""
        names = (*self.maps.names, AT_RANDOM) if self._compared else tuple(self.maps.names)
        methods = dict(zip(self.maps.names, self.maps.methods, strict=True))
        return [
            Measured(
                metric,
                names,
                np.array(rows, np.float64),
                frozenset(name for name, one in methods.items() if metric.name in one.optimises),
                metric.at_random(self._settings),
                self._settings.seed,
            )
            for metric in self._metrics
            if (rows := self._rows[metric.name])
        ]

    def prepared(self) -> Generator[_Doing, None, None]:
        """Find out how long maps and measures take, on the first case."""
        case = self._case(0)
        steps = self.maps.trial(case.asked[0])
        try:
            for step in steps:
                self._left = step.seconds_left
                yield _Doing(0, step.doing)
        except PdaStudioError:
            if self._compared:  # nothing can be explained: the first map says why
                raise
        began = perf_counter()
        self._measure_all([self._at_random(case, 0)] * self._each, case)
        first = perf_counter()
        self._measure_all([self._at_random(case, 1)] * self._each, case)
        more = perf_counter() - first
        others = len(self.maps.methods) - (0 if self._compared else 1)
        self._measures = first - began + others * more
        yield _Doing(0, "how long measures take")

    def carried_out(self) -> Generator[_Doing, None, None]:
        """Explain and measure one case after the other."""
        for number, images in enumerate(self._cases):
            case = self._case(number)
            name = images[0].name if len(images) == 1 else f"grid {number + 1}"
            rows: dict[str, list[float]] = {metric.name: [] for metric in self._metrics}
            for place in range(len(self.maps.methods)):
                made = yield from self._maps_of(place, case, name)
                self._add(rows, made, case)
            if self._compared:
                self._add(rows, [self._at_random(case, number)], case)
            for metric, row in rows.items():
                self._rows[metric].append(row)
            yield _Doing(0, name)

    def _maps_of(
        self, place: int, case: Case, name: str
    ) -> Generator[_Doing, None, list[EvidenceMap] | None]:
        """A method's maps of all that a case asks for; None where it can make none."""
        made: list[EvidenceMap] = []
        try:
            for subject in case.asked:
                before = self.maps.done
                steps = self.maps.map_of(place, subject, name)
                while True:
                    try:
                        step = next(steps)
                    except StopIteration as stop:
                        made.append(stop.value)
                        break
                    self._left = step.seconds_left
                    yield _Doing(step.done - before if self.maps.done == before else 0, step.doing)
        except PdaStudioError as error:
            if self._compared:
                raise
            for _ in range(len(case.asked) - len(made)):
                self.maps.left_out(place)
            titles = " and ".join(metric.title for metric in self._metrics)
            note = f"{titles}: {self.maps.names[place]} has no map: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return None
        return made

    def _case(self, number: int) -> Case:
        given = [one.load() for one in self._cases[number]]
        return Case(self._metrics[0].asked(given, self._settings), self._settings)

    def _at_random(self, case: Case, number: int) -> EvidenceMap:
        """A map of noise, as a measure of chance."""
        subject: Subject = case.asked[0]
        random = np.random.default_rng([self._settings.seed, number])
        noise = random.standard_normal(subject.view.shape[:2])
        made = subject.map_of(self.maps.methods[0], noise, "noise", 0.0)
        return replace(made, title=AT_RANDOM)

    def _add(
        self, rows: dict[str, list[float]], maps: list[EvidenceMap] | None, case: Case
    ) -> None:
        values = [float("nan")] * len(self._metrics) if maps is None else None
        for metric, value in zip(
            self._metrics, values or self._measure_all(maps or [], case), strict=True
        ):
            rows[metric.name].append(value)

    def _measure_all(self, maps: Sequence[EvidenceMap], case: Case) -> list[float]:
        return [metric.measure(maps, case) for metric in self._metrics]
