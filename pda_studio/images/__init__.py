"""Images: the values that a file or an array holds, and as people see them."""

from typing import TYPE_CHECKING, Any

from pda_studio.images.depth import as_rgb
from pda_studio.images.image import DisplayLimits, Image, Pixels, View, image_of, shown_pixels

if TYPE_CHECKING:
    from pda_studio.images.reading import FORMATS, load_image, read_image

__all__ = [
    "FORMATS",
    "DisplayLimits",
    "Image",
    "Pixels",
    "View",
    "as_rgb",
    "image_of",
    "load_image",
    "read_image",
    "shown_pixels",
]


def __getattr__(name: str) -> Any:
    """Import the readers when one is first used: their libraries take a while."""
    if name not in ("FORMATS", "load_image", "read_image"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pda_studio.images import reading

    return getattr(reading, name)
