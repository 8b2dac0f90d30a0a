"""The Gaussian distribution of a window, given its surroundings or without them, factored once."""

from collections import OrderedDict
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.infill import blocked
from pda_studio.pda.infill.base import to_the_end
from pda_studio.pda.infill.statistics import Statistics
from pda_studio.pda.infill.terms import Size
from pda_studio.pda.options import Colour

_CACHE_BYTES = 2**30
LARGEST_AT_ONCE = 1024
"""Values of a patch up to which one call of LAPACK takes no longer than a step may."""

Key = tuple[int, int, int, int]
"""Place of the patch, where the statistics depend on it, and of the window in the patch."""


@dataclass(frozen=True)
class WindowDistribution:
    """A window at one place of its patch: N(offset + weightsᵀ(x − patch_mean), A·Aᵀ).

    Attributes
    ----------
    offset : (D_w,) float32
        Mean of the window where its surroundings are at their own mean.
    weights : (D, D_w) float32 or None
        What each pixel of the patch adds, per unit above its mean; 0 for the window's own.
        None of a marginal distribution.
    patch_mean : (D,) float32
        Mean of the patch.
    scale : (D_w, D_w) float32 or None
        A, the upper triangular root of the window's covariance (the lower one of a marginal
        distribution); None where nothing is sampled.
    """

    offset: torch.Tensor
    weights: torch.Tensor | None
    patch_mean: torch.Tensor
    scale: torch.Tensor | None

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        tensors = (self.offset, self.weights, self.patch_mean, self.scale)
        return sum(tensor.nbytes for tensor in tensors if tensor is not None)


