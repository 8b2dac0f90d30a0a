"""Windows filled from a Gaussian distribution, given their surroundings or without them."""

from collections.abc import Generator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.pda.infill.base import Filler, generator, now_and_then, to_the_end, under_the_name
from pda_studio.pda.infill.distributions import (
    LARGEST_AT_ONCE,
    WindowDistribution,
    window_distributions,
)
from pda_studio.pda.infill.statistics import Statistics
from pda_studio.pda.infill.terms import Preparation, Size
from pda_studio.pda.options import Colour
from pda_studio.pda.patches import windows_of

Estimate = Literal["mean", "samples", "empirical-mean"]
"""What of a distribution is the infill."""

_PRODUCTS_AT_ONCE = 2 * 10**9  # multiplications of float32 that take about a tenth of a second


class GaussianFiller(Filler):
    """Conditional or marginal Gaussian infill: its mean, S samples, or the mean of S samples.

    The distribution of a window given the rest of the l×l patch around it is Gaussian with mean
    μ_w + Σ_wo Σ_oo⁻¹ (x_o − μ_o) and covariance Σ_ww − Σ_wo Σ_oo⁻¹ Σ_ow (Zintgraf; Zhou & Kainz,
    Algorithms 1 and 2). Values are clipped to the statistics' minimum and maximum.

    Parameters
    ----------
    pixels : (C, H, W) float32
        The image, in [0, 1].
    statistics : Statistics
        The distribution of its pixels.
    size : (int, int)
        Height and width of what is filled, in pixels.
    outer : int or None
        l, side of the patch whose rest the window is conditioned on, shifted inside the image at
        its borders; None for the marginal distribution N(μ_w, Σ_ww).
    estimate : {"mean", "samples", "empirical-mean"}
        The distribution's mean, S samples of it, or their mean.
    samples : int
        S.
    colour : {"joint", "independent"}
        Whether channels are conditioned on one another.
    seed : int
        Each window's samples depend on this and on the window's place alone.

    Raises
    ------
    UsageError
        If the patch leaves no surroundings, or is larger than the image or than the statistics
        describe, or if the statistics describe other channels.
    """

    def __init__(
        self,
        pixels: torch.Tensor,
        statistics: Statistics,
        size: Size,
        *,
        outer: int | None,
        estimate: Estimate,
        samples: int,
        colour: Colour,
        seed: int,
    ) -> None:
        self.samples = samples if estimate == "samples" else 1
        self.stochastic = estimate != "mean"
        _check_sizes(pixels, statistics, size, outer)
        self._side = outer or max(size)
        self._pixels = pixels
        self._statistics = statistics
        self._size = size
        self._average = estimate == "empirical-mean"
        self._count = samples
        self._seed = seed
        self._distributions = window_distributions(
            statistics, size, self._side, colour, outer is not None, self.stochastic
        )
        channels = statistics.channels
        self._low = torch.tensor(statistics.minimum, dtype=torch.float32).view(channels, 1, 1)
        self._high = torch.tensor(statistics.maximum, dtype=torch.float32).view(channels, 1, 1)

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, S, C, h, w) float32 in [0, 1]."""
        return to_the_end(self.fill_in_steps(corners, repetition))

    def fill_in_steps(
        self, corners: NDArray[np.int64], repetition: int = 0
    ) -> Generator[Preparation, None, torch.Tensor]:
        """Fill windows (n, 2); covariances that are not there yet are computed in steps."""
        return now_and_then(self._filling(corners, repetition))

    def _filling(
        self, corners: NDArray[np.int64], repetition: int
    ) -> Generator[Preparation, None, torch.Tensor]:
        side = self._side
        channels, height, width = self._pixels.shape
        margins = (side - np.array(self._size)) // 2
        patches = np.clip(corners - margins, 0, [height - side, width - side])
        places = [self._statistics.place(*patch) for patch in patches.tolist()]
        keys = np.concatenate([np.array(places), corners - patches], axis=1)
        distinct = np.unique(keys, axis=0)
        filled = torch.empty(len(corners), self.samples, channels, *self._size)
        for done, key in enumerate(distinct):
            step = Preparation("covariances", done, len(distinct))
            distribution = yield from under_the_name(
                step, self._distributions.in_steps(tuple(key.tolist()))
            )
            members = np.flatnonzero((keys == key).all(axis=1))
            for some in self._portions(members, distribution):
                mean = self._mean(distribution, patches[some])
                filled[some] = yield from under_the_name(
                    Preparation("infills", len(some), len(corners)),
                    self._values(mean, distribution, corners[some], repetition),
                )
        return filled

    def _portions(
        self, members: NDArray[np.int64], distribution: WindowDistribution
    ) -> list[NDArray[np.int64]]:
        """Cut windows that share a distribution so that a portion is filled in a moment."""
        size = distribution.patch_mean.numel()
        if size <= LARGEST_AT_ONCE:
            return [members]
        each = size * distribution.offset.numel()
        return np.array_split(members, -(-len(members) * each // _PRODUCTS_AT_ONCE))

    def _mean(self, distribution: WindowDistribution, patches: NDArray[np.int64]) -> torch.Tensor:
        """Mean of each window given its surroundings: (n, D_w)."""
        mean = distribution.offset.expand(len(patches), -1)
        if distribution.weights is not None:
            surroundings = windows_of(self._pixels, patches, self._side, self._side).flatten(1)
            mean = mean + (surroundings - distribution.patch_mean) @ distribution.weights
        return mean

    def _values(
        self,
        mean: torch.Tensor,
        distribution: WindowDistribution,
        corners: NDArray[np.int64],
        repetition: int,
    ) -> Generator[None, None, torch.Tensor]:
        """Infills (n, S, C, h, w) of windows with these means (n, D_w)."""
        shape = (len(mean), -1, self._pixels.shape[0], *self._size)
        if distribution.scale is None:
            return mean[:, None].reshape(shape).clamp(self._low, self._high)
        size = (self._count, mean.shape[1])
        noise = torch.from_numpy(
            np.stack(
                [
                    generator(self._seed, corner, repetition).standard_normal(size, np.float32)
                    for corner in corners.tolist()
                ]
            )
        )
        deviations = yield from _products(noise, distribution.scale.T)
        sampled = (mean[:, None] + deviations).reshape(shape).clamp(self._low, self._high)
        return sampled.mean(1, keepdim=True) if self._average else sampled


def _products(noise: torch.Tensor, root: torch.Tensor) -> Generator[None, None, torch.Tensor]:
    """Product of noise (n, S, D) with a matrix (D, D); of large ones a few samples a step."""
    if len(root) <= LARGEST_AT_ONCE:
        return noise @ root
    at_once = max(1, _PRODUCTS_AT_ONCE // (len(noise) * root.numel()))
    parts = []
    for some in torch.split(noise, at_once, dim=1):
        parts.append(some @ root)
        yield
    return torch.cat(parts, dim=1)


def _check_sizes(
    pixels: torch.Tensor, statistics: Statistics, size: Size, outer: int | None
) -> None:
    longest = max(size)
    if outer is not None and outer < longest + 1:
        raise UsageError(
            f"An outer patch of {outer} pixels leaves no surroundings to a window of {longest}:"
            f" choose an outer patch of at least {longest + 1}."
        )
    if statistics.channels != pixels.shape[0]:
        raise UsageError(
            f"The statistics describe images of {statistics.channels} channels, the classifier"
            f" gets {pixels.shape[0]}: fit others with fit-statistics --classifier, and name them"
            " with --statistics."
        )
    what = "window" if outer is None else "outer patch"
    largest = min(statistics.largest_patch, *pixels.shape[1:])
    if (outer or longest) > largest:
        raise UsageError(
            f"The {what} of {outer or longest} pixels is larger than the {largest} that the image"
            " and the statistics allow: choose a smaller one."
        )
