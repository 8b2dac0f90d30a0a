"""TIFF by tifffile: any depth, planes, tiles, codec and kind of alpha.

What tifffile does not decode (colours in Lab, YCbCr without JPEG, facsimile codecs) is left to
Pillow. Nothing else is tried: other decoders give black or uninitialised memory for a TIFF that
they cannot read.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from pda_studio.errors import PdaStudioError
from pda_studio.images.colours import array_of, in_srgb
from pda_studio.images.depth import Pixels, levels_of, over_white, scaled
from pda_studio.images.limits import check_size, damaged, no_memory

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_ORIENTATION, _MAX_SAMPLE_VALUE, _PROFILE = 274, 281, 34675
_MOST_PAGES = 10_000  # that are counted
_CHANNELS = {"MINISWHITE": 1, "MINISBLACK": 1, "PALETTE": 1, "RGB": 3, "SEPARATED": 4, "YCBCR": 3}
_FOR_PILLOW = ("CIELAB", "ICCLAB", "ITULAB")
_FOR_PILLOW_CODECS = ("CCITTRLE", "CCITTFAX3", "CCITTFAX4", "CCITTRLEW", "OJPEG", "THUNDERSCAN")

logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False  # a damaged file is told of in one sentence


def read_tiff(file: BinaryIO, path: Path) -> tuple[Pixels, int, list[str]] | None:
    """Read the first page of a TIFF.

    Parameters
    ----------
    file : binary file
        At any position.
    path : Path
        For messages.

    Returns
    -------
    (H, W, 3) uint8, int, list of str
        RGB as it is stored; the orientation, as EXIF numbers it; and what a user should know.
    None
        If it is of a kind that Pillow reads and tifffile does not.

    Raises
    ------
    PdaStudioError
        If it is damaged, too large or too small, or nothing here reads its kind.
    """
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            assert isinstance(page, tifffile.TiffPage), "the first page has all its tags"
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
            pixels, notes = _rgb(page, page.asarray(), path)
            pages = _count(tiff.pages)
            if pages > 1:
                notes.append(f"Page 1 of {pages} is read.")
            return pixels, int(_tag(page, _ORIENTATION, 1)), notes
    except PdaStudioError:
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
    extra = page.samplesperpixel - wanted
    if extra < 0 or extra > 1:
        raise PdaStudioError(
            f"Cannot read {path}: it has {page.samplesperpixel} channels; save the one or three"
            " that are to be explained as grey or RGB."
        )


def _rgb(page: tifffile.TiffPage, values: npt.NDArray[Any], path: Path) -> tuple[Pixels, list[str]]:
    """Values as tifffile decodes them, as RGB, with notes."""
    colours = _name(page.photometric, tifffile.PHOTOMETRIC)
    values = _channels_last(page, values)
    if colours == "PALETTE":
        return _of_palette(values[:, :, 0], page), []
    count = _CHANNELS[colours]
    try:
        levels = levels_of(values[:, :, :count], _bits(page), _white(page))
    except PdaStudioError as error:
        raise PdaStudioError(f"Cannot read {path}: {error}") from error
    notes = [levels.note] if levels.note else []
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    shown = scaled(values[:, :, :count], levels)
    if colours == "MINISWHITE":
        shown = 255 - shown
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[count]
    flat = shown[:, :, 0] if count == 1 else shown
    image = Image.fromarray(np.ascontiguousarray(flat), mode=None)
    if mode == "CMYK":
        image = Image.frombytes("CMYK", image.size, np.ascontiguousarray(shown).tobytes())
    converted, note = in_srgb(image, _tag(page, _PROFILE, None))
    notes += [note] if note else []
    rgb: Pixels = array_of(converted)
    alpha = next((int(kind) for kind in page.extrasamples), 0)
    if values.shape[2] > count and alpha:
        full = 65535 if values.dtype == np.uint16 else float(levels.white)
        opaque = values[:, :, count]
        if values.dtype != np.uint8:
            opaque = (opaque.astype(np.float32) * (255 / full)).round().astype(np.uint8)
        associated = alpha == tifffile.EXTRASAMPLE.ASSOCALPHA
        rgb = over_white(rgb, opaque, associated=associated)
    elif values.shape[2] > count:
        notes.append(f"Of {values.shape[2]} channels the first {count} are read.")
    return rgb, notes


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
