"""Prediction difference analysis written down slowly: float64, one window after another.

This is what the engine is held against. It follows the papers' pseudo-code line by line, shares
no code with the engine, and prefers the literal to the fast: every covariance is built from its
definition, every system of equations is solved as it stands, every window adds into `WE`.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file
from torch import nn
from torchvision.transforms import v2

Array = NDArray[np.float64]
Colour = Literal["joint", "independent"]
Difference = Literal["log-odds", "probability", "logit"]

PSEUDO_COUNT = 100_000  # Zintgraf's N
RIDGE = 1e-4


# -- images ---------------------------------------------------------------------------------


def preprocess(
    image: Image.Image,
    resize: int,
    crop: int,
    interpolation: v2.InterpolationMode = v2.InterpolationMode.BILINEAR,
) -> NDArray[np.uint8]:
    """torchvision's own Resize and CenterCrop on the PIL image; (crop, crop, 3) uint8."""
    transform = v2.Compose(
        [v2.Resize(resize, interpolation=interpolation, antialias=True), v2.CenterCrop(crop)]
    )
    return np.asarray(transform(image.convert("RGB")))


def to_pixels(view: NDArray[np.uint8], channels: int = 3) -> Array:
    """Pixels (C, H, W) in [0, 1]."""
    return view[..., :channels].transpose(2, 0, 1).astype(np.float64) / 255


# -- windows ----------------------------------------------------------------------------------


def positions(length: int, k: int, stride: int) -> list[int]:
    """0, s, 2s, … as far as a whole window fits, and the last place if that is not among them."""
    starts = []
    start = 0
    while start <= length - k:
        starts.append(start)
        start += stride
    if starts[-1] != length - k:
        starts.append(length - k)
    return starts


def windows(height: int, width: int, k: int, stride: int) -> list[tuple[int, int]]:
    """Upper left corners (top, left) of all windows, row by row."""
    return [
        (top, left) for top in positions(height, k, stride) for left in positions(width, k, stride)
    ]


def patch_start(start: int, k: int, outer: int, length: int) -> int:
    """Where the outer patch starts along one axis: around the window, moved inside the image."""
    wanted = start - (outer - k) // 2
    return min(max(wanted, 0), length - outer)


class Accumulator:
    """WE and counts of the pseudo-code."""

    def __init__(self, height: int, width: int) -> None:
        self.we = np.zeros((height, width))
        self.counts = np.zeros((height, width))

    def add(self, top: int, left: int, k: int, value: float) -> None:
        for y in range(top, top + k):
            for x in range(left, left + k):
                self.we[y, x] += value
                self.counts[y, x] += 1

    def evidence(self) -> Array:
        assert self.counts.min() > 0, "a pixel without a window"
        return self.we / self.counts


def spread(values: Array, places: list[tuple[int, int]], k: int, height: int, width: int) -> Array:
    """Evidence (height, width) from one value a window."""
    accumulator = Accumulator(height, width)
    for (top, left), value in zip(places, values, strict=True):
        accumulator.add(top, left, k, float(value))
    return accumulator.evidence()


# -- the Gaussian -----------------------------------------------------------------------------


def patch_covariance_literal(autocovariance: Array, outer: int, colour: Colour = "joint") -> Array:
    """Covariance of an l×l patch, element by element from its definition."""
    channels = autocovariance.shape[0]
    m = (autocovariance.shape[-1] - 1) // 2
    pixels = [(a, y, x) for a in range(channels) for y in range(outer) for x in range(outer)]
    covariance = np.zeros((len(pixels), len(pixels)))
    for i, (a, y, x) in enumerate(pixels):
        for j, (b, y2, x2) in enumerate(pixels):
            if colour == "joint" or a == b:
                covariance[i, j] = autocovariance[a, b, m + y2 - y, m + x2 - x]
    variance = sum(autocovariance[a, a, m, m] for a in range(channels)) / channels
    for i in range(len(pixels)):
        covariance[i, i] += RIDGE * variance
    return covariance


