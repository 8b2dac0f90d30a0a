"""How a layer's values are distributed, and infills for its maps and windows from that.

As for pixels, values are modelled as a Gaussian that is the same at every place: units by the
covariance of a place's channels, windows by the autocovariance of each channel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.pda.infill.base import generator

Distribution = Literal["conditional", "marginal"]

_MOST_PLACES = 20_000  # whose channels the covariance is estimated from
_RIDGE = 1e-4  # of the mean variance, as for pixels


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """The distribution of a layer's values h (C, H, W) over images and places.

    Attributes
    ----------
    mean, deviation, minimum, maximum : (C,) float64
        Of each channel.
    correlation : (C, C) float64
        Of the channels of a place, shrunk towards 0 (Ledoit and Wolf 2004).
    shrinkage : float
        By how much, from 0 to 1.
    autocovariance : (C, 2M + 1, 2M + 1) float64
        Of each channel, at offsets from −M to M; divided by the same number at every offset.
    images, places : int
        How many they come from.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    correlation: NDArray[np.float64]
    shrinkage: float
    autocovariance: NDArray[np.float64]
    images: int
    places: int


def fit_layer(values: Iterable[NDArray[np.float32]], reach: int = 0) -> LayerStatistics:
    """Fit the statistics of a layer to its values for images.

    Parameters
    ----------
    values : iterable of (C, H, W)
        One for each image, all of one size.
    reach : int
        M of the autocovariance.

    Raises
    ------
    UsageError
        If there are fewer than two places or images.
    """
    each = [value.astype(np.float64) for value in values]
    if not each or len(each) * each[0][0].size < 2:
        raise UsageError(
            "The statistics of a layer without rows and columns need at least two images: name a"
            " folder of images."
        )
    channels, height, width = each[0].shape
    places = np.concatenate([value.reshape(channels, -1) for value in each], axis=1)
    mean, deviation = places.mean(1), places.std(1)
    some = np.linspace(0, places.shape[1], min(_MOST_PLACES, places.shape[1]), endpoint=False)
    scaled = places[:, some.astype(int)] - mean[:, None]
    scaled /= np.where(deviation > 0, deviation, 1)[:, None]
    correlation, shrinkage = shrunk(scaled)
    least = min(reach, height - 1), min(reach, width - 1)
    covariance = np.zeros((channels, 2 * reach + 1, 2 * reach + 1))
    for value in each:
        centred = value - mean[:, None, None]
        for down in range(-least[0], least[0] + 1):
            for across in range(-least[1], least[1] + 1):
                here = centred[:, max(-down, 0) : height - max(down, 0)]
                here = here[..., max(-across, 0) : width - max(across, 0)]
                there = centred[:, max(down, 0) : height + min(down, 0)]
                there = there[..., max(across, 0) : width + min(across, 0)]
                covariance[:, reach + down, reach + across] += (here * there).sum((1, 2))
    return LayerStatistics(
        mean,
        deviation,
        places.min(1),
        places.max(1),
        correlation,
        shrinkage,
        covariance / places.shape[1],
        len(each),
        places.shape[1],
    )


