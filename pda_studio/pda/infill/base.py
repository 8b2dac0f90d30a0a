"""What stands in for a removed window: what every infill offers to the loop."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray


class Infill(Protocol):
    """Fills windows of one image.

    Attributes
    ----------
    samples : int
        S, how many infills each window gets.
    drawn : bool
        Whether they depend on chance.
    """

    samples: int
    drawn: bool

    def fill(self, corners: NDArray[np.int64], draw: int = 0) -> torch.Tensor:
        """Fill windows.

        Parameters
        ----------
        corners : (n, 2) int
            Top row and left column of each window, in pixels.
        draw : int
            Where chance plays a part: which of many independent draws to make.

        Returns
        -------
        (n, S, C, k, k) float32
            Pixels in [0, 1].
        """
        ...


def generator(seed: int, corner: list[int], draw: int) -> np.random.Generator:
    """Chance that depends on the seed, a window's place and the draw, whatever came before."""
    top, left = corner
    key = np.array([seed, (top << 32) | left], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, draw]))