def patch_covariance(autocovariance: Array, outer: int, colour: Colour = "joint") -> Array:
    """The same with index arrays; a test holds it against the literal one."""
    channels = autocovariance.shape[0]
    m = (autocovariance.shape[-1] - 1) // 2
    a, y, x = (axis.ravel() for axis in np.indices((channels, outer, outer)))
    covariance = autocovariance[
        a[:, None], a[None, :], m + y[None, :] - y[:, None], m + x[None, :] - x[:, None]
    ].copy()
    if colour == "independent":
        covariance[a[:, None] != a[None, :]] = 0
    variance = np.mean([autocovariance[c, c, m, m] for c in range(channels)])
    covariance[np.diag_indices_from(covariance)] += RIDGE * variance
    return covariance


@dataclass
class WindowLaw:
    """A window's Gaussian given its surroundings, and without them.

    `gain` maps the surroundings' deviation from their mean to the window's: Σ_wo Σ_oo⁻¹.
    """

    inside: NDArray[np.intp]  # the window's variables among the patch's, (C·k·k,)
    outside: NDArray[np.intp]
    gain: Array
    conditional_covariance: Array
    marginal_covariance: Array


def window_law(covariance: Array, channels: int, outer: int, k: int, dy: int, dx: int) -> WindowLaw:
    """Condition a patch's Gaussian on all but the k×k window at (dy, dx) in it."""
    is_inside = np.zeros((channels, outer, outer), bool)
    is_inside[:, dy : dy + k, dx : dx + k] = True
    inside, outside = np.flatnonzero(is_inside), np.flatnonzero(~is_inside)
    s_ww = covariance[np.ix_(inside, inside)]
    s_wo = covariance[np.ix_(inside, outside)]
    s_oo = covariance[np.ix_(outside, outside)]
    gain = np.linalg.solve(s_oo, s_wo.T).T
    return WindowLaw(inside, outside, gain, s_ww - gain @ s_wo.T, s_ww)


class Statistics:
    """Shipped statistics: stationary ones (autocovariance) or one law for each place (digits)."""

    def __init__(self, name: Literal["natural", "digits"]) -> None:
        resource = files("pda_studio.resources") / "statistics" / f"{name}.safetensors"
        with as_file(resource) as path:
            tensors = {key: value.astype(np.float64) for key, value in load_file(path).items()}
        self.mean = tensors["mean"]
        self.minimum, self.maximum = tensors["minimum"], tensors["maximum"]
        self.autocovariance = tensors.get("autocovariance")
        self.covariance = tensors.get("covariance")
        self._laws: dict[tuple[object, ...], WindowLaw] = {}
        self._patches: dict[tuple[object, ...], Array] = {}

    @property
    def channels(self) -> int:
        return self.mean.shape[0]

    def patch_mean(self, top: int, left: int, outer: int) -> Array:
        """Mean of the patch's variables, (C·l·l,)."""
        if self.mean.ndim == 1:
            return np.repeat(self.mean, outer * outer)
        return self.mean[:, top : top + outer, left : left + outer].ravel()

    def patch_covariance(self, top: int, left: int, outer: int, colour: Colour) -> Array:
        """Covariance of the patch's variables, ridge included."""
        if self.autocovariance is not None:
            key: tuple[object, ...] = (outer, colour)
            if key not in self._patches:
                self._patches[key] = patch_covariance(self.autocovariance, outer, colour)
            return self._patches[key]
        assert self.covariance is not None
        number = np.arange(self.mean.size).reshape(self.mean.shape)
        chosen = number[:, top : top + outer, left : left + outer].ravel()
        covariance = self.covariance[np.ix_(chosen, chosen)].copy()
        ridge = RIDGE * np.diag(self.covariance).mean()
        covariance[np.diag_indices_from(covariance)] += ridge
        return covariance

    def law(
        self, top: int, left: int, k: int, outer: int, size: tuple[int, int], colour: Colour
    ) -> tuple[int, int, WindowLaw]:
        """The patch's corner and the window's law in it."""
        patch_top = patch_start(top, k, outer, size[0])
        patch_left = patch_start(left, k, outer, size[1])
        dy, dx = top - patch_top, left - patch_left
        place = (patch_top, patch_left) if self.covariance is not None else ()
        key = (dy, dx, k, outer, colour, place)
        if key not in self._laws:
            covariance = self.patch_covariance(patch_top, patch_left, outer, colour)
            self._laws[key] = window_law(covariance, self.channels, outer, k, dy, dx)
        return patch_top, patch_left, self._laws[key]

    def clip(self, values: Array) -> Array:
        """Keep (..., C, k, k) within what the images of the statistics had."""
        return np.clip(values, self.minimum[:, None, None], self.maximum[:, None, None])


