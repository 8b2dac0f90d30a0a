"""Saved work: one .pdastudio file with what was open, the images and the finished maps.

A zip archive of `state.json` (a schema version and the work), `pictures/N.png` (`.npz` of values
that have more than eight bits) and `maps/N.npz`.
Nothing in it is executed, and it is written whole or not at all.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import TypeAdapter

from pda_studio import __version__
from pda_studio.document.operations import MOST_OPERATIONS, Operation, check_operations
from pda_studio.document.saved_images import encoded, image_in, suffix_of, told_of
from pda_studio.document.state import KeptMap, State
from pda_studio.document.workspace import (
    ClassifierChoice,
    Column,
    PanelStyleName,
    Row,
    SourceImage,
    Workspace,
)
from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.methods import method_named
from pda_studio.reading import entry_of, json_of, open_archive, refused_as
from pda_studio.results import Result
from pda_studio.store.maps import MOST_BYTES, packed, read_map
from pda_studio.targets import Target, as_json, from_json

SCHEMA = 1
_MOST_TEXT = 1 << 24
_MOST_PANELS = 1000  # rows, and columns
_MOST_UNPACKED = 1 << 30  # bytes of a workspace, and of the pixels in it
_LARGEST_RATIO = 50  # of these to the file: photographs shrink to a half

_operations = TypeAdapter(tuple[Operation, ...])


@dataclass(frozen=True)
class _SavedColumn:
    """A column as it is written: its method by name, with its parameters once they are suited."""

    key: int
    method: str
    parameters: dict[str, Any] | None = None
    style: PanelStyleName = "map"  # of files that name none
    target: Target | None = None
    classifier: ClassifierChoice | None = None


_column = TypeAdapter(_SavedColumn)
_choice = TypeAdapter(ClassifierChoice | None)

_maps: WeakKeyDictionary[Result, bytes] = WeakKeyDictionary()
"""What maps look like in a file, for as long as they are open."""


def save_state(state: State, path: Path) -> None:
    """Write work into a file, whole or not at all.

    Raises
    ------
    PdaStudioError
        If the file cannot be written.
    """
    work = state.work
    images = {p.digest: p for p in (work.image, *(row.image for row in work.rows)) if p}
    names = {
        digest: f"pictures/{at}.{suffix_of(one)}" for at, (digest, one) in enumerate(images.items())
    }
    told = {
        "schema": SCHEMA,
        "made_by": f"PDA Studio {__version__}",
        "work": _told_work(work),
        "pictures": [{**told_of(image), "file": names[digest]} for digest, image in images.items()],
        "maps": [
            {
                "row": kept.row,
                "column": kept.column,
                "classifier": kept.classifier,
                "target": as_json(kept.target),
                "file": f"maps/{at}.npz",
            }
            for at, kept in enumerate(state.maps)
        ],
        "display": dict(state.display),
        "figure": dict(state.figure),
    }
    if state.file is not None or state.modified:
        told["unsaved"] = {
            "file": str(state.file) if state.file else None,
            "modified": state.modified,
        }
    with written_whole(Path(path)) as file, zipfile.ZipFile(file, "w") as archive:
        text = json.dumps(told, indent=1, default=str)
        archive.writestr("state.json", text, compress_type=zipfile.ZIP_DEFLATED)
        for digest, image in images.items():
            archive.writestr(names[digest], encoded(image))
        for at, kept in enumerate(state.maps):
            archive.writestr(f"maps/{at}.npz", _packed(kept.evidence_map))


def _packed(evidence_map: Result) -> bytes:
    if evidence_map not in _maps:
        _maps[evidence_map] = bytes(packed(evidence_map))
    return _maps[evidence_map]


def load_state(path: Path) -> State:
    """Read work that `save_state` wrote.

    A map in it that is damaged is left out with a note, as it can be computed again; anything else
    that is wrong refuses the file.

    Raises
    ------
    PdaStudioError
        If the file is missing, damaged, made by a newer program, or something else.
    """
    path = Path(path)
    if not path.is_file():
        raise PdaStudioError(f"Cannot open {path}: there is no such file; check the name.")
    damaged = (
        f"Cannot open {path}: it is damaged or no saved work of PDA Studio; choose another file."
    )
    with refused_as(damaged, path), path.open("rb") as file:
        most = max(_MOST_UNPACKED, _LARGEST_RATIO * path.stat().st_size)
        with open_archive(file, most) as archive:
            return _read(archive, path, most)


def _read(archive: zipfile.ZipFile, path: Path, most: int) -> State:
    told = json_of(entry_of(archive, "state.json", _MOST_TEXT))
    if int(told["schema"]) > SCHEMA:
        raise PdaStudioError(
            f"Cannot open {path}: a newer PDA Studio ({told.get('made_by', 'unknown')}) made it;"
            " update yours."
        )
    images: dict[str, SourceImage] = {}
    for one in told["pictures"]:
        images[one["digest"]] = image = image_in(archive, one, most)
        most -= image.image.values.nbytes
    work = _work(told["work"], images)
    maps, lost = [], 0
    for one in told["maps"]:
        try:
            with refused_as("damaged", path):
                kept = _map(archive, one, work, min(most, MOST_BYTES))
        except PdaStudioError:
            lost += 1
            continue
        if kept is not None:
            maps.append(kept)
            arrays = vars(kept.evidence_map).values()
            most -= sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    display, figure = told.get("display", {}), told.get("figure", {})
    if not isinstance(display, dict) or not isinstance(figure, dict):
        raise ValueError("settings that are none")
    unsaved = told.get("unsaved") or {}
    file, modified = unsaved.get("file"), bool(unsaved.get("modified", False))
    own = Path(file) if file else None
    return State(work, tuple(maps), display, figure, own, modified, _notes(lost))


def _map(
    archive: zipfile.ZipFile, told: Mapping[str, Any], work: Workspace, most: int
) -> KeptMap | None:
    """A map of a panel; None if there is no such panel any more, or the map has no target.

    Raises
    ------
    Exception
        Of almost any type, if it is damaged.
    """
    row, column = work.row(int(told["row"])), work.column(int(told["column"]))
    if row is None or column is None or told["target"] is None:
        return None
    name, target = str(told["file"]), from_json(told["target"])
    found = read_map(io.BytesIO(entry_of(archive, name, MOST_BYTES)), name, most)
    found = found.replace(target=target)  # version 0.1 has no contrasts there
    return KeptMap(row.key, column.key, str(told["classifier"]), target, found)


def _notes(lost: int) -> tuple[str, ...]:
    if not lost:
        return ()
    one = "A map in the workspace is damaged and was left out."
    return (one if lost == 1 else f"{lost} maps in the workspace are damaged and were left out.",)


def _told_work(work: Workspace) -> dict[str, Any]:
    return {
        "picture": work.image.digest if work.image else None,
        "classifier": _choice.dump_python(work.classifier, mode="json"),
        "target": as_json(work.target) if work.target is not None else None,
        "rows": [
            {
                "key": row.key,
                "operations": _operations.dump_python(row.operations, mode="json"),
                "picture": row.image.digest if row.image else None,
                "turned_back": row.turned_back,
            }
            for row in work.rows
        ],
        "columns": [_told_column(column) for column in work.columns],
    }


def _work(told: Mapping[str, Any], images: Mapping[str, SourceImage]) -> Workspace:
    """Make the work, if every part of it is what it must be.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or is not.
    UsageError
        If a method is unknown, a parameter out of its bounds, or an operation impossible.
    """
    if len(told["rows"]) > _MOST_PANELS or len(told["columns"]) > _MOST_PANELS:
        raise ValueError("too many rows or columns")
    if any(len(one["operations"]) > MOST_OPERATIONS for one in told["rows"]):
        raise ValueError("too many operations")
    rows = tuple(
        Row(
            key=int(one["key"]),
            operations=_operations.validate_python(one["operations"]),
            image=images[one["picture"]] if one["picture"] else None,
            turned_back=bool(one["turned_back"]),
        )
        for one in told["rows"]
    )
    columns = tuple(_column_of(_column.validate_python(one)) for one in told["columns"])
    work = Workspace(
        image=images[told["picture"]] if told["picture"] else None,
        classifier=_choice.validate_python(told["classifier"]),
        target=None if told["target"] is None else from_json(told["target"]),
        rows=rows,
        columns=columns,
    )
    keys = [row.key for row in rows], [column.key for column in columns]
    if not rows or not columns or any(len(set(k)) < len(k) or min(k) < 0 for k in keys):
        raise ValueError("rows or columns that are none")
    if rows[0].operations or rows[0].image is not None:
        raise ValueError("the first row is the opened image itself")
    for row in rows:
        image = work.image_of(row)
        if image is not None:
            check_operations(row.operations, *image.pixels.shape[1::-1])
    return work


def _told_column(column: Column) -> dict[str, Any]:
    known = column.suited and not column.method.combines
    saved = _SavedColumn(
        column.key,
        column.method.name,
        column.method.model_dump(mode="json") if known else None,
        column.style,
        column.target,
        column.classifier,
    )
    told: dict[str, Any] = _column.dump_python(saved, mode="json")
    return told


def _column_of(saved: _SavedColumn) -> Column:
    kind = method_named(saved.method)
    method = (
        kind() if saved.parameters is None or kind.combines else kind.create(**saved.parameters)
    )
    suited = kind.combines or saved.parameters is not None
    return Column(saved.key, method, saved.style, saved.target, saved.classifier, suited)
