"""TIFF by tifffile: any depth, planes, tiles, codec and kind of alpha.

What tifffile does not decode (colours in Lab, YCbCr without JPEG, facsimile codecs) is left to
Pillow. Nothing else is tried: other decoders give black or uninitialised memory for a TIFF that
they cannot read.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image as Pillow

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images.colours import array_of, deep_in_srgb, in_srgb
from pda_studio.images.depth import as_values, limits_of, over_white
from pda_studio.images.image import EIGHT_BITS, Image, Pixels, Values
from pda_studio.images.limits import check_page, check_size, damaged, no_memory

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_ORIENTATION, _MAX_SAMPLE_VALUE, _PROFILE = 274, 281, 34675
_MOST_PAGES = 10_000  # that are counted
_MOST_CHANNELS = 256
_CHANNELS = {"MINISWHITE": 1, "MINISBLACK": 1, "PALETTE": 1, "RGB": 3, "SEPARATED": 4, "YCBCR": 3}
_FOR_PILLOW = ("CIELAB", "ICCLAB", "ITULAB")
_FOR_PILLOW_CODECS = ("CCITTRLE", "CCITTFAX3", "CCITTFAX4", "CCITTRLEW", "OJPEG", "THUNDERSCAN")

logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False  # a damaged file is told of in one sentence


def read_tiff(file: BinaryIO, path: Path, number: int = 1) -> tuple[Image, int] | None:
    """Read a page of a TIFF.

    Parameters
    ----------
    file : binary file
        At any position.
    path : Path
        For messages.
    number : int
        Which page, from 1.

    Returns
    -------
    Image, int
        As it is stored, and its orientation, as EXIF numbers it.
    None
        If it is of a kind that Pillow reads and tifffile does not.

    Raises
    ------
    PdaStudioError
        If it is damaged, too large or too small, or nothing here reads its kind.
    UsageError
        If it has no such page.
    """
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            pages = _count(tiff.pages)
            check_page(number, pages, path)
            page = tiff.pages[number - 1] if number > 1 else tiff.pages.first
            assert isinstance(page, tifffile.TiffPage), "each page has all its tags"
            check_size(page.imagewidth, page.imagelength, f"Cannot read {path}: the image")
            if _is_for_pillow(page):
                return None
            codec = _name(page.compression, tifffile.COMPRESSION)
            try:
                tifffile.TIFF.DECOMPRESSORS[page.compression]
            except KeyError:
                raise PdaStudioError(
                    f"Cannot read {path}: it is compressed by {codec}, which is not supported;"
                    " save it as PNG, or as TIFF with LZW or Deflate."
                ) from None
            _check_kind(page, path)
            image = _image(page, page.asarray(), path, _display_range(tiff))
            notes = (
                (*image.other_notes, f"Page {number} of {pages} is read.")
                if pages > 1
                else image.other_notes
            )
            image = replace(image, other_notes=notes, page=number, pages=pages)
            return image, int(_tag(page, _ORIENTATION, 1))
    except (PdaStudioError, UsageError):
        raise
    except MemoryError as error:
        raise no_memory(path) from error
    except Exception as error:  # damaged files make tifffile and its codecs raise almost any type
        raise damaged(path) from error


def _is_for_pillow(page: tifffile.TiffPage) -> bool:
    codec = _name(page.compression, tifffile.COMPRESSION)
    colours = _name(page.photometric, tifffile.PHOTOMETRIC)
    jpeg = codec in ("JPEG", "JPEG_2000_LOSSY")
    return (
        colours in _FOR_PILLOW or codec in _FOR_PILLOW_CODECS or (colours == "YCBCR" and not jpeg)
    )


def _check_kind(page: tifffile.TiffPage, path: Path) -> None:
    colours = _name(page.photometric, tifffile.PHOTOMETRIC)
    wanted = _CHANNELS.get(colours)
    if wanted is None or page.imagedepth != 1:
        kind = f"its colours are {colours}" if wanted is None else "it is a volume"
        raise PdaStudioError(
            f"Cannot read {path}: {kind}, which is not supported; save it as RGB or grey."
        )
    if not wanted <= page.samplesperpixel <= _MOST_CHANNELS:
        raise PdaStudioError(
            f"Cannot read {path}: it has {page.samplesperpixel} channels; save the ones that are to"
            " be explained as an image of their own."
        )


def _image(
    page: tifffile.TiffPage,
    values: npt.NDArray[Any],
    path: Path,
    shown: tuple[float, float] | None,
) -> Image:
    """Values as tifffile decodes them, as an image."""
    colours = _name(page.photometric, tifffile.PHOTOMETRIC)
    values = _channels_last(page, values)
    if colours == "PALETTE":
        return Image(_of_palette(values[:, :, 0], page))
    count = _CHANNELS[colours]
    kinds = [int(kind) for kind in page.extrasamples]
    alpha = kinds[0] if values.shape[2] == count + 1 and kinds else 0
    seen = values[:, :, :count] if alpha else values
    try:
        limits = limits_of(values[:, :, :count], _bits(page), _white(page), shown)
    except PdaStudioError as error:
        raise PdaStudioError(f"Cannot read {path}: {error}") from error
    notes: list[str] = []
    full = 65535 if values.dtype == np.uint16 else float(limits.white)
    profile = _tag(page, _PROFILE, None)
    if seen.shape[2] > count:
        taken = "the first three are" if seen.shape[2] >= 3 else "the first is"
        notes.append(f"It has {seen.shape[2]} channels: {taken} shown.")
        return Image(np.ascontiguousarray(as_values(seen)), limits, tuple(notes))
    converted: Values = as_values(seen)
    if colours == "MINISWHITE":
        if converted.dtype == np.uint8:
            converted = 255 - limits.as_pixels(converted)
            limits = EIGHT_BITS
        else:
            limits = limits.inverted
    if colours == "SEPARATED" or (converted.dtype == np.uint8 and profile):
        converted, note = _eight_bit(limits.as_pixels(converted), profile)
        limits = EIGHT_BITS
    else:
        converted, note = deep_in_srgb(converted, profile, limits)
    notes += [note] if note else []
    if alpha:
        opaque = values[:, :, count]
        if opaque.dtype != np.uint8 or converted.dtype != np.uint8:
            opaque = opaque.astype(np.float32) / np.float32(full)
        associated = alpha == tifffile.EXTRASAMPLE.ASSOCALPHA
        converted = over_white(converted, opaque, limits.white, associated=associated)
    return Image(np.ascontiguousarray(converted), limits, tuple(notes))


def _eight_bit(pixels: npt.NDArray[np.uint8], profile: bytes | None) -> tuple[Values, str]:
    """Grey, RGB or CMYK (H, W, 1, 3 or 4) in sRGB, with a note."""
    if pixels.shape[2] == 4:
        image = Pillow.frombytes(
            "CMYK", pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes()
        )
    else:
        image = Pillow.fromarray(
            np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        )
    converted, note = in_srgb(image, profile)
    return array_of(converted), note


def _display_range(tiff: tifffile.TiffFile) -> tuple[float, float] | None:
    """The values that ImageJ shows black and white, where it wrote the file and says so."""
    said = tiff.imagej_metadata or {}
    low, high = said.get("min"), said.get("max")
    if not all(isinstance(value, int | float) for value in (low, high)):
        return None
    return float(low), float(high)  # type: ignore[arg-type]


def _channels_last(page: tifffile.TiffPage, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if page.samplesperpixel == 1:
        return values.reshape(page.imagelength, page.imagewidth, 1)
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        values = np.moveaxis(values.reshape(-1, page.imagelength, page.imagewidth), 0, 2)
    return values.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)


def _of_palette(indices: npt.NDArray[Any], page: tifffile.TiffPage) -> Pixels:
    table = page.colormap
    assert table is not None, "a palette image without a palette is damaged"
    # 16 bits a colour; some programs write 8 all the same.
    eight = table if table.max() < 256 else np.rint(table / 257)
    colours: Pixels = eight.T.astype(np.uint8)[indices]
    return colours


def _bits(page: tifffile.TiffPage) -> int | None:
    bits = page.bitspersample
    return int(bits) if isinstance(bits, int) else None


def _white(page: tifffile.TiffPage) -> int | None:
    said = _tag(page, _MAX_SAMPLE_VALUE, None)
    if isinstance(said, Sequence):
        said = max(said, default=None)
    return int(said) if isinstance(said, int) and said > 0 else None


def _tag(page: tifffile.TiffPage, code: int, default: Any) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value


def _name(value: int, names: Any) -> str:
    try:
        return str(names(value).name)
    except ValueError:
        return f"kind {value}"


def _count(pages: tifffile.TiffPages) -> int:
    """How many pages there are; the last of a damaged chain are not counted."""
    count = 1
    try:
        for count in range(1, _MOST_PAGES):
            pages[count]
    except Exception:  # the end, or damage behind the first page
        pass
    return count
