"""Which network a file of weights belongs to, by the names and shapes of its tensors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from pda_studio.classifiers import index
from pda_studio.classifiers.catalogue import catalogue
from pda_studio.classifiers.digits import DigitsNetwork
from pda_studio.classifiers.networks import ToBeFilled, build, fill, input_size_of
from pda_studio.classifiers.outlines import (
    COUNTER,
    TIMM,
    Outline,
    Shape,
    counted,
    exists,
    has_timm,
    outline,
    outline_of,
    timm_network,
)
from pda_studio.classifiers.shards import INDEX, shards_of
from pda_studio.classifiers.weights import Weights, read_shapes
from pda_studio.errors import PdaStudioError, UsageError

_TRIED = 24  # of torchvision's networks of the nearest sizes, where none fits: for a sentence
_TRIED_OF_TIMM = 6  # building one takes a fifth of a second


@dataclass(frozen=True)
class Match:
    """How a network and a file of weights fit.

    Attributes
    ----------
    name : str
        The network, in the catalogue; or timm's, after `timm/`.
    named : dict of str to str
        The network's names of tensors, with what the file calls each.
    classes, channels : int
        Outputs and input channels that the file was trained for.
    problem : str
        The first thing that does not fit; "" if all does.
    tensors : int
        How many the network has, but for counters.
    fitting : int
        How many of them the file has in the same shape, but for classes and channels.
    """

    name: str
    named: Mapping[str, str]
    classes: int
    channels: int
    problem: str
    tensors: int
    fitting: int


@dataclass(frozen=True)
class Fits:
    """Which networks a file of weights fits.

    Attributes
    ----------
    names : tuple of str
        All whose tensors are in the file, the likeliest first.
    tensors : int
        How many tensors that one has; all of them fit.
    sure : bool
        Whether somebody has said which network it is, or the file bears its name as well.
    """

    names: tuple[str, ...]
    tensors: int
    sure: bool = False


def fits_of(path: Path) -> Fits:
    """Which networks a file of weights fits; no value of it is read.

    Raises
    ------
    PdaStudioError
        If it holds no weights, or those of no network that is known.
    """
    shapes: dict[str, Shape] = {}
    for part in shards_of(path) if path.name.endswith(INDEX) else [path]:
        shapes |= read_shapes(part)
    return architectures_of(shapes, path.name)


def architectures_of(shapes: Mapping[str, Shape], source: str) -> Fits:
    """The networks that names and shapes fit. The file's name only decides between several.

    Any number of classes and input channels fits, any prefix before the names, and a last layer
    inside a Sequential, as after a Dropout.

    Raises
    ------
    PdaStudioError
        If they fit none; the sentence names the nearest.
    """
    names = index.fitting(shapes)
    if not has_timm() and names and all(name.startswith(TIMM) for name in names):
        raise PdaStudioError(
            f"The weights in {source} are those of timm's {names[0].removeprefix(TIMM)}: install"
            " the extra, pip install pda-studio[timm]."
        )
    names = [name for name in names if not name.startswith(TIMM) or (has_timm() and exists(name))]
    if names and matched(names[0], shapes).problem:  # the index does not hold heads and stems
        names = []
    nearest: Match | None = None
    if not names:  # another size of input, or of a library's later version
        for name in _near(shapes):
            match = matched(name, shapes)
            if not match.problem:
                names = [name]
                break
            if nearest is None or match.fitting / match.tensors > nearest.fitting / nearest.tensors:
                nearest = match
    if not names:
        raise PdaStudioError(_refusal(nearest, source))
    ordered = sorted(
        names, key=lambda name: (-_named_after(source, name), TIMM in name, len(name), name)
    )
    best = ordered[0]
    sure = _named_after(source, best) > 0
    return Fits(tuple(ordered), len(outline_of(best).names), sure)


def matched(name: str, shapes: Mapping[str, Shape]) -> Match:
    """How names and shapes fit a network.

    Raises
    ------
    UsageError
        If there is no such network.
    """
    if not exists(name):
        raise UsageError(f"There is no network “{name}”: see pda-studio classifiers.")
    own = _outline_for(name, shapes)
    found = _renamed(shapes, own.shapes)
    counting = counted(own.shapes)
    missing = [key for key in own.shapes if key in counting and key not in found]
    surplus = [key for key in found if key not in own.shapes and key in counted([key])]
    classes, channels = own.shapes[f"{own.heads[0]}.weight"][0], own.shapes[own.stems[0]][1]
    differing = []
    for key in own.shapes.keys() & found.keys():
        shape, given = own.shapes[key], shapes[found[key]]
        if shape == given:
            continue
        if key.rpartition(".")[0] in own.heads and given and given[1:] == shape[1:]:
            classes = given[0]
        elif key in own.stems and len(given) == 4 and (given[0], *given[2:]) == (
            shape[0], *shape[2:]
        ):  # fmt: skip
            channels = given[1]
        else:
            differing.append(key)
    problem = ""
    whats = ("lacks", missing), ("has another shape for", sorted(differing)), ("adds", surplus)
    for what, keys in whats:
        if keys and not problem:
            problem = f"{what} “{keys[0]}”"
    used = {key: given for key, given in found.items() if key in own.shapes}
    fitting = len(counting) - len(missing) - len(differing)
    return Match(name, used, classes, channels, problem, len(counting), fitting)


def filled(match: Match, weights: Weights, source: str) -> nn.Module:
    """The network of a match with its weights, in eval mode.

    Raises
    ------
    PdaStudioError
        If the weights are integers.
    """
    own = {key: weights[given] for key, given in match.named.items()}
    with ToBeFilled():
        if match.name.startswith(TIMM):
            network = timm_network(match.name, match.classes, match.channels)
        elif match.name == "digits":
            network = _with_channels(DigitsNetwork(), match.channels)
        else:
            size = input_size_of(own) or _input_sizes()[match.name]
            network = _with_channels(build(match.name, size, match.classes), match.channels)
    fill(match.name, network, own, Path(source).name)
    return network.eval()


def _with_channels(network: nn.Module, channels: int) -> nn.Module:
    """The network with a first convolution of its own for another number of channels."""
    (stem,) = outline(network).stems
    parent, _, last = stem.rpartition(".")[0].rpartition(".")
    conv = network.get_submodule(stem.rpartition(".")[0])
    if isinstance(conv, nn.Conv2d) and conv.in_channels != channels:
        padding, stride = conv.padding, conv.stride
        other = nn.Conv2d(
            channels, conv.out_channels, conv.kernel_size, stride, padding,  # type: ignore[arg-type]
            bias=conv.bias is not None,
        )  # fmt: skip
        setattr(network.get_submodule(parent), last, other)
    return network


def _outline_for(name: str, shapes: Mapping[str, Shape]) -> Outline:
    """The outline of a network, for the size of input that a vision transformer's weights have."""
    own = outline_of(name)
    if "encoder.pos_embedding" not in own.shapes:
        return own
    outlined = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    size = input_size_of(outlined)
    if size is None:
        return own
    with torch.device("meta"):
        return outline(build(name, size))


