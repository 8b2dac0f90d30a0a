"""Maps as NIfTI: evidence on the pixels of the image, in its place in space."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from pda_studio.results import Result, map_in
from pda_studio.store.placed import Placed


def encoded(result: Result, placed: Placed | None, source: Path | None) -> bytes:
    """A volume of one slice, float32, with the axes and the affine of the image.

    Without a place it has the pixels of the model input, one millimetre each. Of the image itself
    and of its header there is nothing in it, and the format has no place for a patient.

    Raises
    ------
    UsageError
        If it is a made image.
    """
    evidence = map_in(result).evidence
    values = evidence if placed is None else placed.on_image(evidence)
    height, width = (placed.spacing if placed else None) or (1.0, 1.0)
    affine = np.diag([0.0, 0.0, 1.0, 1.0])
    affine[1, 0], affine[0, 1] = -height, -width
    geometry = placed.geometry if placed else None
    if geometry is not None:
        affine = geometry.affine
    volume = nib.Nifti1Image(values[:, :, np.newaxis].astype(np.float32), affine)
    if geometry is not None and geometry.axes:
        order = ornt_transform(io_orientation(affine), axcodes2ornt(tuple(geometry.axes)))
        volume = volume.as_reoriented(order)
    volume.header.set_xyzt_units("mm")
    volume.header["descrip"] = f"Attribution map, {result.unit}"[:79].encode("ascii", "replace")
    data: bytes = volume.to_bytes()
    return data
