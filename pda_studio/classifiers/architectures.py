"""Which network a file of weights belongs to, by the names and shapes of its tensors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from pda_studio.classifiers.catalogue import catalogue, without_weights
from pda_studio.classifiers.digits import DigitsNetwork
from pda_studio.classifiers.networks import build, fill, input_size_of
from pda_studio.classifiers.weights import Weights
from pda_studio.errors import PdaStudioError

_COUNTER = "num_batches_tracked"
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
_TRIED = 24  # networks of the nearest sizes, where none fits: enough for a sentence
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Match:
    """How a network and a file of weights fit.

    Attributes
    ----------
    name : str
        The network, in the catalogue.
    weights : dict of str to torch.Tensor
        The file's tensors under the network's own names.
    classes, channels : int
        Outputs and input channels that the file was trained for.
    problem : str
        The first thing that does not fit; "" if all does.
    fitting : float
        Share of the network's tensors that the file has in the same shape.
    """

    name: str
    weights: Weights
    classes: int
    channels: int
    problem: str
    fitting: float


def architecture_of(weights: Weights, source: str) -> Match:
    """The network in the catalogue that weights fit by names and shapes, whatever the file's name.

    Any number of classes and input channels fits, any prefix before the names, and a last layer
    inside a Sequential, as after a Dropout.

    Raises
    ------
    PdaStudioError
        If they fit none; the sentence names the nearest.
    """
    nearest: Match | None = None
    for at, name in enumerate(_by_size(weights)):
        match = matched(name, weights)
        if not match.problem:
            return match
        if nearest is None or match.fitting > nearest.fitting:
            nearest = match
        if at >= _TRIED:
            break
    near = ""
    if nearest is not None and nearest.fitting > 0.1:
        near = f" The nearest is {nearest.name}, but the file {nearest.problem}."
    raise PdaStudioError(
        f"The weights in {source} belong to no network in the catalogue.{near} Save the whole"
        " network as ONNX or TorchScript, or open it from Python."
    )


def matched(name: str, weights: Weights) -> Match:
    """How weights fit a network of the catalogue."""
    own = dict(_shapes(name))
    size = input_size_of(weights)
    if size is not None and "encoder.pos_embedding" in own:
        with torch.device("meta"):
            own = {key: tuple(one.shape) for key, one in build(name, size).state_dict().items()}
    found = _renamed(weights, own)
    missing = [key for key in own if key not in found and not key.endswith(_COUNTER)]
    surplus = [key for key in found if key not in own and not key.startswith(_AUXILIARY)]
    head, stem = _head(own), _stem(own)
    classes, channels = own[head][0], own[stem][1]
    differing = []
    for key in own.keys() & found.keys():
        shape, given = own[key], tuple(found[key].shape)
        if shape == given:
            continue
        of_head = key.rpartition(".")[0] == head.rpartition(".")[0]
        if of_head and given[1:] == shape[1:] and given:
            classes = given[0]
        elif key == stem and len(given) == 4 and (given[0], *given[2:]) == (shape[0], *shape[2:]):
            channels = given[1]
        else:
            differing.append(key)
    counted = [key for key in own if not key.endswith(_COUNTER)]
    fitting = 1 - (len(missing) + len(differing)) / len(counted)
    problem = ""
    whats = ("lacks", missing), ("has another shape for", sorted(differing)), ("adds", surplus)
    for what, keys in whats:
        if keys and not problem:
            problem = f"{what} “{keys[0]}”"
    used = {key: tensor for key, tensor in found.items() if key in own}
    return Match(name, used, classes, channels, problem, fitting)


def filled(match: Match, source: str) -> nn.Module:
    """The network of a match with its weights, in eval mode.

    Raises
    ------
    PdaStudioError
        If the weights are integers.
    """
    if match.name == "digits":
        network: nn.Module = DigitsNetwork()
    else:
        size = input_size_of(match.weights) or _input_sizes()[match.name]
        network = build(match.name, size, match.classes)
    stem = _stem({key: tuple(tensor.shape) for key, tensor in network.state_dict().items()})
    parent, _, last = stem.rpartition(".")[0].rpartition(".")
    conv = network.get_submodule(stem.rpartition(".")[0])
    if isinstance(conv, nn.Conv2d) and conv.in_channels != match.channels:
        padding, stride = conv.padding, conv.stride
        other = nn.Conv2d(
            match.channels, conv.out_channels, conv.kernel_size, stride, padding,  # type: ignore[arg-type]
            bias=conv.bias is not None,
        )  # fmt: skip
        setattr(network.get_submodule(parent), last, other)
    fill(match.name, network, match.weights, Path(source).name)
    return network.eval()


def _by_size(weights: Weights) -> Iterator[str]:
    """All networks, those with about as many parameters first."""
    counters = (_COUNTER, "running_mean", "running_var")
    count = sum(one.numel() for key, one in weights.items() if not key.endswith(counters))
    entries = sorted(catalogue(), key=lambda entry: abs(entry.parameters - count))
    return (entry.name for entry in entries)


@lru_cache(maxsize=1)
def _input_sizes() -> dict[str, int]:
    return {entry.name: entry.input_size for entry in catalogue()}


@lru_cache(maxsize=128)
def _shapes(name: str) -> tuple[tuple[str, Shape], ...]:
    """Names and shapes of a network's tensors."""
    state = without_weights(name).network.state_dict()
    return tuple((key, tuple(tensor.shape)) for key, tensor in state.items())


def _head(own: dict[str, Shape]) -> str:
    """The weight whose rows are the classes: the last one of two dimensions or of a 1×1 kernel."""
    return [key for key, shape in own.items() if len(shape) >= 2 and key.endswith("weight")][-1]


def _stem(own: dict[str, Shape]) -> str:
    """The weight whose columns are the input's channels: the first one of a convolution."""
    return next(key for key, shape in own.items() if len(shape) == 4)


def _renamed(weights: Weights, own: dict[str, Shape]) -> Weights:
    """The tensors under the network's names: without a prefix, and without steps of a Sequential.

    What stands beside the prefix, as a loss's or an average's weights, is left out.
    """
    first = next(key for key in own if not key.endswith(_COUNTER))
    wanted = {key for key in own if not key.endswith(_COUNTER)}
    prefixes = sorted({key[: -len(first)] for key in weights if key.endswith(first)}, key=len)
    best: Weights = weights
    most = len(wanted & weights.keys())
    for prefix in prefixes:
        if prefix and not prefix.endswith("."):
            continue
        inside = {
            key[len(prefix) :]: tensor for key, tensor in weights.items() if key.startswith(prefix)
        }
        if len(wanted & inside.keys()) > most or (most == 0 and prefix == ""):
            best, most = inside, len(wanted & inside.keys())
    missing = wanted - best.keys()
    renamed: Weights = {}
    for key, tensor in best.items():
        shorter = re.sub(r"\.\d+\.(weight|bias)$", r".\1", key)
        renamed[shorter if key not in own and shorter in missing else key] = tensor
    return renamed
