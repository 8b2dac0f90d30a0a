"""Where a map lies in the image that was opened, and in space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pda_studio.metrics.agreement import turned_back

if TYPE_CHECKING:
    from pda_studio.classifiers.preprocessing import Preprocessing
    from pda_studio.images import Image
    from pda_studio.images.geometry import Geometry

_MOST_SAMPLES = 8  # of a pixel's row or column: beyond that a mean hardly changes
_MOST_POINTS = 1 << 20  # at once


@dataclass(frozen=True, eq=False)
class Placed:
    """The place of a map's pixels; nothing else of the image.

    Attributes
    ----------
    height, width : int
        Of the opened image, in pixels.
    matrix : (3, 3) float64
        Where points (x, y, 1) of the opened image lie in the map, in pixels from the upper left
        corner, so that a pixel's middle lies at a half.
    spacing : (float, float) or None
        Millimetres from row to row and column to column of the image.
    geometry : Geometry or None
        Where its pixels lie in space.
    """

    height: int
    width: int
    matrix: NDArray[np.float64]
    spacing: tuple[float, float] | None = None
    geometry: Geometry | None = None

    @classmethod
    def of(cls, image: Image, preprocessing: Preprocessing) -> Self:
        """The place of a map of an image that was not rotated, flipped or cropped."""
        return cls.through(preprocessing.frame(image.width, image.height).matrix, image)

    @classmethod
    def through(cls, matrix: NDArray[np.float64], image: Image) -> Self:
        """The place of a map into which this matrix puts the points of the opened image."""
        return cls(image.height, image.width, matrix, image.spacing, image.geometry)

    @property
    def map_spacing(self) -> tuple[float, float] | None:
        """Millimetres from row to row and column to column of the map."""
        if self.spacing is None:
            return None
        columns = np.linalg.inv(self.matrix)[:2, :2] * np.array(self.spacing[::-1])[:, None]
        across, down = np.linalg.norm(columns, axis=0)
        return float(down), float(across)

    def on_image(self, evidence: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map (h, w) on the pixels of the image, (height, width); 0 where it does not reach.

        Where the map is finer than the image, a pixel gets the mean of what lies in it.
        """
        across, down = np.linalg.norm(self.matrix[:2, :2], axis=0)
        finer = [int(np.clip(np.ceil(scale - 1e-6), 1, _MOST_SAMPLES)) for scale in (across, down)]
        to_pixels = np.diag([1 / finer[0], 1 / finer[1], 1.0])
        result = np.empty((self.height, self.width), np.float32)
        rows = max(1, _MOST_POINTS // (self.width * finer[0] * finer[1]))
        for top in range(0, self.height, rows):
            part = result[top : top + rows]
            shift = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
            shape = len(part) * finer[1], self.width * finer[0]
            found = turned_back(evidence, self.matrix @ shift @ to_pixels, shape)
            blocks = np.nan_to_num(found).reshape(len(part), finer[1], self.width, finer[0])
            part[:] = blocks.mean(axis=(1, 3))
        return result
