"""A result of a batch as open work: its image, classifier, method and map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pda_studio.batch.jobs import short_name
from pda_studio.batch.plan import read_plan
from pda_studio.batch.results import FileState, ResultFolder
from pda_studio.classifiers.catalogue import is_known
from pda_studio.document.state import KeptMap, State
from pda_studio.document.workspace import ClassifierChoice, Column, Row, SourceImage, Workspace
from pda_studio.errors import PdaStudioError
from pda_studio.images import read_image
from pda_studio.methods import method_named
from pda_studio.store import load_map

_COLUMN = 1  # its key


def state_of(folder: Path, row: Mapping[str, Any], map_file: Path | None) -> State:
    """What is open once somebody looks at a result.

    Where the image's file was changed since, or there is no map, the map is left to be computed.

    Parameters
    ----------
    folder : Path
        The folder of results.
    row : dict
        What its index tells of the result.
    map_file : Path or None
        Its map.

    Raises
    ------
    PdaStudioError
        If the image, the map or the classifier is gone or cannot be read.
    """
    path = Path(row["path"])
    if not path.is_file():
        raise PdaStudioError(
            f"The image of this result is gone: there is no {path}; put it back to inspect it."
        )
    image = SourceImage.of(path.name, read_image(path), path)
    if map_file is None:
        method = method_named(row["method"]).create(**json.loads(row["parameters"] or "{}"))
        return State(_work(image, _classifier(folder, row), Column(_COLUMN, method)))
    result = load_map(map_file)
    method = method_named(result.method).create(**result.parameters)
    choice = replace(_classifier(folder, row), fit=result.fit, crop=result.crop)
    column = Column(_COLUMN, method, target=None, suited=True)
    work = _work(image, choice, column, target=result.target)
    known = FileState(row["size"] or -1, row["modified"] or -1, row["sha256"] or "")
    if not FileState.of(str(path)).may_be(known, str(path)):
        note = f"{path.name} was changed since its map was computed: the map is computed anew."
        return State(work, notes=(note,))
    kept = KeptMap(work.rows[0].key, _COLUMN, result.fingerprint, result.target, result)
    return State(work, (kept,))


def _work(
    image: SourceImage, choice: ClassifierChoice, column: Column, target: Any = None
) -> Workspace:
    return Workspace(image, choice, target, (Row(0),), (column,))


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
