"""Images: the values that a file or an array holds, and as people see them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pda_studio.images.formats import FORMATS, SUFFIXES

if TYPE_CHECKING:
    from pda_studio.images.depth import as_rgb
    from pda_studio.images.image import DisplayLimits, Image, Pixels, View, image_of, shown_pixels
    from pda_studio.images.reading import load_image, read_image

__all__ = [
    "FORMATS",
    "SUFFIXES",
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

_HOMES = {"as_rgb": "depth", "load_image": "reading", "read_image": "reading"}


def __getattr__(name: str) -> Any:
    """Import what is named when it is first used: the readers' libraries take a while."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'image')}"), name)
