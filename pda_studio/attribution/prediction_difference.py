"""The work of prediction difference analysis: which windows, infills and scores make a map."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from time import perf_counter
from typing import TypeVar, cast

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import Approximation, Diagnostics, ShippedStatistics, WholeNetwork
from pda_studio.infills import INFILLS
from pda_studio.infills.ready import ReadyInfill, ready_infill, shipped_for
from pda_studio.methods.base import METHODS, Progress
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.differences import differences
from pda_studio.pda.forward import Wanted, make_forward, trial_of
from pda_studio.pda.infill.base import now_and_then
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.levelled.error import approximation_error, relative, with_coarser
from pda_studio.pda.loop import score_windows
from pda_studio.pda.options import UNITS, Difference
from pda_studio.pda.scores import WindowScores, at_stride
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, Result, Subject

Made = TypeVar("Made")


def steps(method: PredictionDifference, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Score the windows coarse to fine, a batch a step."""
    began = perf_counter()
    grid = grid_of(method, subject)
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    size = (method.window, method.window)
    filler = ready_infill_of(method, classifier).filler(pixels, size)
    progress = Progress(0, len(grid), lambda: blank(method, subject))
    wanted = Wanted(method.forward, method.precision, method.at, subject.batch)
    if method.forward == "levelled":  # and nothing is tolerated: that is the exact map
        wanted = Wanted(batch=subject.batch)
    trial = None
    if wanted.needs_trial:
        trial = yield from staged(now_and_then(trial_of(grid, filler)), progress)
    making = make_forward(
        wanted,
        classifier,
        pixels,
        subject.kept_classes,
        subject.index,
        grid,
        filler.samples,
        trial,
    )
    forward, classes = yield from staged(now_and_then(making), progress)
    diagnostics = (WholeNetwork(forward.note),) if forward.note else ()
    for scores in score_windows(grid, filler, forward, classes, len(classifier.class_names)):
        if isinstance(scores, Preparation):
            yield replace(progress, stage=str(scores))
            continue
        now = perf_counter() - began
        progress = Progress(
            int(scores.scored.sum()),
            len(grid),
            lambda scores=scores, now=now: evidence_of(  # type: ignore[misc]
                method, subject, scores, now, forward.description, diagnostics
            ),
            drawn_for=lambda other, of, scores=scores, now=now: evidence_of(  # type: ignore[misc]
                other, of, scores, now, forward.description
            ),
        )
        yield progress


def staged(
    work: Generator[Preparation, None, Made],
    progress: Progress[EvidenceMap],
    shown: Progress[EvidenceMap] | None = None,
) -> Generator[Progress[EvidenceMap], None, Made]:
    """Tell each step of a preparation as the stage that the work is at; returns its result.

    What there is to be shown meanwhile takes the place of the stage.
    """
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            made: Made = end.value
            return made
        yield shown or replace(progress, stage=str(step))


def blank(method: PredictionDifference, subject: Subject) -> EvidenceMap:
    """The map before any window is scored: no pixel has evidence."""
    nothing = np.zeros(subject.view.shape[:2])
    blank = subject.map_of(method, nothing, _unit(method, subject), 0.0, complete=False)
    return blank.replace(covered=np.zeros(nothing.shape, dtype=np.bool_))


def ready_infill_of(method: PredictionDifference, classifier: Classifier) -> ReadyInfill:
    """The method's infill for a classifier's images, with the files that it takes."""
    return ready_infill(
        INFILLS[method.infill],
        classifier,
        outer=method.outer,
        samples=method.samples,
        colour=method.colour,
        seed=method.seed,
        statistics=method.statistics,
        reference=method.reference,
    )