@dataclass
class Infill:
    """What may stand in for a window: its law at one place of one image."""

    mean: Array  # (C, k, k), not clipped
    covariance: Array  # (C·k·k, C·k·k)
    statistics: Statistics

    def draw(self, samples: int, random: np.random.Generator) -> Array:
        """(S, C, k, k), not clipped."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))
        normal = random.standard_normal((samples, len(self.covariance)))
        return self.mean + (normal @ root.T).reshape(samples, *self.mean.shape)


def conditional(
    pixels: Array,
    statistics: Statistics,
    top: int,
    left: int,
    k: int,
    outer: int,
    colour: Colour = "joint",
) -> Infill:
    """The window's law given the rest of the outer patch."""
    patch_top, patch_left, law = statistics.law(top, left, k, outer, pixels.shape[1:], colour)
    patch = pixels[:, patch_top : patch_top + outer, patch_left : patch_left + outer].ravel()
    mean = statistics.patch_mean(patch_top, patch_left, outer)
    deviation = patch[law.outside] - mean[law.outside]
    window = mean[law.inside] + law.gain @ deviation
    return Infill(window.reshape(statistics.channels, k, k), law.conditional_covariance, statistics)


def marginal(
    pixels: Array,
    statistics: Statistics,
    top: int,
    left: int,
    k: int,
    outer: int,
    colour: Colour = "joint",
) -> Infill:
    """The same Gaussian without the window's surroundings."""
    patch_top, patch_left, law = statistics.law(top, left, k, outer, pixels.shape[1:], colour)
    mean = statistics.patch_mean(patch_top, patch_left, outer)[law.inside]
    return Infill(mean.reshape(statistics.channels, k, k), law.marginal_covariance, statistics)


# -- the network and its answers ----------------------------------------------------------------


class Network:
    """A float64 copy of a classifier; it takes pixels in [0, 1]."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self.network = deepcopy(network).double().eval()
        self.mean = torch.tensor(mean, dtype=torch.float64)[:, None, None]
        self.std = torch.tensor(std, dtype=torch.float64)[:, None, None]

    def logits(self, images: Array, batch: int = 16) -> Array:
        """(N, K) of images (N, C, H, W)."""
        with torch.no_grad():
            parts = [
                self.network((torch.from_numpy(images[i : i + batch]) - self.mean) / self.std)
                for i in range(0, len(images), batch)
            ]
        return torch.cat(parts).numpy()

    def gradient(self, pixels: Array, target: int, difference: Difference) -> Array:
        """∂f/∂x (C, H, W) with f in the unit of the difference."""
        x = torch.from_numpy(pixels).requires_grad_(True)
        z = self.network(((x - self.mean) / self.std)[None])[0]
        p = torch.softmax(z, 0)[target]
        if difference == "logit":
            f = z[target]
        elif difference == "probability":
            f = p
        else:
            corrected = (p * PSEUDO_COUNT + 1) / (PSEUDO_COUNT + len(z))
            f = torch.log2(corrected / (1 - corrected))
        (gradient,) = torch.autograd.grad(f, x)
        return gradient.numpy()


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_odds(p: Array | float, classes: int) -> Array:
    """In bits, after Zintgraf's Laplace correction."""
    corrected = (np.asarray(p, np.float64) * PSEUDO_COUNT + 1) / (PSEUDO_COUNT + classes)
    return np.log2(corrected / (1 - corrected))


