"""Statistics of images: means and covariances of their pixels, fitted once, saved in a file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import safetensors
import scipy.fft
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import written_whole
from pda_studio.pda.options import Colour

LARGEST_OFFSET = 63  # M: patches of up to M + 1 = 64 pixels a side
_JITTER = 1e-4  # of the mean channel variance, on the diagonal: keeps covariances invertible


@dataclass(frozen=True, eq=False)
class StationaryStatistics:
    """Images in which the covariance of two pixels depends on their offset alone.

    Attributes
    ----------
    mean, minimum, maximum : (C,) float64
        Of each channel, pixels in [0, 1].
    autocovariance : (C, C, 2M+1, 2M+1) float64
        ``autocovariance[a, b, M+dy, M+dx]`` = Cov(channel a at (y, x), channel b at (y+dy, x+dx)).
    about : dict of str to str
        How many images of which size they were fitted to.
    """

    mean: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    autocovariance: NDArray[np.float64]
    about: dict[str, str] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Number of colour channels."""
        return int(self.mean.shape[0])

    @property
    def largest_patch(self) -> int:
        """M + 1 pixels."""
        return int(self.autocovariance.shape[-1]) // 2 + 1

    def place(self, top: int, left: int) -> tuple[int, int]:
        """Everywhere the same: that is what stationary means."""
        return 0, 0

    def patch_mean(self, place: tuple[int, int], side: int) -> NDArray[np.float64]:
        """Mean (C·l·l,) of a patch of this side."""
        return np.repeat(self.mean, side * side)

    def patch_covariance(
        self, place: tuple[int, int], side: int, colour: Colour
    ) -> NDArray[np.float64]:
        """Covariance (C·l·l, C·l·l) of a patch of this side, with the jitter on the diagonal."""
        centre = self.autocovariance.shape[-1] // 2
        offset = centre + np.arange(side)[None, :] - np.arange(side)[:, None]  # [y, y'] -> M+y'−y
        # [a, b, y, y', x, x'] -> [a, y, x, b, y', x']
        blocks = self.autocovariance[:, :, offset[:, :, None, None], offset[None, None, :, :]]
        if colour == "independent":
            blocks = blocks * np.eye(self.channels)[:, :, None, None, None, None]
        size = self.channels * side * side
        covariance = blocks.transpose(0, 2, 4, 1, 3, 5).reshape(size, size)
        covariance[np.diag_indices(size)] += self._jitter
        return covariance

    def covariance_between(
        self,
        place: tuple[int, int],
        side: int,
        colour: Colour,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """These rows and columns of `patch_covariance`, without the rest of it."""
        centre = self.autocovariance.shape[-1] // 2
        first = np.unravel_index(rows[:, None], (self.channels, side, side))
        second = np.unravel_index(columns[None], (self.channels, side, side))
        (a, top, left), (b, bottom, right) = first, second
        covariance: NDArray[np.float64] = self.autocovariance[
            a, b, centre + bottom - top, centre + right - left
        ]
        if colour == "independent":
            covariance *= a == b
        covariance[rows[:, None] == columns[None]] += self._jitter
        return covariance

    @property
    def _jitter(self) -> float:
        centre = self.autocovariance.shape[-1] // 2
        variance = np.diagonal(self.autocovariance[:, :, centre, centre]).mean()
        return float(_JITTER * variance)


@dataclass(frozen=True, eq=False)
class PositionalStatistics:
    """Images of one small size, such as digits: each place has a distribution of its own.

    Attributes
    ----------
    mean : (C, H, W) float64
        Mean image, pixels in [0, 1].
    covariance : (C·H·W, C·H·W) float64
        Covariance of all pixels.
    minimum, maximum : (C,) float64
        Of each channel.
    about : dict of str to str
        How many images of which size they were fitted to.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    about: dict[str, str] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Number of colour channels."""
        return int(self.mean.shape[0])

    @property
    def largest_patch(self) -> int:
        """The whole frame."""
        return int(min(self.mean.shape[1:]))

    def place(self, top: int, left: int) -> tuple[int, int]:
        """The patch's corner: the distribution differs from place to place."""
        return top, left

    def patch_mean(self, place: tuple[int, int], side: int) -> NDArray[np.float64]:
        """Mean (C·l·l,) of the patch at this place."""
        top, left = place
        return self.mean[:, top : top + side, left : left + side].ravel()

    def patch_covariance(
        self, place: tuple[int, int], side: int, colour: Colour
    ) -> NDArray[np.float64]:
        """Covariance (C·l·l, C·l·l) of the patch at this place, with the jitter."""
        top, left = place
        index = np.arange(self.mean.size).reshape(self.mean.shape)
        inside = index[:, top : top + side, left : left + side].ravel()
        covariance = self.covariance[np.ix_(inside, inside)].copy()
        if colour == "independent":
            channel = np.repeat(np.arange(self.channels), side * side)
            covariance[channel[:, None] != channel[None, :]] = 0
        covariance[np.diag_indices(len(inside))] += _JITTER * np.diagonal(self.covariance).mean()
        return covariance

    def covariance_between(
        self,
        place: tuple[int, int],
        side: int,
        colour: Colour,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """These rows and columns of `patch_covariance`, without the rest of it."""
        top, left = place
        index = np.arange(self.mean.size).reshape(self.mean.shape)
        inside = index[:, top : top + side, left : left + side].ravel()
        covariance = self.covariance[np.ix_(inside[rows], inside[columns])]
        if colour == "independent":
            covariance[(rows // side**2)[:, None] != columns // side**2] = 0
        jitter = _JITTER * np.diagonal(self.covariance).mean()
        covariance[rows[:, None] == columns] += jitter
        return covariance


Statistics = StationaryStatistics | PositionalStatistics
"""The Gaussian distribution of an l×l patch: channels first, then rows, then columns."""


def fit_stationary(
    images: Iterable[NDArray[np.uint8]], largest_offset: int = LARGEST_OFFSET
) -> StationaryStatistics:
    """Fit the mean and the autocovariance of images of one size.

    Products around the global mean are summed over all images and divided by images·H·W at
    *every* offset: this tapered estimator keeps patch covariances positive definite.

    Parameters
    ----------
    images : iterable of (H, W, 3) uint8
        All of one size; gone through once.
    largest_offset : int
        M, in pixels.

    Raises
    ------
    UsageError
        If there are no images, or their sizes differ.
    """
    m = largest_offset
    count, shape = 0, None
    total, low, high = np.zeros(3), np.full(3, np.inf), np.full(3, -np.inf)
    raw = np.zeros((3, 3, 2 * m + 1, 2 * m + 1))  # sums of products of values less 1/2
    edges = np.zeros((3, 2 * m + 1, 2 * m + 1))  # sums of values less 1/2 that have a partner
    for image in images:
        if shape is None:
            shape = image.shape
            height, width = shape[:2]
            padded = [scipy.fft.next_fast_len(max(n, m + 1) + m, real=True) for n in shape[:2]]
            partners = scipy.fft.rfft2(np.ones((height, width)), padded)
        if image.shape != shape:
            raise UsageError("Statistics need images of one size.")
        values = image.transpose(2, 0, 1) / 255
        total += values.mean((1, 2))
        low, high = np.minimum(low, values.min((1, 2))), np.maximum(high, values.max((1, 2)))
        # Around 1/2 instead of the mean, which is known only at the end; corrected below.
        spectra = scipy.fft.rfft2(values - 0.5, padded, workers=-1)
        for a in range(3):
            for b in range(a, 3):
                raw[a, b] += _offsets(np.conj(spectra[a]) * spectra[b], padded, m)
            edges[a] += _offsets(np.conj(spectra[a]) * partners, padded, m)
        count += 1
    if shape is None:
        raise UsageError("There are no images to fit statistics to.")
    for a in range(3):
        for b in range(a):
            raw[a, b] = raw[b, a, ::-1, ::-1]
    mean = total / count
    shift = mean - 0.5
    # Σ (u−s_a)(v−s_b) = Σ uv − s_b Σ u − s_a Σ v + s_a s_b · pairs, over pairs at each offset.
    pairs = _offsets(np.conj(partners) * partners, padded, m) * count
    autocovariance = np.empty_like(raw)
    for a in range(3):
        for b in range(3):
            partner_sum = edges[b, ::-1, ::-1]
            autocovariance[a, b] = (
                raw[a, b]
                - shift[b] * edges[a]
                - shift[a] * partner_sum
                + shift[a] * shift[b] * pairs
            )
    autocovariance /= count * height * width
    about = {"images": str(count), "size": f"{width}x{height}", "estimator": "tapered"}
    return StationaryStatistics(mean, low, high, autocovariance, about)


def _offsets(spectrum: NDArray[np.complex128], padded: list[int], m: int) -> NDArray[np.float64]:
    """Correlation at offsets −m…m of each axis, from its spectrum."""
    correlation: NDArray[np.float64] = scipy.fft.irfft2(spectrum, padded, workers=-1)
    return np.roll(correlation, (m, m), (0, 1))[: 2 * m + 1, : 2 * m + 1]


def fit_positional(images: NDArray[np.uint8]) -> PositionalStatistics:
    """Fit the mean image and the covariance of all pixels of images (n, C, H, W) uint8."""
    if len(images) < 2:
        raise UsageError("Statistics need at least two images.")
    values = images.reshape(len(images), -1).astype(np.float64) / 255
    by_channel = images.transpose(1, 0, 2, 3).reshape(images.shape[1], -1) / 255
    return PositionalStatistics(
        mean=values.mean(0).reshape(images.shape[1:]),
        covariance=np.cov(values, rowvar=False, bias=True),
        minimum=by_channel.min(1),
        maximum=by_channel.max(1),
        about={"images": str(len(images)), "size": f"{images.shape[3]}x{images.shape[2]}"},
    )


def save_statistics(statistics: Statistics, path: Path) -> None:
    """Write statistics as safetensors (float32), whole or not at all."""
    tensors = {
        name: np.ascontiguousarray(value, dtype=np.float32)
        for name, value in vars(statistics).items()
        if isinstance(value, np.ndarray)
    }
    with written_whole(path) as file:
        file.write(save(tensors, metadata={"about": json.dumps(statistics.about)}))


def load_statistics(path: Path) -> Statistics:
    """Read statistics that `save_statistics` wrote.

    Raises
    ------
    PdaStudioError
        If the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise PdaStudioError(f"There is no file of statistics at {path}.")
    try:
        tensors = {name: value.astype(np.float64) for name, value in load_file(path).items()}
        with safetensors.safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
    except (safetensors.SafetensorError, json.JSONDecodeError, OSError) as error:
        raise PdaStudioError(f"{path.name} is not a whole file of statistics ({error}).") from error
    if not all(np.isfinite(value).all() for value in tensors.values()):
        raise PdaStudioError(f"{path.name} is damaged: it holds values that are not finite.")
    kind: type[Statistics] = (
        StationaryStatistics if "autocovariance" in tensors else PositionalStatistics
    )
    names = {name for name in kind.__dataclass_fields__ if name != "about"}
    if set(tensors) != names:
        raise PdaStudioError(
            f"{path.name} holds no statistics of images; make some with fit-statistics."
        )
    return kind(**tensors, about=about)


@lru_cache(maxsize=4)
def shipped_statistics(name: str) -> Statistics:
    """Return the statistics that ship with PDA Studio: "natural" or "digits"."""
    with as_file(files("pda_studio.resources") / "statistics" / f"{name}.safetensors") as path:
        return load_statistics(path)
