"""Colour profiles: what an image's values look like, converted to sRGB."""

import io
import logging
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_log = logging.getLogger(__name__)

_STRIP = 256  # rows
_CONVERTIBLE = {"RGB ": ("RGB",), "GRAY": ("L",), "CMYK": ("CMYK",)}


def in_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """Convert an image to RGB by its embedded colour profile.

    Without a profile, RGB and grey values are taken for sRGB, as everybody does, and CMYK is
    converted without one.

    Parameters
    ----------
    image : Image
        Mode RGB, L or CMYK.
    profile : bytes or None
        The ICC profile.

    Returns
    -------
    Image
        Mode RGB.
    str
        What a user should know; "" for nothing.
    """
    if not profile:
        return _rgb(image), ""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _is_srgb(source):
            return _rgb(image), ""
        if image.mode not in _CONVERTIBLE.get(source.profile.xcolor_space, ()):
            return _rgb(image), "Its colour profile is for other colours: not used."
        converted = ImageCms.profileToProfile(
            image,
            source,
            _srgb(),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _log.debug("A colour profile cannot be used: %r", error)
        return _rgb(image), "Its colour profile is damaged: not used."
    assert converted is not None, "only a conversion in place returns nothing"
    return converted, ""


def array_of(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels (H, W, C) or (H, W) of an image, copied in strips, which take less memory."""
    first = np.asarray(image.crop((0, 0, 1, 1)))
    pixels = np.empty((image.height, image.width, *first.shape[2:]), first.dtype)
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=1)
def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")


def _is_srgb(profile: Any) -> bool:
    """Whether it is sRGB by name: then nothing is rounded for nothing."""
    described = profile.profile.profile_description or ""
    return described.strip().lower().startswith("srgb")