def shrunk(scaled: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The correlation of variables (C, n) with mean 0 and variance 1, shrunk towards none.

    Ledoit and Wolf's weight makes the expected squared error least: few places say little about
    many channels.
    """
    channels, count = scaled.shape
    found = scaled @ scaled.T / count
    target = np.trace(found) / channels * np.eye(channels)
    distance = float(np.square(found - target).sum())
    lengths = np.square(scaled).sum(0)
    spread = (float(np.square(lengths).sum()) / count - float(np.square(found).sum())) / count
    weight = min(max(spread / distance, 0.0), 1.0) if distance > 0 else 1.0
    return (1 - weight) * found + weight * target, weight


class MapInfill:
    """Infills for a whole map of a layer, place by place, or for a unit of one without places.

    Parameters
    ----------
    statistics : LayerStatistics
        Of the layer.
    values : (C, H, W) float32
        The layer's values for an image.
    distribution : {"conditional", "marginal"}
        Given the other channels at the same place, or not.
    samples : int
        How many infills; 0 for the mean of the distribution.
    seed : int
        The same seed gives the same samples.
    """

    def __init__(
        self,
        statistics: LayerStatistics,
        values: NDArray[np.float32],
        distribution: Distribution,
        samples: int,
        seed: int,
    ) -> None:
        self._statistics, self._samples, self._seed = statistics, samples, seed
        self._shape = values.shape[1:]
        size = np.where(statistics.deviation > 0, statistics.deviation, 1.0)
        if distribution == "marginal":
            self._means = np.broadcast_to(statistics.mean[:, None, None], values.shape)
            self._deviation = statistics.deviation
            return
        scaled = (values - statistics.mean[:, None, None]) / size[:, None, None]
        ridge = _RIDGE * np.eye(len(values))
        precision = np.linalg.inv(statistics.correlation + ridge)
        own = np.diag(precision)
        others = scaled - np.tensordot(precision, scaled, 1) / own[:, None, None]
        self._means = statistics.mean[:, None, None] + size[:, None, None] * others
        self._deviation = statistics.deviation / np.sqrt(own)

    def fill(self, channel: int) -> NDArray[np.float32]:
        """Infills (S, H, W) of a channel."""
        mean = self._means[channel][None]
        if self._samples:
            random = generator(self._seed, [channel, 0], 0)
            noise = random.standard_normal((self._samples, *self._shape))
            mean = mean + self._deviation[channel] * noise
        low, high = self._statistics.minimum[channel], self._statistics.maximum[channel]
        filled: NDArray[np.float32] = np.clip(mean, low, high).astype(np.float32)
        return filled


class WindowInfill:
    """Infills for k×k places of all channels, each channel from its own surroundings.

    Parameters
    ----------
    statistics : LayerStatistics
        Of the layer, with a reach of l − 1 or more.
    values : (C, H, W) float32
        The layer's values for an image.
    distribution : {"conditional", "marginal"}
        Given the places around the window, or not.
    window, outer : int
        k, and l of the square of places around the window.
    samples, seed : int
        As `MapInfill` has them.
    """

    def __init__(
        self,
        statistics: LayerStatistics,
        values: NDArray[np.float32],
        distribution: Distribution,
        window: int,
        outer: int,
        samples: int,
        seed: int,
    ) -> None:
        self._statistics, self._values = statistics, values
        self._conditional = distribution == "conditional"
        self._window, self._samples, self._seed = window, samples, seed
        self._sides = [min(outer, side) for side in values.shape[1:]]
        self._known: dict[tuple[int, int], tuple[torch.Tensor | None, torch.Tensor]] = {}

    def fill(self, top: int, left: int) -> NDArray[np.float32]:
        """Infills (S, C, k, k) of the window with this corner."""
        side, (height, width) = self._window, self._sides
        corner = [
            min(max(at - (length - side) // 2, 0), whole - length)
            for at, length, whole in zip(
                (top, left), self._sides, self._values.shape[1:], strict=True
            )
        ]
        place = top - corner[0], left - corner[1]
        if place not in self._known:
            self._known[place] = self._factored(*place)
        weights, scale = self._known[place]
        statistics = self._statistics
        mean = statistics.mean[:, None]
        filled = torch.from_numpy(mean).expand(-1, side * side)
        if weights is not None:
            patch = self._values[:, corner[0] : corner[0] + height, corner[1] : corner[1] + width]
            around = torch.from_numpy(patch.reshape(len(patch), -1) - mean)
            filled = filled + (around[:, None] @ weights)[:, 0]
        filled = filled[None]
        if self._samples:
            random = generator(self._seed, [top, left], 0)
            noise = torch.from_numpy(
                random.standard_normal((self._samples, len(mean), side * side, 1))
            )
            filled = filled + (scale @ noise)[..., 0]
        values = filled.numpy().reshape(-1, len(mean), side, side)
        bounds = (one[:, None, None] for one in (statistics.minimum, statistics.maximum))
        return np.clip(values, *bounds).astype(np.float32)

    def _factored(self, top: int, left: int) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Weights (C, l², k²), 0 within the window, and the root (C, k², k²) of its covariance."""
        height, width = self._sides
        rows, columns = (one.ravel() for one in np.mgrid[:height, :width])
        reach = self._statistics.autocovariance.shape[-1] // 2
        offsets = (reach + one[None] - one[:, None] for one in (rows, columns))
        covariance = torch.from_numpy(self._statistics.autocovariance[:, *offsets])
        variance = self._statistics.autocovariance[:, reach, reach]
        ridge = _RIDGE * variance + np.where(variance > 0, 0.0, 1.0)
        covariance += torch.from_numpy(ridge)[:, None, None] * torch.eye(len(rows))
        within = (rows >= top) & (rows < top + self._window)
        within &= (columns >= left) & (columns < left + self._window)
        inside, outside = (torch.from_numpy(np.flatnonzero(one)) for one in (within, ~within))
        own = covariance[:, inside][:, :, inside]
        if not self._conditional or not len(outside):
            return None, torch.linalg.cholesky(own)
        beside = covariance[:, outside][:, :, inside]
        solved = torch.linalg.solve(covariance[:, outside][:, :, outside], beside)
        weights = torch.zeros(len(covariance), len(rows), len(inside), dtype=torch.float64)
        weights[:, outside] = solved
        rest = own - beside.mT @ solved
        return weights, torch.linalg.cholesky(rest)


def channels_first(values: torch.Tensor) -> NDArray[np.float32]:
    """A layer's result for one image as (C, H, W): units as (C, 1, 1), tokens as (C, T, 1)."""
    one = values[0].float().cpu()
    if one.ndim == 1:
        one = one[:, None, None]
    elif one.ndim == 2:
        one = one.T[..., None]
    made: NDArray[np.float32] = one.contiguous().numpy()
    return made


def as_before(values: NDArray[np.float32], like: torch.Tensor) -> torch.Tensor:
    """Values (N, C, H, W) in the layout, and where, a layer's result (1, …) has them."""
    made = torch.from_numpy(values).to(like)
    if like.ndim == 2:
        return made[:, :, 0, 0]
    return made[..., 0].mT.contiguous() if like.ndim == 3 else made


def largest_first(values: NDArray[np.float64]) -> Sequence[int]:
    """Places of the values, the largest first."""
    return [int(place) for place in np.argsort(-values, kind="stable")]
