"""Results that somebody chose, as a CSV table and as a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from pda_studio.batch.table import ResultTable
from pda_studio.errors import UsageError
from pda_studio.figures import Composition, save_composition
from pda_studio.figures.grid import Column, Grid
from pda_studio.figures.grid import Row as GridRow
from pda_studio.files import written_whole
from pda_studio.rendering import Appearance
from pda_studio.results import EvidenceMap, Result
from pda_studio.store import load_map

MOST_MAPS = 120
"""In a figure of a page: more cannot be told from one another."""

_COLUMNS = (
    "image", "path", "label", "predicted", "confidence", "correct", "target", "probability",
    "method", "parameters", "classifier", "weights", "seconds", "unit", "largest", "smallest",
    "total", "mean_absolute", "standard_error", "approximation_error", "agreement", "overlap",
    "map", "error", "marked",
    "note",
)  # fmt: skip


def save_csv(table: ResultTable, rows: Sequence[int], path: Path) -> None:
    """Write rows as comma-separated values, whole or not at all.

    Parameters
    ----------
    table : ResultTable
        Whose rows they are.
    rows : sequence of int
        Which, in this order.
    path : Path
        Where.

    Raises
    ------
    UsageError
        If there are no rows.
    PdaStudioError
        If the file cannot be written.
    """
    _check(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for at in rows:
        known = table.row(at)
        writer.writerow([_cell(known[name]) for name in _COLUMNS])
    with written_whole(path) as file:
        file.write(text.getvalue().encode("utf-8", "replace"))


def figure_of(table: ResultTable, rows: Sequence[int], appearance: Appearance) -> Grid:
    """The maps of rows as a figure's grid: a row for each image, a column for each setting.

    Raises
    ------
    UsageError
        If there are no maps, or too many for a figure.
    PdaStudioError
        If a map cannot be read.
    """
    _check(rows)
    files = [(at, table.file(at, "map")) for at in rows]
    there = [(at, file) for at, file in files if file is not None]
    if not there:
        raise UsageError("None of these results has a map: mark some that have.")
    if len(there) > MOST_MAPS:
        raise UsageError(
            f"A figure shows {MOST_MAPS} maps at most, and {len(there)} are marked: mark fewer."
        )
    images, settings = table.column("image"), table.column("setting")
    maps: dict[str, dict[str, Result]] = {}
    for at, file in there:
        maps.setdefault(images[at], {})[settings[at]] = load_map(file)
    keys = {name: key for key, name in enumerate(dict.fromkeys(settings[at] for at, _ in there))}
    columns = []
    for name, key in keys.items():
        shown = [of_image[name] for of_image in maps.values() if name in of_image]
        style = "overlay" if all(isinstance(one, EvidenceMap) for one in shown) else "map"
        columns.append(Column(key, shown[0].title, style))
    made = tuple(
        GridRow(
            key,
            Path(image).name,
            next(iter(of_image.values())).view,
            {keys[name]: one for name, one in of_image.items()},
        )
        for key, (image, of_image) in enumerate(maps.items())
    )
    return Grid(table.folder.name, made, tuple(columns), appearance, partial=True)


def save_figure(
    table: ResultTable, rows: Sequence[int], path: Path, appearance: Appearance | None = None
) -> str:
    """Draw the maps of rows as a figure, and write it, whole or not at all.

    Returns
    -------
    str
        What was done to fit it to the page; "" if nothing.

    Raises
    ------
    UsageError
        If there are no maps, or too many for a figure, or the file's name ends otherwise.
    PdaStudioError
        If a map cannot be read, or the file not written.
    """
    grid = figure_of(table, rows, appearance or Appearance())
    return save_composition(grid, Composition(), path)


def _check(rows: Sequence[int]) -> None:
    if not rows:
        raise UsageError("No result is marked: mark some first.")


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else value
