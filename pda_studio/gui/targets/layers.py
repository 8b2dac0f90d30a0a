"""The layers of a network, as a user can name them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier

_NEAR = 3


@dataclass(frozen=True)
class Layer:
    """A layer: its whole name, with dots, and what it is."""

    name: str
    kind: str


@dataclass(frozen=True)
class Layers:
    """What can stand for a layer in a network.

    Attributes
    ----------
    classifier : str
        The network's name.
    layers : tuple of Layer
        In the order of the network, each block before its parts; empty if it cannot be followed.
    """

    classifier: str
    layers: tuple[Layer, ...] = ()

    def refusal(self, name: str) -> str:
        """Why a name is no layer of this network, with those that may be meant."""
        text = f"{self.classifier} has no layer “{name}”"
        near = nearest(name, [layer.name for layer in self.layers])
        return f"{text}: did you mean {', '.join(near)}?" if near else f"{text}."


def layers_of(classifier: Classifier) -> Layers:
    """Follow a network to its layers: for the background thread, as it may take a while."""
    from pda_studio.classifiers.graph import NotTraceable, trace

    try:
        names = list(trace(classifier.network).layers)
    except NotTraceable:
        return Layers(classifier.name)
    kinds = [type(classifier.network.get_submodule(name)).__name__ for name in names]
    return Layers(classifier.name, tuple(map(Layer, names, kinds)))


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """A few names that hold what was typed, or else look like it."""
    holding = [known for known in names if name and name.lower() in known.lower()]
    return holding[:_NEAR] or difflib.get_close_matches(name, names, n=_NEAR)
