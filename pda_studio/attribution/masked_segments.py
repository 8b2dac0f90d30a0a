"""The work of LIME and KernelSHAP: scores of images with masked segments, and the model of them."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution import surrogates
from pda_studio.attribution.averaged_gradients import baseline_of
from pda_studio.diagnostics import MaskCount
from pda_studio.methods.base import Progress
from pda_studio.methods.lime import Lime
from pda_studio.methods.masked_segments import MaskedSegments
from pda_studio.pda.forward.batches import BatchSize
from pda_studio.results import EvidenceMap, Subject


def grid_segments(height: int, width: int, cells: int) -> NDArray[np.int64]:
    """The number of each pixel's cell (H, W), row by row."""
    rows, columns = (np.arange(side) * cells // side for side in (height, width))
    return rows[:, None] * cells + columns


def steps(method: MaskedSegments, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """A batch of masked images a step."""
    began = perf_counter()
    classifier = subject.scored
    height, width = subject.view.shape[:2]
    cells = min(method.cells, height, width)
    segments = torch.from_numpy(grid_segments(height, width, cells))
    masks, weights, exact = _drawn(method, cells * cells)
    image = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
    start = baseline_of(method.baseline, classifier, image)
    known = subject.batch or classifier.batch_sizes.get("full")
    batch = BatchSize(known, settled=True) if known else BatchSize()
    ends = _scores(method, subject, torch.cat([start, image]))
    scores = np.zeros(0)
    while len(scores) < len(masks):
        since = perf_counter()
        some = torch.from_numpy(masks[len(scores) : len(scores) + batch.size]).to(image)
        shown = some[:, segments.to(image.device)][:, None]
        found = _scores(method, subject, start + shown * (image - start))
        scores = np.concatenate([scores, found])
        batch.record(len(some), perf_counter() - since)
        now = perf_counter() - began

        def drawn(scores: NDArray[np.float64] = scores, now: float = now) -> EvidenceMap:
            done = len(scores)
            kept = masks[:done], scores, weights[:done]
            if isinstance(method, Lime):
                values, error = surrogates.ridge(*kept, method.penalty)
            else:
                values, error = surrogates.shapley(*kept, *ends)
            complete = done == len(masks)
            return subject.map_of(
                method,
                values[segments.numpy()],
                method.score if classifier.has_probabilities else subject.unit,
                now,
                standard_error=None if exact else error[segments.numpy()],
                complete=complete,
                diagnostics=(MaskCount(done),),
            )

        yield Progress(len(scores), len(masks), drawn)


def _drawn(
    method: MaskedSegments, segments: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Masks (N, M), their weights (N,), and whether they are all that there are."""
    if isinstance(method, Lime):
        masks = surrogates.lime_masks(segments, method.samples, method.seed)
        return masks, surrogates.lime_weights(masks, method.width), False
    return surrogates.shapley_masks(segments, method.samples, method.seed)


def _scores(method: MaskedSegments, subject: Subject, images: torch.Tensor) -> NDArray[np.float64]:
    """The target's scores (N,)."""
    logits = subject.scored.logits(images).cpu().double()
    if method.score == "probability" and subject.scored.has_probabilities:
        logits = logits.softmax(1)
    scores: NDArray[np.float64] = logits[:, subject.index].numpy()
    return scores
