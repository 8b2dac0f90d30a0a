"""Where the values of a layer lie in the image: rows and columns of maps, or of tokens."""

from dataclasses import dataclass
from math import isqrt

import torch

_MOST_PREFIXES = 16  # tokens before the patches': of the class, of distillation, registers


@dataclass(frozen=True)
class Places:
    """How a layer's result for one image becomes maps.

    Attributes
    ----------
    rows, columns : int
        Of the maps.
    channels_last : bool
        Whether channels come last, as those of tokens do.
    prefix : int or None
        Of tokens in one row: how many come before those of the patches.
    """

    rows: int
    columns: int
    channels_last: bool = False
    prefix: int | None = None

    def maps(self, values: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, rows, columns) of a layer's result; tokens of no place are left out."""
        if self.prefix is not None:
            patches = values[:, self.prefix :]
            values = patches.reshape(len(values), self.rows, self.columns, -1)
        return values.movedim(-1, 1) if self.channels_last else values


def places_of(shape: tuple[int, ...], side: int | None = None) -> Places | None:
    """Find where the values of a layer lie, whose result for one image has this shape.

    Input and maps are square; where the two equal sides come first, channels come last.

    Parameters
    ----------
    shape : tuple of int
        Without the batch.
    side : int, optional
        Rows of the last maps before it: tokens are most likely their places.

    Returns
    -------
    Places or None
        None if it has no rows and columns.
    """
    if len(shape) == 3:
        if shape[1] == shape[2] > 1:
            return Places(shape[1], shape[2])
        if shape[0] == shape[1] > 1:
            return Places(shape[0], shape[1], channels_last=True)
    if len(shape) != 2:
        return None
    for rows in (side or 0, isqrt(shape[0]), isqrt(shape[0] - 1)):
        prefix = shape[0] - rows * rows
        if rows > 1 and 0 <= prefix <= (_MOST_PREFIXES if rows == side else 1):
            return Places(rows, rows, channels_last=True, prefix=prefix)
    return None
