"""Studies whose maps are computed by the workers of a batch: the same tables as in one process."""

import numpy as np
import pytest
from distributed import LocalCluster
from PIL import Image

from pda_studio.batch.filling import plan_of_maps
from pda_studio.batch.plan import Plan, PlannedMethod, read_plan
from pda_studio.batch.results import ResultFolder, rows_in
from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.methods import method_named

PDA = "efficient-pda:window=7,stride=7,precision=float32,forward=full"
METHODS_NAMED = ("--method", PDA, "saliency")
IMAGES = 6


def words_of(study, folder, *words):
    """A line of a study; the folder of some has a place, and no name."""
    named = ["--folder"] if study in ("disagreement", "invariance", "sweep") else []
    return ["study", study, *named, str(folder), *map(str, words)]


def rows_of(results):
    return [row for path in ResultFolder(results).row_files() for _, row in rows_in(path)]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number in range(IMAGES):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 7 + 2 * number : 10 + 2 * number] = 255
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",  # any free port
        local_directory=tmp_path_factory.mktemp("dask"),
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def results(images, tmp_path_factory):
    """A folder of results that holds a plan, and nothing else yet."""
    folder = tmp_path_factory.mktemp("results")
    assert main(["batch", str(images), *METHODS_NAMED, "--write-plan", f"{folder}/plan.toml"]) == 0
    (folder / "rows").mkdir()
    return folder


@pytest.mark.parametrize(
    ("study", "options"),
    [
        ("disagreement", ()),
        ("fidelity", ("--metric", "insertion")),
        ("sweep", ("--vary", "stride", "--smallest", 5, "--largest", 9, "--count", 2)),
        ("class-rules", ("--members", "all", "--index", 4, "--side", 5)),
        ("map-clusters", ("--members", "all", "--index", 1, "--side", 7)),
    ],
)
def test_a_study_on_a_dask_cluster_has_the_table_of_one_process(
    study, options, images, results, scheduler, tmp_path, begun, capsys
):
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    line = words_of(study, results, *options, "--scheduler", scheduler, "--csv", there)
    assert main(line) == 0
    assert not begun, "workers compute every map"
    assert main(words_of(study, images, *METHODS_NAMED, *options, "--csv", here)) == 0
    assert begun
    assert there.read_text() == here.read_text()
    capsys.readouterr()


def test_what_is_there_is_not_computed_again_and_what_fails_is_left_out(
    images, tmp_path, begun, capsys
):
    folder, results = tmp_path / "images", tmp_path / "results"
    folder.mkdir()
    for path in images.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    line = words_of("disagreement", folder, *METHODS_NAMED, "--workers", 1, "--results", results)
    assert main(line) == 0
    assert len(begun) == len(rows_of(results)) == 2 * IMAGES
    assert read_plan(results / "plan.toml").inputs == (str(folder),)
    assert (results / "index.parquet").is_file()
    (folder / "broken.png").write_bytes(b"no image")
    capsys.readouterr()
    assert main(line) == 0
    assert len(begun) == 2 * IMAGES, "finished maps stay"
    told = capsys.readouterr()
    assert f"Over {IMAGES} images" in told.out
    assert f"1 image of {IMAGES + 1} left out, as there is no map" in told.err


def test_maps_of_images_that_are_changed_are_computed_by_the_study_itself(images, tmp_path, begun):
    words = ("--method", "saliency", "--images", 1, "--kind", "flips")
    line = words_of("invariance", images, *words, "--workers", 1, "--results", tmp_path / "maps")
    assert main(line) == 0
    (row,) = rows_of(tmp_path / "maps")
    assert row["method"] == "saliency"
    assert len(begun) > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", 2), "add --results FOLDER"),
        (("--workers", 2, "--scheduler", "tcp://x:1"), "leave --workers out"),
        (("--results", "x"), "--results goes with --workers or --scheduler"),
    ],
)
def test_options_that_do_not_go_together_are_told(words, said, images, capsys):
    assert main(words_of("disagreement", images, *words)) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_workers_are_for_folders_and_for_maps_of_single_images(images, tmp_path, capsys):
    image, to = str(images / "0.png"), ("--results", str(tmp_path / "x"))
    assert main(["study", "disagreement", image, "--workers", "1", *to]) == 2
    assert "name one by --folder" in " ".join(capsys.readouterr().err.split())
    line = words_of("fidelity", images, "--metric", "grid-pg", "--workers", 1, *to)
    assert main(line) == 2
    assert "takes no maps of single images" in " ".join(capsys.readouterr().err.split())


def test_a_plan_keeps_its_own_methods_and_says_of_others_what_is_unusual():
    digits = load_classifier("digits")
    own = PlannedMethod(name="efficient-pda", parameters={"stride": 3})
    kind = method_named("efficient-pda")
    methods = [kind.create(digits, stride=3), kind.create(digits, stride=2), kind.create(digits)]
    made = plan_of_maps(Plan(methods=(own,)), [*methods, methods[0]], digits, target=3)
    assert made.methods[0] is own
    assert [one.parameters for one in made.methods[1:]] == [{"stride": 2}, {}]
    assert made.target == "index:3"
