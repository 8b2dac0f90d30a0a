"""The formats that maps are written in: one declaration each."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import check_writable, written_whole

if TYPE_CHECKING:
    from pda_studio.results import Result
    from pda_studio.store.placed import Placed


@dataclass(frozen=True)
class MapFormat:
    """A format of map files.

    Attributes
    ----------
    name : str
        For people.
    suffixes : tuple of str
        What names of such files end in.
    home : str
        The module whose `encoded(result, placed, source)` makes the bytes.
    needs : str
        A module of the extra `medical` that it takes; "" for none.
    has_patient : bool
        Whether such a file has a place for the patient's and the study's data.
    """

    name: str
    suffixes: tuple[str, ...]
    home: str
    needs: str = ""
    has_patient: bool = False

    def encoded(self, result: Result, placed: Placed | None, source: Path | None) -> bytes:
        """The bytes of a file, unpacked.

        Raises
        ------
        UsageError
            If a made image is given where evidence is needed.
        """
        make: Callable[..., bytes] = import_module(self.home).encoded
        return make(result, placed, source)


MAP_FORMATS = (
    MapFormat("All numbers", (".npz",), "pda_studio.store.maps"),
    MapFormat("NIfTI", (".nii", ".nii.gz"), "pda_studio.store.nifti_maps", "nibabel"),
    MapFormat("DICOM secondary capture", (".dcm",), "pda_studio.store.dicom_maps", "pydicom", True),
)
MAP_SUFFIXES = tuple(suffix for one in MAP_FORMATS for suffix in one.suffixes)


def map_format(path: Path) -> MapFormat:
    """The format that a file's name asks for.

    Raises
    ------
    UsageError
        If it ends otherwise.
    PdaStudioError
        If the format needs an extra that is not installed.
    """
    for one in MAP_FORMATS:
        if path.name.lower().endswith(one.suffixes):
            if one.needs and find_spec(one.needs) is None:
                raise PdaStudioError(
                    f"Cannot write {path}: {one.name} needs an extra; run pip install"
                    " pda-studio[medical]."
                )
            return one
    listed = f"{', '.join(MAP_SUFFIXES[:-1])} or {MAP_SUFFIXES[-1]}"
    raise UsageError(f"The name of a map must end in {listed}, not “{path.name}”.")


def check_map(path: Path, *, patient: bool = False) -> None:
    """Refuse a name that is no map's, and one that cannot be written, or cannot name a patient.

    Raises
    ------
    UsageError
        If the name ends otherwise, or shall name a patient in a format that does not.
    PdaStudioError
        If the file cannot be written.
    """
    if not map_format(path).has_patient and patient:
        raise UsageError(
            f"{path.name} cannot name a patient: only DICOM maps do, whose name ends in .dcm."
        )
    check_writable(path)


def write_map(
    result: Result, path: Path, placed: Placed | None = None, source: Path | None = None
) -> None:
    """Write a map in the format that the file's name asks for, whole or not at all.

    Parameters
    ----------
    result : EvidenceMap or MadeImage
        The map.
    path : Path
        Where it goes.
    placed : Placed, optional
        Where the map lies in the image that was opened.
    source : Path, optional
        The DICOM file of that image, if its patient and study shall be named in the map; only
        formats with `has_patient` do.

    Raises
    ------
    UsageError
        If the name ends otherwise, a made image is to be written as evidence, or the source is no
        DICOM file.
    PdaStudioError
        If the file cannot be written.
    """
    data = map_format(path).encoded(result, placed, source)
    if path.name.lower().endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    with written_whole(path) as file:
        file.write(data)
