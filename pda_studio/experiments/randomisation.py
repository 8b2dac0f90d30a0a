"""Whether maps depend on the weights and on the class: maps of networks made random, compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.experiments.random_weights import (
    How,
    Which,
    cascade,
    layers_with_weights,
    randomised,
)
from pda_studio.methods import Method
from pda_studio.metrics.similarity import Similarity, independent, similarity
from pda_studio.results import Subject
from pda_studio.targets import ClassTarget

OTHER_CLASSES = ("second likeliest class", "least likely class")


@dataclass(frozen=True, eq=False)
class Randomised:
    """Layers that are random together.

    Attributes
    ----------
    layer : str
        The lowest of them.
    count, total : int
        How many they are, and how many layers there are.
    lowest : int
        The place of the lowest, counted from the top, from 1.
    """

    layer: str
    count: int
    total: int
    lowest: int


@dataclass(frozen=True, eq=False)
class Randomisation:
    """What has been found so far.

    Attributes
    ----------
    methods : sequence of str
        Their names.
    ranges : sequence of Randomised
        What is random, from the top of the network to its bottom.
    by_range : tuple of list of list of Similarity
        For each range, of each image so far, of each method: to the trained network's map.
    by_class : dict
        For each other class, of each image, of each method: to the map of the explained class.
    of_independent : list of list of Similarity
        Of each image, of each method: of a map that is independent of the trained network's, with
        the same values and as smooth.
    """

    methods: Sequence[str]
    ranges: Sequence[Randomised]
    by_range: tuple[list[list[Similarity]], ...] = ()
    by_class: dict[str, list[list[Similarity]]] | None = None
    of_independent: Sequence[list[Similarity]] = ()

    @property
    def known(self) -> list[tuple[Randomised, list[list[Similarity]]]]:
        """The ranges of which something is known, with the images' similarities."""
        return [pair for pair in zip(self.ranges, self.by_range, strict=False) if pair[1]]


def randomisation_over_images(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    methods: Sequence[Method],
    *,
    which: Which = "cascading",
    how: How = "re-initialise",
    depths: int = 6,
    seed: int = 0,
) -> Iterator[tuple[MapStep, Randomisation]]:
    """Explain images by a trained network, of other classes, and by ever more random networks.

    Parameters
    ----------
    classifier : Classifier
        The trained one.
    subjects : sequence of SubjectInput
        The images, each with its target.
    methods : sequence of Method
        What explains.
    which : {"cascading", "independent", "all"}
        See `cascade`.
    how : {"re-initialise", "shuffle"}
        See `randomised`.
    depths : int
        How many networks at most.
    seed : int
        Of the random weights.

    Yields
    ------
    MapStep, Randomisation
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If there is no method, one is without evidence, or the network has no weights.
    """
    layers = layers_with_weights(classifier)
    spans = list(cascade(len(layers), depths, which))
    work = MapWork(methods, len(subjects) * (1 + len(OTHER_CLASSES) + len(spans)))
    ranges = [
        Randomised(layers[end - 1][0] or "the network", end - start, len(layers), end)
        for start, end in spans
    ]
    found = Randomisation(work.names, ranges)
    trained: list[list[NDArray[np.float32]]] = []
    by_class: dict[str, list[list[Similarity]]] = {name: [] for name in OTHER_CLASSES}
    for number, image in enumerate(subjects):
        subject = image.load()
        if not number:
            yield from beside(work.trial(subject), found)
        maps = []
        for place in range(len(methods)):
            made = yield from beside(work.map_of(place, subject, image.name), found)
            maps.append(made.evidence)
        trained.append(maps)
        apart = [similarity(one, independent(one, seed)) for one in maps]
        found = replace(found, of_independent=[*found.of_independent, apart])
        others = _other_classes(subject)
        for name in OTHER_CLASSES:
            row = []
            for place in range(len(methods)):
                if name not in others:
                    yield work.left_out(place), found
                    continue
                doing = f"{image.name}, {name}"
                made = yield from beside(work.map_of(place, others[name], doing), found)
                row.append(similarity(maps[place], made.evidence))
            if row:
                by_class[name].append(row)
        found = replace(found, by_class={name: list(rows) for name, rows in by_class.items()})
        yield work.now(image.name), found
    for (start, end), told in zip(spans, ranges, strict=True):
        names = tuple(name for group in layers[start:end] for name in group)
        other = randomised(classifier, names, seed, how)
        rows: list[list[Similarity]] = []
        before = found.by_range
        for number, image in enumerate(subjects):
            subject = image.load().by(other)
            row = []
            for place in range(len(methods)):
                doing = f"{image.name}, random down to {told.layer}"
                made = yield from beside(work.map_of(place, subject, doing), found)
                row.append(similarity(trained[number][place], made.evidence))
            rows.append(row)
            found = replace(found, by_range=(*before, list(rows)))
            yield work.now(image.name), found


def _other_classes(subject: Subject) -> dict[str, Subject]:
    """The same with other classes as targets; none where the target is no class."""
    if not isinstance(subject.target, ClassTarget) or len(subject.predictions) < 2:
        return {}
    own = subject.target.index
    order = [int(one) for one in np.argsort(-subject.predictions, kind="stable") if one != own]
    chosen = dict(zip(OTHER_CLASSES, (order[0], order[-1]), strict=True))
    return {name: subject.about(index) for name, index in chosen.items()}