def evidence_of(
    method: PredictionDifference,
    subject: Subject,
    scores: WindowScores,
    seconds: float,
    forward: str,
    diagnostics: Diagnostics = (),
) -> EvidenceMap:
    """Turn window scores into the subject's map: no forward pass, whatever the target."""
    # What has no probability, such as a hidden unit, is compared in its own scale.
    difference = method.difference if subject.scored.has_probabilities else "logit"
    values, variances = differences(scores, subject.index, difference)
    scored = None if scores.complete else scores.scored
    evidence = scores.grid.average(values, scored)
    share = None
    if scored is not None:
        share = scores.grid.coverage(scored) / scores.grid.coverage()
    coarser = scores.coarser
    error = None
    if variances is not None and scores.varied.any():
        sampled = scored if coarser is None else coarser.exact
        error = scores.grid.standard_error(variances, scores.varied, sampled)
    approximation = None
    if coarser is not None:
        thinned, _ = differences(with_coarser(scores, coarser), subject.index, difference)
        approximation = approximation_error(
            evidence, scores.grid.average(thinned), coarser.step, scores.grid.window, error
        )
        found = Approximation(relative(approximation, evidence), float(coarser.exact.mean()))
        diagnostics = (*diagnostics, found)
    if (doubt := _doubt(method, subject)) is not None and doubt not in diagnostics:
        diagnostics = (*diagnostics, doubt)
    return EvidenceMap(
        evidence=evidence.astype(np.float32),
        standard_error=None if error is None else error.astype(np.float32),
        approximation_error=None if approximation is None else approximation.astype(np.float32),
        covered=None if share is None else share > 0,
        share=None if share is None else share.astype(np.float32),
        unit=_unit(method, subject),
        seconds=seconds,
        **subject.described(method),
        forward=forward,
        diagnostics=diagnostics,
        scores=scores if scores.complete else None,
    )


def _doubt(method: PredictionDifference, subject: Subject) -> ShippedStatistics | None:
    """Whether infills follow shipped statistics, of photographs, and the image may be none."""
    taken = INFILLS[method.infill].takes
    own = method.statistics is not None or ("reference" in taken and method.reference is not None)
    if "statistics" not in taken or own:
        return None
    name, view = shipped_for(subject.classifier), subject.view
    of = {"grey": "grey photographs", "digits": "handwritten digits"}.get(name, "photographs")
    if subject.limits is not None:
        return ShippedStatistics(of, f"an image of the values {subject.limits}")
    if name == "digits":
        return None
    if name == "grey":
        return ShippedStatistics(of, "an image for a network of one channel")
    if subject.measured:
        return ShippedStatistics(of, "a medical image")
    is_grey = bool((view[..., 0] == view[..., 1]).all() and (view[..., 0] == view[..., 2]).all())
    return ShippedStatistics(of, "a grey image") if is_grey else None


def redrawn(method: PredictionDifference, kept: Result, subject: Subject) -> EvidenceMap:
    """Draw the subject's map from a finished one's scores: no forward pass."""
    if not isinstance(kept, EvidenceMap) or kept.scores is None:
        raise KeyError(subject.index)
    scores = at_stride(kept.scores, method.stride)
    scores.column(subject.index)
    made = evidence_of(method, subject, scores, kept.seconds, kept.forward, kept.diagnostics)
    return made.replace(levels=kept.levels if scores is kept.scores else None)


def grid_of(method: PredictionDifference, subject: Subject) -> WindowGrid:
    """All windows of the method in the subject's image."""
    height, width = subject.view.shape[:2]
    return WindowGrid(height, width, method.window, method.stride)


def _unit(method: PredictionDifference, subject: Subject) -> str:
    return UNITS[method.difference] if subject.scored.has_probabilities else subject.unit


def redraw(evidence_map: EvidenceMap, subject: Subject, difference: Difference) -> EvidenceMap:
    """Draw a finished map for another target or difference from the scores it kept.

    Raises
    ------
    KeyError
        If the map kept no scores of the subject's target.
    """
    kind = cast(type[PredictionDifference], METHODS[evidence_map.method])
    method = kind(**{**evidence_map.parameters, "difference": difference})
    return method.redrawn(evidence_map, subject)
