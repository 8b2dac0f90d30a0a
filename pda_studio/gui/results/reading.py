"""Reading and ordering results in the background; imported once a folder is opened."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pda_studio.batch.filtering import matching
from pda_studio.batch.inputs import images_of
from pda_studio.batch.results import holds_results
from pda_studio.batch.table import HEADINGS, ResultTable
from pda_studio.errors import PdaStudioError

_OF_IMAGES = ("image", "label", "predicted", "confidence", "correct", "marked", "note")
"""Columns that are known of images of which nothing is computed."""

_DRAWN = (
    "job", "title", "method", "predicted", "confidence", "correct", "error", "agreement",
    "classifier",
)  # fmt: skip


class Opened(NamedTuple):
    """A table with its first order, and the columns that it can be sorted by.

    Attributes
    ----------
    table : ResultTable
        The results.
    order : (N,) int64
        Its rows by their images' names.
    columns : list of tuple of str
        Names and titles.
    """

    table: ResultTable
    order: NDArray[np.int64]
    columns: list[tuple[str, str]]


def read(folder: Path) -> Opened:
    """Results, or the images of a folder that is none of results.

    Raises
    ------
    PdaStudioError
        If there are neither.
    """
    if holds_results(folder) or not folder.is_dir():
        table = ResultTable.read(folder)
    else:
        table = ResultTable.of_images(folder, images_of([str(folder)]))
    if not len(table):
        raise PdaStudioError(f"There are no results in {folder} yet: wait for the first ones.")
    names = [one for one in HEADINGS if table.computed or one.name in _OF_IMAGES]
    for name in (*_DRAWN, "path"):
        table.column(name)  # made here, and not while the grid is drawn
    return Opened(table, table.order(), [(one.name, one.title) for one in names])


def ordered(table: ResultTable, text: str, column: str, descending: bool) -> NDArray[np.int64]:
    """The rows that a filter lets through, sorted by a column."""
    return table.order(column, descending=descending, among=matching(table, text))
