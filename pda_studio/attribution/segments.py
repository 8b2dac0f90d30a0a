"""Segments of an image: the cells of a grid, or superpixels that follow its edges."""

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import slic

from pda_studio.errors import UsageError

_LIGHTNESS = 100  # of white, in Lab, for which SLIC's compactness is meant


def grid_segments(height: int, width: int, cells: int) -> NDArray[np.int64]:
    """The number of each pixel's cell (H, W), row by row."""
    rows, columns = (np.arange(side) * cells // side for side in (height, width))
    return rows[:, None] * cells + columns


def superpixels(pixels: NDArray[np.float32], count: int, compactness: float) -> NDArray[np.int64]:
    """The number of each pixel's superpixel (H, W), by SLIC.

    Parameters
    ----------
    pixels : (H, W, C)
        Three channels are taken as colours, and compared in Lab; others as they are.
    count : int
        About how many there shall be.
    compactness : float
        How much nearness counts beside likeness.

    Raises
    ------
    UsageError
        If there is only one.
    """
    coloured = pixels.shape[2] == 3
    found = slic(
        pixels.astype(np.float64),
        n_segments=count,
        compactness=compactness if coloured else compactness / _LIGHTNESS,
        convert2lab=coloured,
        channel_axis=-1,
    )
    names, numbers = np.unique(found, return_inverse=True)
    if len(names) < 2:
        raise UsageError(
            f"SLIC finds only one superpixel where {count} were asked for: choose more, or the"
            " segments of a grid."
        )
    return numbers.reshape(found.shape).astype(np.int64)
