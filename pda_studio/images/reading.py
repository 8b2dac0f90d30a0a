"""Reading image files: identified by their content, decoded at full depth, turned, in sRGB."""

import logging
import stat
import warnings
from dataclasses import replace
from os.path import isdir
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import containers, medical, tiff
from pda_studio.images.colours import array_of, deep_in_srgb, in_srgb
from pda_studio.images.depth import as_values, limits_of, over_white
from pda_studio.images.formats import FORMATS, NAMES
from pda_studio.images.geometry import Plane
from pda_studio.images.image import Image, Pixels, Values
from pda_studio.images.jpeg import check_scans, jpeg_frame
from pda_studio.images.limits import check_page, check_size, damaged, no_memory

_log = logging.getLogger(__name__)

_JPEG = b"\xff\xd8\xff"
_FOR_PILLOW = tuple(one.pillow for one in FORMATS if one.pillow)
_STARTS = (*tiff.STARTS, _JPEG, b"\x89PNG", b"RIFF", b"GIF8")
_ORIENTATION = 0x0112
_MOST_ANIMATED = 25_000_000  # pixels of an animated WebP, which takes 21 bytes for each


def load_image(path: str | Path, page: int | None = None, plane: Plane | None = None) -> Pixels:
    """Read an image as it is shown: RGB with eight bits per colour.

    `read_image` reads the values themselves, whatever their depth, and says what was left out or
    decided; here that goes to the log.

    Parameters
    ----------
    path : str or Path
        A file of one of the `FORMATS`, told by its content and not by its name; or a folder that
        holds a DICOM series.
    page : int, optional
        Which page, frame or slice, from 1; without it the first, of a volume the middle one, and of
        a series that of the file.
    plane : {"axial", "coronal", "sagittal"}, optional
        In which plane a NIfTI volume is cut; without it axial.

    Returns
    -------
    ndarray
        Height × width × 3, uint8, C-contiguous.

    Raises
    ------
    PdaStudioError
        If the file cannot be read, is no such image, is damaged or incomplete, is smaller than
        4×4 pixels or has more than 100 million of them.
    UsageError
        If it has no such page.
    """
    image = read_image(path, page, plane)
    for note in image.notes:
        _log.warning("%s: %s", path, note)
    return image.pixels


def read_image(path: str | Path, page: int | None = None, plane: Plane | None = None) -> Image:
    """Read an image with the values that its file holds.

    Transparency is laid over white. Colour profiles are converted to sRGB. Which values are black
    and white where there are more than eight bits, `depth.limits_of` says.

    Parameters
    ----------
    path : str or Path
        A file of one of the `FORMATS`, told by its content and not by its name; or a folder that
        holds a DICOM series.
    page : int, optional
        Which page, frame or slice, from 1; without it the first, of a volume the middle one, and of
        a series that of the file.
    plane : {"axial", "coronal", "sagittal"}, optional
        In which plane a NIfTI volume is cut; without it axial.

    Raises
    ------
    PdaStudioError
        If the file cannot be read, is no such image, is damaged or incomplete, is smaller than
        4×4 pixels or has more than 100 million of them.
    UsageError
        If it has no such page, or is no volume and a plane is named.
    """
    path = Path(path)
    if isdir(path) and (of_series := medical.read_folder(path, page)) is not None:
        return of_series
    with _opened(path) as file:
        start = file.read(medical.START)
        if (slice_ := medical.read_medical(file, start, path, page, plane)) is not None:
            return slice_
        page = 1 if page is None else page
        if start.startswith(tiff.STARTS):
            read = tiff.read_tiff(file, path, page)
            if read is not None:
                image, orientation = read
                return image.with_values(_turned(image.values, orientation))
        if start.startswith(_JPEG):
            file.seek(0)
            data = file.read()
            frame = jpeg_frame(data)
            check_scans(data, frame, path)
            if frame.bits == 12:
                check_page(page, 1, path)
                return _twelve_bit_jpeg(data, path)
        file.seek(0)
        return _by_pillow(file, start, path, page)


