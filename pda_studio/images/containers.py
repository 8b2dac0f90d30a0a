"""JPEG 2000, AVIF and HEIC: depths that Pillow would cut to eight bits, and what they need."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from pda_studio.errors import PdaStudioError

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000


def prepare(start: bytes, path: Path) -> None:
    """Let Pillow read HEIC, if a file is one.

    Parameters
    ----------
    start : bytes
        Of the file, twelve bytes at least.
    path : Path
        For messages.

    Raises
    ------
    PdaStudioError
        If it is one, and the extra is not installed.
    """
    if start[4:8] != b"ftyp" or start[8:12] not in _HEIC:
        return
    if find_spec("pillow_heif") is None:
        raise PdaStudioError(
            f"Cannot read {path}: HEIC needs an extra; run pip install pda-studio[heic], or save it"
            " as JPEG or PNG."
        )
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


def deep_values(kind: str, data: bytes) -> tuple[npt.NDArray[Any], int] | None:
    """Values of JPEG 2000 or AVIF with more than eight bits.

    Parameters
    ----------
    kind : str
        Pillow's name of the format.
    data : bytes
        The whole file.

    Returns
    -------
    (H, W, C) uint16 or int16, int
        And their bits.
    None
        If it has eight bits or fewer, or is of another format.

    Raises
    ------
    Exception
        Of almost any type, if it is damaged.
    """
    if kind == "JPEG2000":
        at = data.find(_CODESTREAM)
        bits = (data[at + 42] & 0x7F) + 1 if 0 <= at < len(data) - 42 else 8
    elif kind == "AVIF":
        at = data.find(b"pixi")
        bits = data[at + 9] if 0 <= at < len(data) - 9 else 8
    else:
        return None
    if bits <= 8:
        return None
    values = (
        imagecodecs.jpeg2k_decode(data) if kind == "JPEG2000" else imagecodecs.avif_decode(data)
    )
    return (values[:, :, np.newaxis] if values.ndim == 2 else values), bits
