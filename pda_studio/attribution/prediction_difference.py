"""The work of prediction difference analysis: which windows, infills and scores make a map."""

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import cast

import numpy as np
import torch

from pda_studio.classifiers import Classifier
from pda_studio.methods.base import METHODS, Progress
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.differences import differences
from pda_studio.pda.forward import Wanted, make_forward
from pda_studio.pda.infill import Infill, make_infill
from pda_studio.pda.infill.folders import load_references
from pda_studio.pda.infill.statistics import Statistics, load_statistics, shipped_statistics
from pda_studio.pda.loop import score_windows
from pda_studio.pda.options import UNITS, Difference
from pda_studio.pda.scores import WindowScores, at_stride
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, Subject


def steps(method: PredictionDifference, subject: Subject) -> Iterator[Progress]:
    """Score the windows coarse to fine, a batch a step."""
    began = perf_counter()
    grid = _grid(method, subject)
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    infill = infill_maker(method, classifier)(pixels)
    forward, classes = make_forward(
        Wanted(method.forward, method.precision, method.at, subject.batch),
        classifier,
        pixels,
        subject.kept_classes,
        subject.index,
        grid,
        infill,
    )
    for scores in score_windows(grid, infill, forward, classes, len(classifier.class_names)):
        now = perf_counter() - began
        yield Progress(
            int(scores.scored.sum()),
            len(grid),
            lambda scores=scores, now=now: evidence_of(
                method, subject, scores, now, forward.description
            ),  # type: ignore[misc]
            drawn_for=lambda other, of, scores=scores, now=now: evidence_of(  # type: ignore[misc]
                other, of, scores, now, forward.description
            ),
        )


def infill_maker(
    method: PredictionDifference, classifier: Classifier
) -> Callable[[torch.Tensor], Infill]:
    """Get what stands in for windows ready; it makes the infill of pixels (C, H, W)."""
    return partial(
        make_infill,
        method.infill,
        window=method.window,
        outer=method.outer,
        samples=method.samples,
        colour=method.colour,
        seed=method.seed,
        statistics=_statistics(method, classifier),
        references=None
        if method.reference is None or "reference" in method.inactive()
        else load_references(method.reference, classifier.preprocessing, method.seed),
    )


def evidence_of(
    method: PredictionDifference,
    subject: Subject,
    scores: WindowScores,
    seconds: float,
    forward: str,
) -> EvidenceMap:
    """Turn window scores into the subject's map: no forward pass, whatever the target."""
    # What has no probability, such as a hidden unit, is compared in its own scale.
    has_probabilities = subject.scored.has_probabilities
    difference = method.difference if has_probabilities else "logit"
    values, variances = differences(scores, subject.index, difference)
    scored = None if scores.complete else scores.scored
    share = None
    if scored is not None:
        share = scores.grid.coverage(scored) / scores.grid.coverage()
    error = None
    if variances is not None and scores.varied.any():
        error = scores.grid.standard_error(variances, scores.varied, scored)
    return EvidenceMap(
        evidence=scores.grid.average(values, scored).astype(np.float32),
        standard_error=None if error is None else error.astype(np.float32),
        covered=None if share is None else share > 0,
        share=None if share is None else share.astype(np.float32),
        unit=UNITS[method.difference] if has_probabilities else subject.unit,
        seconds=seconds,
        **subject.described(method),
        forward=forward,
        scores=scores if scores.complete else None,
    )


def redrawn(method: PredictionDifference, kept: EvidenceMap, subject: Subject) -> EvidenceMap:
    """Draw the subject's map from a finished one's scores: no forward pass."""
    if kept.scores is None:
        raise KeyError(subject.index)
    scores = at_stride(kept.scores, method.stride)
    scores.column(subject.index)
    return evidence_of(method, subject, scores, kept.seconds, kept.forward)


def _grid(method: PredictionDifference, subject: Subject) -> WindowGrid:
    height, width = subject.view.shape[:2]
    return WindowGrid(height, width, method.window, method.stride)


def _statistics(method: PredictionDifference, classifier: Classifier) -> Statistics:
    if method.statistics is not None:
        return load_statistics(method.statistics)
    return shipped_statistics(classifier.settings.statistics)


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
