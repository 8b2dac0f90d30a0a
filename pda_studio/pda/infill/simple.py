"""Windows filled by plain image processing: grey, blur, inpainting."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.patches import windows_of

GREY = 0.5  # Zeiler's grey square
_INPAINT_RADIUS = 3  # pixels around each missing one that it is painted from
_INPAINT_MARGIN = 2 * _INPAINT_RADIUS + 2  # nothing farther away changes the result


def blurred(pixels: torch.Tensor, sigma: float) -> torch.Tensor:
    """An image (C, H, W) blurred by a Gaussian of this standard deviation, in pixels."""
    image = pixels.permute(1, 2, 0).numpy()
    soft = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    soft = soft.reshape(image.shape)  # OpenCV drops a single channel
    return torch.from_numpy(soft).permute(2, 0, 1).contiguous()


def inpainted(
    image: NDArray[np.uint8], inside: tuple[slice, slice], flag: int = cv2.INPAINT_TELEA
) -> NDArray[np.uint8]:
    """What OpenCV paints over a rectangle (rows, columns) of an image (H, W, C): (h, w, C)."""
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    mask[inside] = 1
    painted = cv2.inpaint(np.ascontiguousarray(image), mask, _INPAINT_RADIUS, flag)
    # OpenCV drops a single channel.
    return painted.reshape(image.shape)[inside].astype(np.uint8, copy=False)


class GreyInfill:
    """Middle grey, as in Zeiler's occlusion."""

    samples = 1
    drawn = False

    def __init__(self, pixels: torch.Tensor, window: int) -> None:
        self._square = torch.full((1, 1, pixels.shape[0], window, window), GREY)

    def fill(self, corners: NDArray[np.int64], draw: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, 1, C, k, k) float32 in [0, 1]."""
        return self._square.expand(len(corners), -1, -1, -1, -1)


class BlurInfill:
    """The image blurred by a Gaussian whose standard deviation is half the window."""

    samples = 1
    drawn = False

    def __init__(self, pixels: torch.Tensor, window: int) -> None:
        self._blurred = blurred(pixels, window / 2)
        self._window = window

    def fill(self, corners: NDArray[np.int64], draw: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, 1, C, k, k) float32 in [0, 1]."""
        return windows_of(self._blurred, corners, self._window)[:, None]


class InpaintInfill:
    """What OpenCV's inpainting paints over the window from a few pixels around it.

    Parameters
    ----------
    pixels : (C, H, W) float32
        The image, in [0, 1].
    window : int
        k, in pixels.
    algorithm : {"telea", "navier-stokes"}
        Telea's fast marching, or the Navier–Stokes based one of Bertalmio.
    """

    samples = 1
    drawn = False

    def __init__(
        self, pixels: torch.Tensor, window: int, algorithm: Literal["telea", "navier-stokes"]
    ) -> None:
        self._image = (pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        self._window = window
        self._flag = cv2.INPAINT_TELEA if algorithm == "telea" else cv2.INPAINT_NS
        self._threads = ThreadPoolExecutor()

    def fill(self, corners: NDArray[np.int64], draw: int = 0) -> torch.Tensor:
        """Fill windows (n, 2): (n, 1, C, k, k) float32 in [0, 1]."""
        filled = np.stack(list(self._threads.map(self._fill_one, corners.tolist())))
        return torch.from_numpy(filled).permute(0, 3, 1, 2)[:, None].float() / 255

    def _fill_one(self, corner: list[int]) -> NDArray[np.uint8]:
        # Painting within a cut-out of the surroundings gives the same as within the image.
        (top, left), k, margin = corner, self._window, _INPAINT_MARGIN
        upper, leftmost = max(0, top - margin), max(0, left - margin)
        cut = self._image[upper : top + k + margin, leftmost : left + k + margin]
        inside = np.s_[top - upper : top - upper + k, left - leftmost : left - leftmost + k]
        return inpainted(cut, inside, self._flag)
