"""Grad-CAM's work: a layer's maps, weighed by the mean gradient of the logit in each."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from pda_studio.attribution.gradients import (
    attribution,
    differentiable,
    logit_unit,
    prepared,
    rule_unit,
)
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.layers import Layer, layers
from pda_studio.diagnostics import ReadAt
from pda_studio.errors import UsageError
from pda_studio.methods.base import Progress
from pda_studio.methods.grad_cam import AUTO, GradCam, GuidedGradCam
from pda_studio.results import EvidenceMap, Subject

_POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_RECTIFIERS = (nn.ReLU, nn.ReLU6)
_WITHIN = "network."  # how the layers of a network are named within one that asks something else


def steps(method: GradCam, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    began = perf_counter()
    layer = layer_with_maps(subject.scored, method.at)
    places = class_activation(subject, layer)
    if method.sign == "positive":
        places = places.clamp(min=0)
    found = subject.map_of(
        method,
        enlarged(places, subject).cpu().numpy(),
        logit_unit(subject.scored),
        perf_counter() - began,
        diagnostics=(ReadAt(shown(layer), *places.shape),),
    )
    yield Progress(1, 1, lambda: found)


def guided(method: GuidedGradCam, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    began = perf_counter()
    layer = layer_with_maps(subject.scored, method.at)
    with differentiable():
        rule = attribution("guided-backpropagation", subject.scored, subject.index)
        guided = rule(prepared(subject))[0].detach().sum(0)
    weights = enlarged(class_activation(subject, layer).clamp(min=0), subject)
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


def class_activation(subject: Subject, layer: str) -> torch.Tensor:
    """Σ_k α_k A_k (h, w) of a layer.

    Captum's would read the layer's result after the ReLU that may follow has written over it: here
    what follows gets a copy.
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
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * taken[-1].detach()).sum(1)[0]


def enlarged(places: torch.Tensor, subject: Subject) -> torch.Tensor:
    """A small map (h, w) in pixels of the input (H, W), interpolated linearly."""
    size = subject.view.shape[:2]
    return interpolate(places[None, None], size, mode="bilinear", align_corners=False)[0, 0]


def shown(layer: str) -> str:
    """A layer's name as people know it, whatever is asked of the network."""
    return layer.removeprefix(_WITHIN)


def layer_with_maps(classifier: Classifier, wanted: str) -> str:
    """Find a layer by its name, or the last one with maps, as `get_submodule` names it.

    Raises
    ------
    UsageError
        If there is none, or it has no maps.
    """
    known = layers(classifier)
    if wanted == AUTO:
        return _last(classifier, known)
    named = {shown(layer.name): layer for layer in known}
    if wanted not in named:
        raise UsageError(
            f"{classifier.name} has no layer “{wanted}” on the way to the target: choose auto, or"
            " the name of another one."
        )
    if not _has_maps(named[wanted]):
        raise UsageError(
            f"The layer {wanted} of {classifier.name} has no maps with rows and columns (its result"
            f" is {'×'.join(map(str, named[wanted].shape))}): choose auto, or another layer."
        )
    return named[wanted].name


def _last(classifier: Classifier, known: list[Layer]) -> str:
    """The last layer with maps, unless tokens follow, as those of a transformer.

    If it is a ReLU that nothing with weights follows, as in SqueezeNet, its maps and their weights
    are positive, and no place could speak against the target: then it is the layer before.
    """
    module_of = classifier.network.get_submodule
    found = [
        (place, layer.name)
        for place, layer in enumerate(known)
        if _has_maps(layer) and not _ends_with(module_of(layer.name), _POOLING)
    ]
    weighted = [place for place, layer in enumerate(known) if _has_weights(module_of(layer.name))]
    last_weights = max(weighted, default=-1)
    while (
        len(found) > 1
        and found[-1][0] > last_weights
        and _ends_with(module_of(found[-1][1]), _RECTIFIERS)
    ):
        found.pop()
    if not found:
        raise UsageError(
            f"Grad-CAM needs a layer with maps, and {classifier.name} has none on the way to the"
            " target: choose another method."
        )
    place, name = found[-1]
    if any(len(later.shape) == 2 for later in known[place:]):
        raise UsageError(
            f"{classifier.name} is a transformer: behind {shown(name)} it has tokens, no maps to"
            " weigh; choose that layer, or another method, such as attention-rollout."
        )
    return name


def _has_maps(layer: Layer) -> bool:
    """Whether a layer's result is channels × rows × columns.

    Input and maps are square; where the two equal sides come first, channels come last.
    """
    return len(layer.shape) == 3 and layer.shape[1] == layer.shape[2] > 1


def _ends_with(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    while isinstance(module, nn.Sequential) and len(module):
        module = module[-1]
    return isinstance(module, kinds)


def _has_weights(module: nn.Module) -> bool:
    """Whether it has weights of its own, and not only in the layers within it."""
    return next(module.parameters(recurse=False), None) is not None
