"""Statistics of images: means and covariances of their pixels, read from a file."""

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load_file

from pda_studio.errors import PdaStudioError
from pda_studio.pda.options import Colour
from pda_studio.reading import json_of, refused_as

_MOST_CHANNELS = 256
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


def load_statistics(path: Path) -> Statistics:
    """Read statistics that `save_statistics` wrote.

    Raises
    ------
    PdaStudioError
        If the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise PdaStudioError(f"There is no file of statistics at {path}.")
    damaged = f"{path.name} is not a whole file of statistics; make one with fit-statistics."
    with refused_as(damaged, path):
        tensors = load_file(path)
        with safetensors.safe_open(path, "numpy") as file:
            about = json_of((file.metadata() or {}).get("about", "{}"))
        if not _is_about(about):
            raise ValueError("about is no dict of texts")
        if not all(tensor.dtype.isbuiltin == 1 for tensor in tensors.values()):
            raise ValueError("numbers that NumPy knows only while some other package is loaded")
        return _checked(tensors, about, path)


def _is_about(about: object) -> bool:
    return isinstance(about, dict) and all(
        isinstance(text, str) for item in about.items() for text in item
    )


def _checked(tensors: dict[str, NDArray[Any]], about: dict[str, str], path: Path) -> Statistics:
    """Make statistics of arrays if they are what `save_statistics` writes.

    Raises
    ------
    PdaStudioError
        If they are not.
    """
    kind: type[Statistics] = (
        StationaryStatistics if "autocovariance" in tensors else PositionalStatistics
    )
    names = {name for name in kind.__dataclass_fields__ if name != "about"}
    if set(tensors) != names:
        raise PdaStudioError(
            f"{path.name} holds no statistics of images; make some with fit-statistics."
        )
    # float64 is what covariances are computed with; the file holds half of that.
    values = {name: value.astype(np.float64) for name, value in tensors.items()}
    if not all(np.isfinite(value).all() for value in values.values()):
        raise PdaStudioError(f"{path.name} is damaged: it holds values that are not finite.")
    found = kind(**values, about=about)
    if why := _unsound(found):
        raise PdaStudioError(
            f"{path.name} cannot be used: {why}; make another with fit-statistics."
        )
    return found


def _unsound(found: Statistics) -> str:
    """Why such numbers are no statistics of images; "" if they are."""
    channels = found.mean.shape[0] if found.mean.ndim else 0
    if not 1 <= channels <= _MOST_CHANNELS:
        return f"its mean has the shape {found.mean.shape}, of {channels} channels"
    if isinstance(found, StationaryStatistics):
        ndim, name, matrix = 1, "autocovariance", found.autocovariance
        side = matrix.shape[-1] if matrix.ndim else 0
        expected: tuple[int, ...] = (channels, channels, side, side)
        fits = side % 2 == 1
    else:
        ndim, name, matrix = 3, "covariance", found.covariance
        expected, fits = (found.mean.size, found.mean.size), found.mean.size > 0
    if found.mean.ndim != ndim:
        return f"its mean has the shape {found.mean.shape}"
    if matrix.shape != expected or not fits:
        return f"its {name} has the shape {matrix.shape}, which does not fit its mean"
    if any(limit.shape != (channels,) for limit in (found.minimum, found.maximum)):
        return "its minimum and maximum are not one for each channel"
    if (found.minimum > found.maximum).any():
        return "its minimum lies above its maximum"
    if isinstance(found, StationaryStatistics):
        turned = matrix.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
        centre = matrix.shape[-1] // 2
        variances = np.diagonal(matrix[:, :, centre, centre])
    else:
        turned, variances = matrix.T, np.diagonal(matrix)
    scale = variances.max()
    if variances.min() < 0 or scale <= 0:
        return "it holds variances that are none"
    if not np.allclose(matrix, turned, rtol=0, atol=1e-3 * scale):
        return f"its {name} is not symmetric"
    return ""


@lru_cache(maxsize=4)
def shipped_statistics(name: str) -> Statistics:
    """Return the statistics that ship with PDA Studio: "natural", "grey" or "digits"."""
    with as_file(files("pda_studio.resources") / "statistics" / f"{name}.safetensors") as path:
        return load_statistics(path)
