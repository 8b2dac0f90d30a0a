"""Statistics fitted to images, and written into a file."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from safetensors.numpy import save

from pda_studio.errors import UsageError
from pda_studio.files import written_whole
from pda_studio.images import View
from pda_studio.pda.infill.statistics import PositionalStatistics, StationaryStatistics, Statistics

LARGEST_OFFSET = 63  # M: patches of up to M + 1 = 64 pixels a side


def fit_stationary(
    images: Iterable[View], largest_offset: int = LARGEST_OFFSET
) -> StationaryStatistics:
    """Fit the mean and the autocovariance of images of one size.

    Products around the global mean are summed over all images and divided by images·H·W at
    *every* offset: this tapered estimator keeps patch covariances positive definite.

    Parameters
    ----------
    images : iterable of (H, W, C) uint8, or float32 from 0 to 1
        All of one size and number of channels; gone through once.
    largest_offset : int
        M, in pixels.

    Raises
    ------
    UsageError
        If there are no images, or their sizes differ.
    """
    m = largest_offset
    count, shape = 0, None
    for image in images:
        if shape is None:
            shape = image.shape
            height, width, channels = shape
            total = np.zeros(channels)
            low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
            # Sums of products of values less 1/2, and of values less 1/2 that have a partner.
            raw = np.zeros((channels, channels, 2 * m + 1, 2 * m + 1))
            edges = np.zeros((channels, 2 * m + 1, 2 * m + 1))
            padded = [scipy.fft.next_fast_len(max(n, m + 1) + m, real=True) for n in shape[:2]]
            partners = scipy.fft.rfft2(np.ones((height, width)), padded)
        if image.shape != shape:
            raise UsageError("Statistics need images of one size and number of channels.")
        values = image.transpose(2, 0, 1) / (255 if image.dtype == np.uint8 else np.float64(1))
        total += values.mean((1, 2))
        low, high = np.minimum(low, values.min((1, 2))), np.maximum(high, values.max((1, 2)))
        # Around 1/2 instead of the mean, which is known only at the end; corrected below.
        spectra = scipy.fft.rfft2(values - 0.5, padded, workers=-1)
        for a in range(channels):
            for b in range(a, channels):
                raw[a, b] += _offsets(np.conj(spectra[a]) * spectra[b], padded, m)
            edges[a] += _offsets(np.conj(spectra[a]) * partners, padded, m)
        count += 1
    if shape is None:
        raise UsageError("There are no images to fit statistics to.")
    for a in range(channels):
        for b in range(a):
            raw[a, b] = raw[b, a, ::-1, ::-1]
    mean = total / count
    shift = mean - 0.5
    # Σ (u−s_a)(v−s_b) = Σ uv − s_b Σ u − s_a Σ v + s_a s_b · pairs, over pairs at each offset.
    pairs = _offsets(np.conj(partners) * partners, padded, m) * count
    autocovariance = np.empty_like(raw)
    for a in range(channels):
        for b in range(channels):
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