def _by_pillow(file: BinaryIO, start: bytes, path: Path, page: int) -> Image:
    containers.prepare(start, path)
    try:
        return _page_by_pillow(file, path, page)
    except (PdaStudioError, UsageError):
        raise
    except UnidentifiedImageError as error:
        if start.startswith(_STARTS):
            raise damaged(path) from error
        raise PdaStudioError(
            f"Cannot read {path}: it is not a {NAMES} image; convert it to one of these."
        ) from error
    except Pillow.DecompressionBombError as error:
        raise PdaStudioError(
            f"Cannot read {path}: the image has more than 100 million pixels; scale it down."
        ) from error
    except MemoryError as error:
        raise no_memory(path) from error
    except Exception as error:  # damaged files make Pillow raise errors of almost any type
        raise damaged(path) from error


def _page_by_pillow(file: BinaryIO, path: Path, page: int) -> Image:
    """What `_by_pillow` reads; raises errors of almost any type if the file is damaged."""
    image = _identified(file)
    check_size(image.width, image.height, f"Cannot read {path}: the image")
    moves = getattr(image, "is_animated", False)
    if image.format == "WEBP" and moves and image.width * image.height > _MOST_ANIMATED:
        raise PdaStudioError(
            f"Cannot read {path}: it is an animation of more than 25 million pixels; save the frame"
            " that is meant as an image of its own."
        )
    pages = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    check_page(page, pages, path)
    if image.format == "WEBP" and not moves:
        image = _still_webp(file, image)
    if page > 1:
        image.seek(page - 1)
    image.load()  # before anything else decodes the file, as this refuses incomplete ones
    deep = _deep_values(file, image, path)
    if deep is not None:
        read = deep
    elif image.format == "PNG" and _is_deep_png(file):
        read = _deep_png(file, image, path)
    elif image.mode == "F" or image.mode.startswith("I"):
        read = _deep(np.asarray(image)[:, :, np.newaxis], None, path)
    else:
        read = _eight_bit(image)
    told = ("The first frame of an animation is read.",) if pages > 1 and page == 1 else ()
    values = _turned(read.values, _orientation(image))
    return replace(
        read, values=values, other_notes=(*told, *read.other_notes), page=page, pages=pages
    )


def _still_webp(file: BinaryIO, opened: Pillow.Image) -> Pillow.Image:
    """Decode a WebP of one frame, which Pillow would take for an animation of five times the size.

    Raises
    ------
    Exception
        Of almost any type, if it is damaged.
    """
    file.seek(0)
    image = Pillow.fromarray(imagecodecs.webp_decode(file.read()))
    if image.size != opened.size:
        raise ValueError("another size than its header says")
    image.info, image.format = opened.info, opened.format
    return image


