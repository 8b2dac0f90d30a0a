"""Outlines of networks: names and shapes of their tensors, without any values."""

import importlib
import importlib.util
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import torch
from torch import nn

from pda_studio.classifiers.catalogue import is_known, without_weights
from pda_studio.errors import PdaStudioError, UsageError

COUNTER = "num_batches_tracked"
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
TIMM = "timm/"
"""What names of timm's networks begin with: some are called as torchvision's."""

_CLASSES = 1000
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Outline:
    """What tells a network from another.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Of all tensors, by name.
    heads : tuple of str
        Modules whose rows are the classes.
    stems : tuple of str
        Weights whose columns are the input's channels.
    """

    shapes: Mapping[str, Shape]
    heads: tuple[str, ...]
    stems: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of all tensors that count."""
        return counted(self.shapes)

    @property
    def body(self) -> int:
        """Values in the tensors whose shapes depend on neither classes nor channels."""
        return values_in(self.shapes, self.names, self.heads, self.stems)


def counted(names: Iterable[str]) -> frozenset[str]:
    """Names of tensors that count: neither BatchNorm's counters nor auxiliary heads do."""
    return frozenset(
        name for name in names if not name.endswith(COUNTER) and not name.startswith(AUXILIARY)
    )


def values_in(
    shapes: Mapping[str, Shape], names: Iterable[str], heads: Iterable[str], stems: Iterable[str]
) -> int:
    """Values in the tensors of these names, but for those of heads and stems."""
    without = {*stems, *(f"{head}.{part}" for head in heads for part in ("weight", "bias"))}
    return sum(math.prod(shapes[name]) for name in names if name not in without)


def digest(names: Iterable[str]) -> str:
    """A short hash of names in any order (hex)."""
    return sha256("\n".join(sorted(names)).encode()).hexdigest()[:12]


def has_timm() -> bool:
    """Whether the extra `timm` is installed."""
    return importlib.util.find_spec("timm") is not None


def exists(name: str) -> bool:
    """Whether a network of this name can be built here."""
    if not name.startswith(TIMM):
        return is_known(name)
    return bool(timm_library().is_model(name.removeprefix(TIMM)))


@lru_cache(maxsize=128)
def outline_of(name: str) -> Outline:
    """The outline of a network in the catalogue, or of timm's.

    Raises
    ------
    UsageError
        If there is none of this name.
    PdaStudioError
        If it is timm's, and the extra is not installed.
    """
    if not name.startswith(TIMM):
        return outline(without_weights(name).network)
    with torch.device("meta"):
        return outline(timm_network(name))


def outline(network: nn.Module) -> Outline:
    """The outline of a network."""
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    settings: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
    heads, stems = _listed(settings.get("classifier")), _listed(settings.get("first_conv"))
    heads = tuple(head for head in heads if f"{head}.weight" in shapes)
    stems = tuple(f"{stem}.weight" for stem in stems if f"{stem}.weight" in shapes)
    if not heads:
        weights = [key for key, shape in shapes.items() if len(shape) >= 2 and ".weight" in key]
        heads = (weights[-1].rpartition(".")[0],)
    if not stems:
        stems = tuple(key for key, shape in shapes.items() if len(shape) == 4)[:1]
    return Outline(shapes, heads, stems)


def timm_network(name: str, classes: int = _CLASSES, channels: int = 3) -> nn.Module:
    """Build a network of timm's without its weights.

    Raises
    ------
    UsageError
        If there is none of this name.
    PdaStudioError
        If the extra is not installed, or it cannot be built so.
    """
    library, own = timm_library(), name.removeprefix(TIMM)
    if not library.is_model(own):
        raise UsageError(f"This version of timm has no network “{own}”: update it.")
    more = {} if channels == 3 else {"in_chans": channels}
    try:
        made: nn.Module = library.create_model(own, pretrained=False, num_classes=classes, **more)
    except Exception as error:  # networks that take no such number raise anything
        raise PdaStudioError(
            f"timm's {own} cannot be built with {classes} classes and {channels} channels."
        ) from error
    return made.eval()


def timm_library() -> Any:
    """The library timm.

    Raises
    ------
    PdaStudioError
        If it is not installed.
    """
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise PdaStudioError(
            "To open networks of timm's, install the extra: pip install pda-studio[timm]."
        ) from error


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