def prediction_difference(
    original: Array, infilled: Array, target: int, difference: Difference
) -> float:
    """Original minus infilled; logits (K,) against the logits (S, K) of S infills."""
    if difference == "logit":
        return float(original[target] - infilled[:, target].mean())
    p = softmax(original)[target]
    p_without = softmax(infilled)[:, target].mean()  # probabilities are averaged, then odds taken
    if difference == "probability":
        return float(p - p_without)
    classes = len(original)
    return float(log_odds(p, classes) - log_odds(p_without, classes))


# -- the algorithms -----------------------------------------------------------------------------


def with_window(pixels: Array, top: int, left: int, values: Array) -> Array:
    """Copies (S, C, H, W) of the image with values (S, C, k, k) in the window."""
    k = values.shape[-1]
    copies = np.repeat(pixels[None], len(values), axis=0)
    copies[:, :, top : top + k, left : left + k] = values
    return copies


@dataclass
class Analysis:
    """One image, one network, one target, one grid of windows."""

    network: Network
    pixels: Array  # (C, H, W)
    target: int
    statistics: Statistics
    k: int
    outer: int
    stride: int
    colour: Colour = "joint"
    difference: Difference = "log-odds"

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        return windows(*self.pixels.shape[1:], self.k, self.stride)

    @cached_property
    def original(self) -> Array:
        return self.network.logits(self.pixels[None])[0]

    def conditional(self, top: int, left: int) -> Infill:
        return conditional(self.pixels, self.statistics, top, left, self.k, self.outer, self.colour)

    def marginal(self, top: int, left: int) -> Infill:
        return marginal(self.pixels, self.statistics, top, left, self.k, self.outer, self.colour)

    def spread(self, values: Array) -> Array:
        return spread(values, self.places, self.k, *self.pixels.shape[1:])

    def with_infill(self, infill: Callable[[int, int], Array]) -> Array:
        """Evidence with `infill(top, left)` -> (S, C, k, k) in each window's place.

        Windows go through the network many at a time, which takes half as long.
        """
        values = []
        for i in range(0, len(self.places), 16):
            infilled = [
                with_window(self.pixels, y, x, infill(y, x)) for y, x in self.places[i : i + 16]
            ]
            logits = self.network.logits(np.concatenate(infilled))
            values += [
                prediction_difference(self.original, one, self.target, self.difference)
                for one in np.split(logits, len(infilled))
            ]
        return self.spread(np.array(values))

    def algorithm_1(
        self, samples: int, random: np.random.Generator, *, marginally: bool = False
    ) -> Array:
        """Original PDA: average the probability over S samples, then take the odds."""
        law = self.marginal if marginally else self.conditional

        def infill(top: int, left: int) -> Array:
            return self.statistics.clip(law(top, left).draw(samples, random))

        return self.with_infill(infill)

    def algorithm_2(self) -> Array:
        """Efficient PDA: the conditional mean."""
        return self.with_infill(
            lambda y, x: self.statistics.clip(self.conditional(y, x).mean[None])
        )

    def algorithm_3(self) -> Array:
        """Simplified PDA: gradᵀ(x − x′)."""
        gradient = self.network.gradient(self.pixels, self.target, self.difference)
        values = []
        for top, left in self.places:
            mean = self.statistics.clip(self.conditional(top, left).mean)
            here = (slice(None), slice(top, top + self.k), slice(left, left + self.k))
            values.append((gradient[here] * (self.pixels[here] - mean)).sum())
        return self.spread(np.array(values))

    def marginal_mean(self) -> Array:
        return self.with_infill(lambda y, x: self.statistics.clip(self.marginal(y, x).mean[None]))

    def grey(self) -> Array:
        """Zeiler's occlusion."""
        shape = (1, len(self.pixels), self.k, self.k)
        return self.with_infill(lambda y, x: np.full(shape, 0.5))

    def all_conditional(self) -> Iterator[Infill]:
        for top, left in self.places:
            yield self.conditional(top, left)


# -- agreement ----------------------------------------------------------------------------------


def relative_difference(found: NDArray[np.floating], wanted: Array) -> float:
    """Rms of the difference over the rms of what is wanted."""
    difference = np.asarray(found, np.float64) - wanted
    return float(np.sqrt((difference**2).mean() / (wanted**2).mean()))
