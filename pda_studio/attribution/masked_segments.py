"""The work of LIME and KernelSHAP: scores of images with masked segments, and the model of them."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution import surrogates
from pda_studio.attribution.averaged_gradients import baseline_of
from pda_studio.attribution.masked_scores import scores_of, unit_of
from pda_studio.attribution.segments import grid_segments, superpixels
from pda_studio.diagnostics import MaskCount
from pda_studio.methods.base import Progress
from pda_studio.methods.lime import Lime
from pda_studio.methods.masked_segments import MaskedSegments
from pda_studio.pda.forward.batches import BatchSize
from pda_studio.results import EvidenceMap, Subject


def steps(method: MaskedSegments, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """A batch of masked images a step."""
    began = perf_counter()
    classifier = subject.scored
    segments = torch.from_numpy(_segments(method, subject))
    masks, weights, exact = _drawn(method, int(segments.max()) + 1)
    image = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
    start = baseline_of(method.baseline, classifier, image)
    batch = BatchSize.known_or_sought(subject.batch or classifier.batch_sizes.get("full"))
    ends = scores_of(torch.cat([start, image]), subject, method.score).numpy()
    scores = np.zeros(0)
    while len(scores) < len(masks):
        since = perf_counter()
        some = torch.from_numpy(masks[len(scores) : len(scores) + batch.size]).to(image)
        shown = some[:, segments.to(image.device)][:, None]
        found = scores_of(start + shown * (image - start), subject, method.score)
        scores = np.concatenate([scores, found.numpy()])
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
                unit_of(subject, method.score),
                now,
                standard_error=None if exact else error[segments.numpy()],
                complete=complete,
                diagnostics=(MaskCount(done),),
            )

        yield Progress(len(scores), len(masks), drawn)


def _segments(method: MaskedSegments, subject: Subject) -> NDArray[np.int64]:
    """The number of each pixel's segment (H, W)."""
    if method.segments == "superpixels":
        pixels = subject.scored.preprocessing.pixels(subject.view).permute(1, 2, 0)
        return superpixels(pixels.cpu().numpy(), method.superpixels, method.compactness)
    height, width = subject.view.shape[:2]
    return grid_segments(height, width, min(method.cells, height, width))


def _drawn(
    method: MaskedSegments, segments: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Masks (N, M), their weights (N,), and whether they are all that there are."""
    if isinstance(method, Lime):
        masks = surrogates.lime_masks(segments, method.samples, method.seed)
        return masks, surrogates.lime_weights(masks, method.width), False
    return surrogates.shapley_masks(segments, method.samples, method.seed)
