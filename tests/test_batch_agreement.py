"""How far the maps of an image agree: told by a batch, and in the table of its results."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pda_studio.batch.agreeing import are_comparable
from pda_studio.batch.filtering import matching
from pda_studio.batch.index import with_agreement
from pda_studio.batch.table import ResultTable
from pda_studio.cli import main
from pda_studio.metrics.agreement import agreement
from pda_studio.store import load_map
from pda_studio.targets import ClassTarget, UnitTarget


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Maps of two images by two methods, then by a third, and for another class by the first."""
    folder = tmp_path_factory.mktemp("agreeing")
    for place, name in enumerate("ab"):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 10 + 3 * place : 14 + 3 * place] = 255
        (folder / "images").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    words = ["batch", str(folder / "images"), "--output", str(folder / "results"), "--method"]
    assert main([*words, "grad-cam", "saliency"]) == 0
    assert main([*words, "input-x-gradient"]) == 0
    assert main([*words, "grad-cam", "--target", "7"]) == 0
    return folder / "results"


def test_each_map_agrees_with_the_others_of_its_image_and_target(folder):
    rows = pq.read_table(folder / "index.parquet").to_pylist()
    assert len(rows) == 8
    for row in rows:
        found = [
            agreement(
                load_map(folder / row["map"]).evidence, load_map(folder / one["map"]).evidence
            )
            for one in rows
            if one["image"] == row["image"] and one is not row and one["target"] == row["target"]
        ]
        if row["target"] == "7":
            assert found == []
            assert row["agreement"] is None
            continue
        assert len(found) == 2
        assert row["agreement"] == pytest.approx(np.mean([one.correlation for one in found]))
        assert row["overlap"] == pytest.approx(np.mean([one.overlap for one in found]))
    later = next(row for row in rows if row["method"] == "input-x-gradient")
    assert len(json.loads(later["compared"])) == 2  # it found what an earlier batch had written


def test_results_are_sorted_and_filtered_by_agreement(folder):
    table = ResultTable.read(folder)
    known = table.numbers("agreement")
    order = table.order("agreement", descending=True)
    assert np.isnan(known[order[-2:]]).all()  # what is compared with nothing comes last
    assert (np.diff(known[order[:-2]]) <= 0).all()
    middle = float(np.nanmedian(known))
    assert set(np.flatnonzero(matching(table, f"agreement<{middle}"))) == set(
        np.flatnonzero(known < middle)
    )


def test_a_pair_counts_once_by_its_newest_row_and_not_where_a_map_is_gone():
    def row(setting, finished, compared, file="maps/x"):
        values = {"setting": setting, "finished": finished, "compared": compared, "map": file}
        return {"image": "a", **values}

    both = row("b", 2, {"a": [0.5, 0.2]}), row("a", 1, {"b": [0.9, 0.9], "c": [0.1, 0.1]})
    gone = row("c", 3, {"a": [0.3, 0.3]}, file="")
    found = {one["setting"]: one["agreement"] for one in with_agreement([*both, gone])}
    assert found == {"a": 0.5, "b": 0.5, "c": None}
    (alone,) = with_agreement([row("a", 1, {"b": "torn", "c": [None]})])
    assert alone["agreement"] is None
    flat = with_agreement([row("a", 1, {"b": [None, 0.05]}), row("b", 1, {})])
    assert [(one["agreement"], one["overlap"]) for one in flat] == [(None, 0.05)] * 2


def test_a_class_is_one_for_two_classifiers_by_its_name_and_a_hidden_unit_is_not(folder):
    path = next(folder.glob("maps/*saliency*/a.png.npz"))
    one = load_map(path)
    other = replace(one, fingerprint="another", target=ClassTarget(5))
    assert are_comparable(one, other)
    assert not are_comparable(one, replace(other, target_name="another"))
    assert not are_comparable(one, replace(one, view=255 - one.view))
    unit = replace(one, target=UnitTarget("layer", 1))
    assert are_comparable(unit, unit)
    assert not are_comparable(unit, replace(unit, fingerprint="another"))
