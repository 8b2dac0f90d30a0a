"""Colour profiles: what an image's values look like, converted to sRGB."""

import io
import logging
from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pda_studio.images.image import DisplayLimits, Values

_log = logging.getLogger(__name__)

_STRIP = 256  # rows
_CONVERTIBLE = {"RGB ": ("RGB",), "GRAY": ("L",), "CMYK": ("CMYK",)}
_DEEP = {"RGB ": ("rgb", 3), "GRAY": ("gray", 1)}
_FOR_OTHERS = "Its colour profile is for other colours: not used."
_DAMAGED = "Its colour profile is damaged: not used."


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
            return _rgb(image), _FOR_OTHERS
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
        return _rgb(image), _DAMAGED
    assert converted is not None, "only a conversion in place returns nothing"
    return converted, ""


def deep_in_srgb(
    values: Values, profile: bytes | None, limits: DisplayLimits
) -> tuple[Values, str]:
    """Convert deep values to sRGB by a colour profile, without rounding them to eight bits.

    Parameters
    ----------
    values : (H, W, 1 or 3) uint16 or float32
        Grey or RGB.
    profile : bytes or None
        The ICC profile.
    limits : DisplayLimits
        The values that the profile calls black and white; what lies outside is cut off.

    Returns
    -------
    (H, W, 1 or 3) uint16 or float32
        In the same range; as they are, where there is nothing to convert.
    str
        What a user should know; "" for nothing.
    """
    if not profile:
        return values, ""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _is_srgb(source):
            return values, ""
        space, channels = _DEEP.get(source.profile.xcolor_space, ("", 0))
        if channels != values.shape[2]:
            return values, _FOR_OTHERS
        scaled = limits.scaled(values)
        converted = np.empty((*values.shape[:2], 3), np.float32)
        for top in range(0, len(values), _STRIP):
            rows = slice(top, top + _STRIP)
            converted[rows] = imagecodecs.cms_transform(
                np.ascontiguousarray(scaled[rows, :, 0] if channels == 1 else scaled[rows]),
                *(profile, _srgb_profile()),
                colorspace=space,
                outcolorspace="rgb",
                intent=int(ImageCms.Intent.RELATIVE_COLORIMETRIC),
                flags=int(ImageCms.Flags.BLACKPOINTCOMPENSATION),
            )
    except Exception as error:  # damaged profiles make lcms and its wrappers raise almost any type
        _log.debug("A colour profile cannot be used: %r", error)
        return values, _DAMAGED
    np.clip(converted, 0, 1, out=converted)
    return converted * np.float32(limits.white - limits.black) + np.float32(limits.black), ""


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


@lru_cache(maxsize=1)
def _srgb_profile() -> bytes:
    return bytes(ImageCms.ImageCmsProfile(_srgb()).tobytes())


def _is_srgb(profile: Any) -> bool:
    """Whether it is sRGB by name: then nothing is rounded for nothing."""
    described = profile.profile.profile_description or ""
    return described.strip().lower().startswith("srgb")
