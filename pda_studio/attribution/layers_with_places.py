"""Which layer class activation maps are read at: one with maps, or with tokens of patches."""

from typing import Any

import torch
from torch import nn

from pda_studio.attribution.places import Places, places_of
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.graph import WITHIN
from pda_studio.classifiers.layers import Layer, layers
from pda_studio.errors import UsageError
from pda_studio.methods.grad_cam import AUTO

_POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_RECTIFIERS = (nn.ReLU, nn.ReLU6)


def shown(layer: str) -> str:
    """A layer's name as people know it, whatever is asked of the network."""
    return layer.removeprefix(WITHIN)


def layer_with_places(classifier: Classifier, wanted: str, purpose: str) -> tuple[str, Places]:
    """Find a layer by its name, or the last one that suits, and where its values lie.

    Parameters
    ----------
    classifier : Classifier
        The network.
    wanted : str
        A layer's name, or auto.
    purpose : str
        What needs the layer, for messages.

    Returns
    -------
    layer : str
        As `get_submodule` names it.
    places : Places
        Rows and columns of its values.

    Raises
    ------
    UsageError
        If there is no such layer, or its values lie nowhere in the image.
    """
    known = layers(classifier)
    found = _places(known, classifier.input_size)
    if wanted == AUTO:
        name = _last(classifier, known, found, purpose)
        return name, found[name]
    named = {shown(layer.name): layer for layer in known}
    if wanted not in named:
        raise UsageError(
            f"{classifier.name} has no layer “{wanted}” on the way to the target: choose auto, or"
            " the name of another one."
        )
    layer = named[wanted]
    if layer.name not in found:
        raise UsageError(
            f"The layer {wanted} of {classifier.name} has no maps with rows and columns (its result"
            f" is {'×'.join(map(str, layer.shape))}): choose auto, or another layer."
        )
    return layer.name, found[layer.name]


def _places(known: list[Layer], size: tuple[int, int]) -> dict[str, Places]:
    """Where the values of each layer lie that has rows and columns."""
    found: dict[str, Places] = {}
    latest: tuple[int, int] | None = None
    for layer in known:
        places = places_of(layer.shape, latest, size)
        if places is not None:
            found[layer.name] = places
            latest = places.rows, places.columns
    return found


def _last(
    classifier: Classifier, known: list[Layer], places: dict[str, Places], purpose: str
) -> str:
    """The last layer with maps that is not mere pooling, or with tokens that still count.

    If it is a ReLU that nothing with weights follows, as in SqueezeNet, its maps and their weights
    are positive, and no place could speak against the target: then it is the layer before.
    """
    module_of = classifier.network.get_submodule
    found = [
        (place, layer.name)
        for place, layer in enumerate(known)
        if layer.name in places
        and not places[layer.name].channels_last
        and not _ends_with(module_of(layer.name), _POOLING)
    ]
    last_maps = found[-1][0] if found else -1
    tokens = [
        layer.name
        for layer in known[last_maps + 1 :]
        if layer.name in places and places[layer.name].channels_last
    ]
    if counting := _counting(classifier, {name: places[name] for name in tokens}):
        normalised = [name for name in counting if _normalises(module_of(name))]
        return (normalised or counting)[-1]
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
            f"{purpose} needs a layer with maps, and {classifier.name} has none on the way to the"
            " target: choose another method."
        )
    return found[-1][1]


def _counting(classifier: Classifier, places: dict[str, Places]) -> list[str]:
    """Layers with tokens whose patches the outputs depend on, in the order of the network.

    Behind the last attention a class token alone is read: there patches have no gradient. Layers
    that work on parts of an image, as on windows, have more than one result for it.
    """
    if not places:
        return []
    results: dict[str, torch.Tensor] = {}

    def note(name: str) -> Any:
        def take(module: nn.Module, inputs: Any, result: torch.Tensor) -> torch.Tensor | None:
            if len(result) != 1:
                return None
            results[name] = result
            return result.clone()  # what follows may write over it

        return take

    handles = [
        classifier.network.get_submodule(name).register_forward_hook(note(name)) for name in places
    ]
    try:
        with differentiable():
            image = torch.zeros(1, *classifier.preprocessing.input_shape, device=classifier.device)
            answer = classifier.network(image.requires_grad_())
            values = [value for value in results.values() if value.requires_grad]
            found = torch.autograd.grad(answer.sum(), values, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    names = [name for name, value in results.items() if value.requires_grad]
    return [
        name
        for name, gradient in zip(names, found, strict=True)
        if gradient is not None and bool(places[name].maps(gradient).any())
    ]


def _ends_with(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    while isinstance(module, nn.Sequential) and len(module):
        module = module[-1]
    return isinstance(module, kinds)


def _normalises(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) or "Norm" in type(module).__name__


def _has_weights(module: nn.Module) -> bool:
    """Whether it has weights of its own, and not only in the layers within it."""
    return next(module.parameters(recurse=False), None) is not None
