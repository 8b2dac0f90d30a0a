"""Windows filled by plain image processing: grey, blur, inpainting."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.terms import Size
from pda_studio.pda.patches import windows_of

Algorithm = Literal["telea", "navier-stokes"]

GREY = 0.5  # Zeiler's grey square
_INPAINT_RADIUS = 3  # pixels around each missing one that it is painted from
_INPAINT_MARGIN = 2 * _INPAINT_RADIUS + 2  # nothing farther away changes the result


def blurred(pixels: torch.Tensor, sigma: float) -> torch.Tensor:
    """An image (C, H, W) blurred by a Gaussian of this standard deviation, in pixels."""
    image = pixels.permute(1, 2, 0).numpy()
    soft = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    soft = soft.reshape(image.shape)  # OpenCV drops a single channel
    return torch.from_numpy(soft).permute(2, 0, 1).contiguous()


class GreyFiller(Filler):
    """Middle grey, as in Zeiler's occlusion."""

    def __init__(self, pixels: torch.Tensor, size: Size) -> None:
        self._rectangle = torch.full((1, 1, pixels.shape[0], *size), GREY)

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, 1, C, h, w) float32 in [0, 1]."""
        return self._rectangle.expand(len(corners), -1, -1, -1, -1)


class BlurFiller(Filler):
    """The image blurred by a Gaussian whose standard deviation is half the longer side."""

    def __init__(self, pixels: torch.Tensor, size: Size) -> None:
        self._blurred = blurred(pixels, max(size) / 2)
        self._size = size

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, 1, C, h, w) float32 in [0, 1]."""
        return windows_of(self._blurred, corners, *self._size)[:, None]


class InpaintFiller(Filler):
    """What OpenCV's inpainting paints over the window from a few pixels around it.

    Parameters
    ----------
    pixels : (C, H, W) float32
        The image, in [0, 1].
    size : (int, int)
        Height and width of what is filled, in pixels.
    algorithm : {"telea", "navier-stokes"}
        Telea's fast marching, or the Navier–Stokes based one of Bertalmio.
    """

    def __init__(self, pixels: torch.Tensor, size: Size, algorithm: Algorithm) -> None:
        self._image = (pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        self._height, self._width = size
        self._flag = cv2.INPAINT_TELEA if algorithm == "telea" else cv2.INPAINT_NS
        self._threads = ThreadPoolExecutor()

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, 1, C, h, w) float32 in [0, 1]."""
        filled = np.stack(list(self._threads.map(self._fill_one, corners.tolist())))
        return torch.from_numpy(filled).permute(0, 3, 1, 2)[:, None].float() / 255

    def _fill_one(self, corner: list[int]) -> NDArray[np.uint8]:
        # Painting within a cut-out of the surroundings gives the same as within the image.
        (top, left), margin = corner, _INPAINT_MARGIN
        bottom, right = top + self._height, left + self._width
        upper, leftmost = max(0, top - margin), max(0, left - margin)
        cut = np.ascontiguousarray(self._image[upper : bottom + margin, leftmost : right + margin])
        inside = np.s_[top - upper : bottom - upper, left - leftmost : right - leftmost]
        mask = np.zeros(cut.shape[:2], dtype=np.uint8)
        mask[inside] = 1
        painted = cv2.inpaint(cut, mask, _INPAINT_RADIUS, self._flag)
        # OpenCV drops a single channel.
        return painted.reshape(cut.shape)[inside].astype(np.uint8, copy=False)
