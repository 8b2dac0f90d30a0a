"""Windows filled from a Gaussian law of pixels, given their surroundings or without them."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.pda.infill.base import generator
from pda_studio.pda.infill.distributions import WindowLaw, window_laws
from pda_studio.pda.infill.statistics import Statistics
from pda_studio.pda.options import Colour
from pda_studio.pda.patches import windows_of

Law = Literal["conditional", "marginal"]
Draw = Literal["mean", "samples", "empirical-mean"]


class GaussianInfill:
    """Conditional or marginal Gaussian infill: its mean, S samples, or the mean of S samples.

    The window's law given the rest of the l×l patch around it is Gaussian with mean
    μ_w + Σ_wo Σ_oo⁻¹ (x_o − μ_o) and covariance Σ_ww − Σ_wo Σ_oo⁻¹ Σ_ow (Zintgraf; Zhou & Kainz,
    Algorithms 1 and 2). Values are clipped to the statistics' minimum and maximum.

    Parameters
    ----------
    pixels : (C, H, W) float32
        The image, in [0, 1].
    statistics : Statistics
        The law of its pixels.
    window, outer : int
        k and l, in pixels. The patch is shifted inside the image at its borders.
    law : {"conditional", "marginal"}
        Given the surroundings, or N(μ_w, Σ_ww) without them.
    draw : {"mean", "samples", "empirical-mean"}
        The law's mean, S samples of it, or their mean.
    samples : int
        S.
    colour : {"joint", "independent"}
        Whether channels are conditioned on one another.
    seed : int
        Each window's samples depend on this and on the window's place alone.

    Raises
    ------
    UsageError
        If l < k + 1, or l is larger than the image or than the statistics describe.
    """

    def __init__(
        self,
        pixels: torch.Tensor,
        statistics: Statistics,
        *,
        window: int,
        outer: int,
        law: Law,
        draw: Draw,
        samples: int,
        colour: Colour,
        seed: int,
    ) -> None:
        self.samples = samples if draw == "samples" else 1
        self.drawn = draw != "mean"
        self._side = window if law == "marginal" else outer
        _check_sizes(pixels, statistics, window, self._side, law)
        self._pixels = pixels
        self._statistics = statistics
        self._window = window
        self._average = draw == "empirical-mean"
        self._draws = samples
        self._seed = seed
        self._laws = window_laws(statistics, window, self._side, colour, self.drawn)
        channels = statistics.channels
        self._low = torch.tensor(statistics.minimum, dtype=torch.float32).view(channels, 1, 1)
        self._high = torch.tensor(statistics.maximum, dtype=torch.float32).view(channels, 1, 1)

    def fill(self, corners: NDArray[np.int64], draw: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, S, C, k, k) float32 in [0, 1]."""
        k, side = self._window, self._side
        channels, height, width = self._pixels.shape
        patches = np.clip(corners - (side - k) // 2, 0, [height - side, width - side])
        inside = corners - patches
        filled = torch.empty(len(corners), self.samples, channels, k, k)
        places = [self._statistics.place(*patch) for patch in patches.tolist()]
        keys = np.concatenate([np.array(places), inside], axis=1)
        for key in np.unique(keys, axis=0):
            members = np.flatnonzero((keys == key).all(axis=1))
            law = self._laws[tuple(key.tolist())]
            mean = law.offset.expand(len(members), -1)
            if law.weights is not None:
                surroundings = windows_of(self._pixels, patches[members], side).flatten(1)
                mean = mean + (surroundings - law.patch_mean) @ law.weights
            filled[members] = self._values(mean, law, corners[members], draw)
        return filled

    def _values(
        self, mean: torch.Tensor, law: WindowLaw, corners: NDArray[np.int64], draw: int
    ) -> torch.Tensor:
        shape = (len(mean), -1, self._pixels.shape[0], self._window, self._window)
        if law.scale is None:
            return mean[:, None].reshape(shape).clamp(self._low, self._high)
        size = (self._draws, mean.shape[1])
        noise = [
            generator(self._seed, corner, draw).standard_normal(size, dtype=np.float32)
            for corner in corners.tolist()
        ]
        drawn = (mean[:, None] + torch.from_numpy(np.stack(noise)) @ law.scale.T).reshape(shape)
        drawn = drawn.clamp(self._low, self._high)
        return drawn.mean(1, keepdim=True) if self._average else drawn


def _check_sizes(
    pixels: torch.Tensor, statistics: Statistics, window: int, side: int, law: Law
) -> None:
    if law == "conditional" and side < window + 1:
        raise UsageError(
            f"An outer patch of {side} pixels leaves no surroundings to a window of {window}:"
            f" choose an outer patch of at least {window + 1}."
        )
    if statistics.channels != pixels.shape[0]:
        raise UsageError(
            f"The statistics describe images of {statistics.channels} channels, the classifier"
            f" sees {pixels.shape[0]}: choose others with --statistics."
        )
    what = "window" if law == "marginal" else "outer patch"
    largest = min(statistics.largest_patch, *pixels.shape[1:])
    if side > largest:
        raise UsageError(
            f"The {what} of {side} pixels is larger than the {largest} that the image and the"
            " statistics allow: choose a smaller one."
        )
