"""A network whose layer gives other values than its own: what lies behind it answers to these."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers.layers import layers
from pda_studio.errors import UsageError
from pda_studio.experiments.layer_statistics import as_before, channels_first
from pda_studio.results import Subject


class ReplacedLayer:
    """Scores an image with other values of one layer.

    Parameters
    ----------
    subject : Subject
        Image, classifier and target.
    layer : str
        The layer's name.

    Raises
    ------
    UsageError
        If there is no such layer, the target does not lie behind it, or it is used several times.
    """

    def __init__(self, subject: Subject, layer: str) -> None:
        self._scored = subject.scored
        self._module = module_of(subject, layer)
        pixels = self._scored.preprocessing.pixels(subject.view)[None]
        self._prepared = self._scored.prepare(pixels)
        found: list[torch.Tensor] = []
        self.original = self._run(1, lambda result: found.append(result.clone()))
        if len(found) != 1:
            why = "is used several times" if found else "does not lie before the target"
            raise UsageError(f"The layer {layer} {why}: choose another one.")
        self._result = found[0]
        self.values = channels_first(self._result)
        # Where the image passes through this layer alone, what lies before it is run once.
        twice = torch.cat([self._result, self._result])
        try:
            alone = self._run(1, lambda _: twice.clone())
            self._alone = len(alone) == 2
        except RuntimeError:
            self._alone = False

    def logits(self, values: NDArray[np.float32]) -> torch.Tensor:
        """Outputs (N, K) float64 with these values (N, C, H, W) of the layer."""
        made = as_before(values, self._result)
        count = 1 if self._alone else len(made)
        return self._run(count, lambda _: made)

    def _run(self, count: int, replace: Any) -> torch.Tensor:
        handle = self._module.register_forward_hook(lambda _, __, result: replace(result))
        try:
            prepared = self._prepared.expand(count, -1, -1, -1).clone()
            return self._scored.logits(prepared).cpu().double()
        finally:
            handle.remove()


def values_at(subject: Subject, layer: str) -> NDArray[np.float32]:
    """The values (C, H, W) of a layer for an image."""
    return ReplacedLayer(subject, layer).values


def module_of(subject: Subject, layer: str) -> nn.Module:
    """The layer itself.

    Raises
    ------
    UsageError
        If the network has no such layer.
    """
    known = {one.name for one in layers(subject.classifier)}
    if layer not in known:
        name = subject.classifier.name
        raise UsageError(
            f"{name} has no layer “{layer}”; `pda-studio layers --classifier {name}` lists them."
        )
    return subject.classifier.network.get_submodule(layer)
