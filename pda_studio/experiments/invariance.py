"""Whether maps move with the image: agreement in the original frame after transformations.

Zhou & Kainz, Figs. 17 and 18, with numbers: the evidence should stay where it was in the image.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.experiments.transformations import KINDS, Kind, Strengths, transformations
from pda_studio.images import View
from pda_studio.methods import Method
from pda_studio.metrics.agreement import Agreement, agreement, turned_back
from pda_studio.results import Subject


@dataclass(frozen=True, eq=False)
class Invariance:
    """What has been found so far.

    Attributes
    ----------
    methods, transformations : sequence of str
        Their names.
    agreements : tuple of list of list of Agreement
        Of each image, for each transformation, of each method.
    probabilities : tuple of (T + 1,) float64
        Of each image, what the network says of the target: of the original, then of each
        transformation.
    kept : tuple of list of bool
        Of each image, whether the likeliest class stayed the same with each transformation.
    examples : sequence of View
        The first image, transformed.
    """

    methods: Sequence[str]
    transformations: Sequence[str] = ()
    agreements: tuple[list[list[Agreement]], ...] = ()
    probabilities: tuple[NDArray[np.float64], ...] = ()
    kept: tuple[list[bool], ...] = ()
    examples: Sequence[View] = ()

    def values(self, name: str) -> NDArray[np.float64]:
        """(N, T, M): correlation, overlap or shared of each image, transformation and method."""
        return np.array(
            [[[getattr(one, name) for one in row] for row in image] for image in self.agreements]
        )

    def means(self, name: str) -> NDArray[np.float64]:
        """(T, M): the mean over the images where it is known."""
        return mean_of_known(self.values(name), 0)


def mean_of_known(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean along an axis of what is a number; not a number where nothing is."""
    known = np.isfinite(values)
    counts = known.sum(axis)
    totals = np.where(known, values, 0).sum(axis)
    made: NDArray[np.float64] = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
    return made


def invariance_over_images(
    subjects: Sequence[SubjectInput],
    methods: Sequence[Method],
    size: tuple[int, int],
    *,
    strengths: Strengths | None = None,
    kinds: tuple[Kind, ...] = KINDS,
) -> Iterator[tuple[MapStep, Invariance]]:
    """Explain images and their transformations, and compare the maps in the original frame.

    Parameters
    ----------
    subjects : sequence of SubjectInput
        The images; the target of each stays that of the original.
    methods : sequence of Method
        What explains.
    size : (int, int)
        Height and width of the model input.
    strengths : Strengths, optional
        How strong transformations are.
    kinds : tuple of str
        Which transformations.

    Yields
    ------
    MapStep, Invariance
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If there is no method, or one is without evidence, or a model input has another size.
    """
    changes = transformations(size, strengths or Strengths(), kinds)
    work = MapWork(methods, len(subjects) * (1 + len(changes)))
    found = Invariance(work.names, [one.name for one in changes])
    for number, image in enumerate(subjects):
        subject = image.load()
        if subject.view.shape[:2] != size:
            raise UsageError(
                "The study needs model inputs of one size: choose another fit than full."
            )
        if not number:
            yield from beside(work.trial(subject), found)
        firsts = []
        for place in range(len(methods)):
            firsts.append((yield from beside(work.map_of(place, subject, image.name), found)))
        agreements, said, kept, views = [], [_said(subject)], [], []
        for change in changes:
            moved = transformed(subject, change.of(subject.view))
            row = []
            for place in range(len(methods)):
                doing = f"{image.name}, {change.name}"
                made = yield from beside(work.map_of(place, moved, doing), found)
                back = turned_back(made.evidence, change.matrix, size)
                row.append(agreement(firsts[place].evidence, back))
            agreements.append(row)
            said.append(_said(moved))
            kept.append(bool(moved.predictions.argmax() == subject.predictions.argmax()))
            views.append(moved.view)
        found = replace(
            found,
            agreements=(*found.agreements, agreements),
            probabilities=(*found.probabilities, np.array(said)),
            kept=(*found.kept, kept),
            examples=found.examples or views,
        )
        yield work.now(image.name), found


def transformed(subject: Subject, view: View) -> Subject:
    """The same target in another view."""
    classifier = subject.classifier
    other = Subject.of_view(view, classifier, classifier.predict(view), subject.target)
    return replace(other, limits=subject.limits, measured=subject.measured, batch=subject.batch)


def _said(subject: Subject) -> float:
    return float(subject.probabilities[subject.index])
