"""From any image to what a network sees, and back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
_LONGEST = 64  # times the shorter side: longer images are resampled in part only


@dataclass(frozen=True)
class Frame:
    """Where the network's square input lies in the image that was opened.

    Attributes
    ----------
    left, top : float
        The input's upper left corner, in pixels of the opened image.
    scale_x, scale_y : float
        Pixels of the opened image per input pixel.
    """

    left: float
    top: float
    scale_x: float
    scale_y: float

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the input (pixels) to the opened image (pixels)."""
        return self.left + x * self.scale_x, self.top + y * self.scale_y

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the opened image (pixels) to the input (pixels)."""
        return (x - self.left) / self.scale_x, (y - self.top) / self.scale_y


class Preprocessing(BaseModel):
    """Resize the shorter side, cut out the middle, scale to 0..1, normalise each channel.

    Attributes
    ----------
    resize : int
        Length of the shorter side after resizing, in pixels.
    size : int
        Side of the square that is cut out of the middle: the network's input, in pixels.
    mean, std : tuple of float
        Normalisation of each channel; one channel means the network sees grey.
    interpolation : str
        How pixels are resampled (always antialiased).
    """

    model_config = ConfigDict(frozen=True)

    resize: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"

    @property
    def channels(self) -> int:
        """Number of channels that the network sees: 1 (grey) or 3 (RGB)."""
        return len(self.mean)

    def _geometry(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Resized width and height, and the cut's left and top, rounded as torchvision does."""
        if width <= height:
            resized_width, resized_height = self.resize, int(self.resize * height / width)
        else:
            resized_width, resized_height = int(self.resize * width / height), self.resize
        left = round((resized_width - self.size) / 2)
        top = round((resized_height - self.size) / 2)
        return resized_width, resized_height, left, top

    def frame(self, width: int, height: int) -> Frame:
        """Where the input lies in an image of this width and height (pixels)."""
        resized_width, resized_height, left, top = self._geometry(width, height)
        scale_x, scale_y = width / resized_width, height / resized_height
        return Frame(left * scale_x, top * scale_y, scale_x, scale_y)

    def view(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the image as the network sees it.

        Parameters
        ----------
        image : (H, W, 3) uint8
            Any RGB image.

        Returns
        -------
        (size, size, 3) uint8
            Resized and cut; grey in all three channels where the network sees grey.
        """
        height, width = image.shape[:2]
        resized_width, resized_height, left, top = self._geometry(width, height)
        resized, resampling = Image.fromarray(image), _RESAMPLING[self.interpolation]
        if max(resized_width, resized_height) <= _LONGEST * self.resize:
            # In one go with a box, rounding would fall otherwise in up to a quarter of the pixels.
            resized = resized.resize((resized_width, resized_height), resampling)
            resized = resized.crop((left, top, left + self.size, top + self.size))
        else:
            # A panorama would blow up to gigabytes on the way: resample only what is kept.
            frame = self.frame(width, height)
            box = (
                frame.left,
                frame.top,
                min(width, frame.left + self.size * frame.scale_x),
                min(height, frame.top + self.size * frame.scale_y),
            )
            resized = resized.resize((self.size, self.size), resampling, box=box)
        if self.channels == 1:
            resized = resized.convert("L").convert("RGB")
        return np.ascontiguousarray(resized)

    def pixels(self, view: NDArray[np.uint8]) -> torch.Tensor:
        """Turn a view (H, W, 3) uint8 into pixels (C, H, W) float32 in [0, 1]."""
        return torch.from_numpy(view[..., : self.channels].copy()).permute(2, 0, 1) / 255

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise pixels (..., C, H, W) in [0, 1] channel by channel."""
        mean = torch.tensor(self.mean, dtype=pixels.dtype, device=pixels.device)
        std = torch.tensor(self.std, dtype=pixels.dtype, device=pixels.device)
        return (pixels - mean[:, None, None]) / std[:, None, None]
