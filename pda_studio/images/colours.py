"""Colour profiles: what an image's values look like, converted to sRGB."""

import io
import logging
from functools import lru_cache
from typing import Any

from PIL import Image, ImageCms

_log = logging.getLogger(__name__)

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
        return image.convert("RGB"), ""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _is_srgb(source):
            return image.convert("RGB"), ""
        if image.mode not in _CONVERTIBLE.get(source.profile.xcolor_space, ()):
            return image.convert("RGB"), "Its colour profile is for other colours: not used."
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
        return image.convert("RGB"), "Its colour profile is damaged: not used."
    assert converted is not None, "only a conversion in place returns nothing"
    return converted, ""


@lru_cache(maxsize=1)
def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")


def _is_srgb(profile: Any) -> bool:
    """Whether it is sRGB by name: then nothing is rounded for nothing."""
    described = profile.profile.profile_description or ""
    return described.strip().lower().startswith("srgb")
