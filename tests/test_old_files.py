"""The promise of old files: what any earlier version saved opens, with what was in it, for ever.

`tests/formats/` holds saved files, each named by the version that wrote it, and `contents.json`,
what that version found in them. None of them is ever made anew: a version that writes another
format adds files of its own.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pda_studio.cli import main
from pda_studio.document.figure import composition_of, grid_of
from pda_studio.document.saved import load_state, save_state
from pda_studio.rendering import Appearance
from pda_studio.store import load_map, save_map
from pda_studio.store.maps import read_map

FORMATS = Path(__file__).parent / "formats"
CONTENTS: dict[str, dict[str, Any]] = json.loads((FORMATS / "contents.json").read_text("utf-8"))
MAPS = sorted(name for name in CONTENTS if name.endswith(".npz"))
WORKSPACES = sorted(name for name in CONTENTS if name.endswith(".pdastudio"))
SCORES = (
    "original_probability",
    "original_logit",
    "probability",
    "logit",
    "probability_variance",
    "logit_variance",
    "varied",
)


def digest(array: np.ndarray | None) -> str | None:
    """What stands for an array in `contents.json`."""
    return None if array is None else sha256(np.ascontiguousarray(array)).hexdigest()[:16]


def map_facts(one: Any) -> dict[str, Any]:
    """A map as `contents.json` has it: what is not there is left out."""
    made = getattr(one, "image", None)
    # Version 0.1 kept evidence for made images, too: nothing but zeros.
    evidence = one.evidence if made is None else np.zeros(one.view.shape[:2], np.float32)
    kept = getattr(one, "scores", None)
    scores = kept and {
        "window": kept.grid.window,
        "stride": kept.grid.stride,
        "classes": kept.classes.tolist(),
        "linearised": kept.linearised,
        "arrays": {name: digest(getattr(kept, name)) for name in SCORES},
    }
    facts = {
        "method": one.method,
        "title": one.title,
        "unit": one.unit,
        "target": one.index,
        "target_name": one.target_name,
        "parameters": one.parameters,
        "classifier": one.classifier,
        "weights": one.weights,
        "fingerprint": one.fingerprint,
        "seconds": one.seconds,
        "complete": one.complete,
        "notes": one.how,
        "shape": list(evidence.shape),
        "sum": round(float(evidence.sum(dtype=np.float64)), 6),
        "evidence": digest(evidence),
        "standard_error": digest(getattr(one, "standard_error", None)),
        "covered": digest(getattr(one, "covered", None)),
        "input": digest(one.view),
        "made": digest(made),
        "probability": round(float(one.probabilities[one.index]), 6),
        "probabilities": digest(one.probabilities.astype(np.float32)),
        "scores": scores,
    }
    return {name: value for name, value in facts.items() if value is not None and value != ""}


def image_facts(image: Any) -> dict[str, Any] | None:
    if image is None:
        return None
    return {
        "name": image.name,
        "path": image.path.as_posix(),
        "pixels": digest(image.pixels),
        "shape": list(image.pixels.shape),
    }


def value_facts(value: Any) -> dict[str, Any] | None:
    """A target or an operation: its kind, and the values that it has."""
    return None if value is None else {**vars(value), "kind": type(value).__name__}


def column_facts(column: Any) -> dict[str, Any]:
    return {
        "key": column.key,
        "method": column.method.name,
        "parameters": dict(column.method) if column.suited and not column.method.combines else None,
        "style": column.style,
        "target": value_facts(column.target),
        "classifier": column.classifier and vars(column.classifier),
    }


def workspace_facts(state: Any) -> dict[str, Any]:
    """All that a file of saved work holds, as `contents.json` has it."""
    work = state.work
    return {
        "image": image_facts(work.image),
        "classifier": vars(work.classifier),
        "target": value_facts(work.target),
        "rows": [
            {
                "key": row.key,
                "operations": [value_facts(operation) for operation in row.operations],
                "image": image_facts(row.image),
                "turned_back": row.turned_back,
            }
            for row in work.rows
        ],
        "columns": [column_facts(column) for column in work.columns],
        "display": dict(state.display),
        "figure": dict(state.figure),
        "maps": [
            {
                "row": kept.row,
                "column": kept.column,
                "classifier": kept.classifier,
                "target": value_facts(kept.target),
                "map": map_facts(kept.evidence_map),
            }
            for kept in state.maps
        ],
    }


def require_within(found: Any, expected: Any, where: str) -> None:
    """All that was there is there; a newer version may know more about it."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), where
        for name, value in expected.items():
            assert name in found, f"{where}: {name} is gone"
            require_within(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for at, (one, other) in enumerate(zip(found, expected, strict=True)):
            require_within(one, other, f"{where}[{at}]")
    else:
        assert found == expected, where


def test_every_file_that_was_promised_is_there() -> None:
    there = {path.name for path in FORMATS.iterdir()} - {"contents.json"}
    assert there == set(CONTENTS)
    assert len(MAPS) >= 10
    assert len(WORKSPACES) >= 2


@pytest.mark.parametrize("name", MAPS)
def test_a_map_opens(name: str) -> None:
    require_within(map_facts(load_map(FORMATS / name)), CONTENTS[name], name)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_what_numpy_reads(name: str) -> None:
    """The README's way into a map, without this program."""
    one = load_map(FORMATS / name)
    with np.load(FORMATS / name, allow_pickle=False) as arrays:
        if "picture" in arrays:
            np.testing.assert_array_equal(one.image, arrays["picture"])
            assert not arrays["evidence"].any()
            return
        np.testing.assert_array_equal(one.evidence, arrays["evidence"])
        np.testing.assert_array_equal(one.view, arrays["image"])
        assert one.index == int(arrays["target"])
        if "standard_error" in arrays:
            np.testing.assert_array_equal(one.standard_error, arrays["standard_error"])
        else:
            assert one.standard_error is None


@pytest.mark.parametrize("name", MAPS)
def test_a_map_can_be_saved_again(name: str, tmp_path: Path) -> None:
    save_map(load_map(FORMATS / name), tmp_path / "again.npz")
    expected = {key: value for key, value in CONTENTS[name].items() if key != "scores"}
    require_within(map_facts(load_map(tmp_path / "again.npz")), expected, name)


@pytest.mark.parametrize("name", WORKSPACES)
def test_saved_work_opens(name: str) -> None:
    require_within(workspace_facts(load_state(FORMATS / name)), CONTENTS[name], name)


@pytest.mark.parametrize("name", WORKSPACES)
def test_saved_work_can_be_saved_again(name: str, tmp_path: Path) -> None:
    save_state(load_state(FORMATS / name), tmp_path / "again.pdastudio")
    found = workspace_facts(load_state(tmp_path / "again.pdastudio"))
    require_within(found, CONTENTS[name], name)


def test_the_display_and_the_figure_are_those_that_were_set() -> None:
    state = load_state(FORMATS / "everything-0.1.pdastudio")
    shown = Appearance.from_json(dict(state.display))
    assert (shown.style, shown.colours, shown.sign) == ("contours", "PuOr_r", "for")
    assert (shown.opacity, shown.scale, shown.limits["bits"]) == (0.65, "fixed", 4.5)
    assert (shown.threshold.kind, shown.threshold.percentile) == ("percentile", 70.0)
    figure = composition_of(state)
    assert figure.hidden_rows == (1,)
    assert figure.titles == {0: "Seven?", -1: "Digit"}
    assert figure.caption == "Sevens, their kin\nand a three."
    grid = grid_of(state)
    assert [len(row.maps) for row in grid.rows] == [8] * 5


@pytest.mark.parametrize("name", WORKSPACES)
def test_the_figure_of_saved_work_is_drawn(name: str, tmp_path: Path) -> None:
    output = tmp_path / "figure.svg"
    assert main(["figure", str(FORMATS / name), "--output", str(output)]) == 0
    drawn = output.read_text("utf-8")
    assert ("Seven?" in drawn) is name.startswith("everything")
    assert "<image" in drawn


def test_maps_are_combined(tmp_path: Path) -> None:
    names = ["integrated-gradients-0.1.npz", "integrated-gradients-0.1.npz"]
    output = tmp_path / "both.npz"
    assert main(["combine", *(str(FORMATS / name) for name in names), "--output", str(output)]) == 0
    with output.open("rb") as file:
        both, one = read_map(file, output.name), load_map(FORMATS / names[0])
    rms = np.sqrt(np.square(one.evidence, dtype=np.float64).mean())
    np.testing.assert_allclose(both.evidence, one.evidence / rms, rtol=1e-5)
