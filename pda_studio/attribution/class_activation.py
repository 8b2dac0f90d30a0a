"""The work of class activation maps: a layer's maps, weighed by gradients of the logit in them."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from pda_studio.attribution.gradients import logit_unit, prepared
from pda_studio.attribution.layers_with_places import layer_with_places, shown
from pda_studio.attribution.places import Places
from pda_studio.classifiers.derivable import differentiable
from pda_studio.diagnostics import ReadAt
from pda_studio.errors import UsageError
from pda_studio.methods.base import Progress
from pda_studio.methods.grad_cam import AtLayer
from pda_studio.results import EvidenceMap, Subject

Weigh = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From a layer's maps (C, h, w) and the logit's gradient in them to the evidence (h, w)."""


def steps(
    method: AtLayer, subject: Subject, weigh: Weigh, *, positive: bool
) -> Iterator[Progress[EvidenceMap]]:
    """One step; where asked, only what is positive is left."""
    began = perf_counter()
    layer, places = layer_with_places(subject.scored, method.at, method.title)
    evidence = weigh(*maps_and_gradient(subject, layer, places))
    if positive:
        evidence = evidence.clamp(min=0)
    found = subject.map_of(
        method,
        enlarged(evidence, subject).cpu().numpy(),
        logit_unit(subject.scored),
        perf_counter() - began,
        diagnostics=(ReadAt(shown(layer), *evidence.shape),),
    )
    yield Progress(1, 1, lambda: found)


def maps_and_gradient(
    subject: Subject, layer: str, places: Places
) -> tuple[torch.Tensor, torch.Tensor]:
    """A layer's maps (C, h, w), and the gradient of the target's logit in them.

    Captum's would read the layer's result after the ReLU that may follow has written over it: here
    what follows gets a copy.

    Raises
    ------
    UsageError
        If the layer works on parts of the image.
    """
    taken: list[torch.Tensor] = []

    def take(module: nn.Module, inputs: Any, result: torch.Tensor) -> torch.Tensor:
        taken.append(result.detach().clone().requires_grad_())
        return taken[-1].clone()

    handle = subject.scored.network.get_submodule(layer).register_forward_hook(take)
    try:
        with differentiable():
            logits = subject.scored.network(prepared(subject).detach())
            # Of a layer that is used several times the last result counts.
            (gradient,) = torch.autograd.grad(logits[0, subject.index], taken[-1])
    finally:
        handle.remove()
    if len(gradient) != 1:
        raise UsageError(
            f"The layer {shown(layer)} of {subject.classifier.name} works on parts of the image"
            f" ({len(gradient)} of them): choose auto, or another layer."
        )
    return places.maps(taken[-1].detach())[0], places.maps(gradient)[0]


def enlarged(places: torch.Tensor, subject: Subject) -> torch.Tensor:
    """A small map (h, w) in pixels of the input (H, W), interpolated linearly."""
    size = subject.view.shape[:2]
    return interpolate(places[None, None], size, mode="bilinear", align_corners=False)[0, 0]
