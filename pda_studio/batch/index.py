"""The index of a folder of results: all rows as one table, `index.parquet`, and a contact sheet."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pda_studio.batch.results import COLUMNS, ResultFolder, rows_in
from pda_studio.batch.sheet import write_sheet
from pda_studio.files import written_whole

_GROUP = 2000  # rows that are in memory at once
_MOST_OPEN = 128  # files
_NUMBERS = (
    "probability",
    "seconds",
    "largest",
    "smallest",
    "total",
    "mean_absolute",
    "standard_error",
    "approximation_error",
    "finished",
)
_WHOLE = ("size", "modified", "target_index", "row", "column")
_LISTS = {"top_classes": pa.list_(pa.string()), "top_probabilities": pa.list_(pa.float64())}
_TYPES = {
    **dict.fromkeys(_NUMBERS, pa.float64()),
    **dict.fromkeys(_WHOLE, pa.int64()),
    **_LISTS,
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])
"""Columns of the index; `parameters` is a JSON text."""


def write_index(results: ResultFolder) -> int:
    """Write the index and the contact sheet anew from all rows; returns how many there are.

    Several processes may do so at once: one waits for the other, and what comes later is no older.

    Raises
    ------
    PdaStudioError
        If they cannot be written.
    """
    count = 0
    with (
        results.claims.alone(),
        written_whole(results.index) as file,
        pq.ParquetWriter(file, SCHEMA, compression="zstd") as table,
    ):

        def tabled() -> Iterator[dict[str, Any]]:
            """Pass rows on, once they are in the table."""
            nonlocal count
            rows = sorted_rows(results)
            while group := list(islice(rows, _GROUP)):
                table.write_table(pa.Table.from_pylist([_plain(row) for row in group], SCHEMA))
                count += len(group)
                yield from group

        write_sheet(tabled(), results.sheet, results.folder.name)
    return count


def sorted_rows(results: ResultFolder) -> Iterator[dict[str, Any]]:
    """The last row of each job, by image and setting; their places alone are in memory."""
    last: dict[str, tuple[float, str, str, Path, int]] = {}
    for path in results.row_files():
        for place, row in rows_in(path):
            try:
                job, finished = str(row["job"]), float(row["finished"])
                image, setting = str(row["image"]), str(row["setting"])
            except (KeyError, TypeError, ValueError):
                continue
            if job not in last or last[job][0] <= finished:
                last[job] = finished, image, setting, path, place
    wanted = sorted(last.values(), key=lambda one: one[1:3])
    opened: dict[Path, BinaryIO] = {}
    try:
        for _, _, _, path, place in wanted:
            if path not in opened:
                if len(opened) >= _MOST_OPEN:
                    opened.pop(next(iter(opened))).close()
                opened[path] = path.open("rb")
            opened[path].seek(place)
            found: dict[str, Any] = json.loads(opened[path].readline())
            yield found
    finally:
        for file in opened.values():
            file.close()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the values that the table's columns take; signs that are no text are replaced."""
    made: dict[str, Any] = {}
    for name in COLUMNS:
        value = row.get(name)
        if name == "parameters":
            value = json.dumps(value, sort_keys=True)
        elif name in _LISTS:
            value = [_text(one) if isinstance(one, str) else float(one) for one in value or ()]
        elif name in _NUMBERS:
            value = None if value is None else float(value)
        elif name in _WHOLE:
            value = None if value is None else int(value)
        else:
            value = _text(str(value or ""))
        made[name] = value
    return made


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
