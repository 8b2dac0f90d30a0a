"""Cutting windows out of images."""

import numpy as np
import torch
from numpy.typing import NDArray


def windows_of(
    pixels: torch.Tensor, corners: NDArray[np.int64], height: int, width: int
) -> torch.Tensor:
    """Cut rectangles at (n, 2) corners out of pixels (C, H, W): (n, C, height, width)."""
    top, left = torch.from_numpy(corners).unbind(1)
    return pixels.unfold(1, height, 1).unfold(2, width, 1)[:, top, left].transpose(0, 1)