def _opened(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PdaStudioError(f"Cannot read {path}: it is a folder; name an image in it.")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise PdaStudioError(f"Cannot read {path}: it is not a file; name an image file.")
        if status.st_size == 0:
            raise PdaStudioError(f"Cannot read {path}: the file is empty; get an intact copy.")
        return path.open("rb")
    except FileNotFoundError as error:
        raise PdaStudioError(f"Cannot read {path}: no such file; check the name.") from error
    except PermissionError as error:
        raise PdaStudioError(
            f"Cannot read {path}: you have no permission to; change its access rights."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PdaStudioError(f"Cannot read {path}: {reason}; check the name.") from error


def _identified(file: BinaryIO) -> Pillow.Image:
    with warnings.catch_warnings():
        # Pillow warns from 89 million pixels on; the limit here is a little higher.
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        Pillow.init()  # finds its readers: an older one has no AVIF, and HEIC needs an extra
        known = [name for name in _FOR_PILLOW if name in Pillow.OPEN]
        return Pillow.open(file, formats=known)


def _eight_bit(image: Pillow.Image) -> Image:
    profile = image.info.get("icc_profile")
    alpha = None
    if image.has_transparency_data:
        with_alpha = image if image.mode == "LA" else image.convert("RGBA")
        alpha = np.asarray(with_alpha.getchannel("A"))
        image = with_alpha.convert("L" if image.mode == "LA" else "RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    note = ""
    if profile or image.mode == "CMYK":
        image, note = in_srgb(image, profile)
    pixels: Values = array_of(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if alpha is not None:
        pixels = over_white(pixels, alpha)
    return Image(pixels, other_notes=(note,) if note else ())


def _deep_values(file: BinaryIO, image: Pillow.Image, path: Path) -> Image | None:
    """An image of a format that Pillow reads with eight bits, where it has more."""
    if image.format not in ("JPEG2000", "AVIF"):
        return None
    file.seek(0)
    found = containers.deep_values(image.format, file.read())
    if found is None:
        return None
    values, bits = found
    colours = 3 if values.shape[2] >= 3 else 1
    known = bits if values.dtype.kind == "u" else None
    read = _deep(values[:, :, :colours], image.info.get("icc_profile"), path, known)
    if values.shape[2] in (2, 4):
        alpha = values[:, :, -1] / np.float32(read.limits.white)
        read = read.with_values(over_white(read.values, alpha, read.limits.white))
    return read


def _is_deep_png(file: BinaryIO) -> bool:
    file.seek(24)  # the bit depth has its fixed place in the header
    return file.read(1) == b"\x10"


def _deep_png(file: BinaryIO, image: Pillow.Image, path: Path) -> Image:
    """PNG with 16 bits: Pillow would cut off eight of them and mistake what is transparent."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.uint16)  # older Pillows say 32 bits
        read = _deep(values[:, :, np.newaxis], profile, path)
        transparent = image.info.get("transparency")
        if transparent is not None:
            read.values[values == transparent] = read.limits.white
        return read
    file.seek(0)
    data = np.frombuffer(file.read(), np.uint8)
    decoded: npt.NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if (
        decoded is None
        or decoded.dtype != np.uint16
        or decoded.shape[:2] != (image.height, image.width)
    ):
        raise damaged(path)
    values = decoded[:, :, np.newaxis] if decoded.ndim == 2 else decoded
    values = values[:, :, [0] if values.shape[2] < 3 else [2, 1, 0, 3][: values.shape[2]]]
    read = _deep(np.ascontiguousarray(values[:, :, :3]), profile, path)
    if values.shape[2] == 4:
        alpha = values[:, :, 3] / np.float32(65535)
        read = read.with_values(over_white(read.values, alpha, read.limits.white))
    return read


def _deep(
    values: npt.NDArray[Any], profile: bytes | None, path: Path, bits: int | None = None
) -> Image:
    try:
        limits = limits_of(values, bits)
    except PdaStudioError as error:
        raise PdaStudioError(f"Cannot read {path}: {error}") from error
    converted, note = deep_in_srgb(as_values(values), profile, limits)
    return Image(converted, limits, (note,) if note else ())


def _twelve_bit_jpeg(data: bytes, path: Path) -> Image:
    """JPEG with 12 bits, as medical devices write it, which Pillow does not read."""
    try:
        values = np.asarray(imagecodecs.jpeg_decode(data))
    except Exception as error:
        raise damaged(path) from error
    if values.ndim == 2:
        values = values[:, :, np.newaxis]
    check_size(values.shape[1], values.shape[0], f"Cannot read {path}: the image")
    if values.shape[2] not in (1, 3):
        raise PdaStudioError(f"Cannot read {path}: a 12-bit JPEG in CMYK; save it as RGB.")
    return _deep(values.astype(np.uint16), None, path, 12)


def _orientation(image: Pillow.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged notes about an image leave the image itself intact
        return 1


def _turned(image: Values, orientation: int) -> Values:
    """Undo how the camera was held, as the EXIF standard numbers the eight ways."""
    match orientation:
        case 2:
            turned = image[:, ::-1]
        case 3:
            turned = image[::-1, ::-1]
        case 4:
            turned = image[::-1]
        case 5:
            turned = image.transpose(1, 0, 2)
        case 6:
            turned = np.rot90(image, -1)
        case 7:
            turned = image[::-1, ::-1].transpose(1, 0, 2)
        case 8:
            turned = np.rot90(image)
        case _:
            turned = image
    return np.ascontiguousarray(turned)
