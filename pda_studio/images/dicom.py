"""DICOM by pydicom: images, frames, and files of a series as slices.

Only the elements that make an image are ever read: who the patient is stays in the file.
"""

import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import dicom_codecs
from pda_studio.images.colours import deep_in_srgb
from pda_studio.images.depth import as_values, limits_of, used_limits
from pda_studio.images.dicom_series import middle_of, slices_of
from pda_studio.images.geometry import Geometry, stretched_note
from pda_studio.images.image import DisplayLimits, Image
from pda_studio.images.limits import check_page, check_size, damaged, no_memory

_TAGS = [
    *("SOPClassUID", "SeriesInstanceUID", "InstanceNumber", "NumberOfFrames"),
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"),
    *("SpacingBetweenSlices", "SliceThickness"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("PaletteColorLookupTableUID", "ICCProfile"),
    *(
        f"{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue", "Alpha")
        for part in ("Descriptor", "Data")
    ),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
]
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable")
_PREAMBLE = 128  # bytes before the mark
_MOST_INFLATED = 1 << 30  # bytes
_AS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM counts towards the patient's left and back

logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False  # what it says of a file may name the patient


def read_dicom(file: BinaryIO, path: Path, page: int | None = None) -> Image:
    """Read an image, a frame of several, or a slice of the series that a file belongs to.

    Parameters
    ----------
    file : binary file
        At any position.
    path : Path
        Beside which the other files of its series lie.
    page : int or None
        Which frame or slice, from 1; None for the file's own slice, or its first frame.

    Raises
    ------
    PdaStudioError
        If it is damaged, holds no pixels, or nothing here reads their kind.
    UsageError
        If it has no such frame or slice.
    """
    with _told_in_a_sentence(path):
        header = header_of(file)
        frames = int(header.get("NumberOfFrames") or 1)
        if frames == 1:
            slices = slices_of(path, header)
            own = slices.index(path.absolute()) + 1
            number = own if page is None else page
            check_page(number, len(slices), path, "slice")
            if number != own:
                other = slices[number - 1]
                with other.open("rb") as neighbour, _told_in_a_sentence(other):
                    return _frame(neighbour, header_of(neighbour), other, 0, (number, len(slices)))
            return _frame(file, header, path, 0, (number, len(slices)))
        number = 1 if page is None else page
        check_page(number, frames, path, "frame")
        return _frame(file, header, path, number - 1, (number, frames))


def read_series(folder: Path, page: int | None = None) -> Image | None:
    """Read a slice of the largest series in a folder: the middle one, or that of a number.

    Returns
    -------
    Image or None
        None if the folder holds no series.

    Raises
    ------
    PdaStudioError
        If the slice is damaged.
    UsageError
        If there is no such slice.
    """
    found = middle_of(folder)
    if found is None:
        return None
    path, note = found
    with path.open("rb") as file:
        image = read_dicom(file, path, page)
    return replace(image, other_notes=(note, *image.other_notes)) if note else image


@contextmanager
def _told_in_a_sentence(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (PdaStudioError, UsageError):
        raise
    except MemoryError as error:
        raise no_memory(path) from error
    except Exception as error:  # damaged files make pydicom and its plug-ins raise almost any type
        # Its texts may hold values of the file.
        raise damaged(path) from (error if isinstance(error, OSError) else None)


def header_of(file: BinaryIO, *, pixels: bool = False) -> pydicom.Dataset:
    """The elements that make an image, with its pixels or without.

    Raises
    ------
    Exception
        Of almost any type, if it is damaged.
    """
    _check_inflated(file)
    file.seek(0)
    tags: list[Any] = [*_TAGS, *(_PIXELS if pixels else ())]
    header = pydicom.dcmread(file, force=True, specific_tags=tags, stop_before_pixels=not pixels)
    if "TransferSyntaxUID" not in header.file_meta:  # of files without a preamble
        header.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian
            if header.original_encoding[0]
            else ExplicitVRLittleEndian
        )
    return header


