"""What methods of relevance share: one step, whose map says how much of the logit it keeps."""

from collections.abc import Callable, Iterator
from time import perf_counter

import torch

from pda_studio.attribution.gradients import logit_unit
from pda_studio.diagnostics import Conservation
from pda_studio.methods.base import Method, Progress
from pda_studio.results import EvidenceMap, Subject


def steps(
    method: Method, subject: Subject, share: Callable[[], tuple[torch.Tensor, float]]
) -> Iterator[Progress[EvidenceMap]]:
    """One step: the relevance of each pixel, summed over its channels.

    `share` gives the relevance of every number of the normalised image, (1, C, H, W) in the logit's
    unit, and the logit that was shared out.
    """
    began = perf_counter()
    relevance, logit = share()
    found = subject.map_of(
        method,
        relevance[0].sum(0).cpu().numpy(),
        logit_unit(subject.scored),
        perf_counter() - began,
        diagnostics=(Conservation(relevance.double().sum().item(), logit),),
    )
    yield Progress(1, 1, lambda: found)
