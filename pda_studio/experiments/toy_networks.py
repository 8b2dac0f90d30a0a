"""What three-layer networks of random weights show of the image: Nie's experiments, measured.

Nie, Towards explaining gradient-based visualizations in deep neural networks, 2017, Section 3 and
Figures 2 to 4; max-pooling: Nie, Zhang & Patel, ICML 2018, Section 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from time import perf_counter
from typing import Literal
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from captum.attr import Deconvolution, GuidedBackprop, Saliency
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from pda_studio.experiments.map_work import MapStep
from pda_studio.store.numbers import KeptNumbers, Numbers

Kind = Literal["convolution", "max-pooling", "fully connected"]
Rule = Literal["gradient", "guided backprop", "deconvnet"]
KINDS: tuple[Kind, ...] = ("convolution", "max-pooling", "fully connected")
RULES: tuple[Rule, ...] = ("gradient", "guided backprop", "deconvnet")
_LOGITS = 2
_POOL = 2
_EACH = 5e6  # of multiplications: what a network takes however small it is
_SMALL = 64
"""Pixels of the side of what a fully connected network gets: with more it has too many weights."""


@dataclass(frozen=True, eq=False)
class Recovery:
    """How much of the image a map of a network of random weights shows.

    Attributes
    ----------
    image : str
        The image's name.
    kind : {"convolution", "max-pooling", "fully connected"}
        What the first layer is, and whether a pooling follows its ReLU.
    width : int
        Filters, or hidden units.
    seed : int
        Of the weights.
    rule : {"gradient", "guided backprop", "deconvnet"}
        How the logit is carried back.
    of_image, of_theory : float
        Pearson's correlation of the map (C, H, W) with the network's input, and with what Eq. 5
        expects of guided backpropagation.
    of_logits : float
        That of the maps of two logits.
    """

    image: str
    kind: Kind
    width: int
    seed: int
    rule: Rule
    of_image: float
    of_theory: float
    of_logits: float


@dataclass(frozen=True, eq=False)
class Recoveries:
    """What has been found so far.

    Attributes
    ----------
    each : tuple of Recovery
        In the order in which they were found.
    shown : dict
        Of the first image and seed, by kind, width and rule, the map (C, H, W).
    inputs : dict
        By kind, what the networks got (C, H, W) of the first image.
    """

    each: tuple[Recovery, ...] = ()
    shown: dict[tuple[Kind, int, Rule], NDArray[np.float32]] | None = None
    inputs: dict[Kind, NDArray[np.float32]] | None = None

    def of(self, kind: Kind, width: int, rule: Rule) -> list[Recovery]:
        """Those of one network and rule, over images and seeds."""
        wanted = kind, width, rule
        return [one for one in self.each if (one.kind, one.width, one.rule) == wanted]


def network(kind: Kind, width: int, shape: Sequence[int], kernel: int, seed: int) -> nn.Sequential:
    """A three-layer network whose weights are independent Gaussians (Eqs. 1 and 7).

    Parameters
    ----------
    kind : {"convolution", "max-pooling", "fully connected"}
        What the first layer is, and whether a pooling of 2×2 follows its ReLU.
    width : int
        Filters, or hidden units.
    shape : (C, H, W)
        Of the input.
    kernel : int
        Side of a filter; there is no padding, and the stride is 1.
    seed : int
        The same seed gives the same weights.
    """
    channels, height, across = shape
    first: nn.Module
    if kind == "fully connected":
        first = nn.Linear(channels * height * across, width, bias=False)
        layers: list[nn.Module] = [nn.Flatten(), first, nn.ReLU()]
        places = width
    else:
        first = nn.Conv2d(channels, width, kernel, bias=False)
        layers = [first, nn.ReLU()]
        sides = [height - kernel + 1, across - kernel + 1]
        if kind == "max-pooling":
            layers.append(nn.MaxPool2d(_POOL))
            sides = [side // _POOL for side in sides]
        layers.append(nn.Flatten())
        places = width * sides[0] * sides[1]
    last = nn.Linear(places, _LOGITS, bias=False)
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (first, last):
            layer.weight.normal_(generator=drawn)
    return nn.Sequential(*layers, last).requires_grad_(False)


def expected_map(pixels: torch.Tensor, kernel: int) -> torch.Tensor:
    """What guided backpropagation of infinitely many filters shows, but for a factor (Eq. 5).

    Every patch of the input, divided by its length, is put back where it was.

    Parameters
    ----------
    pixels : (C, H, W) float
        The input.
    kernel : int
        Side of a patch, or 0 for one patch: the whole input.
    """
    if not kernel:
        whole: torch.Tensor = pixels / pixels.norm().clamp_min(1e-12)
        return whole
    patches: torch.Tensor = functional.unfold(pixels[None], kernel)
    patches = patches / patches.norm(dim=1, keepdim=True).clamp_min(1e-12)
    back: torch.Tensor = functional.fold(patches, pixels.shape[1:], kernel)
    return back[0]


def carried_back(
    layers: nn.Sequential, pixels: torch.Tensor, rule: Rule, logit: int
) -> torch.Tensor:
    """A logit, carried back to the input by a rule (C, H, W)."""
    given = pixels[None].detach().requires_grad_()
    found: torch.Tensor
    with catch_warnings():
        simplefilter("ignore")  # that there are hooks for a while
        if rule == "gradient":
            found = Saliency(layers).attribute(given, logit, abs=False)
        elif rule == "guided backprop":
            found = GuidedBackprop(layers).attribute(given, logit)
        else:
            found = Deconvolution(layers).attribute(given, logit)
    return found[0].detach()


def recoveries(
    images: Sequence[tuple[str, torch.Tensor]],
    *,
    filters: Sequence[int],
    units: Sequence[int],
    kernel: int,
    repeats: int,
    seed: int = 0,
) -> Iterator[tuple[MapStep, Recoveries]]:
    """Carry logits of random networks back to images, and compare the maps with these.

    Parameters
    ----------
    images : sequence of (str, (C, H, W) float tensor)
        Names and inputs as networks get them, less the mean colour.
    filters, units : sequence of int
        Widths of the convolutional and of the fully connected networks.
    kernel : int
        Side of the filters.
    repeats : int
        Networks of each kind and width.
    seed : int
        Of the first; the others follow it.

    Yields
    ------
    MapStep, Recoveries
        After each network, what has been found so far.
    """
    widths: dict[Kind, Sequence[int]] = dict.fromkeys(KINDS, filters)
    widths["fully connected"] = units
    work = [
        (number, kind, width, seed + repeat)
        for number in range(len(images))
        for kind in KINDS
        for width in widths[kind]
        for repeat in range(repeats)
    ]
    effort = [_effort(images[number][1], kind, width, kernel) for number, kind, width, _ in work]
    found = Recoveries(shown={}, inputs={})
    kept = KeptNumbers("toy-networks", {"kernel": kernel})
    seconds, spent = 0.0, 0.0  # of those that were not found
    for place, (number, kind, width, own_seed) in enumerate(work):
        name, pixels = images[number]
        pixels = _small(pixels) if kind == "fully connected" else pixels
        shown = not number and own_seed == seed
        part = {
            "pixels": sha256(pixels.numpy().tobytes()).hexdigest(),
            "network": [kind, width, list(pixels.shape), own_seed, shown],
        }
        numbers = kept.find(None, **part)
        if numbers is None:
            if not spent:  # what the first one alone takes longer does not count
                _of_network(pixels, kind, width, own_seed, kernel, maps=False)
            began = perf_counter()
            numbers = _of_network(pixels, kind, width, own_seed, kernel, maps=shown)
            kept.keep(None, numbers, **part)
            seconds += perf_counter() - began
            spent += effort[place]
        alike = {rule: numbers[f"alike, {rule}"].tolist() for rule in RULES}
        rows = [Recovery(name, kind, width, own_seed, rule, *alike[rule]) for rule in RULES]
        found = replace(found, each=(*found.each, *rows))
        if shown:
            maps = {(kind, width, rule): numbers[f"map, {rule}"] for rule in RULES}
            found = replace(
                found,
                shown={**(found.shown or {}), **maps},
                inputs={**(found.inputs or {}), kind: pixels.numpy()},
            )
        rest = sum(effort[place + 1 :])
        left = seconds * rest / spent if spent else None if rest else 0.0
        yield MapStep(place + 1, len(work), f"{name}, {kind}, {width}", left), found


def _of_network(
    pixels: torch.Tensor, kind: Kind, width: int, seed: int, kernel: int, *, maps: bool
) -> Numbers:
    """By rule, the correlations with the image, with Eq. 5 and of two logits; and the maps."""
    layers = network(kind, width, pixels.shape, kernel, seed)
    theory = expected_map(pixels, 0 if kind == "fully connected" else kernel)
    found: Numbers = {}
    for rule in RULES:
        first, other = (carried_back(layers, pixels, rule, logit) for logit in range(_LOGITS))
        alike = [_correlation(first, one) for one in (pixels, theory, other)]
        found[f"alike, {rule}"] = np.array(alike, np.float64)
        if maps:
            found[f"map, {rule}"] = first.numpy()
    return found


def _effort(pixels: torch.Tensor, kind: Kind, width: int, kernel: int) -> float:
    """In proportion to the numbers multiplied and drawn, and to what each network takes."""
    channels, height, across = pixels.shape
    if kind == "fully connected":
        return _EACH + width * channels * min(height, _SMALL) * min(across, _SMALL) * 8.0
    places = (height - kernel + 1) * (across - kernel + 1)
    return _EACH + float(width * places * channels * kernel**2)


def _small(pixels: torch.Tensor) -> torch.Tensor:
    height, width = (min(side, _SMALL) for side in pixels.shape[1:])
    return functional.interpolate(
        pixels[None], (height, width), mode="bilinear", antialias=True, align_corners=False
    )[0]


def _correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    pair = torch.stack([one.flatten().double(), other.flatten().double()])
    if (pair.amax(1) == pair.amin(1)).any():
        return float("nan")
    return float(torch.corrcoef(pair)[0, 1])