def _check_inflated(file: BinaryIO) -> None:
    """Refuse a packed file that takes gigabytes before pydicom unpacks it in one go.

    Raises
    ------
    ValueError
        If it does.
    """
    file.seek(_PREAMBLE)
    meta = file.read(4096)
    if DeflatedExplicitVRLittleEndian.encode() not in meta:
        return
    if meta[4:12] != b"\x02\0\0\0UL\x04\0":
        raise ValueError("its first group has no length")
    file.seek(_PREAMBLE + 16 + int.from_bytes(meta[12:16], "little"))
    inflating, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    data = file.read(1 << 20)
    while data:
        size += len(inflating.decompress(data, 1 << 24))
        if size > _MOST_INFLATED:
            raise ValueError("larger than any image")
        data = inflating.unconsumed_tail or (b"" if inflating.eof else file.read(1 << 20))


def _frame(
    file: BinaryIO, header: pydicom.Dataset, path: Path, index: int, place: tuple[int, int]
) -> Image:
    """One frame, of which the header is known."""
    if "Rows" not in header or "Columns" not in header:
        kind = UID(
            header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID") or ""
        )
        raise PdaStudioError(
            f"Cannot read {path}: it is DICOM without an image ({kind.name or 'of no known kind'});"
            " choose a file with pixels."
        )
    check_size(int(header.Columns), int(header.Rows), f"Cannot read {path}: the image")
    values = _decoded(file, header, path, index)
    colours = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
    notes: list[str] = []
    if place[1] > 1:
        what = "Frame" if int(header.get("NumberOfFrames") or 1) > 1 else "Slice"
        notes.append(f"{what} {place[0]} of {place[1]} is read.")
    if colours == "PALETTE COLOR":
        values = apply_color_lut(values, header)
    if values.ndim == 3:
        made = _coloured(values[:, :, :3], header)
    else:
        made = _grey(values, header, path, index, inverted=colours == "MONOCHROME1")
    spacing, geometry = _spacing(header, index), _geometry(header, index)
    notes += [*made.other_notes, *([note] if (note := stretched_note(spacing)) else [])]
    limits, (page, pages) = made.limits, place
    return Image(made.values, limits, tuple(notes), page, pages, spacing, geometry)


def _decoded(file: BinaryIO, header: pydicom.Dataset, path: Path, index: int) -> npt.NDArray[Any]:
    """The stored values of a frame, (H, W) or (H, W, C), and these in RGB."""
    syntax = header.file_meta.TransferSyntaxUID
    dicom_codecs.register()
    try:
        readable = get_decoder(syntax).is_available
    except NotImplementedError:
        readable = False
    if not readable:
        raise PdaStudioError(
            f"Cannot read {path}: its pixels are packed as {syntax.name}, which nothing installed"
            " here reads; run pip install pda-studio[medical], or save it unpacked."
        )
    plain = not (syntax.is_encapsulated or syntax.is_deflated)
    file.seek(_PREAMBLE)
    if plain and file.read(4) == b"DICM":
        file.seek(0)
        return pixel_array(file, index=index)  # reads no other frame
    whole = header_of(file, pixels=True)
    if syntax.is_encapsulated:
        dicom_codecs.check_size(whole, index)
    return pixel_array(whole, index=index)


def _coloured(values: npt.NDArray[Any], header: pydicom.Dataset) -> Image:
    """Colours (H, W, 3), by the profile of the file in sRGB."""
    if values.dtype.itemsize > 2:  # as some write 8 or 16 bits
        values = values.astype(np.float32)
    values = as_values(np.ascontiguousarray(values))
    bits = 16 if "RedPaletteColorLookupTableDescriptor" in header else header.get("BitsStored", 8)
    limits = DisplayLimits(0, 2 ** (8 if values.dtype == np.uint8 else int(bits)) - 1)
    converted, note = deep_in_srgb(values, header.get("ICCProfile"), limits)
    return Image(converted, limits, (note,) if note else ())


