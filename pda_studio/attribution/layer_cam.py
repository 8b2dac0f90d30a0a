"""LayerCAM's work: a layer's maps, weighed at each place by the positive part of the gradient."""

from collections.abc import Iterator

import torch

from pda_studio.attribution import class_activation
from pda_studio.methods.base import Progress
from pda_studio.methods.layer_cam import LayerCam
from pda_studio.results import EvidenceMap, Subject


def weighed(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Σ_k max(∂f/∂A_k, 0) ⊙ A_k (h, w)."""
    return (gradient.clamp(min=0) * maps).sum(0)


def steps(method: LayerCam, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    yield from class_activation.steps(method, subject, weighed, positive=True)
