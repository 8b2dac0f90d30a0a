"""The Gaussian law of a window, given its surroundings or without them, factored once."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.infill.statistics import Statistics
from pda_studio.pda.options import Colour

_CACHE_BYTES = 256 * 2**20

Key = tuple[int, int, int, int]
"""Place of the patch, as the statistics tell it, and of the window in the patch."""


@dataclass(frozen=True)
class WindowLaw:
    """The law of a window at one place of its patch: N(offset + weightsᵀ(x − patch_mean), A·Aᵀ).

    Attributes
    ----------
    offset : (D_w,) float32
        Mean of the window where its surroundings are at their own mean.
    weights : (D, D_w) float32 or None
        What each pixel of the patch adds, per unit above its mean; 0 for the window's own.
        None where the window is the whole patch and nothing surrounds it.
    patch_mean : (D,) float32
        Mean of the patch.
    scale : (D_w, D_w) float32 or None
        A, a square root of the window's covariance; None where no samples are drawn.
    """

    offset: torch.Tensor
    weights: torch.Tensor | None
    patch_mean: torch.Tensor
    scale: torch.Tensor | None

    @property
    def bytes(self) -> int:
        """Memory that the law takes."""
        tensors = (self.offset, self.weights, self.patch_mean, self.scale)
        return sum(tensor.nbytes for tensor in tensors if tensor is not None)


class WindowLaws:
    """The laws of all k×k windows in l×l patches; those used last are kept.

    There are few distinct ones for stationary images: a window sits in the middle of its patch
    but near the image's borders, where the patch is shifted inside. All follow from the patch's
    precision Q = Σ⁻¹, which is factored once: given the rest of the patch, the window has the
    mean μ_w − Q_ww⁻¹ Q_wo (x_o − μ_o) and the covariance Q_ww⁻¹, which equal
    μ_w + Σ_wo Σ_oo⁻¹ (x_o − μ_o) and Σ_ww − Σ_wo Σ_oo⁻¹ Σ_ow.

    Parameters
    ----------
    statistics : Statistics
        The law of pixels.
    window, side : int
        k and l, in pixels; k = l for a window without surroundings.
    colour : {"joint", "independent"}
        Whether channels are conditioned on one another.
    sampled : bool
        Whether `WindowLaw.scale` is needed.
    """

    def __init__(
        self, statistics: Statistics, window: int, side: int, colour: Colour, sampled: bool
    ) -> None:
        self._statistics = statistics
        self._window = window
        self._side = side
        self._colour: Colour = colour
        self._sampled = sampled
        self._kept: OrderedDict[Key, WindowLaw] = OrderedDict()
        self._precision: tuple[tuple[int, int], NDArray[np.float64]] | None = None

    def __getitem__(self, key: Key) -> WindowLaw:
        """The law of a window."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        law = self._compute(key[:2], key[2], key[3])
        self._kept[key] = law
        while (
            len(self._kept) > 1 and sum(kept.bytes for kept in self._kept.values()) > _CACHE_BYTES
        ):
            self._kept.popitem(last=False)
        return law

    def _compute(self, place: tuple[int, int], top: int, left: int) -> WindowLaw:
        k, side, channels = self._window, self._side, self._statistics.channels
        mean = self._statistics.patch_mean(place, side)
        marked = np.zeros((channels, side, side), dtype=bool)
        marked[:, top : top + k, left : left + k] = True
        is_window = marked.ravel()
        weights = scale = None
        if is_window.all():
            if self._sampled:
                covariance = self._statistics.patch_covariance(place, side, self._colour)
                scale = _cholesky(covariance).numpy()
        else:
            precision = self._precision_at(place)
            factor = _cholesky(precision[np.ix_(is_window, is_window)])
            weights = np.zeros((len(mean), is_window.sum()))
            beside = torch.from_numpy(precision[np.ix_(is_window, ~is_window)])
            weights[~is_window] = -torch.cholesky_solve(beside, factor).numpy().T
            if self._sampled:
                # Q_ww = F·Fᵀ, so that A = F⁻ᵀ gives A·Aᵀ = Q_ww⁻¹.
                eye = torch.eye(len(factor), dtype=factor.dtype)
                scale = torch.linalg.solve_triangular(factor, eye, upper=False).numpy().T
        return WindowLaw(
            offset=_float32(mean[is_window]),
            weights=None if weights is None else _float32(weights),
            patch_mean=_float32(mean),
            scale=None if scale is None else _float32(scale),
        )

    def _precision_at(self, place: tuple[int, int]) -> NDArray[np.float64]:
        if self._precision is None or self._precision[0] != place:
            covariance = self._statistics.patch_covariance(place, self._side, self._colour)
            self._precision = place, torch.cholesky_inverse(_cholesky(covariance)).numpy()
        return self._precision[1]


@lru_cache(maxsize=4)
def window_laws(
    statistics: Statistics, window: int, side: int, colour: Colour, sampled: bool
) -> WindowLaws:
    """Laws that images share: the next image finds what the last one had computed."""
    return WindowLaws(statistics, window, side, colour, sampled)


def _cholesky(covariance: NDArray[np.float64]) -> torch.Tensor:
    # PyTorch lets other threads run meanwhile; SciPy would hold up a window for a second.
    factor: torch.Tensor = torch.linalg.cholesky(torch.from_numpy(covariance))
    return factor


def _float32(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
