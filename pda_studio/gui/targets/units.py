"""The hidden units of a network, as a user finds them: layers as a tree, maps by their strength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.images import View

_SHOWN = 48


@dataclass(frozen=True)
class UnitLayer:
    """A layer with units that can be explained.

    Attributes
    ----------
    name, kind : str
        As in the network.
    shape : tuple of int
        Maps, rows and columns; of a vector, its features.
    """

    name: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """What a layer answers to an image.

    Attributes
    ----------
    layer : str
        Its name.
    channels : (N,) int
        Its strongest maps, by their mean, the strongest first.
    means : (N,) float32
        Their means.
    maps : (N, H, W) float32
        The maps themselves; H = W = 1 of a vector.
    total : int
        How many maps the layer has.
    """

    layer: str
    channels: NDArray[np.intp]
    means: NDArray[np.float32]
    maps: NDArray[np.float32]
    total: int


def unit_layers(classifier: Classifier) -> list[UnitLayer]:
    """List the layers in the network's order: for the background thread."""
    from pda_studio.classifiers.layers import layers

    return [UnitLayer(one.name, one.kind, one.shape) for one in layers(classifier)]


def layer_maps(classifier: Classifier, view: View, layer: str, most: int = _SHOWN) -> LayerMaps:
    """Find a layer's strongest maps for a view (H, W, 3): for the background thread.

    Raises
    ------
    UsageError
        If there is no such layer.
    """
    from pda_studio.classifiers.layers import activations

    found = activations(classifier, view, layer)
    maps = found.reshape(len(found), *((found.shape[1:]) if found.ndim == 3 else (1, -1)))
    means = maps.reshape(len(maps), -1).mean(1)
    strongest = np.argsort(-means, kind="stable")[:most]
    return LayerMaps(layer, strongest, means[strongest], maps[strongest], len(maps))
