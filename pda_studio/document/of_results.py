"""A result of a batch as open work: its image, classifier, method and map, and those beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pda_studio.batch.jobs import short_name
from pda_studio.batch.plan import read_plan
from pda_studio.batch.results import FileState, ResultFolder
from pda_studio.classifiers.catalogue import is_known
from pda_studio.counts import counted
from pda_studio.document.state import KeptMap, State
from pda_studio.document.workspace import ClassifierChoice, Column, Row, SourceImage, Workspace
from pda_studio.errors import PdaStudioError
from pda_studio.images import read_image
from pda_studio.methods import method_named
from pda_studio.results import Result
from pda_studio.store import load_map
from pda_studio.targets import Target

MOST_COLUMNS = 12
"""Results of an image that are shown beside one another."""
_COLUMN = 1  # the key of the first


class Found(NamedTuple):
    """A result as the index tells it.

    Attributes
    ----------
    row : Mapping
        Of the index.
    map_file : Path or None
        Its map.
    """

    row: Mapping[str, Any]
    map_file: Path | None


def state_of(folder: Path, chosen: Found, others: Sequence[Found] = ()) -> State:
    """What is open once somebody looks at a result: its image, with a column for each result.

    Where the image's file was changed since, or there is no map, the map is left to be computed.

    Parameters
    ----------
    folder : Path
        The folder of results.
    chosen : Found
        What is looked at: the first column.
    others : sequence of Found
        Other results of the image. Those that cannot be read, and more than fit, are left out.

    Raises
    ------
    PdaStudioError
        If the image, the map or the classifier is gone or cannot be read.
    """
    path = Path(chosen.row["path"])
    if not path.is_file():
        raise PdaStudioError(
            f"The image of this result is gone: there is no {path}; put it back to inspect it."
        )
    image = SourceImage.of(path.name, read_image(path), path)
    first = _column(folder, chosen, _COLUMN)
    columns, notes = [first], []
    for other in others[: MOST_COLUMNS - 1]:
        with suppress(PdaStudioError):
            if _is_of(path, other.row):
                columns.append(_column(folder, other, _COLUMN + len(columns)))
    if left := 1 + len(others) - len(columns):
        notes.append(f"{counted(left, 'other result')} of this image cannot be shown beside it.")
    work = Workspace(
        image,
        first.choice,
        first.target,
        (Row(0),),
        tuple(one.beside(first) for one in columns),
    )
    if first.result is not None and not _is_of(path, chosen.row):
        notes.append(f"{path.name} was changed since its map was computed: it is computed anew.")
        return State(replace(work, columns=work.columns[:1]), notes=tuple(notes))
    kept = tuple(
        KeptMap(work.rows[0].key, one.column.key, one.result.fingerprint, one.result.target,
                one.result)
        for one in columns if one.result is not None
    )  # fmt: skip
    return State(work, kept, notes=tuple(notes))


def _is_of(path: Path, row: Mapping[str, Any]) -> bool:
    """Whether an image's file is what it was when a result was computed."""
    known = FileState(row["size"] or -1, row["modified"] or -1, row["sha256"] or "")
    return FileState.of(str(path)).may_be(known, str(path))


class _Made(NamedTuple):
    """A column, the classifier that it asks, and its map, if there is one."""

    column: Column
    choice: ClassifierChoice
    result: Result | None

    def beside(self, first: _Made) -> Column:
        """The column with what it does not share with the first one."""
        if self is first:
            return self.column
        own = self.choice if self.choice != first.choice else None
        shared = own is None and self.target == first.target
        return replace(self.column, classifier=own, target=None if shared else self.target)

    @property
    def target(self) -> Target | None:
        """What the map explains."""
        return None if self.result is None else self.result.target


def _column(folder: Path, found: Found, key: int) -> _Made:
    row, choice = found.row, _classifier(folder, found.row)
    if found.map_file is None:
        method = method_named(row["method"]).create(**json.loads(row["parameters"] or "{}"))
        return _Made(Column(key, method), choice, None)
    result = load_map(found.map_file)
    method = method_named(result.method).create(**result.parameters)
    choice = replace(choice, fit=result.fit, crop=result.crop)
    return _Made(Column(key, method, suited=True), choice, result)


def _classifier(folder: Path, row: Mapping[str, Any]) -> ClassifierChoice:
    """The classifier as the plan names it; without a plan, the catalogue's with its own weights.

    Raises
    ------
    PdaStudioError
        If neither tells it.
    """
    name, weights = str(row["classifier"]), str(row["weights"] or "")
    results = ResultFolder(folder)
    planned = read_plan(results.plan).classifiers if results.plan.is_file() else ()
    fitting = [
        one
        for one in planned
        if str(row["setting"]).startswith(f"{short_name(one.name)}-{row['method']}-")
    ]
    if fitting:
        same = next((one for one in fitting if one.weights == weights), fitting[0])
        return ClassifierChoice(same.name, same.weights)
    if is_known(name):
        return ClassifierChoice(name, weights if weights == "random" else None)
    raise PdaStudioError(f"The file of the classifier {name} is not known: open it by itself.")
