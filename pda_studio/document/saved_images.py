"""Images in saved work: as PNG where they have eight bits, else as arrays of their values."""

import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from pda_studio.document.workspace import SourceImage, image_digest
from pda_studio.images import DisplayLimits, Image
from pda_studio.images.geometry import PLANES, Geometry, Plane
from pda_studio.images.limits import MOST_PIXELS
from pda_studio.reading import arrays_of, entry_of
from pda_studio.store.maps import MOST_BYTES

_encoded: WeakKeyDictionary[SourceImage, bytes] = WeakKeyDictionary()
"""What images look like in a file, for as long as they are open."""


def told_of(image: SourceImage) -> dict[str, Any]:
    """All of an image but its values, as JSON."""
    limits, geometry = image.image.limits, image.image.geometry
    return {
        "digest": image.digest,
        "name": image.name,
        "path": str(image.path) if image.path else None,
        "notes": list(image.image.other_notes),
        "display_limits": [limits.black, limits.white],
        "limits_note": limits.note,
        "page": image.image.page,
        "pages": image.image.pages,
        "spacing": image.image.spacing,
        "plane": image.image.plane,
        "geometry": None if geometry is None else [geometry.affine.tolist(), geometry.axes],
    }


def encoded(image: SourceImage) -> bytes:
    """An image as PNG or array: encoded once, as work is saved after every edit."""
    if image not in _encoded:
        data, values = io.BytesIO(), image.image.values
        if suffix_of(image) == "png":
            flat = values[:, :, 0] if image.image.channels == 1 else values
            Pillow.fromarray(flat).save(data, "PNG", compress_level=1)
        else:
            np.savez_compressed(data, values=values)
        _encoded[image] = data.getvalue()
    return _encoded[image]


def suffix_of(image: SourceImage) -> str:
    """What the name of its file ends in: png or npz."""
    values = image.image.values
    return "png" if values.dtype == np.uint8 and values.shape[2] in (1, 3) else "npz"


def image_in(archive: zipfile.ZipFile, told: Mapping[str, Any], most: int) -> SourceImage:
    """An image, if its pixels take no more bytes than these."""
    data = entry_of(archive, str(told["file"]), MOST_BYTES)
    read = _values if str(told["file"]).endswith(".npz") else _pixels
    black, white = map(float, told.get("display_limits", (0, 255)))
    spacing, geometry, plane = _place(told)
    image = Image(
        read(data, most),
        DisplayLimits(black, white, str(told.get("limits_note", ""))),
        tuple(map(str, told.get("notes", ()))),
        *(int(told.get("page", 1)), int(told.get("pages", 1))),
        spacing=spacing,
        geometry=geometry,
        plane=plane,
    )
    if image_digest(image) != told["digest"]:
        raise ValueError("another image than was saved")
    came_from = told.get("path")
    path = Path(came_from) if came_from else None
    return SourceImage(str(told["name"]), path, image, told["digest"])


def _place(
    told: Mapping[str, Any],
) -> tuple[tuple[float, float] | None, Geometry | None, Plane | None]:
    """Spacing, geometry and plane, which earlier files do not tell.

    Raises
    ------
    ValueError
        If they are none.
    """
    spacing, geometry, plane = (told.get(name) for name in ("spacing", "geometry", "plane"))
    if spacing is not None:
        down, across = map(float, spacing)
        spacing = down, across
        if not (0 < down < np.inf and 0 < across < np.inf):
            raise ValueError("no spacing of pixels")
    if geometry is not None:
        affine = np.array(geometry[0], np.float64)
        sound = affine.shape == (4, 4) and bool(np.isfinite(affine).all())
        if not sound or not re.fullmatch("([RLAPSI]{3})?", geometry[1]):
            raise ValueError("no place in space")
        geometry = Geometry(affine, geometry[1])
    if plane not in (None, *PLANES):
        raise ValueError("no plane")
    return spacing, geometry, plane


def _pixels(data: bytes, most: int) -> NDArray[np.uint8]:
    """Grey or RGB (H, W, 1 or 3) with eight bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # our own limits hold
        with Pillow.open(io.BytesIO(data), formats=["PNG"]) as image:
            pixel_count = image.width * image.height
            if pixel_count > MOST_PIXELS or 3 * pixel_count > most:
                raise ValueError("too large an image")
            pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def _values(data: bytes, most: int) -> NDArray[np.uint8 | np.uint16 | np.float32]:
    """Values (H, W, C) of any depth."""
    values = arrays_of(io.BytesIO(data), most)["values"]
    height, width, _ = values.shape
    if (
        values.dtype not in (np.uint8, np.uint16, np.float32)
        or not 0 < height * width <= MOST_PIXELS
    ):
        raise ValueError("no values of an image")
    if not np.isfinite(values).all():
        raise ValueError("values that are not finite")
    return values
