"""NIfTI by nibabel: slices of a volume in three planes, with their place in space."""

import gzip
import struct
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
import numpy.typing as npt

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images.depth import as_values, limits_of
from pda_studio.images.geometry import PLANES, Geometry, Plane, stretched_note
from pda_studio.images.image import Image
from pda_studio.images.limits import SMALLEST_SIDE, check_page, check_size, damaged, no_memory

_GZIP = b"\x1f\x8b"
_MOST_BYTES = 1 << 32  # of one volume
_LONGEST_EXTENSIONS = 1 << 24  # bytes
_AXIS: dict[Plane, int] = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Across which axis of space (left to right, back to front, feet to head) a plane is cut."""


def read_nifti(
    file: BinaryIO, header: bytes, path: Path, page: int | None, plane: Plane | None
) -> Image:
    """Read a slice of a NIfTI volume; of several volumes, of the first.

    Parameters
    ----------
    file : binary file
        At any position.
    header : bytes
        Its first bytes, unpacked.
    path : Path
        For messages.
    page : int or None
        Which slice, from 1; None for the middle one.
    plane : Plane or None
        In which plane; None for the first that has slices of a size.

    Raises
    ------
    PdaStudioError
        If it is damaged, too large, or holds numbers that no image has.
    UsageError
        If it has no such slice.
    """
    try:
        kind = _check_header(header, path)
        file.seek(0)
        packed = file.read(2) == _GZIP
        file.seek(0)
        if not packed:
            return _slice(kind, file, path, page, plane)
        with gzip.open(file) as unpacked:
            return _slice(kind, unpacked, path, page, plane)
    except (PdaStudioError, UsageError):
        raise
    except MemoryError as error:
        raise no_memory(path) from error
    except Exception as error:  # damaged files make nibabel and gzip raise almost any type
        raise damaged(path) from error


def _check_header(header: bytes, path: Path) -> type[nib.Nifti1Image]:
    """The class of nibabel for a header; refuses what that reads without bounds or in two files."""
    first = header[344:345] == b"n"
    if (header[344:346] if first else header[4:6]) == b"ni":
        raise PdaStudioError(
            f"Cannot read {path}: its values lie in a second file; save it as one file (.nii)."
        )
    order = "<" if header[0] in (348 % 256, 540 % 256) else ">"
    kind, place = ("f", slice(108, 112)) if first else ("q", slice(168, 176))
    offset = struct.unpack(order + kind, header[place])[0]  # behind the extensions
    if not 0 <= offset <= _LONGEST_EXTENSIONS:
        raise damaged(path)
    return nib.Nifti1Image if first else nib.Nifti2Image


def _slice(
    kind: type[nib.Nifti1Image], stream: Any, path: Path, page: int | None, plane: Plane | None
) -> Image:
    volume = kind.from_stream(stream)
    shape = (*volume.shape, 1, 1)[: max(3, len(volume.shape))]
    dtype = volume.header.get_data_dtype()
    if dtype.kind == "c":
        raise PdaStudioError(
            f"Cannot read {path}: its values are complex numbers; save their magnitudes."
        )
    if min(shape) < 1 or int(np.prod(shape[:3], dtype=object)) * dtype.itemsize > _MOST_BYTES:
        what = "is empty" if min(shape) < 1 else "is larger than 4 GB"
        raise PdaStudioError(f"Cannot read {path}: its volume {what}; save a smaller one.")
    affine = np.asarray(volume.affine, np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise damaged(path)
    orientation = nib.io_orientation(affine).astype(int)  # of each axis: which of space's, its sign
    axis_of = {int(axis): at for at, (axis, _) in enumerate(orientation)}
    extent = [shape[axis_of[axis]] for axis in range(3)]
    chosen = plane or _usual_plane(extent)
    across = _AXIS[chosen]
    count = extent[across]
    number = (count + 1) // 2 if page is None else page
    check_page(number, count, path, "slice")
    across_columns, across_rows = (axis for axis in range(3) if axis != across)
    width, height = extent[across_columns], extent[across_rows]
    check_size(width, height, f"Cannot read {path}: its {chosen} slice")

    # Into space's axes, all rising; then rows and columns fall, as they do in radiology.
    at = number - 1
    where: list[Any] = [slice(None)] * 3 + [0] * (len(shape) - 3)
    stored = axis_of[across]
    where[stored] = at if orientation[stored][1] > 0 else count - 1 - at
    values = np.asarray(volume.dataobj[tuple(where[: len(volume.shape)])])
    values = values.reshape([shape[axis] for axis in range(3) if axis != stored])
    left = [axis for axis in range(3) if axis != stored]
    if orientation[left[0]][0] != across_rows:
        values = values.T
        left.reverse()
    for axis, stored_axis in enumerate(left):
        if orientation[stored_axis][1] > 0:
            values = np.flip(values, axis)

    rising = affine @ nib.orientations.inv_ornt_aff(orientation, shape[:3])
    placed = np.zeros((4, 4))
    placed[across_rows, 0] = placed[across_columns, 1] = -1
    placed[across, 2], placed[3, 3] = 1, 1
    placed[[across_rows, across_columns, across], 3] = height - 1, width - 1, at
    geometry = Geometry(rising @ placed, "".join(nib.aff2axcodes(affine)))
    return _image(values, path, geometry, chosen, (number, count), shape)


def _usual_plane(extent: list[int]) -> Plane:
    """The first plane whose slices have a size: a volume may be a single slice."""
    for plane in PLANES:
        sides = [side for axis, side in enumerate(extent) if axis != _AXIS[plane]]
        if min(sides) >= SMALLEST_SIDE:
            return plane
    return "axial"


def _image(
    values: npt.NDArray[Any],
    path: Path,
    geometry: Geometry,
    plane: Plane,
    place: tuple[int, int],
    shape: tuple[int, ...],
) -> Image:
    notes = [f"The {plane} slice {place[0]} of {place[1]} is read."] if place[1] > 1 else []
    if (volumes := int(np.prod(shape[3:], dtype=object))) > 1:
        notes.append(f"It holds {volumes} volumes: the first is read.")
    if values.dtype.names is not None:  # colours
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    else:
        values = values[:, :, np.newaxis]
    if values.dtype.kind == "f" and (lacking := np.isnan(values)).any():
        values = np.where(lacking, values.dtype.type(0), values)
        notes.append("Values that are no numbers are read as 0.")
    try:
        limits = limits_of(values)
    except PdaStudioError as error:
        raise PdaStudioError(f"Cannot read {path}: {error}") from error
    notes += [note] if (note := stretched_note(geometry.spacing)) else []
    return Image(
        np.ascontiguousarray(as_values(values)),
        limits,
        tuple(notes),
        *place,
        spacing=geometry.spacing,
        geometry=geometry,
        plane=plane,
    )
