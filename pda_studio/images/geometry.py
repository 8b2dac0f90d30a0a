"""Where a slice lies in space, and the three planes that a volume is cut into."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Plane = Literal["axial", "coronal", "sagittal"]
"""Of the slices of a volume, as they are seen in radiology: the patient's right is on the left of
the image, the head above, and in axial slices the face."""
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the pixels of a slice lie in space.

    Attributes
    ----------
    affine : (4, 4) float64
        Maps (row, column, 0, 1), which is the middle of a pixel, to millimetres towards the
        patient's right-to-left, back-to-front and feet-to-head (RAS+, as in NIfTI); its third
        column is the step from one slice to the next.
    axes : str
        How the file's own axes run, such as "LAS"; "" where they are those of the slice.
    """

    affine: NDArray[np.float64]
    axes: str = ""

    @property
    def spacing(self) -> tuple[float, float]:
        """Millimetres from row to row, and from column to column."""
        lengths = np.linalg.norm(self.affine[:3, :2], axis=0)
        return float(lengths[0]), float(lengths[1])


def stretched_note(spacing: tuple[float, float] | None) -> str:
    """What a user should know of pixels that are not square; "" for nothing."""
    if spacing is None or abs(spacing[0] / spacing[1] - 1) < 0.01:
        return ""
    return (
        f"Its pixels are {spacing[0]:.3g} mm high and {spacing[1]:.3g} mm wide: shown as squares."
    )
