"""What stands in for a removed window: what every infill offers to the loop."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray


class Infill(Protocol):
    """Fills windows of one picture.

    Attributes
    ----------
    samples : int
        S, how many infills each window gets.
    """

    samples: int

    def fill(self, corners: NDArray[np.int64]) -> torch.Tensor:
        """Fill windows.

        Parameters
        ----------
        corners : (n, 2) int
            Top row and left column of each window, in pixels.

        Returns
        -------
        (n, S, C, k, k) float32
            Pixels in [0, 1].
        """
        ...


def windows_of(pixels: torch.Tensor, corners: NDArray[np.int64], side: int) -> torch.Tensor:
    """Cut side×side squares at (n, 2) corners out of pixels (C, H, W): (n, C, side, side)."""
    top, left = torch.from_numpy(corners).unbind(1)
    return pixels.unfold(1, side, 1).unfold(2, side, 1)[:, top, left].transpose(0, 1)
