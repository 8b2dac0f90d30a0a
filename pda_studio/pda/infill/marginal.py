"""Windows filled from the same place of other images."""

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.pda.infill.base import generator


class ReferenceInfill:
    """S marginal samples: the co-located windows of S randomly drawn images.

    Parameters
    ----------
    references : (n, H, W, C) uint8
        Images as the network sees them.
    window : int
        k, in pixels.
    samples : int
        S, drawn with replacement.
    seed : int
        Each window's draw depends on this and on the window's place alone.
    average : bool
        Whether the S samples' mean stands in instead of each of them.
    """

    drawn = True

    def __init__(
        self,
        references: NDArray[np.uint8],
        *,
        window: int,
        samples: int,
        seed: int,
        average: bool = False,
    ) -> None:
        if not len(references):
            raise UsageError("The folder of reference images is empty: choose another.")
        self.samples = 1 if average else samples
        self._references = references
        self._window = window
        self._draws = samples
        self._seed = seed
        self._average = average

    def fill(self, corners: NDArray[np.int64], draw: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, S, C, k, k) float32 in [0, 1]."""
        filled = torch.stack([self._fill_one(corner, draw) for corner in corners.tolist()])
        return filled.mean(1, keepdim=True) if self._average else filled

    def _fill_one(self, corner: list[int], draw: int) -> torch.Tensor:
        (top, left), k = corner, self._window
        chance = generator(self._seed, corner, draw)
        chosen = chance.integers(len(self._references), size=self._draws)
        windows = self._references[chosen, top : top + k, left : left + k]
        return torch.from_numpy(windows).permute(0, 3, 1, 2).float() / 255
