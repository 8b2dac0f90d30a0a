"""What studies tell of how alike maps are: columns, cells, and means over images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pda_studio.studies.base import Cell, Column
from pda_studio.studies.over_images import known, mean_with_interval

if TYPE_CHECKING:
    from pda_studio.metrics.similarity import Similarity

COLUMNS = (
    Column("method", "method"),
    Column("images", "images", "count"),
    Column("spearman", "Spearman’s ρ", "correlation"),
    Column("low", "95 % from", "correlation"),
    Column("high", "to", "correlation"),
    Column("absolute", "ρ of size", "correlation"),
    Column("ssim", "SSIM", "correlation"),
    Column("hog", "HOG", "correlation"),
)


def cells_of_methods(
    methods: Sequence[str], each: Sequence[Sequence[Similarity]]
) -> list[list[Cell]]:
    """What the `COLUMNS` hold of each method; nothing where there is no image.

    Parameters
    ----------
    methods : sequence of str
        Their names.
    each : sequence of sequence of Similarity
        Of each image, of each method.
    """
    if not each:
        return []
    columns = [means_of_methods(each, name) for name in ("spearman", "absolute", "ssim", "hog")]
    return [
        [
            method,
            known([one[place].spearman for one in each]),
            *columns[0][place],
            *(column[place][0] for column in columns[1:]),
        ]
        for place, method in enumerate(methods)
    ]


def means_of_methods(each: Sequence[Sequence[object]], name: str) -> list[tuple[Cell, Cell, Cell]]:
    """Mean and interval over images of one correlation, of each method.

    Parameters
    ----------
    each : sequence of sequence
        Of each image, of each method, what holds correlations by name, as a `Similarity` does.
    name : str
        Which of them.
    """
    return [
        mean_with_interval([getattr(one, name) for one in of]) for of in zip(*each, strict=True)
    ]
