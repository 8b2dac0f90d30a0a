"""Reading images: whatever the file or array looks like, RGB with eight bits per colour."""

import stat
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from pda_studio.errors import PdaStudioError

SMALLEST_SIDE = 4
MOST_PIXELS = 100_000_000
# Also what Pillow may try: others of its readers start programs such as Ghostscript.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")

Pixels = npt.NDArray[np.uint8]

_NAMES = "JPEG, PNG, TIFF, BMP, WebP or GIF"
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_STARTS = (*_TIFF_STARTS, b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8")
_ORIENTATION = 0x0112


def load_image(path: str | Path) -> Pixels:
    """Read an image as RGB with eight bits per colour, turned the way it is meant to be seen.

    Of several frames or pages the first is read. Transparency is laid over white. Colour profiles
    are not applied. Sixteen bits become eight by dividing by 257. Grey values stored as floats
    or as integers of more than 16 bits do not say what white is: if all lie within 0–1 (floats
    only), 0–255 or 0–65535, the upper end is white; otherwise the smallest value becomes black
    and the largest white.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, TIFF, BMP, WebP or GIF file, told by its content and not by its name.

    Returns
    -------
    ndarray
        Height × width × 3, uint8, C-contiguous.

    Raises
    ------
    PdaStudioError
        If the file cannot be read, is no such image, is damaged or incomplete, is smaller than
        4×4 pixels or has more than 100 million of them.
    """
    path = Path(path)
    with _opened(path) as file:
        try:
            image = _identified(file)
        except UnidentifiedImageError:
            return _read_without_pillow(file, path)
        except Image.DecompressionBombError as error:
            raise PdaStudioError(
                f"Cannot read {path}: the image has more than 100 million pixels; scale it down."
            ) from error
        except Exception as error:  # damaged files make Pillow raise errors of almost any type
            raise _damaged(path) from error
        _check_size(image.width, image.height, f"Cannot read {path}: the image")
        try:
            image.load()  # before anything else decodes the file, as this refuses incomplete ones
        except MemoryError as error:
            raise PdaStudioError(
                f"Cannot read {path}: not enough memory; scale it down."
            ) from error
        except Exception as error:
            raise _damaged(path) from error
        if _has_16_bit_colours(image, file):
            pixels = _decoded_by_opencv(file, path)
            if image.format == "TIFF":
                return pixels  # OpenCV turns these itself
        else:
            pixels = _rgb(image, path)
        return np.ascontiguousarray(_turned(pixels, _orientation(image)))


def as_rgb(array: npt.ArrayLike) -> Pixels:
    """Turn an array into an image such as `load_image` returns.

    Parameters
    ----------
    array : array-like
        Height × width (grey) or height × width × 1, 3 or 4 channels (grey, RGB, RGB and alpha).
        Booleans, uint8, uint16, other integers between 0 and 255, or floats between 0 and 1.

    Returns
    -------
    ndarray
        A new array: height × width × 3, uint8, C-contiguous; transparency is laid over white.

    Raises
    ------
    PdaStudioError
        If the array has another shape, other values, or too few or too many pixels.
    """
    values = np.asarray(array)
    if values.ndim == 2:
        values = values[:, :, np.newaxis]
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4):
        raise PdaStudioError(
            f"An array of shape {np.shape(array)} is no image; give height × width, or height × "
            "width × 1, 3 or 4 channels."
        )
    _check_size(values.shape[1], values.shape[0], "The image")
    if values.dtype.kind not in "buif":
        raise PdaStudioError(
            f"An array of {values.dtype} is no image; give integers from 0 to 255 or floats "
            "from 0 to 1."
        )
    white = _white_of_type(values.dtype)
    low, high = values.min(), values.max()
    slack = 1e-6  # what rounding adds to floats; put this way round, NaN is refused, too
    if not (low >= -slack and high <= white + slack):
        raise PdaStudioError(
            f"The image's values run from {low:g} to {high:g}; scale them to 0–{white}."
        )
    return np.ascontiguousarray(_three_channels(_scaled(values, 0, white)))


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


def _identified(file: BinaryIO) -> Image.Image:
    with warnings.catch_warnings():
        # Pillow warns from 89 million pixels on; the limit here is a little higher.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(file, formats=FORMATS)


def _check_size(width: int, height: int, what: str) -> None:
    if min(width, height) < SMALLEST_SIDE:
        raise PdaStudioError(
            f"{what} has only {width}×{height} pixels; "
            f"at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed."
        )
    if width * height > MOST_PIXELS:
        raise PdaStudioError(
            f"{what} has {width:,}×{height:,} pixels; scale it down to at most 100 million."
        )


