"""Cutting windows out of images."""

import numpy as np
import torch
from numpy.typing import NDArray


def windows_of(pixels: torch.Tensor, corners: NDArray[np.int64], side: int) -> torch.Tensor:
    """Cut side×side squares at (n, 2) corners out of pixels (C, H, W): (n, C, side, side)."""
    top, left = torch.from_numpy(corners).unbind(1)
    return pixels.unfold(1, side, 1).unfold(2, side, 1)[:, top, left].transpose(0, 1)
