"""What is asked about besides a class: the difference of two classes, or a hidden unit.

Each is a classifier of its own, made from the first: a network that answers with what is asked.
Every method explains it as it explains a class, by its logit, and the incremental forward goes no
further than it must.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.endings import Contrast, Hidden
from pda_studio.errors import UsageError


def contrast(classifier: Classifier, first: int | str, second: int | str) -> Classifier:
    """Ask why one class rather than another.

    The new classifier has the two classes and the logits z_a − z_b and 0: the log-odds of its
    first class are log p_a / p_b.

    Raises
    ------
    UsageError
        If a class is unknown, or both are the same.
    """
    a, b = classifier.class_index(first), classifier.class_index(second)
    names = classifier.class_names
    if a == b:
        raise UsageError(f"{names[a]} cannot be set against itself: name another class.")
    return replace(
        classifier,
        network=_like(classifier.network, Contrast(classifier.network, a, b, len(names))),
        class_names=(f"{names[a]} rather than {names[b]}", f"{names[b]} rather than {names[a]}"),
        asked=f"{a} rather than {b}",
        batch_sizes={},
    )


@dataclass(frozen=True)
class Unit:
    """A part of a hidden layer: a whole map's mean, or one place of it.

    Attributes
    ----------
    channel : int
        Index of the feature map; of a vision transformer's tokens, of the feature.
    row, column : int or None
        The place, in pixels of the map; None for the mean over all of them.
    """

    channel: int
    row: int | None = None
    column: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Unit":
        """Read C or C,Y,X.

        Raises
        ------
        UsageError
            If the text is neither.
        """
        parts = text.split(",")
        if len(parts) not in (1, 3) or not all(part.strip().isdecimal() for part in parts):
            raise UsageError(
                f"A unit is a channel, such as 12, or a channel, row and column, such as 12,3,5;"
                f" “{text}” is neither."
            )
        return cls(*(int(part) for part in parts))

    def __str__(self) -> str:
        place = "" if self.row is None else f", row {self.row}, column {self.column}"
        return f"map {self.channel}{place}"


def hidden(classifier: Classifier, layer: str, unit: Unit) -> Classifier:
    """Ask about a unit of a hidden layer, or about the mean of one of its maps.

    The new classifier has one class, whose logit is the unit's activation.

    Raises
    ------
    UsageError
        If there is no such layer or unit.
    """
    shape = layer_shape(classifier, layer)
    sizes = _sizes(shape)
    if unit.channel >= sizes[0]:
        raise UsageError(
            f"The layer {layer} of {classifier.name} has {sizes[0]} maps; there is no map"
            f" {unit.channel}: choose one from 0 to {sizes[0] - 1}."
        )
    if unit.row is not None and unit.column is not None:
        if len(sizes) == 1:
            raise UsageError(f"The layer {layer} has no rows and columns: name the channel alone.")
        if unit.row >= sizes[1] or unit.column >= sizes[2]:
            raise UsageError(
                f"The maps of {layer} have {sizes[1]} rows and {sizes[2]} columns, counted from 0;"
                f" row {unit.row}, column {unit.column} lies outside."
            )
    place = _place(shape, unit)
    network = Hidden(classifier.network, layer, unit.channel, place, channels_last=len(shape) == 2)
    return replace(
        classifier,
        network=_like(classifier.network, network),
        class_names=(f"{layer}, {unit}",),
        asked=f"{layer}, {unit}",
        batch_sizes={},
    )


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


def activations(
    classifier: Classifier, image: NDArray[np.uint8], layer: str
) -> NDArray[np.float32]:
    """Maps (C, H, W) or features (C,) of a layer for any RGB image (H, W, 3).

    Tokens (T, C) are given as features (C, T).

    Raises
    ------
    UsageError
        If there is no such layer.
    """
    pixels = classifier.preprocessing.pixels(classifier.preprocessing.view(image))
    for name, _, value in _results(classifier, classifier.prepare(pixels[None])):
        if name == layer:
            one = value[0].T if value.ndim == 3 else value[0]
            result: NDArray[np.float32] = one.float().cpu().numpy()
            return result
    raise _no_layer(classifier, layer)


def _results(
    classifier: Classifier, prepared: torch.Tensor | None = None
) -> Iterator[tuple[str, str, torch.Tensor]]:
    """Name, kind and result of every layer, in the order in which they are done."""
    found: dict[str, tuple[str, torch.Tensor]] = {}
    handles = []
    if prepared is None:
        size, channels = classifier.input_size, len(classifier.preprocessing.mean)
        prepared = torch.zeros(1, channels, size, size, device=classifier.device)
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


def _sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels, rows and columns; of tokens, those of the grid of patches where there is one."""
    if len(shape) != 2:
        return shape
    side = round((shape[0] - 1) ** 0.5)
    return (shape[1], side, side) if side * side == shape[0] - 1 else (shape[1],)


def _place(shape: tuple[int, ...], unit: Unit) -> tuple[int, ...] | None:
    if unit.row is None or unit.column is None:
        return None
    if len(shape) == 3:
        return unit.row, unit.column
    return (1 + unit.row * round((shape[0] - 1) ** 0.5) + unit.column,)  # after the class token


def _like(network: nn.Module, wrapped: nn.Module) -> nn.Module:
    parameter = next(network.parameters())
    return wrapped.to(parameter.device).eval().requires_grad_(False)
