"""Windows filled from the same place of other images."""

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.images import View
from pda_studio.pda.infill.base import Filler, generator
from pda_studio.pda.infill.terms import Size


class ReferenceFiller(Filler):
    """S marginal samples: the co-located windows of S random reference images.

    Parameters
    ----------
    references : (n, H, W, C) uint8, or float32 from 0 to 1
        Images as the classifier gets them.
    size : (int, int)
        Height and width of what is filled, in pixels.
    samples : int
        S, chosen with replacement.
    seed : int
        Each window's samples depend on this and on the window's place alone.
    average : bool
        Whether the S samples' mean is the infill instead of each of them.
    """

    stochastic = True

    def __init__(
        self,
        references: View,
        size: Size,
        *,
        samples: int,
        seed: int,
        average: bool = False,
    ) -> None:
        if not len(references):
            raise UsageError("The folder of reference images is empty: choose another.")
        self.samples = 1 if average else samples
        self._references = references
        self._height, self._width = size
        self._count = samples
        self._seed = seed
        self._average = average

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, S, C, h, w) float32 in [0, 1]."""
        filled = torch.stack([self._fill_one(corner, repetition) for corner in corners.tolist()])
        return filled.mean(1, keepdim=True) if self._average else filled

    def _fill_one(self, corner: list[int], repetition: int) -> torch.Tensor:
        top, left = corner
        random = generator(self._seed, corner, repetition)
        chosen = random.integers(len(self._references), size=self._count)
        windows = self._references[chosen, top : top + self._height, left : left + self._width]
        filled = torch.from_numpy(windows).permute(0, 3, 1, 2).float()
        return filled / 255 if windows.dtype == np.uint8 else filled
