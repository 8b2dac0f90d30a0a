"""Codecs of DICOM that pydicom's own plug-ins leave out, by imagecodecs: a plug-in of pydicom.

JPEG with 12 bits, and lossless JPEG, which is what many devices write.
"""

from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

DECODER_DEPENDENCIES = dict.fromkeys(
    (JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1), ("imagecodecs>=2024.6",)
)
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG and JPEG-LS that are followed by an image's size."""
_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000


def is_available(uid: str) -> bool:
    """Whether it decodes a transfer syntax, as pydicom asks every plug-in."""
    return uid in DECODER_DEPENDENCIES


@cache
def register() -> None:
    """Let pydicom use this plug-in."""
    for uid in DECODER_DEPENDENCIES:
        get_decoder(uid).add_plugin("imagecodecs", (__name__, "decode_frame"))


def decode_frame(data: bytes, runner: Any) -> bytes:
    """The values of a frame as bytes, as pydicom asks a plug-in for them."""
    lossless = runner.transfer_syntax != JPEGExtended12Bit
    values = np.asarray((imagecodecs.ljpeg_decode if lossless else imagecodecs.jpeg_decode)(data))
    if values.ndim == 3:
        runner.set_option("planar_configuration", 0)
        if not lossless:
            runner.set_option("photometric_interpretation", "RGB")  # the codec converts
    runner.set_option("bits_allocated", 8 * values.dtype.itemsize)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def check_size(whole: Dataset, index: int) -> None:
    """Refuse a packed frame of another size than the header says, before it is unpacked.

    Raises
    ------
    ValueError
        If it is.
    """
    frames = int(whole.get("NumberOfFrames") or 1)
    frame = get_frame(whole.PixelData, index, number_of_frames=frames)
    size = _size_in(frame)
    if size is not None and size != (int(whole.Columns), int(whole.Rows)):
        raise ValueError("another size than its header says")


def _size_in(data: bytes) -> tuple[int, int] | None:
    """Width and height in JPEG, JPEG-LS or JPEG 2000; None of anything else."""
    at = data.find(_CODESTREAM)
    if 0 <= at < 1024 and not data.startswith(b"\xff\xd8"):
        right, bottom, left, top = (
            int.from_bytes(data[at + place : at + place + 4], "big") for place in (8, 12, 16, 20)
        )
        return right - left, bottom - top
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAMES:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
