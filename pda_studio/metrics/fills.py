"""What is there in an image where a part of it is taken out: blur, colours, inpainting."""

from typing import Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.pda.infill.simple import GREY, blurred

FillName = Literal["blur", "mean", "black", "grey", "inpaint", "histogram"]

_RADIUS = 3  # pixels around each missing one that it is painted from


class Filled:
    """An image whose pixels can be taken out, and another image that is there then.

    Parameters
    ----------
    pixels : (C, H, W) float32
        The image, in [0, 1].
    filled : (C, H, W) float32
        What is there without it.
    """

    def __init__(self, pixels: torch.Tensor, filled: torch.Tensor) -> None:
        self._pixels, self._filled = pixels, filled

    def without(self, hidden: torch.Tensor) -> torch.Tensor:
        """The image without the pixels that are hidden, (n, H, W) bool: (n, C, H, W)."""
        return torch.where(hidden[:, None], self._filled, self._pixels)


class Inpainted(Filled):
    """An image whose hidden pixels OpenCV's inpainting (Telea) paints from the others.

    Where all are hidden there is nothing to paint from: then it is the fallback's colour.

    Parameters
    ----------
    pixels, filled : (C, H, W) float32
        The image, of one channel or three, and the fallback, in [0, 1].
    """

    def without(self, hidden: torch.Tensor) -> torch.Tensor:
        """The image without the pixels that are hidden, (n, H, W) bool: (n, C, H, W)."""
        image = (self._pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        return torch.stack([self._painted(image, one.numpy()) for one in hidden])

    def _painted(self, image: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> torch.Tensor:
        if hidden.all():
            return self._filled
        painted = cv2.inpaint(image, hidden.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
        made = torch.from_numpy(painted.reshape(image.shape)).permute(2, 0, 1).float() / 255
        return torch.where(torch.from_numpy(hidden), made, self._pixels)


def fill_of(
    name: FillName,
    classifier: Classifier,
    pixels: torch.Tensor,
    parts: NDArray[np.int64],
    *,
    sigma: float = 10.0,
    seed: int = 0,
) -> Filled:
    """Get ready to take parts out of an image.

    Parameters
    ----------
    name : {"blur", "mean", "black", "grey", "inpaint", "histogram"}
        The image blurred by a Gaussian; the mean colour that the network's input is normalised by;
        black; middle grey; OpenCV's inpainting (Telea); or for each part one colour, drawn from
        all pixels of the image, which is its colour histogram.
    classifier : Classifier
        Whose mean colour it is.
    pixels : (C, H, W) float32
        The image, in [0, 1].
    parts : (H, W) int64
        The number of each pixel's part, from 0.
    sigma : float
        Standard deviation of the blur, in pixels.
    seed : int
        Of the colours that are drawn.

    Raises
    ------
    UsageError
        If there is no such fill, or OpenCV inpaints no image of so many channels.
    """
    if name not in get_args(FillName):
        names = ", ".join(get_args(FillName))
        raise UsageError(f"There is no fill “{name}”: choose one of {names}.")
    channels = pixels.shape[0]
    if name == "inpaint" and channels not in (1, 3):
        raise UsageError(
            f"OpenCV inpaints images of one channel or three, not {channels}: choose another fill."
        )
    mean = classifier.preprocessing.denormalise(torch.zeros_like(pixels)).clamp(0, 1)
    if name == "inpaint":
        return Inpainted(pixels, mean)
    if name == "mean":
        return Filled(pixels, mean)
    if name == "blur":
        return Filled(pixels, blurred(pixels, sigma))
    if name == "histogram":
        colours = pixels.reshape(channels, -1)
        count = int(parts.max()) + 1
        drawn = np.random.default_rng(seed).integers(0, colours.shape[1], count)
        return Filled(pixels, colours[:, torch.from_numpy(drawn[parts])])
    return Filled(pixels, torch.full_like(pixels, GREY if name == "grey" else 0.0))
