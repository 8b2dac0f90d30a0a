"""Who and what a DICOM file is about: read only where a user asks for it."""

import warnings
from pathlib import Path
from typing import Any

import pydicom

from pda_studio.errors import UsageError
from pda_studio.images.dicom_series import middle_of
from pda_studio.images.limits import damaged

PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName")
_ASKED = *PATIENT, *STUDY, "StudyInstanceUID"


def patient_of(path: Path) -> dict[str, str]:
    """The elements that name the patient and the study, by their keywords.

    Parameters
    ----------
    path : Path
        A DICOM file, or a folder that holds a series.

    Raises
    ------
    UsageError
        If it is another file.
    PdaStudioError
        If it is damaged.
    """
    found = middle_of(path) if path.is_dir() else (path, "")
    tags: list[Any] = [*_ASKED, "SpecificCharacterSet"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(
                found[0] if found else path, specific_tags=tags, stop_before_pixels=True
            )
        return {name: str(header.get(name) or "") for name in _ASKED if name in header}
    except (pydicom.errors.InvalidDicomError, OSError) as error:
        raise UsageError(
            f"{path} is no DICOM file that names a patient: write the map without one."
        ) from error
    except Exception:  # whose text may name the patient
        raise damaged(path) from None
