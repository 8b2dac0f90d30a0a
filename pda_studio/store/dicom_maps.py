"""Maps as DICOM secondary capture: the map over the grey model input, in colours."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from pda_studio import __version__
from pda_studio.images.dicom_patient import PATIENT, STUDY, patient_of
from pda_studio.rendering import Appearance, overlay
from pda_studio.results import Result, map_in
from pda_studio.store.placed import Placed

_SIDE = 512  # pixels that the shorter side has at least, where a whole factor makes it so


def encoded(result: Result, placed: Placed | None, source: Path | None) -> bytes:
    """An image of a study of its own, whose patient has no name, where none is given.

    Parameters
    ----------
    result : EvidenceMap
        The map.
    placed : Placed, optional
        Where it lies in the image that was opened: this tells the spacing of its pixels.
    source : Path, optional
        The DICOM file whose patient and study it names.

    Raises
    ------
    UsageError
        If it is a made image, or the source is no DICOM file.
    """
    evidence_map = map_in(result)
    patient = {} if source is None else patient_of(source)
    pixels = overlay(evidence_map, Appearance(), evidence_map.limit)
    factor = -(-_SIDE // min(pixels.shape[:2]))
    pixels = pixels.repeat(factor, 0).repeat(factor, 1)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = pydicom.Dataset()
    made.file_meta = meta
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = meta.MediaStorageSOPClassUID
    made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    for name in (*PATIENT, *STUDY):
        setattr(made, name, patient.get(name, ""))
    if patient.get("StudyInstanceUID"):
        made.StudyInstanceUID = patient["StudyInstanceUID"]
    made.SeriesNumber, made.InstanceNumber = None, 1
    made.Modality, made.ConversionType = "OT", "WSD"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BurnedInAnnotation = "NO"
    made.Manufacturer = "PDA Studio"
    made.SoftwareVersions = __version__
    now = datetime.datetime.now()
    made.ContentDate, made.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.SeriesDescription = _plain(f"Attribution map: {result.title}", 64)
    made.DerivationDescription = _plain(
        f"{result.title} for {result.target_name} by {result.classifier}; red speaks for it, blue"
        f" against it, up to {evidence_map.limit:.4g} {result.unit}",
        1024,
    )
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation = 3, "RGB"
    made.PlanarConfiguration, made.PixelRepresentation = 0, 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    if placed is not None and placed.map_spacing is not None:
        made.PixelSpacing = [float(f"{side / factor:.8g}") for side in placed.map_spacing]
    made.PixelData = np.ascontiguousarray(pixels).tobytes()
    file = io.BytesIO()
    pydicom.dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


def _plain(text: str, most: int) -> str:
    """A text that an element may hold: no backslash, which would part it in two, and not long."""
    return text.replace("\\", "/")[:most]