class WindowDistributions:
    """The distributions of all h×w windows in l×l patches; those used last are cached.

    There are few distinct ones for stationary images: a window sits in the middle of its patch
    but near the image's borders, where the patch is shifted inside. Given the rest of the patch, a
    window has the mean μ_w + Σ_wo Σ_oo⁻¹ (x_o − μ_o) and the covariance Σ_ww − Σ_wo Σ_oo⁻¹ Σ_ow.
    With the patch's precision Q = Σ⁻¹, which is factored once for all windows in it, these equal
    μ_w − Q_ww⁻¹ Q_wo (x_o − μ_o) and Q_ww⁻¹. The first form is solved where a window has more
    pixels than its surroundings, the second one elsewhere: whichever matrix is smaller.

    Parameters
    ----------
    statistics : Statistics
        The distribution of pixels.
    size : (int, int)
        Height and width of the windows, in pixels.
    side : int
        l, in pixels.
    colour : {"joint", "independent"}
        Whether channels are conditioned on one another.
    conditional : bool
        Whether windows are conditioned on the rest of the patch.
    sampled : bool
        Whether `WindowDistribution.scale` is needed.
    """

    def __init__(
        self,
        statistics: Statistics,
        size: Size,
        side: int,
        colour: Colour,
        conditional: bool,
        sampled: bool,
    ) -> None:
        self._statistics = statistics
        self._size = size
        self._side = side
        self._colour: Colour = colour
        self._conditional = conditional
        self._sampled = sampled
        self._cached: OrderedDict[Key, WindowDistribution] = OrderedDict()
        self._bytes = 0  # of all that is cached: summed anew at each look-up, it took most of it
        self._lock = Lock()
        self._precision: tuple[tuple[int, int], torch.Tensor] | None = None

    def __contains__(self, key: Key) -> bool:
        """Whether a distribution is there without computing it."""
        return key in self._cached

    def __getitem__(self, key: Key) -> WindowDistribution:
        """The distribution of a window, computed if it is not there."""
        return to_the_end(self.in_steps(key))

    def in_steps(self, key: Key) -> Generator[None, None, WindowDistribution]:
        """The distribution of a window; what has to be computed takes steps of well under 0.3 s."""
        with self._lock:
            found = self._cached.get(key)
            if found is not None:
                self._cached.move_to_end(key)
                return found
        found = yield from self._compute(key[:2], key[2], key[3])
        with self._lock:
            earlier = self._cached.pop(key, None)  # computed in another thread meanwhile
            self._cached[key] = found
            self._bytes += found.bytes - (earlier.bytes if earlier else 0)
            while len(self._cached) > 1 and self._bytes > _CACHE_BYTES:
                _, oldest = self._cached.popitem(last=False)
                self._bytes -= oldest.bytes
        return found

    def _compute(
        self, place: tuple[int, int], top: int, left: int
    ) -> Generator[None, None, WindowDistribution]:
        (height, width), side, channels = self._size, self._side, self._statistics.channels
        mean = self._statistics.patch_mean(place, side)
        marked = np.zeros((channels, side, side), dtype=bool)
        marked[:, top : top + height, left : left + width] = True
        is_window = marked.ravel()
        inside, outside = np.flatnonzero(is_window), np.flatnonzero(~is_window)
        weights = scale = None
        if not self._conditional:
            if self._sampled:
                factor = yield from self._covariance(place, inside, inside)
                yield from _factored(factor)
                scale = yield from blocked.in_float32(factor)
        else:
            weights = torch.zeros(len(mean), len(inside))
            by_precision = len(mean) <= LARGEST_AT_ONCE or len(inside) <= len(outside)
            solve = self._by_precision if by_precision else self._by_covariance
            scale = yield from solve(place, inside, outside, weights)
        return WindowDistribution(
            offset=_float32(mean[is_window]),
            weights=weights,
            patch_mean=_float32(mean),
            scale=scale,
        )

    def _by_precision(
        self,
        place: tuple[int, int],
        inside: NDArray[np.int64],
        outside: NDArray[np.int64],
        weights: torch.Tensor,
    ) -> Generator[None, None, torch.Tensor | None]:
        """Enter −Q_ow Q_ww⁻¹ among the weights (D, D_w); returns the root A of Q_ww⁻¹."""
        precision = yield from self._precision_at(place)
        at_once = len(precision) <= LARGEST_AT_ONCE
        factor = _empty(len(inside), len(inside))
        yield from blocked.taken(precision, inside, inside, factor)
        yield from _factored(factor)
        beside = _empty(len(inside), len(outside))
        yield from blocked.taken(precision, inside, outside, beside)
        if at_once:
            beside = torch.cholesky_solve(beside, factor)
        else:
            yield from blocked.solve_lower(factor, beside)
            yield from blocked.solve_transposed(factor, beside)
        for part in blocked.tiles(len(outside)):
            weights[torch.from_numpy(outside[part])] = -beside[:, part].T.to(weights.dtype)
            yield
        if not self._sampled:
            return None
        # Q_ww = F·Fᵀ, so that A = F⁻ᵀ gives A·Aᵀ = Q_ww⁻¹.
        if at_once:
            eye = torch.eye(len(factor), dtype=factor.dtype)
            factor = torch.linalg.solve_triangular(factor, eye, upper=False)
        else:
            yield from blocked.invert_lower(factor)
        return (yield from blocked.in_float32(factor.T))

    def _by_covariance(
        self,
        place: tuple[int, int],
        inside: NDArray[np.int64],
        outside: NDArray[np.int64],
        weights: torch.Tensor,
    ) -> Generator[None, None, torch.Tensor | None]:
        """Enter Σ_oo⁻¹ Σ_ow among the weights; returns the root A of Σ_ww − Σ_wo Σ_oo⁻¹ Σ_ow."""
        # In reverse order, in which the lower root that is found is the upper one of A.
        backwards = inside[::-1].copy()
        factor = yield from self._covariance(place, outside, outside)
        yield from blocked.cholesky(factor)
        solution = yield from self._covariance(place, outside, backwards)
        yield from blocked.solve_lower(factor, solution)
        scale = None
        if self._sampled:
            root = yield from self._covariance(place, backwards, backwards)
            yield from blocked.subtract_gram(root, solution)
            yield from blocked.cholesky(root)
            scale = yield from blocked.in_float32(root, reverse=True)
        yield from blocked.solve_transposed(factor, solution)
        for part in blocked.tiles(len(outside)):
            weights[torch.from_numpy(outside[part])] = solution[part].flip(1).to(weights.dtype)
            yield
        return scale

    def _precision_at(self, place: tuple[int, int]) -> Generator[None, None, torch.Tensor]:
        known = self._precision
        if known is None or known[0] != place:
            self._precision = known = None  # of large patches there is no room for two
            everything = np.arange(self._statistics.channels * self._side**2)
            matrix = yield from self._covariance(place, everything, everything)
            if len(matrix) <= LARGEST_AT_ONCE:
                matrix = torch.cholesky_inverse(torch.linalg.cholesky(matrix))
            else:
                yield from blocked.cholesky(matrix)
                yield from blocked.invert_lower(matrix)
                yield from blocked.gram(matrix)
            self._precision = place, matrix
            yield
            return matrix
        return known[1]

    def _covariance(
        self, place: tuple[int, int], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> Generator[None, None, torch.Tensor]:
        """Σ between these pixels of the patch."""
        covariance = _empty(len(rows), len(columns))
        for across in blocked.tiles(len(columns)):
            for down in blocked.tiles(len(rows)):
                covariance[down, across] = torch.from_numpy(
                    self._statistics.covariance_between(
                        place, self._side, self._colour, rows[down], columns[across]
                    )
                )
                yield
        return covariance


@lru_cache(maxsize=4)
def window_distributions(
    statistics: Statistics,
    size: Size,
    side: int,
    colour: Colour,
    conditional: bool,
    sampled: bool,
) -> WindowDistributions:
    """Distributions that images share: the next image finds what the last one had computed."""
    return WindowDistributions(statistics, size, side, colour, conditional, sampled)


def _factored(matrix: torch.Tensor) -> Iterator[None]:
    """Put the lower Cholesky factor in the place of a matrix."""
    if len(matrix) <= LARGEST_AT_ONCE:
        # PyTorch lets other threads run meanwhile; SciPy would hold up a window for a second.
        matrix.copy_(torch.linalg.cholesky(matrix))
        yield
    else:
        yield from blocked.cholesky(matrix)


def _empty(rows: int, columns: int) -> torch.Tensor:
    return torch.empty(rows, columns, dtype=torch.float64)


def _float32(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
