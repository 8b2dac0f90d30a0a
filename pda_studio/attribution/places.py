"""Where the values of a layer lie in the image: rows and columns of maps, or of tokens."""

from dataclasses import dataclass
from math import log

import torch

from pda_studio.classifiers.layers import patch_grid

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


def places_of(
    shape: tuple[int, ...],
    latest: tuple[int, int] | None = None,
    size: tuple[int, int] = (1024, 1024),
) -> Places | None:
    """Find where the values of a layer lie, whose result for one image has this shape.

    Maps have the input's aspect; where the two sides that have it come first, channels come last.

    Parameters
    ----------
    shape : tuple of int
        Without the batch.
    latest : (int, int), optional
        Rows and columns of the last maps before it: tokens are most likely their places.
    size : (int, int)
        Height and width of the input; a square if not given.

    Returns
    -------
    Places or None
        None if it has no rows and columns.
    """
    if len(shape) == 3:
        last, first = (_off(sides, size) for sides in (shape[1:], shape[:2]))
        square = size[0] == size[1]
        if max(shape[1:]) > 1 and (last == 0 if square else last <= first):
            return Places(shape[1], shape[2])
        if max(shape[:2]) > 1 and (first == 0 if square else True):
            return Places(shape[0], shape[1], channels_last=True)
    if len(shape) != 2:
        return None
    for grid in (latest, patch_grid(shape[0], size), patch_grid(shape[0] - 1, size)):
        if grid is None or max(grid) < 2:
            continue
        prefix = shape[0] - grid[0] * grid[1]
        if 0 <= prefix <= (_MOST_PREFIXES if grid == latest else 1):
            return Places(*grid, channels_last=True, prefix=prefix)
    return None


def _off(sides: tuple[int, ...], size: tuple[int, int]) -> float:
    """How far the aspect of two sides is from the input's."""
    return abs(log(max(sides[0], 1) / max(sides[1], 1)) - log(size[0] / size[1]))
