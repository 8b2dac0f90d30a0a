"""A prediction difference map of levels: cheap scores everywhere, exact ones where they matter."""

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pda_studio.attribution import prediction_difference as pda
from pda_studio.diagnostics import Diagnostics, WholeNetwork
from pda_studio.infills import INFILLS
from pda_studio.methods.base import Progress
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.differences import differences
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.levelled import LevelledScores, levels_for, refine
from pda_studio.pda.scores import WindowScores
from pda_studio.results import EvidenceMap, Subject


def steps(method: PredictionDifference, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Refine the levels until the map of the subject's target meets the method's tolerance."""
    began = perf_counter()
    grid = pda.grid_of(method, subject)
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    size = (method.window, method.window)
    filler = pda.ready_infill_of(method, classifier).filler(pixels, size)
    mean_filler = filler
    mean = INFILLS[method.infill].preview
    if mean and filler.samples > 1:
        of_mean = method.model_copy(update={"infill": mean})
        mean_filler = pda.ready_infill_of(of_mean, classifier).filler(pixels, size)
    progress: Progress[EvidenceMap] = Progress(0, len(grid), lambda: pda.blank(method, subject))
    choosing = levels_for(
        classifier,
        pixels,
        subject.kept_classes,
        subject.index,
        grid,
        filler,
        mean_filler,
        method.tolerance,
        subject.batch,
    )
    levels = None
    while levels is None:
        try:
            yield replace(progress, stage=str(next(choosing)))
        except StopIteration as chosen:
            levels = chosen.value
    note = levels[-1].forward.note
    diagnostics: Diagnostics = (WholeNetwork(note),) if note else ()
    state = LevelledScores(grid, levels, subject.kept_classes, len(classifier.class_names))
    unit = method.difference if classifier.has_probabilities else "logit"

    def drawn(
        scores: WindowScores,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        values, variances = differences(scores, subject.index, unit)
        error = None
        if variances is not None and scores.varied.any():
            error = grid.standard_error(variances, scores.varied, state.computed[-1].known)
        return grid.average(values), error

    drawing = _Drawing(state)
    for now in refine(state, subject.index, method.tolerance, drawn):
        if isinstance(now, Preparation):
            yield replace(progress, stage=str(now))
            continue
        if not now.drawable:
            yield replace(progress, stage="first windows")
            continue
        seconds = perf_counter() - began
        finished = now.done >= 1

        def evidence(
            other: PredictionDifference = method,
            of: Subject = subject,
            finished: bool = finished,
            seconds: float = seconds,
        ) -> EvidenceMap:
            found = pda.evidence_of(
                other, of, drawing.scores, seconds, drawing.description, diagnostics
            )
            if finished:
                return found
            # An estimate of every pixel: unfinished, but none shows another's evidence.
            everywhere = np.ones(found.evidence.shape, np.bool_)
            return found.replace(covered=everywhere, scores=None)

        progress = Progress(round(now.done * len(grid)), len(grid), evidence, drawn_for=evidence)
        yield progress


class _Drawing:
    """The scores of a state, estimated once for each lattice that was finished."""

    def __init__(self, state: LevelledScores) -> None:
        self._state = state
        self._stage: tuple[object, ...] = ()

    @property
    def scores(self) -> WindowScores:
        stage = tuple(one.lattice for one in self._state.computed)
        if stage != self._stage:
            self._scores, self.description = self._state.scores(), self._state.description()
            self._stage = stage
        return self._scores