def _refusal(nearest: Match | None, source: str) -> str:
    near = ""
    if nearest is not None and nearest.fitting > 0.1 * nearest.tensors:
        near = (
            f" The nearest is {nearest.name}, of whose {nearest.tensors} tensors"
            f" {nearest.fitting} fit, but the file {nearest.problem}."
        )
    return (
        f"The weights in {source} belong to no network that is known here.{near} Save the whole"
        " network as ONNX or TorchScript, or open it from Python."
    )


def _near(shapes: Mapping[str, Shape]) -> Iterator[str]:
    """Networks of about the same size: torchvision's, then timm's."""
    names = counted(shapes)
    count = sum(
        torch.Size(shapes[name]).numel()
        for name in names
        if not name.endswith(("running_mean", "running_var"))
    )
    entries = sorted(catalogue(), key=lambda entry: abs(entry.parameters - count))
    yield from (entry.name for entry in entries[: _TRIED + 1])
    if has_timm():
        yield from filter(exists, index.nearest(shapes, TIMM, _TRIED_OF_TIMM))


def _named_after(source: str, name: str) -> int:
    """How many letters of a file's name are the network's name; 0 if it begins otherwise."""
    own = name.removeprefix(TIMM).lower()
    return len(own) if source.lower().startswith(own) else 0


@lru_cache(maxsize=1)
def _input_sizes() -> dict[str, int]:
    return {entry.name: entry.input_size for entry in catalogue()}


def _renamed(shapes: Mapping[str, Shape], own: Mapping[str, Shape]) -> dict[str, str]:
    """What the file calls each tensor: after a prefix, and inside steps of a Sequential.

    What stands beside the prefix, as a loss's or an average's weights, is left out.
    """
    first = next(key for key in own if not key.endswith(COUNTER))
    wanted = {key for key in own if not key.endswith(COUNTER)}
    prefixes = sorted({key[: -len(first)] for key in shapes if key.endswith(first)}, key=len)
    best = {key: key for key in shapes}
    most = len(wanted & best.keys())
    for prefix in prefixes:
        if prefix and not prefix.endswith("."):
            continue
        inside = {key[len(prefix) :]: key for key in shapes if key.startswith(prefix)}
        if len(wanted & inside.keys()) > most or (most == 0 and prefix == ""):
            best, most = inside, len(wanted & inside.keys())
    missing = wanted - best.keys()
    renamed = {}
    for key, given in best.items():
        shorter = re.sub(r"\.\d+\.(weight|bias)$", r".\1", key)
        renamed[shorter if key not in own and shorter in missing else key] = given
    return renamed