def _damaged(path: Path) -> PdaStudioError:
    return PdaStudioError(
        f"Cannot read {path}: the file is damaged or incomplete; get an intact copy."
    )


def _rgb(image: Image.Image, path: Path) -> Pixels:
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(image, path)
    if image.has_transparency_data:
        return _three_channels(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def _has_16_bit_colours(image: Image.Image, file: BinaryIO) -> bool:
    # Pillow would cut off the lower eight bits and mistake which colour is transparent.
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return bool(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,))[0] == 16)
    if image.format == "PNG":
        file.seek(24)  # the bit depth has its fixed place in the header
        return file.read(1) == b"\x10"
    return False


def _deep_grey(image: Image.Image, path: Path) -> Pixels:
    values: npt.NDArray[Any] = np.asarray(image)
    if image.format == "PNG":
        values = values.astype(np.uint16)  # older Pillows say 32 bits
    grey = _eight_bits(values, path)
    if (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.mode.startswith("I;16")
        and image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    ):
        grey = 255 - grey  # zero means white here, which Pillow heeds with fewer bits only
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey[values == transparent] = 255
    return _three_channels(grey[:, :, np.newaxis])


def _read_without_pillow(file: BinaryIO, path: Path) -> Pixels:
    """Read a TIFF of a kind Pillow does not know, such as colours stored as floats."""
    file.seek(0)
    start = file.read(16)
    if not start.startswith(_STARTS):
        raise PdaStudioError(
            f"Cannot read {path}: it is not a {_NAMES} image; convert it to one of these."
        )
    if not start.startswith(_TIFF_STARTS):
        raise _damaged(path)
    try:
        big = 43 in start[2:4]
        directory = TiffImagePlugin.ImageFileDirectory_v2(start if big else start[:8])
        file.seek(directory.next)
        directory.load(file)
        width = int(directory[TiffImagePlugin.IMAGEWIDTH])
        height = int(directory[TiffImagePlugin.IMAGELENGTH])
    except Exception as error:
        raise _damaged(path) from error
    _check_size(width, height, f"Cannot read {path}: the image")
    return _decoded_by_opencv(file, path)


def _decoded_by_opencv(file: BinaryIO, path: Path) -> Pixels:
    file.seek(0)
    data = np.frombuffer(file.read(), np.uint8)
    try:
        values: npt.NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise _damaged(path) from error
    if values is None:
        raise PdaStudioError(
            f"Cannot read {path}: it is damaged or stored in a rare way; save it as PNG or JPEG."
        )
    if values.ndim == 2:
        values = values[:, :, np.newaxis]
    order = [0] if values.shape[2] < 3 else [2, 1, 0, 3][: values.shape[2]]  # from BGR(A)
    return np.ascontiguousarray(_three_channels(_eight_bits(values[:, :, order], path)))


def _eight_bits(values: npt.NDArray[Any], path: Path) -> Pixels:
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PdaStudioError(
            f"Cannot read {path}: some of its values are not finite numbers; replace those."
        )
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return _scaled(values, 0, _white_of_type(values.dtype))
    for white in (1, 255, 65535):
        if low >= 0 and high <= white and (white > 1 or values.dtype.kind == "f"):
            return _scaled(values, 0, white)
    return _scaled(values, low, high)


def _white_of_type(dtype: np.dtype[Any]) -> int:
    if dtype.kind in "bf":
        return 1
    return 65535 if dtype == np.uint16 else 255


def _scaled(values: npt.NDArray[Any], low: Any, high: Any) -> Pixels:
    if values.dtype == np.uint8:
        return values
    # The narrowest floats that are exact enough: images are large.
    wide: npt.NDArray[np.floating[Any]] = values.astype(np.result_type(values, np.float32))
    wide -= low
    span = float(high) - float(low)
    wide *= 255 / span if span > 0 else 0
    np.rint(wide, out=wide)
    return wide.astype(np.uint8)


def _three_channels(values: Pixels) -> Pixels:
    if values.shape[2] == 1:
        return values.repeat(3, axis=2)
    if values.shape[2] == 3:
        return values.copy()
    alpha = values[:, :, 3:].astype(np.uint16)
    mixed = values[:, :, :3] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged notes about an image leave the image itself intact
        return 1


def _turned(image: Pixels, orientation: int) -> Pixels:
    """Undo how the camera was held, as the EXIF standard numbers the eight ways."""
    match orientation:
        case 2:
            return image[:, ::-1]
        case 3:
            return image[::-1, ::-1]
        case 4:
            return image[::-1]
        case 5:
            return image.transpose(1, 0, 2)
        case 6:
            return np.rot90(image, -1)
        case 7:
            return image[::-1, ::-1].transpose(1, 0, 2)
        case 8:
            return np.rot90(image)
        case _:
            return image
