"""HiResCAM's work: a layer's maps, weighed at each place by the logit's gradient there."""

from collections.abc import Iterator

import torch

from pda_studio.attribution import class_activation
from pda_studio.methods.base import Progress
from pda_studio.methods.hires_cam import HiResCam
from pda_studio.results import EvidenceMap, Subject


def weighed(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Σ_k ∂f/∂A_k ⊙ A_k (h, w)."""
    return (gradient * maps).sum(0)


def steps(method: HiResCam, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    positive = method.sign == "positive"
    yield from class_activation.steps(method, subject, weighed, positive=positive)
