"""The patches that a network cuts its input into, before anything else."""

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.errors import UsageError

_known: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
"""Sides of patches that have been found, by network; 0 where there are none."""


def patch_side(classifier: Classifier, purpose: str) -> int:
    """Side of a patch, in pixels of the model input.

    Patches come from a convolution of the image that moves by as much as it covers, as in vision
    transformers, Swin and ConvNeXt.

    Raises
    ------
    UsageError
        If the network has none; it names the purpose.
    """
    network = classifier.network
    if network not in _known:
        _known[network] = _found(classifier)
    if not _known[network]:
        raise UsageError(
            f"{purpose} removes whole patches, and {classifier.name} does not cut its input into"
            " any: choose efficient-pda, whose windows lie anywhere."
        )
    return _known[network]


def _found(classifier: Classifier) -> int:
    """The side of the patches, or 0."""
    first: list[nn.Conv2d] = []

    def note(layer: nn.Module, _: Any) -> None:
        assert isinstance(layer, nn.Conv2d)
        first.append(layer)

    layers = [one for one in classifier.network.modules() if isinstance(one, nn.Conv2d)]
    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        pixels = torch.zeros(1, *classifier.preprocessing.input_shape)
        classifier.logits(classifier.prepare(pixels))
    finally:
        for handle in handles:
            handle.remove()
    if not first:
        return 0
    layer = first[0]
    height, width = layer.kernel_size
    cuts = layer.stride == layer.kernel_size and layer.padding in (0, (0, 0), "valid")
    return height if cuts and height == width > 1 and layer.dilation == (1, 1) else 0
