"""From values of any depth to eight bits per colour, and from any channels to RGB."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pda_studio.errors import PdaStudioError
from pda_studio.images.limits import check_size

Pixels = npt.NDArray[np.uint8]

_SENSOR_BITS = (8, 10, 12, 14)  # that cameras, scanners and microscopes store in 16
_ROWS_AT_ONCE = 16_000_000  # values: floats of a whole large image would take gigabytes


@dataclass(frozen=True)
class Levels:
    """Which values are shown black and white.

    Attributes
    ----------
    black, white : float
        In the file's own values.
    note : str
        What a user should know of them; "" where they are what anybody expects.
    """

    black: float
    white: float
    note: str = ""


def levels_of(
    values: npt.NDArray[Any], bits: int | None = None, white: int | None = None
) -> Levels:
    """Find which values are black and white.

    Eight bits are what they are. Where the file says how many bits its values have, or which one is
    white, that holds. Sixteen bits that use only the lower 14, 12, 10 or 8 are taken for values of
    so many bits. Floats, and integers of more than 16 bits or with a sign, do not say what white
    is: if all lie within 0–1 (floats only), 0–255 or 0–65535, the upper end is white; otherwise the
    smallest value becomes black and the largest white.

    Parameters
    ----------
    values : array
        Of any shape and kind of number.
    bits : int, optional
        Significant bits, where the file says so.
    white : int, optional
        The largest value, where the file says so.

    Raises
    ------
    PdaStudioError
        If a value is not a finite number.
    """
    if values.dtype.kind == "b":
        return Levels(0, 1)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PdaStudioError("some of its values are not finite numbers; replace those.")
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        full = 8 * values.dtype.itemsize
        if white is not None and high <= white < 2**full - 1:
            return Levels(0, white, f"The file says that {white} is white.")
        if bits is not None and bits < full:
            return Levels(0, 2**bits - 1)
        if full == 16 and 0 < high < 2 ** _SENSOR_BITS[-1]:
            used = next(bits for bits in _SENSOR_BITS if high < 2**bits)
            return Levels(
                0,
                2**used - 1,
                f"The 16-bit values reach {high:.0f}: read as {used} bits, {2**used - 1} is white.",
            )
        return Levels(0, 2**full - 1)
    for end in (1, 255, 65535):
        if low >= 0 and high <= end and (end > 1 or values.dtype.kind == "f"):
            return Levels(0, end)
    return Levels(low, high, f"Values from {low:g} (black) to {high:g} (white) are shown.")


def scaled(values: npt.NDArray[Any], levels: Levels) -> Pixels:
    """Values (H, W, …) as eight bits: black becomes 0, white 255."""
    if values.dtype == np.uint8 and (levels.black, levels.white) == (0, 255):
        return values
    result = np.empty(values.shape, np.uint8)
    span = float(levels.white) - float(levels.black)
    for rows in _strips(values):
        # The narrowest floats that are exact enough.
        some = values[rows]
        wide: npt.NDArray[np.floating[Any]] = some.astype(np.result_type(some, np.float32))
        wide -= levels.black
        wide *= 255 / span if span > 0 else 0
        np.rint(wide, out=wide)
        result[rows] = np.clip(wide, 0, 255)
    return result


def over_white(values: Pixels, alpha: Pixels, *, associated: bool = False) -> Pixels:
    """Lay colours (H, W, C) with an alpha (H, W) over white.

    Parameters
    ----------
    values : (H, W, C) uint8
        Colours.
    alpha : (H, W) uint8
        0 is transparent.
    associated : bool
        Whether the colours are already multiplied by alpha.
    """
    mixed = np.empty_like(values)
    for rows in _strips(values):
        opaque = alpha[rows, :, np.newaxis].astype(np.uint16)
        if associated:
            mixed[rows] = np.minimum(values[rows] + (255 - opaque), 255)
        else:
            mixed[rows] = (values[rows] * opaque + 255 * (255 - opaque) + 127) // 255
    return mixed


def three_channels(values: Pixels) -> Pixels:
    """Grey, RGB, or RGB with alpha (H, W, 1, 3 or 4) as a new RGB array, over white."""
    if values.shape[2] == 1:
        return values.repeat(3, axis=2)
    if values.shape[2] == 3:
        return values.copy()
    return over_white(values[:, :, :3], values[:, :, 3])


def as_rgb(array: npt.ArrayLike) -> Pixels:
    """Turn an array into an image such as `load_image` returns.

    Parameters
    ----------
    array : array-like
        Height × width (grey) or height × width × 1, 3 or 4 channels (grey, RGB, RGB and alpha).
        Booleans, uint8, uint16 (of which 14, 12, 10 or 8 bits may be used), other integers between
        0 and 255, or floats between 0 and 1.

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
    check_size(values.shape[1], values.shape[0], "The image")
    if values.dtype.kind not in "buif":
        raise PdaStudioError(
            f"An array of {values.dtype} is no image; give integers from 0 to 255 or floats "
            "from 0 to 1."
        )
    if values.dtype == np.uint16:
        return np.ascontiguousarray(three_channels(scaled(values, levels_of(values))))
    white = 1 if values.dtype.kind in "bf" else 255
    low, high = values.min(), values.max()
    slack = 1e-6  # what rounding adds to floats; put this way round, NaN is refused, too
    if not (low >= -slack and high <= white + slack):
        raise PdaStudioError(
            f"The image's values run from {low:g} to {high:g}; scale them to 0–{white}."
        )
    return np.ascontiguousarray(three_channels(scaled(values, Levels(0, white))))


def _strips(values: npt.NDArray[Any]) -> Iterator[slice]:
    """Slices of rows that are small enough to be widened."""
    rows = max(1, _ROWS_AT_ONCE // max(1, values[0].size))
    for start in range(0, len(values), rows):
        yield slice(start, start + rows)
