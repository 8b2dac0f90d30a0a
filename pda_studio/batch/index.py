"""The index of a folder of results: all rows as one table, `index.parquet`, and a contact sheet."""

import hashlib
import json
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pda_studio.batch.results import COLUMNS, ResultFolder, rows_in
from pda_studio.batch.sheet import page, write_sheet
from pda_studio.files import written_whole

_GROUP = 2000  # rows that are in memory at once
_MOST_OPEN = 128  # files
_SETTINGS = 1 << 20  # more than a plan has
_STATE = b"rows"  # in the metadata of the index
_NUMBERS = (
    "probability",
    "seconds",
    "largest",
    "smallest",
    "total",
    "mean_absolute",
    "standard_error",
    "approximation_error",
    "agreement",
    "overlap",
    "finished",
)
_JSON = ("parameters", "compared")
_WHOLE = ("size", "modified", "target_index", "row", "column")
_LISTS = {"top_classes": pa.list_(pa.string()), "top_probabilities": pa.list_(pa.float64())}
_TYPES = {
    **dict.fromkeys(_NUMBERS, pa.float64()),
    **dict.fromkeys(_WHOLE, pa.int64()),
    **_LISTS,
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])
"""Columns of the index; `parameters` and `compared` are JSON texts."""


def write_index(results: ResultFolder) -> int:
    """Write the index and the contact sheet from all rows; returns how many there are.

    Several processes may do so at once: one waits for the other, and where no row has come since,
    nothing is written. So the parts of a batch that end together wait for one index, not for many.

    Raises
    ------
    PdaStudioError
        If they cannot be written.
    """
    with results.claims.alone():
        state = _state(results)
        count = _listed(results, state)
        return _written(results, state) if count is None else count


def _written(results: ResultFolder, state: bytes) -> int:
    """Write index and sheet; returns how many rows there are."""
    count = 0
    schema = SCHEMA.with_metadata({_STATE: state})
    with (
        written_whole(results.index) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as table,
    ):

        def tabled() -> Iterator[dict[str, Any]]:
            """Pass rows on, once they are in the table."""
            nonlocal count
            rows = sorted_rows(results)
            while group := list(islice(rows, _GROUP)):
                table.write_table(pa.Table.from_pylist([plain_row(row) for row in group], schema))
                count += len(group)
                yield from group

        write_sheet(tabled(), results.sheet, results.folder.name)
    return count


def sorted_rows(results: ResultFolder) -> Iterator[dict[str, Any]]:
    """The last row of each job, by image and setting, with how far an image's maps agree.

    Their places alone are in memory, and the rows of one image.
    """
    for _, of_image in groupby(_last_rows(results), key=itemgetter("image")):
        yield from with_agreement(list(of_image))


def _last_rows(results: ResultFolder) -> Iterator[dict[str, Any]]:
    """The last row of each job, by image and setting."""
    paths = results.row_files()
    images: dict[str, int] = {}
    settings: dict[str, int] = {}
    last: dict[int, int] = {}
    finished, files, places = array("d"), array("L"), array("Q")
    for number, path in enumerate(paths):
        for place, row in rows_in(path):
            try:
                image, setting, when = str(row["image"]), str(row["setting"]), row["finished"]
                when = float(when)
            except (KeyError, TypeError, ValueError):
                continue
            job = images.setdefault(image, len(images)) * _SETTINGS
            job += settings.setdefault(setting, len(settings))
            at = last.setdefault(job, len(finished))
            if at == len(finished):
                finished.append(when)
                files.append(number)
                places.append(place)
            elif finished[at] <= when:
                finished[at], files[at], places[at] = when, number, place
    by_image, by_setting = _ranks(images), _ranks(settings)
    wanted = sorted(
        last, key=lambda job: by_image[job // _SETTINGS] * _SETTINGS + by_setting[job % _SETTINGS]
    )
    opened: dict[int, BinaryIO] = {}
    try:
        for job in wanted:
            number = files[last[job]]
            if number not in opened:
                if len(opened) >= _MOST_OPEN:
                    opened.pop(next(iter(opened))).close()
                opened[number] = paths[number].open("rb")
            opened[number].seek(places[last[job]])
            found: dict[str, Any] = json.loads(opened[number].readline())
            yield found
    finally:
        for file in opened.values():
            file.close()


def with_agreement(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The rows of an image, each with the mean agreement of its map with the others.

    Parameters
    ----------
    rows : sequence of dict
        The last row of each setting.
    """
    there = {str(row["setting"]) for row in rows if row.get("map")}
    pairs: dict[tuple[str, str], tuple[float, Any]] = {}
    for row in rows:
        name, compared, when = str(row["setting"]), row.get("compared"), float(row["finished"])
        for other, values in compared.items() if isinstance(compared, Mapping) else ():
            key = (name, other) if name < other else (other, name)
            if not isinstance(values, list) or len(values) != 2:
                continue
            if there.issuperset(key) and (key not in pairs or pairs[key][0] < when):
                pairs[key] = when, values
    found: dict[str, list[Any]] = defaultdict(list)
    for (one, other), (_, values) in pairs.items():
        found[one].append(values)
        found[other].append(values)
    for row in rows:
        about = found.get(str(row["setting"]), ())
        row["agreement"] = _mean([values[0] for values in about])
        row["overlap"] = _mean([values[1] for values in about])
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    known = [float(one) for one in values if one is not None]
    return sum(known) / len(known) if known else None


def _ranks(numbered: dict[str, int]) -> "array[int]":
    """For each number, the place of its name in the order of names."""
    ranks = array("L", bytes(len(numbered) * array("L").itemsize))
    for rank, name in enumerate(sorted(numbered)):
        ranks[numbered[name]] = rank
    return ranks


def _listed(results: ResultFolder, state: bytes) -> int | None:
    """How many rows the index and the sheet hold, if they are those of a state of the folder."""
    if not results.sheet.is_file():
        return None
    try:
        about = pq.read_metadata(results.index)
    except (OSError, pa.ArrowException):
        return None
    return about.num_rows if (about.metadata or {}).get(_STATE) == state else None


def _state(results: ResultFolder) -> bytes:
    """What index and sheet depend on, in short: rows are only ever appended."""
    sizes = [[path.name, path.stat().st_size] for path in results.row_files()]
    about = json.dumps([sizes, COLUMNS, results.folder.name, page()])
    return hashlib.sha256(about.encode("utf-8", "replace")).hexdigest().encode()


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the values that the table's columns take; signs that are no text are replaced."""
    made: dict[str, Any] = {}
    for name in COLUMNS:
        value = row.get(name)
        if name in _JSON:
            value = json.dumps(value or {}, sort_keys=True)
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
