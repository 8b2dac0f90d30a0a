"""The files of a folder that are slices of one DICOM series, in the order of their positions."""

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from pda_studio.errors import PdaStudioError

_MOST_FILES = 5000  # of a folder that are looked at
_TAGS: list[Any] = [
    *("SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber"),
    *("NumberOfFrames", "Rows", "Columns"),
]


@dataclass(frozen=True)
class _Slice:
    """A file: its stack (same series, direction and size), and its place in that."""

    stack: tuple[Any, ...]
    place: tuple[float, int, str]
    path: Path


def slices_of(path: Path, header: pydicom.Dataset) -> list[Path]:
    """The files of the series that a file belongs to, by their positions; itself among them.

    Parameters
    ----------
    path : Path
        Of a file with one frame.
    header : Dataset
        Of that file.
    """
    path = path.absolute()
    own = _slice(path, header)
    if own is None:
        return [path]
    found = [one.path for one in _slices_in(path.parent) if one.stack == own.stack]
    return found if path in found else [path]


def middle_of(folder: Path) -> tuple[Path, str] | None:
    """The middle slice of the largest series in a folder, and what a user should know of it.

    Returns
    -------
    Path, str
        A file, and a sentence; "" for nothing.
    None
        If there is no slice.
    """
    slices = _slices_in(folder.absolute())
    counts = Counter(one.stack for one in slices)
    if not counts:
        return None
    (largest, count), others = counts.most_common(1)[0], len(counts) - 1
    stack = [one.path for one in slices if one.stack == largest]
    note = f"The folder holds {others + 1} series: the largest is read." if others else ""
    return stack[(count - 1) // 2], note


def _slices_in(folder: Path) -> tuple[_Slice, ...]:
    try:
        return _indexed(folder, folder.stat().st_mtime_ns)
    except OSError as error:
        raise PdaStudioError(f"Cannot read the folder {folder}: {error.strerror}.") from error


@lru_cache(maxsize=8)
def _indexed(folder: Path, changed: int) -> tuple[_Slice, ...]:
    """All slices of a folder as it was at that time."""
    found = []
    for path in sorted(folder.iterdir())[:_MOST_FILES]:
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            with path.open("rb") as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if file.read(132)[128:] != b"DICM":
                    continue
                file.seek(0)
                header = pydicom.dcmread(file, specific_tags=_TAGS, stop_before_pixels=True)
                one = _slice(path, header)
        except Exception:  # a damaged neighbour leaves the others intact
            continue
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda one: one.place))


def _slice(path: Path, header: pydicom.Dataset) -> _Slice | None:
    """A file as a slice; None where it does not say where it lies."""
    series, size = header.get("SeriesInstanceUID"), (header.get("Rows"), header.get("Columns"))
    position, cosines = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    if not series or int(header.get("NumberOfFrames") or 1) > 1 or None in size:
        return None
    if not position or not cosines or (len(position), len(cosines)) != (3, 6):
        return None
    direction = np.array(cosines, float)
    along = float(np.cross(direction[:3], direction[3:]) @ np.array(position, float))
    number = int(header.get("InstanceNumber") or 0)
    stack = (str(series), *size, *(float(value) for value in direction.round(3) + 0.0))
    return _Slice(stack, (round(along, 3), number, path.name), path)
