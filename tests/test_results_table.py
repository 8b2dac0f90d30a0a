"""Results as a table: read, sorted, filtered, marked, opened again, and exported."""

import csv
import json
import multiprocessing

import numpy as np
import pytest
from PIL import Image

from pda_studio.batch.exporting import figure_of, save_csv, save_figure
from pda_studio.batch.filtering import matching, parse
from pda_studio.batch.index import write_index
from pda_studio.batch.inputs import images_of
from pda_studio.batch.marks import Marks
from pda_studio.batch.results import ResultFolder, Row, RowWriter, holds_results
from pda_studio.batch.table import ResultTable
from pda_studio.cli import main
from pda_studio.document.of_results import Found, state_of
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.rendering import Appearance


def write(folder, *rows, index=True):
    """A folder of results with these rows, of which the images are not there."""
    results = ResultFolder(folder)
    results.make()
    writer = RowWriter(results)
    for image, values in rows:
        setting = values.pop("setting", "net-grad-cam-1")
        job = f"{setting}/{image}"
        writer.append(Row(job=job, setting=setting, image=image, path=f"/{image}", **values))
    if index:
        write_index(results)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Four results: right, wrong, failed, and one without a label."""
    return write(
        tmp_path / "results",
        ("a/9.png", {"label": "bee_eater", "predicted": "bee eater", "probability": 0.9,
                     "top_classes": ["bee eater", "jay"], "top_probabilities": [0.9, 0.1]}),
        ("a/10.png", {"label": "Jay", "predicted": "bee eater", "probability": 0.4,
                      "top_classes": ["bee eater", "jay"], "top_probabilities": [0.4, 0.3]}),
        ("a/1.png", {"label": "jay", "error": "Cannot read a/1.png: it is damaged."}),
        ("b.png", {"predicted": "jay", "probability": 0.6, "thumbnail": "../../secret.jpg",
                   "top_classes": ["jay"], "top_probabilities": [0.6]}),
    )  # fmt: skip


def names(table, order):
    return [table.column("image")[at] for at in order]


def test_names_are_sorted_as_people_expect_and_what_is_unknown_comes_last(folder):
    table = ResultTable.read(folder)
    assert names(table, table.order()) == ["a/1.png", "a/9.png", "a/10.png", "b.png"]
    up = names(table, table.order("confidence"))
    assert up == ["a/10.png", "b.png", "a/9.png", "a/1.png"]
    down = names(table, table.order("confidence", descending=True))
    assert down == ["a/9.png", "b.png", "a/10.png", "a/1.png"]
    assert names(table, table.order("error"))[0] == "a/1.png"


def test_a_prediction_is_correct_where_the_label_names_a_class(folder):
    table = ResultTable.read(folder)
    known = dict(zip(table.column("image"), table.column("correct"), strict=True))
    assert known == {"a/9.png": "correct", "a/10.png": "wrong", "a/1.png": "", "b.png": ""}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"a/1.png", "a/9.png", "a/10.png", "b.png"}),
        ("BEE", {"a/9.png", "a/10.png"}),
        ("damaged", {"a/1.png"}),
        ("confidence<0.5", {"a/10.png"}),
        ("confidence >= 0.5 predicted=jay", {"b.png"}),
        ('predicted="bee eater" correct=wrong', {"a/10.png"}),
        ('error!=""', {"a/1.png"}),
        ("image:b.", {"b.png"}),
        ("nothing", set()),
    ],
)
def test_filters_are_words_and_conditions(folder, text, found):
    table = ResultTable.read(folder)
    assert set(names(table, table.order(among=matching(table, text)))) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour=red", "no column “colour”"),
        ("confidence<much", "“much” is no number"),
        ("predicted<jay", "“predicted” holds texts"),
    ],
)
def test_filters_that_cannot_be_read_are_refused_in_one_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        parse(text)


def test_rows_that_are_newer_than_the_index_are_read(folder):
    write(folder, ("new.png", {}), index=False)
    (folder / "index.parquet").write_bytes(b"PAR1 damaged")
    table = ResultTable.read(folder)
    assert len(table) == 5
    assert "new.png" in table.column("image")


def test_folders_without_results_are_refused_in_one_sentence(tmp_path):
    assert not holds_results(tmp_path)
    with pytest.raises(PdaStudioError, match="no results in"):
        ResultTable.read(tmp_path)
    with pytest.raises(PdaStudioError, match="no folder"):
        ResultTable.read(tmp_path / "none")
    (tmp_path / "index.parquet").write_bytes(b"nothing")
    with pytest.raises(PdaStudioError, match="the index is damaged"):
        ResultTable.read(tmp_path)


def test_files_lie_below_the_folder_or_are_none(folder):
    table = ResultTable.read(folder)
    assert [table.file(at, "thumbnail") for at in range(4)] == [None] * 4


def test_marks_of_two_processes_are_kept(folder):
    mine, yours = Marks(folder), Marks(folder)
    mine.mark("net-grad-cam-1/b.png", True)
    yours.mark("net-grad-cam-1/a/9.png", True)
    yours.set_note("net-grad-cam-1/a/9.png", "a wing")
    mine.save()
    yours.save()
    table = ResultTable.read(folder)
    assert {table.column("image")[at] for at in np.flatnonzero(table.column("marked"))} == {
        "a/9.png",
        "b.png",
    }
    assert names(table, table.order(among=matching(table, "wing"))) == ["a/9.png"]
    yours.mark("net-grad-cam-1/a/9.png", False)
    yours.set_note("net-grad-cam-1/a/9.png", "")
    yours.save()
    assert list(json.loads((folder / "marks.json").read_text())) == ["net-grad-cam-1/b.png"]


def test_a_mark_and_a_note_on_one_result_from_two_windows_are_kept(folder):
    job = "net-grad-cam-1/b.png"
    mine, yours = Marks(folder), Marks(folder)
    mine.mark(job, True)
    mine.save()
    yours.set_note(job, "a wing")
    assert not yours.is_marked(job)
    yours.save()
    assert yours.is_marked(job)  # what the other wrote is known here now
    assert (Marks(folder).is_marked(job), Marks(folder).note(job)) == (True, "a wing")


def _mark_many(folder, name, count, start):
    start.wait()
    marks = Marks(folder)
    for number in range(count):
        marks.mark(f"{name}/{number}.png", True)
        marks.save()


def test_two_processes_that_save_marks_at_once_lose_none(tmp_path):
    count, forked = 25, multiprocessing.get_context("fork")
    start = forked.Barrier(2)
    both = [forked.Process(target=_mark_many, args=(tmp_path, name, count, start)) for name in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert Marks(tmp_path).count == 2 * count


def test_damaged_marks_are_told_and_not_written_over(folder):
    (folder / "marks.json").write_text("[1]")
    with pytest.raises(PdaStudioError, match=r"the marks in .* damaged"):
        ResultTable.read(folder)
    assert (folder / "marks.json").read_text() == "[1]"


def test_images_get_their_predictions_as_one_looks(tmp_path):
    for name in ("jay/10.png", "jay/9.png", "owl/1.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    table = ResultTable.of_images(tmp_path, images_of([str(tmp_path)]))
    assert names(table, table.order()) == ["jay/9.png", "jay/10.png", "owl/1.png"]
    at = table.column("image").index("jay/10.png")
    table.put_prediction(at, "jay", 0.75)
    assert names(table, table.order("confidence"))[0] == "jay/10.png"
    assert names(table, table.order(among=matching(table, "correct=correct"))) == ["jay/10.png"]
    table.forget_predictions()
    assert table.column("predicted") == ["", "", ""]


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Real maps of two images, of which one is no image, by two methods."""
    folder = tmp_path_factory.mktemp("computed")
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10:14] = 255
    (folder / "images").mkdir()
    Image.fromarray(pixels).save(folder / "images" / "one.png")
    Image.fromarray(pixels[:, ::-1].copy()).save(folder / "images" / "other.png")
    (folder / "images" / "torn.png").write_bytes(b"\x89PNG but not really")
    words = ["batch", str(folder / "images"), "--output", str(folder / "results")]
    assert main([*words, "--method", "grad-cam", "saliency"]) == 1  # one image failed
    return folder


