"""From any image to what a network sees, and back."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from pda_studio.errors import UsageError
from pda_studio.images import DisplayLimits, View, image_of
from pda_studio.images import Image as OpenedImage
from pda_studio.images.fit import CropBox, Fit

Interpolation = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
"""Ways to resample an image, in lower-case letters as Pillow and torchvision call them."""
_LUMINANCE = (19595 / 65536, 38470 / 65536, 7471 / 65536)  # as Pillow weighs RGB (BT.601)
_LONGEST = 64  # times the shorter side: longer images are resampled in part only

InputSize = Annotated[
    tuple[int, int],
    BeforeValidator(lambda size: (size, size) if isinstance(size, int) else size),
    PlainSerializer(lambda size: size[0] if size[0] == size[1] else list(size)),
]
"""Height and width of a model input, in pixels; one number stands for a square."""

ChannelOrder = Literal["RGB", "BGR"]
"""In what order a network gets the colours: OpenCV's and Caffe's networks take blue first."""


@dataclass(frozen=True)
class Frame:
    """Where the model input lies in the image that was opened.

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

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Maps points (x, y, 1) of the opened image to the input, (3, 3)."""
        x, y = self.to_input(0, 0)
        return np.array([[1 / self.scale_x, 0.0, x], [0.0, 1 / self.scale_y, y], [0.0, 0.0, 1.0]])


class Preprocessing(BaseModel):
    """Resize the shorter side, cut out the middle, scale to 0..1, normalise each channel.

    Attributes
    ----------
    resize : int
        Length of the input's shorter side, had nothing been cut off, in pixels.
    size : (int, int)
        Height and width of what is cut out of the middle: the model input, in pixels. With the fit
        `full` each image has its own.
    mean, std : tuple of float
        Normalisation of each channel, in the network's order; one channel means the network sees
        grey.
    fit : {"crop", "stretch", "pad", "full"}
        What becomes the model input: the image's middle, or `crop`; all of it, stretched; all of
        it, with black beside it; or all of it at its own resolution.
    crop : CropBox, optional
        With the fit `crop`: the rectangle of the image that becomes the model input.
    multiple : int
        With the fit `full`: height and width are multiples of this many pixels, and what is too
        much at the image's border is cut off.
    usual : (int, int), optional
        With the fit `full` and the `size` of one image: the size that the network was made for.
    values : (float, float), optional
        The image's own values that the network was trained to get as 0 and 1; values beyond them
        are not cut off. Without it, these are an image's display limits, which cut off.
    interpolation : str
        How pixels are resampled (always antialiased).
    channel_order : {"BGR"}, optional
        Blue first; without it, the image's own order. Pixels and maps keep the image's order: the
        network alone gets another.
    """

    model_config = ConfigDict(frozen=True)

    resize: int
    size: InputSize
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Interpolation = "bilinear"
    fit: Fit = "crop"
    values: tuple[float, float] | None = None
    crop: CropBox | None = None
    multiple: int = 1
    usual: InputSize | None = None
    channel_order: Literal["BGR"] | None = None

    @property
    def usual_size(self) -> tuple[int, int]:
        """Height and width of the input that the network was made for, in pixels."""
        return self.usual or self.size

    @property
    def channels(self) -> int:
        """Number of channels that the network sees: 1 (grey) or 3 (RGB)."""
        return len(self.mean)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the model input."""
        return self.channels, *self.size

    def view_size(self, width: int, height: int) -> tuple[int, int]:
        """Height and width of the model input for an image of this width and height (pixels)."""
        if self.fit != "full":
            return self.size
        return _cut(height, width, self.multiple)

    def suited_to(self, view: View, width: int, height: int) -> Self:
        """The same for the size that the view of an image of this width and height has."""
        size = int(view.shape[0]), int(view.shape[1])
        of = (one for one in (1, 2, 4, 8, 16, 32, 64) if _cut(height, width, one) == size)
        multiple = next(of, 1) if self.fit == "full" else self.multiple
        return self.model_copy(update={"size": size, "multiple": multiple})

    def _geometry(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Resized width and height, and the cut's left and top, rounded as torchvision does."""
        down, across = self.view_size(width, height)
        if self.fit == "full":
            return width, height, (width - across) // 2, (height - down) // 2
        if self.fit == "stretch":
            return across, down, 0, 0
        if self.fit == "pad":
            if width * down >= height * across:
                padded_width, padded_height = across, max(1, round(across * height / width))
            else:
                padded_width, padded_height = max(1, round(down * width / height)), down
            left, top = (padded_width - across) // 2, (padded_height - down) // 2
            return padded_width, padded_height, left, top  # the cut begins outside: black
        if down != across:  # as timm does: the image covers the input and what is cut off around it
            share = self.resize / min(self.size)
            scale = max(share * across / width, share * down / height)
            resized_width, resized_height = round(width * scale), round(height * scale)
        elif width <= height:
            resized_width, resized_height = self.resize, int(self.resize * height / width)
        else:
            resized_width, resized_height = int(self.resize * width / height), self.resize
        left = round((resized_width - across) / 2)
        top = round((resized_height - down) / 2)
        return resized_width, resized_height, left, top

    def frame(self, width: int, height: int) -> Frame:
        """Where the input lies in an image of this width and height (pixels)."""
        if self.fit == "crop" and self.crop is not None:
            (down, across), crop = self.size, self.crop
            return Frame(crop.left, crop.top, crop.width / across, crop.height / down)
        resized_width, resized_height, left, top = self._geometry(width, height)
        scale_x, scale_y = width / resized_width, height / resized_height
        return Frame(left * scale_x, top * scale_y, scale_x, scale_y)

    def limits_for(self, image: View | OpenedImage) -> DisplayLimits | None:
        """Which of an image's values become 0 and 1; None for eight bits, 0 to 255."""
        opened = image_of(image)
        limits = opened.limits if self.values is None else DisplayLimits(*self.values)
        eight = opened.with_limits(limits).is_eight_bit
        return None if eight else limits

    def view(self, image: View | OpenedImage) -> View:
        """Return the image as the network sees it.

        Parameters
        ----------
        image : (H, W, C) uint8, or float32 from 0 to 1, or Image
            Any image, or one of any depth.

        Returns
        -------
        (H, W, 3) uint8, or float32 of three channels or more
            Of the input's size; grey in all three channels where the network sees grey. Of images
            with more than eight bits, and of others whose display limits were changed, as float32:
            0 is black and 1 white, and no value is rounded.

        Raises
        ------
        UsageError
            If the network takes another number of channels than the image has, or the crop lies
            outside the image or has another aspect than the model input.
        """
        opened, limits = image_of(image), self.limits_for(image)
        if self.fit == "crop" and self.crop is not None:
            self.crop.check((opened.height, opened.width), self.size)
        if limits is None:
            return self._resampled(opened.pixels)
        values = self._channels_of(opened)
        if self.values is None:
            scaled: NDArray[Any] = limits.scaled(values)
        else:
            scaled = (values - np.float64(limits.black)) / (limits.white - limits.black)
        resampled = [self._resampled(scaled[:, :, at]) for at in range(scaled.shape[2])]
        view = np.stack(resampled, axis=2).astype(np.float32, copy=False)
        if self.channels == 1 and view.shape[2] == 3:
            view = (view @ np.array(_LUMINANCE, np.float64))[:, :, None].astype(np.float32)
        return view.repeat(3, axis=2) if view.shape[2] == 1 else view

    def _channels_of(self, image: OpenedImage) -> NDArray[Any]:
        """The values of the channels that the network takes, (H, W, C)."""
        if image.channels == self.channels or (image.channels, self.channels) == (1, 3):
            return image.values
        if self.channels in (1, 3):
            return image.shown_channels
        raise UsageError(
            f"The image has {image.channels} channels and the classifier takes {self.channels}:"
            " open an image with as many channels, or another classifier."
        )

    def _resampled(self, image: NDArray[Any]) -> NDArray[Any]:
        """Resize and cut RGB (H, W, 3) uint8, or one channel (H, W) of floats."""
        height, width = image.shape[:2]
        down, across = self.view_size(width, height)
        resized_width, resized_height, left, top = self._geometry(width, height)
        if image.ndim == 2:
            image = image.astype(np.float32, copy=False)
        resized, resampling = Image.fromarray(image), Image.Resampling[self.interpolation.upper()]
        cropped = self.fit == "crop" and self.crop is not None
        if not cropped and max(resized_width, resized_height) <= _LONGEST * max(
            self.resize, down, across
        ):
            # In one go with a box, rounding would fall otherwise in up to a quarter of the pixels.
            if (resized_width, resized_height) != (width, height):
                resized = resized.resize((resized_width, resized_height), resampling)
            resized = resized.crop((left, top, left + across, top + down))
        else:
            # A panorama would blow up to gigabytes on the way: resample only what is kept.
            frame = self.frame(width, height)
            box = (
                frame.left,
                frame.top,
                min(width, frame.left + across * frame.scale_x),
                min(height, frame.top + down * frame.scale_y),
            )
            resized = resized.resize((across, down), resampling, box=box)
        if self.channels == 1 and image.ndim == 3:
            resized = resized.convert("L").convert("RGB")
        return np.ascontiguousarray(resized)

    def pixels(self, view: View) -> torch.Tensor:
        """Turn a view (H, W, C) into pixels (C, H, W) float32, black at 0 and white at 1.

        Raises
        ------
        UsageError
            If the network takes more channels than the view has.
        """
        if view.shape[2] < self.channels:
            raise UsageError(
                f"The image has {view.shape[2]} channels and the classifier takes {self.channels}:"
                " open an image with as many channels, or another classifier."
            )
        pixels = torch.from_numpy(view[..., : self.channels].copy()).permute(2, 0, 1)
        return pixels / 255 if view.dtype == np.uint8 else pixels

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise pixels (..., C, H, W) in [0, 1], and put their channels in network's order."""
        return self.scale(pixels - self._per_channel(self.mean, pixels))

    def scale(self, changes: torch.Tensor) -> torch.Tensor:
        """Turn changes of pixels (..., C, H, W) into those of the normalised input."""
        scaled = changes / self._per_channel(self.std, changes)
        return scaled.flip(-3) if self.channel_order == "BGR" else scaled

    def denormalise(self, normalised: torch.Tensor) -> torch.Tensor:
        """Undo `normalise`: pixels (..., C, H, W) in the image's order."""
        if self.channel_order == "BGR":
            normalised = normalised.flip(-3)
        scaled = normalised * self._per_channel(self.std, normalised)
        return scaled + self._per_channel(self.mean, normalised)

    def _per_channel(self, values: tuple[float, ...], like: torch.Tensor) -> torch.Tensor:
        """Mean or std (C, 1, 1) in the image's order."""
        ordered = values[::-1] if self.channel_order == "BGR" else values
        return torch.tensor(ordered, dtype=like.dtype, device=like.device)[:, None, None]


def _cut(height: int, width: int, multiple: int) -> tuple[int, int]:
    """The largest size within this one whose sides are multiples."""
    return max(1, height - height % multiple), max(1, width - width % multiple)
