"""A prediction difference map of levels: cheap scores everywhere, exact ones where they matter."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pda_studio.attribution import prediction_difference as pda
from pda_studio.diagnostics import Diagnostics, WholeNetwork, approximation
from pda_studio.infills import INFILLS
from pda_studio.methods.base import Progress
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.differences import differences
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.levelled import LevelledScores, first_estimate, levels_for, refine
from pda_studio.pda.scores import WindowScores
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, Result, Subject
from pda_studio.targets import ClassTarget

_TIMES = 16  # that a map is drawn anew on the way to exact scores of all windows


def steps(method: PredictionDifference, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Refine the levels until the map of the subject's target meets the method's tolerance.

    A map of the same levels that the subject brings along is taken further.
    """
    began = perf_counter()
    earlier, known = subject.earlier, None
    if isinstance(earlier, EvidenceMap) and method.goes_on_from(earlier, subject):
        known = earlier.levels
    tolerance = method.tolerance
    if known is not None and not tolerance:
        tolerance = known.tolerance  # in the end all is exact: no other levels are needed
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
    look = None
    if known is None:
        look = yield from _first_look(method, subject, grid, mean_filler, progress)
    choosing = levels_for(
        classifier,
        pixels,
        subject.kept_classes,
        subject.index,
        grid,
        filler,
        mean_filler,
        tolerance,
        subject.batch,
    )
    levels = yield from pda.staged(choosing, progress, look)
    note = levels[-1].forward.note
    diagnostics: Diagnostics = (WholeNetwork(note),) if note else ()
    state = LevelledScores(
        grid, levels, subject.kept_classes, len(classifier.class_names), tolerance
    )
    worst, before = np.inf, 0.0
    if earlier is not None and known is not None:
        before = earlier.seconds
        claimed = approximation(earlier.diagnostics)
        if not state.take(known) and claimed is not None:
            worst = claimed.error  # the earlier map is the better one to look at, until then
    unit = method.difference if classifier.has_probabilities else "logit"

    def drawn(
        scores: WindowScores,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        values, variances = differences(scores, subject.index, unit)
        error = None
        if variances is not None and scores.varied.any():
            error = grid.standard_error(variances, scores.varied, state.computed[-1].known)
        return grid.average(values), error

    drawing = _Drawing(state, diagnostics)
    for now in refine(state, subject.index, method.tolerance, drawn):
        if isinstance(now, Preparation):
            yield look or replace(progress, stage=str(now))
            continue
        if not now.drawable or (now.error > worst and now.done < 1):
            yield look or replace(progress, stage="first windows")
            continue
        look = None
        seconds = before + perf_counter() - began
        finished = now.done >= 1

        def evidence(
            other: PredictionDifference = method,
            of: Subject = subject,
            finished: bool = finished,
            seconds: float = seconds,
        ) -> EvidenceMap:
            if not finished:
                return drawing.unfinished(other, of, seconds)
            found = drawing.finished(other, of, seconds)
            return found if method.tolerance else found.replace(levels=None)

        progress = Progress(round(now.done * len(grid)), len(grid), evidence, drawn_for=evidence)
        yield progress


def levels_pay(method: PredictionDifference, subject: Subject) -> bool:
    """Whether levels are wanted and save time: a GPU scores all windows before they are chosen.

    Except of networks that run as a whole, and where a window has many infills.
    """
    one_infill = INFILLS[method.infill].preview is None or method.samples == 1
    on_processor = subject.scored.device.type == "cpu"
    pays = on_processor or not (one_infill and subject.scored.is_traceable)
    return method.is_levelled and pays


def holds_levels_of(earlier: Result, subject: Subject) -> bool:
    """Whether a map's levels are of the subject's image, network and classes."""
    if not isinstance(earlier, EvidenceMap) or earlier.levels is None:
        return False
    classes = isinstance(earlier.target, ClassTarget) and isinstance(subject.target, ClassTarget)
    return (
        (classes or earlier.target == subject.target)
        and earlier.fingerprint == subject.classifier.fingerprint
        and np.array_equal(earlier.levels.classes, subject.kept_classes)
        and np.array_equal(earlier.view, subject.view)
    )


def _first_look(
    method: PredictionDifference,
    subject: Subject,
    grid: WindowGrid,
    filler: Filler,
    progress: Progress[EvidenceMap],
) -> Generator[Progress[EvidenceMap], None, Progress[EvidenceMap] | None]:
    """A rough map, whose error nobody knows, to show while levels are chosen: that takes longer."""
    began = perf_counter()
    estimating = first_estimate(
        subject.scored,
        subject.scored.preprocessing.pixels(subject.view),
        subject.index,
        grid,
        filler,
    )
    state = yield from pda.staged(estimating, progress)
    if state is None:
        return None
    rough = state.of_class(0, {})
    seconds = perf_counter() - began

    maps: dict[tuple[PredictionDifference, int], EvidenceMap] = {}

    def evidence(other: PredictionDifference = method, of: Subject = subject) -> EvidenceMap:
        if (other, of.index) not in maps:
            made = pda.evidence_of(other, of, rough, seconds, state.description())
            maps[other, of.index] = _unfinished(made)
        return maps[other, of.index]

    look = Progress(0, len(grid), evidence, drawn_for=evidence)
    yield look
    return look


def _unfinished(estimate: EvidenceMap) -> EvidenceMap:
    """An estimate of every pixel: unfinished, but none shows another's evidence."""
    everywhere = np.ones(estimate.evidence.shape, np.bool_)
    return estimate.replace(covered=everywhere, scores=None)


class _Drawing:
    """Draws a state, anew once a lattice is finished: until then the estimate is the same.

    On the way to the exact map a last lattice is half of the work: then more often.
    """

    def __init__(self, state: LevelledScores, diagnostics: Diagnostics) -> None:
        self._state, self._diagnostics = state, diagnostics
        self._stage: tuple[object, ...] = ()
        self._maps: dict[tuple[PredictionDifference, int], EvidenceMap] = {}

    def finished(
        self, method: PredictionDifference, subject: Subject, seconds: float
    ) -> EvidenceMap:
        """The map of all that is known."""
        self._estimate()
        found = pda.evidence_of(
            method, subject, self._scores, seconds, self._description, self._diagnostics
        )
        return found.replace(levels=self._known)

    def unfinished(
        self, method: PredictionDifference, subject: Subject, seconds: float
    ) -> EvidenceMap:
        """The map as it is now: the same object until there is more to see."""
        self._estimate()
        key = method, subject.index
        if key not in self._maps:
            self._maps[key] = _unfinished(self.finished(method, subject, seconds))
        return self._maps[key]

    def _estimate(self) -> None:
        exact = self._state.computed[-1].known.mean()
        stage = (*(one.lattice for one in self._state.computed), int(_TIMES * exact))
        if stage != self._stage:
            self._scores, self._description = self._state.scores(), self._state.description()
            self._known = self._state.known()
            self._stage, self._maps = stage, {}