def test_a_result_is_opened_as_work_with_its_map(computed):
    table = ResultTable.read(computed / "results")
    at = next(at for at in table.order() if table.column("method")[at] == "grad-cam")
    found = Found(table.row(at), table.file(at, "map"))
    state = state_of(table.folder, found)
    assert state.work.image.name == "one.png"
    assert state.work.classifier.name == "digits"
    assert state.work.columns[0].method.name == "grad-cam"
    (kept,) = state.maps
    assert kept.classifier == table.column("fingerprint")[at]
    assert kept.target == state.work.target
    changed = computed / "images" / "one.png"
    before = changed.read_bytes()
    try:
        Image.fromarray(np.full((28, 28), 9, np.uint8)).save(changed)
        assert not state_of(table.folder, found).maps
        changed.unlink()
        with pytest.raises(PdaStudioError, match="image of this result is gone"):
            state_of(table.folder, found)
    finally:
        changed.write_bytes(before)


def test_marked_results_become_a_table_and_a_figure(computed, tmp_path):
    table = ResultTable.read(computed / "results")
    rows = [int(at) for at in table.order()]
    table.marks.set_note(table.column("job")[rows[0]], "first")
    save_csv(table, rows, tmp_path / "marked.csv")
    with (tmp_path / "marked.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [one["image"] for one in read] == ["one.png"] * 2 + ["other.png"] * 2 + ["torn.png"] * 2
    assert read[0]["note"] == "first"
    assert float(read[0]["confidence"]) == pytest.approx(table.column("confidence")[rows[0]])
    assert "torn.png" in read[-1]["error"]
    grid = figure_of(table, rows, Appearance())
    assert [row.label for row in grid.rows] == ["one.png", "other.png"]
    assert [sorted(row.maps) for row in grid.rows] == [[0, 1], [0, 1]]
    save_figure(table, rows, tmp_path / "marked.png")
    with Image.open(tmp_path / "marked.png") as figure:
        assert figure.width > 500
    with pytest.raises(UsageError, match="mark some first"):
        save_csv(table, [], tmp_path / "none.csv")
    with pytest.raises(UsageError, match="None of these results has a map"):
        save_figure(table, rows[-1:], tmp_path / "none.png")
