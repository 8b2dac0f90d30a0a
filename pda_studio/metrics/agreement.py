"""Whether two maps of one image agree, also when the image was turned, flipped or cropped.

Zhou & Kainz, Figs. 17 and 18: evidence should move with the image. Here with numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from pda_studio.errors import UsageError

_STRONGEST = 0.05
_FEWEST = 20  # shared pixels, below which five in a hundred are none


def turned_back(
    values: NDArray[np.floating], matrix: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Show a variant's map in the frame of the original.

    Parameters
    ----------
    values : (H, W) float
        The variant's map.
    matrix : (3, 3) float64
        Where points (x, y, 1) of the original's input lie in the variant's, in pixels from the
        upper left corner, so that a pixel's middle lies at a half.
    shape : tuple of int
        Rows and columns of the original's input.

    Returns
    -------
    (rows, columns) float32
        Interpolated linearly; NaN where the variant does not show that place.
    """
    rows, columns = np.indices(shape) + 0.5
    points = matrix @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    x, y = points[0] / points[2], points[1] / points[2]
    height, width = values.shape
    slack = 1e-6  # of a pixel: turning by right angles must not lose the border to rounding
    inside = (x > -slack) & (y > -slack) & (x < width + slack) & (y < height + slack)
    found = map_coordinates(values.astype(np.float64), [y - 0.5, x - 0.5], order=1, mode="nearest")
    return np.where(inside, found, np.nan).reshape(shape).astype(np.float32)


@dataclass(frozen=True)
class Agreement:
    """How far two maps agree where both show the image.

    Attributes
    ----------
    correlation : float
        Pearson's, over the shared pixels; NaN where a map is the same everywhere.
    overlap : float
        Of the strongest 5 % of the shared pixels (by absolute evidence) of either map, the share
        that both have: 1 if they are the same pixels, 0.05 by chance.
    shared : float
        Which part of the first map's pixels the other shows.
    """

    correlation: float
    overlap: float
    shared: float


@dataclass(frozen=True, eq=False)
class Ranked:
    """A map made ready to be compared with several others that show the same pixels.

    Attributes
    ----------
    values : (N,) float64
        Its evidence.
    strongest : (N,) bool
        Which pixels are the strongest 5 % by absolute evidence.
    """

    values: NDArray[np.float64]
    strongest: NDArray[np.bool_]

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Ranked":
        """Find the strongest pixels of evidence of any shape, all of it finite."""
        flat = values.ravel().astype(np.float64)
        count = max(round(_STRONGEST * flat.size), 1)
        strongest = np.zeros(flat.size, np.bool_)
        strongest[np.argsort(-np.abs(flat), kind="stable")[:count]] = True
        return cls(flat, strongest)

    def agreement(self, other: "Ranked", shared: float = 1.0) -> Agreement:
        """Compare with a map that has as many pixels."""
        one, two = self.values, other.values
        flat = one.std() == 0 or two.std() == 0
        return Agreement(
            correlation=float("nan") if flat else float(np.corrcoef(one, two)[0, 1]),
            overlap=int((self.strongest & other.strongest).sum()) / int(self.strongest.sum()),
            shared=shared,
        )


def agreement(first: NDArray[np.floating], other: NDArray[np.floating]) -> Agreement:
    """Compare two maps (H, W) of one frame; NaN marks what one of them does not show.

    Raises
    ------
    UsageError
        If they are not of one size, or share too few pixels.
    """
    if first.shape != other.shape:
        raise UsageError("Maps of different sizes cannot be compared: turn one back first.")
    both = np.isfinite(first) & np.isfinite(other)
    count = int(both.sum())
    if count < _FEWEST:
        raise UsageError("The two maps show hardly any place in common.")
    return Ranked.of(first[both]).agreement(Ranked.of(other[both]), count / first.size)
