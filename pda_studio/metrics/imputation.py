"""Noisy linear imputation: pixels taken out leave no edge that a network could see.

Rong et al., A consistent and efficient evaluation strategy for attribution methods, ICML 2022,
Section 4.3: each missing pixel is a weighted mean of its eight neighbours, a sparse system of
linear equations, and a little noise.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

_NEXT, _DIAGONAL = 1 / 6, 1 / 12  # weights of neighbours
_NEIGHBOURS = [
    (rows, columns, _DIAGONAL if rows and columns else _NEXT)
    for rows in (-1, 0, 1)
    for columns in (-1, 0, 1)
    if rows or columns
]


def imputed(
    pixels: NDArray[np.floating],
    hidden: NDArray[np.bool_],
    noise: float = 0.01,
    random: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Fill hidden pixels from those around them.

    Parameters
    ----------
    pixels : (C, H, W) float
        The image.
    hidden : (H, W) bool
        Which pixels are filled; at least one must be left.
    noise : float
        Standard deviation of what is added to each, in units of the pixels.
    random : numpy.random.Generator, optional
        Where the noise comes from; without it there is none.

    Returns
    -------
    (C, H, W) float64
        The image with these pixels filled.
    """
    made = np.array(pixels, np.float64)
    where = np.argwhere(hidden)
    count = len(where)
    if not count:
        return made
    number = np.full(hidden.shape, -1)
    number[tuple(where.T)] = np.arange(count)
    known = np.zeros((count, len(made)))
    weight = np.zeros(count)
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    for rows, columns, share in _NEIGHBOURS:
        beside = where + np.array([rows, columns])
        inside = np.flatnonzero(((beside >= 0) & (beside < hidden.shape)).all(1))
        weight[inside] += share
        row, column = beside[inside].T
        missing = hidden[row, column]
        known[inside[~missing]] += share * made[:, row[~missing], column[~missing]].T
        others = number[row[missing], column[missing]]
        entries.append((inside[missing], others, np.full(len(others), -share)))
    entries.append((np.arange(count), np.arange(count), weight))
    rows_, columns_, values = (np.concatenate(some) for some in zip(*entries, strict=True))
    system = csc_matrix((values, (rows_, columns_)), shape=(count, count))
    found = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(known)
    if random is not None:
        found += noise * random.standard_normal(found.shape)
    made[:, where[:, 0], where[:, 1]] = found.T
    return made