def _grey(
    values: npt.NDArray[Any], header: pydicom.Dataset, path: Path, index: int, *, inverted: bool
) -> Image:
    """Grey (H, W) in the units of the modality, shown through the window that the file names."""
    stored = values
    values = apply_modality_lut(values, _group(header, index, "PixelValueTransformationSequence"))
    voi = _group(header, index, "FrameVOILUTSequence")
    shown, notes = _window(voi), []
    if shown is None and voi.get("VOILUTSequence"):
        values = apply_voi_lut(values, voi, prefer_lut=True)
        shown = 0.0, 2.0 ** int(voi.VOILUTSequence[0].LUTDescriptor[2]) - 1
        notes.append("Its VOI LUT is applied.")
    values = values[:, :, np.newaxis]
    if shown is not None:
        limits = limits_of(values, shown=shown[::-1] if inverted else shown)
    else:
        limits = _usual(values, stored, header, path)
        limits = limits.inverted if inverted else limits
    return Image(as_values(np.ascontiguousarray(values)), limits, tuple(notes))


def _usual(
    values: npt.NDArray[Any], stored: npt.NDArray[Any], header: pydicom.Dataset, path: Path
) -> DisplayLimits:
    """Limits that suit the values, where the file names none."""
    padding = header.get("PixelPaddingValue")
    if isinstance(padding, int) and (inside := stored != padding).any():
        inside = inside[:, :, np.newaxis]  # beyond the edge of the image
        values = np.where(inside, values, values.min(where=inside, initial=values.max()))
    if values.dtype.kind == "u":
        limits = DisplayLimits(0, 2 ** int(header.get("BitsStored", 8)) - 1)
        return limits if values.dtype == np.uint8 else used_limits(values, limits)
    try:
        return limits_of(values)
    except PdaStudioError as error:
        raise PdaStudioError(f"Cannot read {path}: {error}") from error


def _window(voi: pydicom.Dataset) -> tuple[float, float] | None:
    """Which values are black and white, as the standard has it (PS3.3 C.11.2.1.2)."""
    centre, width = (_first(voi.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width <= 0:
        return None
    if voi.get("VOILUTFunction", "LINEAR") == "LINEAR" and width > 1:
        centre, width = centre - 0.5, width - 1
    return centre - width / 2, centre + width / 2


def _first(value: Any) -> float | None:
    """The first of several numbers; None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, list | tuple | pydicom.multival.MultiValue):
        return _first(value[0]) if len(value) else None
    return float(value)


def _group(header: pydicom.Dataset, index: int, name: str) -> pydicom.Dataset:
    """What a frame says of a subject: in its own group, in that of all frames, or in the header."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        sequence = header.get(groups) or []
        at = index if groups.startswith("Per") else 0
        if at < len(sequence) and sequence[at].get(name):
            found: pydicom.Dataset = sequence[at].get(name)[0]
            return found
    return header


def _spacing(header: pydicom.Dataset, index: int) -> tuple[float, float] | None:
    measures = _group(header, index, "PixelMeasuresSequence")
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = measures.get(name)
        if found and len(found) == 2 and min(map(float, found)) > 0:
            return float(found[0]), float(found[1])
    return None


def _geometry(header: pydicom.Dataset, index: int) -> Geometry | None:
    """Where the pixels lie, where the file says so."""
    cosines = _group(header, index, "PlaneOrientationSequence").get("ImageOrientationPatient")
    position = _group(header, index, "PlanePositionSequence").get("ImagePositionPatient")
    spacing = _spacing(header, index)
    if not cosines or not position or spacing is None or (len(cosines), len(position)) != (6, 3):
        return None
    along_row, along_column = np.array(cosines, float)[:3], np.array(cosines, float)[3:]
    measures = _group(header, index, "PixelMeasuresSequence")
    steps = (_first(measures.get(name)) for name in ("SpacingBetweenSlices", "SliceThickness"))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = along_column * spacing[0], along_row * spacing[1]
    affine[:3, 2] = np.cross(along_row, along_column) * next((s for s in steps if s), 1.0)
    affine[:3, 3] = np.array(position, float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-12:
        return None
    return Geometry(_AS_RAS @ affine)
