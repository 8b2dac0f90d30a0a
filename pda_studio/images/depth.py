"""From values of any kind of number to those of an image, and which are black and white."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pda_studio.errors import PdaStudioError
from pda_studio.images.image import (
    EIGHT_BITS,
    DisplayLimits,
    Pixels,
    Values,
    automatic_limits,
    strips,
    three_channels,
)
from pda_studio.images.limits import check_size

_SENSOR_BITS = (8, 10, 12, 14)  # that cameras, scanners and microscopes store in 16
_LEAST_USED = 1 / 4  # of the range that the kind of number suggests


def limits_of(
    values: npt.NDArray[Any],
    bits: int | None = None,
    white: int | None = None,
    shown: tuple[float, float] | None = None,
) -> DisplayLimits:
    """Find which values are black and white.

    Eight bits are what they are. Where the file says which values it shows, how many bits they
    have, or which one is white, that holds. Sixteen bits that use only the lower 14, 12, 10 or 8
    are taken for values of so many bits. Floats, and integers of more than 16 bits or with a sign,
    do not say what white is: if all lie within 0–1 (floats only), 0–255 or 0–65535, the upper end
    is white; otherwise the smallest value becomes black and the largest white. Grey values most of
    which lie within a quarter of such a range would be nearly black: there, and where single values
    lie far away from all others, the percentiles 0.2 and 99.8 are black and white.

    Parameters
    ----------
    values : (H, W, C)
        Any kind of number.
    bits : int, optional
        Significant bits, where the file says so.
    white : int, optional
        The largest value, where the file says so.
    shown : (float, float), optional
        The values that are black and white, where the file says so.

    Raises
    ------
    PdaStudioError
        If a value is not a finite number.
    """
    if values.dtype.kind == "b":
        return EIGHT_BITS  # as `as_values` makes them
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PdaStudioError("some of its values are not finite numbers; replace those.")
    if shown is not None and np.isfinite(shown).all() and shown[0] != shown[1]:
        return replace(limits := DisplayLimits(*shown), note=f"The file says: {limits}.")
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        full = 8 * values.dtype.itemsize
        if white is not None and high <= white < 2**full - 1:
            return DisplayLimits(0, white, f"The file says that {white} is white.")
        if bits is not None and bits < full:
            return DisplayLimits(0, 2**bits - 1)
        if full == 8:
            return EIGHT_BITS
        note = ""
        if 0 < high < 2 ** _SENSOR_BITS[-1]:
            bits = next(bits for bits in _SENSOR_BITS if high < 2**bits)
            note = (
                f"The 16-bit values reach {high:.0f}: read as {bits} bits, {2**bits - 1} is white."
            )
        return used_limits(values, DisplayLimits(0, 2 ** (bits or full) - 1, note))
    for end in (1, 255):
        if low >= 0 and high <= end and (end > 1 or values.dtype.kind == "f"):
            return DisplayLimits(0, end)
    if low >= 0 and high <= 65535:
        return used_limits(values, DisplayLimits(0, 65535))
    if low == high:
        return DisplayLimits(low, low + 1)
    limits = DisplayLimits(low, high)
    return used_limits(values, replace(limits, note=f"Values from {limits} are shown."))


def used_limits(values: npt.NDArray[Any], limits: DisplayLimits) -> DisplayLimits:
    """These limits, unless grey values (H, W, C) would be nearly black, or nearly all the same."""
    if values.shape[-1] in (3, 4):  # a dark photograph is meant to be dark
        return limits
    usual = automatic_limits(values)
    whole = limits.white - limits.black
    if values.min() == values.max() or usual.white - usual.black >= _LEAST_USED * whole:
        return limits
    note = f"Values from {usual} are shown: 99.6 % of the pixels lie between them."
    return replace(usual, note=note)


def as_values(array: npt.NDArray[Any]) -> Values:
    """An array of any kind of number as uint8, uint16 or float32; of booleans, as 0 and 255."""
    if array.dtype in (np.uint8, np.uint16, np.float32):
        native: Values = array.astype(array.dtype.newbyteorder("="), copy=False)
        return native
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    return array.astype(np.float32)


def over_white(
    values: Values, alpha: npt.NDArray[Any], white: float = 255, *, associated: bool = False
) -> Values:
    """Lay colours (H, W, C) with an alpha (H, W) over white.

    Parameters
    ----------
    values : (H, W, C) uint8, uint16 or float32
        Colours.
    alpha : (H, W) uint8, or floats from 0 to 1
        0 is transparent.
    white : float
        The value of white.
    associated : bool
        Whether the colours are already multiplied by alpha.

    Returns
    -------
    (H, W, C) uint8 or float32
        Eight bits, if both were.
    """
    eight = values.dtype == np.uint8 and alpha.dtype == np.uint8
    mixed: Values = np.empty(values.shape, np.uint8 if eight else np.float32)
    for rows in strips(values):
        if eight:
            opaque = alpha[rows, :, np.newaxis].astype(np.uint16)
            if associated:
                mixed[rows] = np.minimum(values[rows] + (255 - opaque), 255)
            else:
                mixed[rows] = (values[rows] * opaque + 255 * (255 - opaque) + 127) // 255
            continue
        part = alpha[rows, :, np.newaxis].astype(np.float64)
        colours = values[rows].astype(np.float64) * (1 if associated else part)
        mixed[rows] = colours + white * (1 - part)
    return mixed


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
        limits = limits_of(values)
    else:
        white = 1 if values.dtype.kind in "bf" else 255
        low, high = values.min(), values.max()
        slack = 1e-6  # what rounding adds to floats; put this way round, NaN is refused, too
        if not (low >= -slack and high <= white + slack):
            raise PdaStudioError(
                f"The image's values run from {low:g} to {high:g}; scale them to 0–{white}."
            )
        limits = DisplayLimits(0, white)
    pixels = limits.as_pixels(values)
    rgb: Any = three_channels(pixels[:, :, :3])
    if pixels.shape[2] == 4:
        rgb = over_white(rgb, pixels[:, :, 3])
    return np.array(rgb, order="C")  # a copy: the array stays its owner's
