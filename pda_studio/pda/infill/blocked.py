"""Linear algebra on large matrices in tiles, so that whoever waits can stop between two of them.

Each function works on float64 matrices in place, yields after every tile, and takes about 0.02 s
from one yield to the next. A matrix of a single tile is left to LAPACK as it is.
"""

from collections.abc import Generator, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

TILE = 512  # rows and columns of a tile


def tiles(length: int) -> list[slice]:
    """Cut a length into runs of `TILE`."""
    return [slice(start, min(start + TILE, length)) for start in range(0, length, TILE)]


def cholesky(matrix: torch.Tensor) -> Iterator[None]:
    """Put the lower Cholesky factor L of a matrix L·Lᵀ in its place; only its lower half is read.

    The upper half becomes 0.
    """
    parts = tiles(len(matrix))
    for at, part in enumerate(parts):
        corner = matrix[part, part]
        corner.copy_(torch.linalg.cholesky(corner))
        matrix[part, part.stop :] = 0
        yield
        below = parts[at + 1 :]
        for rows in below:
            tile = matrix[rows, part]
            tile.copy_(torch.linalg.solve_triangular(corner.T, tile, upper=True, left=False))
            yield
        for rows in below:
            for columns in below:
                if columns.start <= rows.start:
                    matrix[rows, columns].addmm_(
                        matrix[rows, part], matrix[columns, part].T, alpha=-1
                    )
                    yield


def solve_lower(factor: torch.Tensor, right: torch.Tensor) -> Iterator[None]:
    """Put X in the place of B (n, m), where L·X = B and L (n, n) is lower triangular."""
    parts = tiles(len(factor))
    for columns in tiles(right.shape[1]):
        for at, rows in enumerate(parts):
            tile = right[rows, columns]
            for before in parts[:at]:
                tile.addmm_(factor[rows, before], right[before, columns], alpha=-1)
                yield
            tile.copy_(torch.linalg.solve_triangular(factor[rows, rows], tile, upper=False))
            yield


def solve_transposed(factor: torch.Tensor, right: torch.Tensor) -> Iterator[None]:
    """Put X in the place of B (n, m), where Lᵀ·X = B and L (n, n) is lower triangular."""
    parts = tiles(len(factor))
    for columns in tiles(right.shape[1]):
        for at in reversed(range(len(parts))):
            rows = parts[at]
            tile = right[rows, columns]
            for after in parts[at + 1 :]:
                tile.addmm_(factor[after, rows].T, right[after, columns], alpha=-1)
                yield
            tile.copy_(torch.linalg.solve_triangular(factor[rows, rows].T, tile, upper=True))
            yield


def invert_lower(factor: torch.Tensor) -> Iterator[None]:
    """Put L⁻¹ in the place of a lower triangular L."""
    parts = tiles(len(factor))
    for at in reversed(range(len(parts))):
        columns = parts[at]
        corner = factor[columns, columns]
        eye = torch.eye(len(corner), dtype=corner.dtype)
        inverse = torch.linalg.solve_triangular(corner, eye, upper=False)
        # From the last row upwards, so that the rows above are still those of L.
        for place in reversed(range(at + 1, len(parts))):
            rows = parts[place]
            total = factor[rows, rows] @ factor[rows, columns]
            for between in parts[at + 1 : place]:
                total.addmm_(factor[rows, between], factor[between, columns])
                yield
            factor[rows, columns] = -total @ inverse
            yield
        corner.copy_(inverse)
        yield


def gram(lower: torch.Tensor) -> Iterator[None]:
    """Put LᵀL in the place of a lower triangular L, both halves."""
    parts = tiles(len(lower))
    for at, rows in enumerate(parts):
        for columns in parts[: at + 1]:
            total = lower[rows, rows].T @ lower[rows, columns]
            for below in parts[at + 1 :]:
                total.addmm_(lower[below, rows].T, lower[below, columns])
                yield
            lower[rows, columns] = total
            lower[columns, rows] = total.T
            yield


def subtract_gram(matrix: torch.Tensor, factor: torch.Tensor) -> Iterator[None]:
    """Subtract ZᵀZ from the lower half of a matrix (m, m), where Z is (n, m)."""
    parts = tiles(len(matrix))
    for at, rows in enumerate(parts):
        for columns in parts[: at + 1]:
            for inner in tiles(len(factor)):
                matrix[rows, columns].addmm_(
                    factor[inner, rows].T, factor[inner, columns], alpha=-1
                )
                yield


def in_float32(
    matrix: torch.Tensor, *, reverse: bool = False
) -> Generator[None, None, torch.Tensor]:
    """A copy of a matrix in float32; in reverse, from its last row and column to the first."""
    result = torch.empty(matrix.shape, dtype=torch.float32)
    for rows in tiles(len(matrix)):
        if reverse:
            here = matrix[len(matrix) - rows.stop : len(matrix) - rows.start].flip(0, 1)
        else:
            here = matrix[rows]
        result[rows] = here
        yield
    return result


def taken(
    matrix: torch.Tensor, rows: NDArray[np.int64], columns: NDArray[np.int64], out: torch.Tensor
) -> Iterator[None]:
    """Copy rows and columns of a matrix, a run of rows at a time."""
    across = torch.from_numpy(columns)
    for part in tiles(len(rows)):
        out[part] = matrix[torch.from_numpy(rows[part])][:, across]
        yield
