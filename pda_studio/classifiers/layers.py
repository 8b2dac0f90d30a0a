"""The layers of a network, and what they answer to an image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.errors import UsageError
from pda_studio.images import View


@dataclass(frozen=True)
class Layer:
    """A layer whose result can be asked about.

    Attributes
    ----------
    name : str
        As in `torch.nn.Module.named_modules`.
    kind : str
        The layer's class.
    shape : tuple of int
        Of its result for one image, without the batch.
    """

    name: str
    kind: str
    shape: tuple[int, ...]


def layers(classifier: Classifier) -> list[Layer]:
    """All layers with maps, tokens or vectors, in the order in which they are done."""
    return [Layer(name, kind, tuple(value.shape[1:])) for name, kind, value in _results(classifier)]


def layer_shape(classifier: Classifier, layer: str) -> tuple[int, ...]:
    """Shape of a layer's result for one image, without the batch.

    Raises
    ------
    UsageError
        If there is no such layer.
    """
    found = {one.name: one.shape for one in layers(classifier)}
    if layer not in found:
        raise _no_layer(classifier, layer)
    return found[layer]


def activations(classifier: Classifier, view: View, layer: str) -> NDArray[np.float32]:
    """Maps (C, H, W) or features (C,) of a layer for an image as the network sees it.

    Tokens (T, C) are given as features (C, T).

    Raises
    ------
    UsageError
        If there is no such layer.
    """
    pixels = classifier.preprocessing.pixels(view)
    for name, _, value in _results(classifier, classifier.prepare(pixels[None])):
        if name == layer:
            one = value[0].T if value.ndim == 3 else value[0]
            result: NDArray[np.float32] = one.float().cpu().numpy()
            return result
    raise _no_layer(classifier, layer)


def patch_grid(count: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns in which so many patches cover an input of this height and width."""
    height, width = size
    for patch in range(1, min(size) + 1):
        if (height // patch) * (width // patch) == count:
            return height // patch, width // patch
    return None


def _results(
    classifier: Classifier, prepared: torch.Tensor | None = None
) -> Iterator[tuple[str, str, torch.Tensor]]:
    """Name, kind and result of every layer, in the order in which they are done."""
    found: dict[str, tuple[str, torch.Tensor]] = {}
    handles = []
    if prepared is None:
        prepared = torch.zeros(1, *classifier.preprocessing.input_shape, device=classifier.device)
    for name, module in classifier.network.named_modules():

        def note(module: nn.Module, inputs: Any, result: Any, name: str = name) -> None:
            if isinstance(result, torch.Tensor) and result.ndim in (2, 3, 4) and name:
                found.pop(name, None)  # of a layer that is used again the last result counts
                found[name] = type(module).__name__, result

        handles.append(module.register_forward_hook(note))
    try:
        classifier.logits(prepared)
    finally:
        for handle in handles:
            handle.remove()
    for name, (kind, value) in found.items():
        yield name, kind, value


def _no_layer(classifier: Classifier, layer: str) -> UsageError:
    return UsageError(
        f"{classifier.name} has no layer “{layer}”; `pda-studio layers --classifier"
        f" {classifier.name}` lists them."
    )
