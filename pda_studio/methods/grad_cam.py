"""Grad-CAM: a layer's maps, weighed by what the target's logit gains by each; alone and guided."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import interpolate

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.layers import Layer, layers
from pda_studio.errors import UsageError
from pda_studio.methods.base import Family, Method, Progress, parameter
from pda_studio.methods.evidence import Subject
from pda_studio.methods.gradients import (
    attribution,
    differentiable,
    logit_unit,
    prepared,
    rule_unit,
)

AUTO = "auto"
Sign = Literal["both", "positive"]

_POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_WITHIN = "network."  # how the layers of a network are named within one that asks something else


class _AtLayer(Method):
    """What both forms of Grad-CAM share: the layer."""

    family: ClassVar[Family] = "Gradients"

    at: str = parameter(
        AUTO,
        "Layer",
        "The layer whose maps are weighed, by its name; auto takes the last one with maps that is"
        " not mere pooling.",
    )

    def cost(self, subject: Subject) -> int:
        """One pass forwards, and some back."""
        return 3


class GradCam(_AtLayer):
    """Σ_k α_k A_k with α_k = mean_ij ∂f/∂A_k,ij, enlarged (Selvaraju et al., Eqs. 1 and 2).

    The paper cuts off what is negative; here it stays unless it is asked for, as evidence against.
    Where the layer is followed by an average over its places and a linear layer, the places sum to
    the logit less its bias.
    """

    name: ClassVar[str] = "grad-cam"
    title: ClassVar[str] = "Grad-CAM"
    summary: ClassVar[str] = "Maps of a layer, weighed by the mean gradient of the logit in each."
    citation: ClassVar[str] = "Selvaraju et al., Grad-CAM, ICCV 2017"

    sign: Sign = parameter(
        "both", "Sign", "Whether to keep what speaks against (both), or not (positive: the paper)."
    )

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """One step."""
        began = perf_counter()
        layer = layer_with_maps(subject.classifier, self.at)
        places = class_activation(subject, layer)
        if self.sign == "positive":
            places = places.clamp(min=0)
        found = self.map_of(
            subject,
            enlarged(places, subject).cpu().numpy(),
            logit_unit(subject.classifier),
            perf_counter() - began,
            forward=f"at {shown(layer)}, maps of {places.shape[0]}×{places.shape[1]}",
        )
        yield Progress(1, 1, lambda: found)


class GuidedGradCam(_AtLayer):
    """Guided backpropagation, weighed by the positive part of Grad-CAM, whose maximum is set to 1.

    The paper leaves the scale open; so the map is in the unit of guided backpropagation.
    """

    name: ClassVar[str] = "guided-grad-cam"
    title: ClassVar[str] = "Guided Grad-CAM"
    summary: ClassVar[str] = (
        "Guided backpropagation where Grad-CAM is positive, in proportion to it."
    )
    citation: ClassVar[str] = "Selvaraju et al., Grad-CAM, ICCV 2017"

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """One step."""
        began = perf_counter()
        layer = layer_with_maps(subject.classifier, self.at)
        with differentiable():
            rule = attribution("guided-backpropagation", subject.classifier, subject.target)
            guided = rule(prepared(subject))[0].detach().sum(0)
        weights = enlarged(class_activation(subject, layer).clamp(min=0), subject)
        most = weights.max()
        if most > 0:
            weights = weights / most
        found = self.map_of(
            subject,
            (guided * weights).cpu().numpy(),
            rule_unit("guided-backpropagation", subject.classifier),
            perf_counter() - began,
            forward=f"at {shown(layer)}",
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

    handle = subject.classifier.network.get_submodule(layer).register_forward_hook(take)
    try:
        with differentiable():
            logits = subject.classifier.network(prepared(subject).detach())
            # Of a layer that is used several times the last result counts.
            (gradient,) = torch.autograd.grad(logits[0, subject.target], taken[-1])
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
    """The last layer with maps, unless tokens follow, as those of a transformer."""
    found = [
        (place, layer.name)
        for place, layer in enumerate(known)
        if _has_maps(layer) and not _is_pooling(classifier.network.get_submodule(layer.name))
    ]
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


def _is_pooling(module: nn.Module) -> bool:
    while isinstance(module, nn.Sequential) and len(module):
        module = module[-1]
    return isinstance(module, _POOLING)
