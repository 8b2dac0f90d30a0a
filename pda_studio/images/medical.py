"""DICOM and NIfTI: told by their first bytes, and read where the extra is installed."""

import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images.geometry import Plane
from pda_studio.images.image import Image

START = 544
"""How many bytes of a file tell: as many as the longer header of NIfTI has."""
_GZIP = b"\x1f\x8b"
_NAMED = (".dcm", ".dicom")  # files of old programs lack the mark
_MARK = slice(128, 132)


def read_medical(
    file: BinaryIO, start: bytes, path: Path, page: int | None, plane: Plane | None
) -> Image | None:
    """Read a slice or a frame, if a file is DICOM or NIfTI.

    Parameters
    ----------
    file : binary file
        At any position.
    start : bytes
        Its first `START` bytes.
    path : Path
        For messages; beside it lie the other files of a DICOM series.
    page : int or None
        Which slice or frame, from 1; None for the usual one.
    plane : Plane or None
        In which plane a volume is cut; None for the usual one.

    Returns
    -------
    Image or None
        None if it is another format.

    Raises
    ------
    PdaStudioError
        If it is damaged or holds no image, or the extra is not installed.
    UsageError
        If it has no such slice, or is no volume and a plane is named.
    """
    header = _nifti_header(start)
    if header is not None:
        _require("nibabel", "NIfTI", path)
        from pda_studio.images.nifti import read_nifti

        return read_nifti(file, header, path, page, plane)
    if plane is not None:
        raise UsageError(f"{path} is no NIfTI volume: leave the {plane} plane out.")
    named_so = path.suffix.lower() in _NAMED and start[:2] in (b"\x02\0", b"\x08\0")
    if start[_MARK] == b"DICM" or named_so:
        _require("pydicom", "DICOM", path)
        from pda_studio.images.dicom import read_dicom

        return read_dicom(file, path, page)
    return None


def read_folder(folder: Path, page: int | None = None) -> Image | None:
    """Read a slice of the largest DICOM series in a folder, if it holds one.

    Raises
    ------
    PdaStudioError
        If the slice is damaged.
    UsageError
        If there is no such slice.
    """
    if find_spec("pydicom") is None:
        return None
    from pda_studio.images.dicom import read_series

    return read_series(folder, page)


def _nifti_header(start: bytes) -> bytes | None:
    """The header, unpacked, of a file that starts so; None of other files."""
    if start.startswith(_GZIP):
        try:
            start = zlib.decompressobj(wbits=31).decompress(start, START)
        except zlib.error:
            return None
    one, two = start[344:348], start[4:12]
    is_one = one in (b"n+1\0", b"ni1\0")
    return start if is_one or two in (b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n") else None


def _require(module: str, kind: str, path: Path) -> None:
    if find_spec(module) is None:
        raise PdaStudioError(
            f"Cannot read {path}: {kind} needs an extra; run pip install pda-studio[medical]."
        )
