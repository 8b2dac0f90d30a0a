"""Grad-CAM's work: a layer's maps, weighed by the mean gradient of the logit in each."""

from collections.abc import Iterator
from time import perf_counter

import torch

from pda_studio.attribution import class_activation
from pda_studio.attribution.class_activation import enlarged, maps_and_gradient
from pda_studio.attribution.gradients import attribution, prepared, rule_unit
from pda_studio.attribution.layers_with_places import layer_with_places, shown
from pda_studio.classifiers.derivable import differentiable
from pda_studio.diagnostics import ReadAt
from pda_studio.methods.base import Progress
from pda_studio.methods.grad_cam import GradCam, GuidedGradCam
from pda_studio.results import EvidenceMap, Subject


def weighed(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Σ_k α_k A_k with α_k the mean gradient in a map (h, w)."""
    return (gradient.mean((1, 2), keepdim=True) * maps).sum(0)


def steps(method: GradCam, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    positive = method.sign == "positive"
    yield from class_activation.steps(method, subject, weighed, positive=positive)


def guided(method: GuidedGradCam, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    began = perf_counter()
    layer, places = layer_with_places(subject.scored, method.at, method.title)
    with differentiable():
        rule = attribution("guided-backpropagation", subject.scored, subject.index)
        guided = rule(prepared(subject))[0].detach().sum(0)
    evidence = weighed(*maps_and_gradient(subject, layer, places))
    weights = enlarged(evidence.clamp(min=0), subject)
    most = weights.max()
    if most > 0:
        weights = weights / most
    found = subject.map_of(
        method,
        (guided * weights).cpu().numpy(),
        rule_unit("guided-backpropagation", subject.scored),
        perf_counter() - began,
        diagnostics=(ReadAt(shown(layer)),),
    )
    yield Progress(1, 1, lambda: found)
