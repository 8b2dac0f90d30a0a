"""Batches: inputs, plans, results as `explain` writes them, the index, and going on."""

import json
import os
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pda_studio.batch import explaining, index
from pda_studio.batch.inputs import images_of
from pda_studio.batch.parts import Part
from pda_studio.batch.plan import (
    Plan,
    PlannedClassifier,
    PlannedMethod,
    read_plan,
    write_plan,
)
from pda_studio.batch.results import ResultFolder, rows_in
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.store import load_map

METHODS = ["--method", "efficient-pda:stride=7,window=7", "grad-cam"]


def draw(path, shift=0):
    """A 1 in the format of `digits`, so many pixels to the right."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10 + shift : 14 + shift] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def images(tmp_path):
    """Two classes of images, three in all."""
    folder = tmp_path / "images"
    draw(folder / "one" / "a.png")
    draw(folder / "one" / "b.png", 2)
    draw(folder / "two" / "a.png", 4)
    return folder


def rows(output):
    """All rows that were ever written."""
    return [row for path in ResultFolder(output).row_files() for _, row in rows_in(path)]


def run(*words, status=0):
    assert main([str(word) for word in words]) == status


def test_inputs_are_folders_class_trees_globs_lists_and_images(images, tmp_path):
    tree = images_of([str(images)])
    assert [(one.name, one.label) for one in tree] == [
        ("one/a.png", "one"),
        ("one/b.png", "one"),
        ("two/a.png", "two"),
    ]
    assert tree[0].path == str(images / "one" / "a.png")
    assert [one.name for one in images_of([str(images / "*" / "a.png")])] == [
        "one/a.png",
        "two/a.png",
    ]
    (tmp_path / "list.txt").write_text("# mine\nimages/two/a.png\n\n")
    (tmp_path / "list.csv").write_text("class,path\nfirst,images/one/a.png\n,images/one/b.png\n")
    assert [one.path for one in images_of(["list.txt"], tmp_path)] == [
        str(images / "two" / "a.png")
    ]
    assert [(one.name, one.label) for one in images_of(["list.csv"], tmp_path)] == [
        ("a.png", "first"),
        ("b.png", ""),
    ]
    several = images_of([str(images / "one"), str(images / "two" / "a.png")])
    assert [one.name for one in several] == ["one/a.png", "one/b.png", "two/a.png"]


def test_inputs_that_are_none_are_refused_in_one_sentence(tmp_path):
    (tmp_path / "list.csv").write_text("where\na.png\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="must name a column “path”"):
        images_of([str(tmp_path / "list.csv")])
    for name, said in (
        ("none", "There is no image"),
        ("*.png", "No image"),
        ("empty", "no images"),
    ):
        with pytest.raises(PdaStudioError, match=said):
            images_of([str(tmp_path / name)])


def test_results_are_those_of_explain(images, tmp_path, capsys):
    output, single = tmp_path / "out", tmp_path / "map.npz"
    run("batch", images, "--output", output, *METHODS)
    assert "6 of 6 maps are there." in capsys.readouterr().out
    table = pq.read_table(output / "index.parquet").to_pylist()
    assert [row["image"] for row in table] == sorted(row["image"] for row in table)
    assert {row["method"] for row in table} == {"efficient-pda", "grad-cam"}
    row = next(row for row in table if row["image"] == "one/b.png" and row["title"] != "Grad-CAM")
    words = ["--window", "7", "--stride", "7", "--batch", "8", "--no-cache"]
    run("explain", images / "one" / "b.png", *words, "--output", single)
    with np.load(single) as one, np.load(output / row["map"]) as other:
        assert set(one) == set(other)
        for name in set(one) - {"metadata"}:
            np.testing.assert_array_equal(one[name], other[name])
        left, right = (json.loads(str(file["metadata"])) for file in (one, other))
        assert left | {"seconds": 0} == right | {"seconds": 0}
    evidence = load_map(single).evidence
    assert row["largest"] == evidence.max()
    assert (row["row"], row["column"]) == np.unravel_index(evidence.argmax(), evidence.shape)
    assert row["label"] == "one"
    assert row["top_classes"][0] == row["predicted"] == row["target"] == "1"
    assert row["top_probabilities"][0] == pytest.approx(row["probability"])
    with Image.open(output / row["thumbnail"]) as small:
        assert small.size == (28, 28)


def test_the_same_again_does_what_is_missing_alone(images, tmp_path, capsys):
    output, first = tmp_path / "out", images / "one" / "a.png"
    words = ["batch", images, "--output", output, "--method", "grad-cam"]
    run(*words)
    assert len(rows(output)) == 3
    os.utime(first, ns=(1, 1))  # copied, but the same
    draw(images / "two" / "c.png", 1)
    run("batch", "--output", output)  # goes on with its plan
    assert sorted(row["image"] for row in rows(output)) == [
        "one/a.png",
        "one/b.png",
        "two/a.png",
        "two/c.png",
    ]
    draw(first, 5)
    run(*words)
    assert len(rows(output)) == 5
    table = pq.read_table(output / "index.parquet").to_pylist()
    assert len(table) == 4
    assert "other" not in capsys.readouterr().out
    run(*words[:-1], "grad-cam", "saliency")
    assert len(rows(output)) == 9
    run(*words[:-1], "saliency")
    told = "8 rows: 4 are of another part or plan that goes into the same folder"
    assert told in capsys.readouterr().out


def test_an_image_that_cannot_be_read_is_one_row(images, tmp_path, capsys):
    output, bad = tmp_path / "out", images / "one" / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    words = ["batch", images, "--output", output, "--method", "grad-cam"]
    run(*words, status=1)
    assert "3 of 4 maps are there; 1 job failed" in capsys.readouterr().out
    failed = [row for row in rows(output) if row["error"]]
    assert [row["image"] for row in failed] == ["one/bad.png"]
    assert "damaged" in failed[0]["error"]
    draw(bad)
    run(*words)
    assert len(rows(output)) == 5
    errors = pq.read_table(output / "index.parquet")["error"].to_pylist()
    assert errors == [""] * 4


def test_thumbnails_below_the_images_are_no_images(images):
    for _ in range(2):
        run("batch", images, "--output", images / "out", "--method", "grad-cam")
    assert len(rows(images / "out")) == 3


def test_a_torn_row_is_no_result(images, tmp_path):
    output = tmp_path / "out"
    words = ["batch", images, "--output", output, "--method", "grad-cam"]
    run(*words)
    (file,) = ResultFolder(output).row_files()
    file.write_bytes(file.read_bytes()[:-9])
    run(*words)
    assert sorted(row["image"] for row in rows(output)) == ["one/a.png", "one/b.png", "two/a.png"]


def test_a_plan_says_what_options_say(images, tmp_path, capsys):
    plan, output = tmp_path / "plan.toml", tmp_path / "out"
    run("batch", images, *METHODS, "--target", "3", "--fit", "pad", "--write-plan", plan)
    run("batch", "--plan", plan, "--output", output)
    assert "6 of 6" in capsys.readouterr().out
    assert {row["target"] for row in rows(output)} == {"3"}
    text = plan.read_text()
    assert "parameters = { stride = 7, window = 7 }" in text
    relative = text.replace(f"{tmp_path}/", "")
    (tmp_path / "relative.toml").write_text(relative)
    run("batch", "--plan", tmp_path / "relative.toml", "--output", output)
    assert len(rows(output)) == 6
    plan.write_text(text.replace("target", "goal"))
    run("batch", "--plan", plan, "--output", output, status=1)
    assert "goal: there is no such entry" in capsys.readouterr().err
    run("batch", "--plan", plan, "--output", output, "--target", "3", status=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "out"], "A batch needs images"),
        (["images"], "batch needs --output"),
        (["images", "--output", "out", "--method", "grad-cam:stride=3"], "no parameter “stride”"),
        (["images", "--output", "out", "--method", "efficient-pda:stride=0"], "stride"),
        (["images", "--output", "out", "--part", "3/2"], "A part is I/N"),
        (["images", "--output", "out", "--method", "grad-cam", "grad-cam"], "named twice"),
        (["images", "--output", "out", "--unit", "3"], "--unit needs --layer"),
    ],
)
def test_wrong_lines_are_refused_before_anything_is_done(
    words, said, images, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    run("batch", *words, status=2)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "rows").exists()


def test_parts_are_all_of_it_and_share_nothing():
    items = list(range(10))
    parts = [Part(number, 4).of(items) for number in (1, 2, 3, 4)]
    assert sorted(one for part in parts for one in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("numbers", "part"),
    [
        ({}, "1/1"),
        ({"ID": "0", "COUNT": "8", "MIN": "0"}, "1/8"),
        ({"ID": "8", "COUNT": "8", "MIN": "1"}, "8/8"),
        ({"ID": "9", "COUNT": "3", "MIN": "1", "STEP": "4"}, "3/3"),
        ({"ID": "5", "COUNT": "1", "MIN": "5"}, "1/1"),
    ],
)
def test_a_task_of_a_slurm_array_is_a_part(numbers, part):
    environment = {f"SLURM_ARRAY_TASK_{name}": value for name, value in numbers.items()}
    assert str(Part.of_slurm(environment)) == part


def test_a_slurm_array_with_gaps_is_refused():
    numbers = {"ID": "9", "COUNT": "2", "MIN": "1"}
    with pytest.raises(UsageError, match="--array=1-N"):
        Part.of_slurm({f"SLURM_ARRAY_TASK_{name}": value for name, value in numbers.items()})


def test_parts_share_index_and_results(images, tmp_path, monkeypatch):
    output = tmp_path / "out"
    words = ["batch", images, "--output", output, "--method", "grad-cam"]
    run(*words, "--part", "1/2")
    assert [row["image"] for row in rows(output)] == ["one/a.png", "two/a.png"]
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "2")
    run(*words)
    assert pq.read_table(output / "index.parquet").num_rows == 3


def test_lack_of_memory_is_met_by_smaller_batches(images, tmp_path, monkeypatch):
    sizes, real = [], explaining._explained

    def explained(setting, subject):
        sizes.append(subject.batch)
        if subject.batch > 2:
            raise MemoryError
        return real(setting, subject)

    monkeypatch.setattr(explaining, "_explained", explained)
    run("batch", images, "--output", tmp_path / "out", "--method", "grad-cam")
    assert sizes == [8, 4, 2, 2, 2]  # the next images begin with what there was room for


def test_the_index_holds_every_row_however_many_groups_they_are(images, tmp_path, monkeypatch):
    output = tmp_path / "out"
    run("batch", images, "--output", output, "--method", "grad-cam", "saliency")
    monkeypatch.setattr(index, "_GROUP", 2)
    monkeypatch.setattr(index, "_MOST_OPEN", 1)
    run("batch", images, "--output", output, "--method", "deconvnet", "guided-backpropagation")
    table = pq.read_table(output / "index.parquet")
    assert sorted(table["job"].to_pylist()) == sorted(row["job"] for row in rows(output))
    assert table.num_rows == 12


def test_an_index_that_holds_every_row_is_not_written_again(images, tmp_path):
    output = ResultFolder(tmp_path / "out")
    words = ["batch", images, "--output", output.folder, "--method", "grad-cam"]
    run(*words)

    def written():
        return output.index.stat().st_ino, output.sheet.stat().st_ino  # each time a new file

    first = written()
    assert index.write_index(output) == 3
    assert written() == first
    draw(images / "two" / "c.png", 1)
    run(*words)
    assert all(new != old for new, old in zip(written(), first, strict=True))
    for path in (output.sheet, output.index):
        path.unlink()
        assert index.write_index(output) == 4
        assert path.is_file()


def test_the_contact_sheet_holds_every_row_and_runs_nothing_of_a_name(images, tmp_path):
    output = tmp_path / "out"
    draw(images / "<b>&amp;.png", 3)
    run("batch", images, "--output", output, "--method", "grad-cam")
    page = (output / "index.html").read_text()
    data = re.search(r'<script type="application/json" id="rows">(.*?)</script>', page, re.S)
    columns, *found = json.loads(data[1])
    assert len(found) == 4
    assert "<b>&amp;.png" in [row[columns.index("image")] for row in found]
    assert "<b>" not in data[1]
    for row in found:
        assert (output / row[columns.index("thumbnail")]).is_file()


def test_the_class_of_an_images_label_is_explained(images, tmp_path):
    """In a class tree a folder names it, whatever the case; where it names none, that is told."""
    (images / "one").rename(images / "7")
    output = tmp_path / "out"
    run("batch", images, "--output", output, "--method", "saliency", "--label-target", status=1)
    found = {row["image"]: row for row in pq.read_table(output / "index.parquet").to_pylist()}
    assert [found[name]["target"] for name in ("7/a.png", "7/b.png")] == ["7", "7"]
    assert found["7/a.png"]["predicted"] == "1"
    assert found["two/a.png"]["error"] == ("digits has no class “two”, which is the image's label.")
    run("batch", draw(tmp_path / "b.png"), "--output", tmp_path / "one", "--label-target", status=1)
    (row,) = pq.read_table(tmp_path / "one" / "index.parquet").to_pylist()
    assert row["error"].startswith("The image has no label: ")


def test_a_label_and_a_class_are_not_both_the_target(images, tmp_path, capsys):
    words = ["--output", tmp_path / "out", "--label-target", "--target", "7"]
    run("batch", images, *words, status=2)
    assert "not both" in capsys.readouterr().err


def test_a_classifier_of_a_plan_gets_of_an_image_what_is_its_own(images, tmp_path):
    image = Image.open(images / "one" / "a.png").resize((40, 28))
    for one in images.rglob("*.png"):
        image.save(one)
    both = PlannedClassifier(name="digits"), PlannedClassifier(name="digits", fit="pad")
    plan = Plan(inputs=(str(images / "one" / "a.png"),), classifiers=both, fit="stretch",
                methods=(PlannedMethod(name="saliency"),))  # fmt: skip
    write_plan(plan, tmp_path / "plan.toml")
    assert read_plan(tmp_path / "plan.toml") == plan
    run("batch", "--plan", tmp_path / "plan.toml", "--output", tmp_path / "out")
    maps = [load_map(one) for one in (tmp_path / "out" / "maps").rglob("*.npz")]
    assert {one.fit for one in maps} == {"stretch", "pad"}
