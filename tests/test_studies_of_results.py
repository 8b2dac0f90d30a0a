"""Studies over plans and over results of batch: the same numbers, and finished maps are taken."""

import json

import numpy as np
import pytest
from PIL import Image

from pda_studio.batch.sources import source_at
from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError
from pda_studio.methods import method_named

PDA = "efficient-pda:window=7,stride=7,precision=float32,forward=full"


def batch(*words):
    assert main(["batch", *map(str, words)]) == 0


def rows_of_study(capsys, *words):
    """What a study tells as JSON, without the times, which are others each time."""
    capsys.readouterr()
    words = [str(word) for word in words]
    if words[0] != "disagreement":  # the folder of others has a place, and no name
        words.remove("--folder")
    assert main(["study", *words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (9, 15):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, place : place + 3] = 255
        Image.fromarray(pixels).save(folder / f"{place:02}.png")
    return folder


@pytest.mark.parametrize(
    ("study", "options"),
    [
        ("disagreement", []),
        ("relevance-gain", ["--block", "7", "--curve-steps", "4"]),
        ("fidelity", ["--metric", "insertion"]),
    ],
)
def test_a_study_over_results_has_the_numbers_of_a_new_one_and_computes_no_map(
    images, tmp_path, capsys, begun, study, options
):
    results, plan = tmp_path / "results", tmp_path / "plan.toml"
    methods = ["--method", PDA, "saliency"]
    batch(images, *methods, "--write-plan", plan)
    batch("--plan", plan, "--output", results, "--workers", "1")
    assert len(begun) == 4
    of_results = rows_of_study(capsys, study, "--folder", results, *options)
    assert len(begun) == 4, "finished maps are taken"
    of_plan = rows_of_study(capsys, study, "--folder", plan, *options)
    assert len(begun) > 4
    of_images = rows_of_study(capsys, study, "--folder", images, *methods, *options)
    assert of_results == of_plan == of_images
    assert of_results


def test_only_maps_of_the_same_settings_are_taken(images, tmp_path, capsys, begun):
    results = tmp_path / "results"
    batch(images, "--method", PDA, "saliency", "--output", results, "--workers", "1")
    source = source_at(results)
    digits = load_classifier("digits")
    subject = source.subject(source.images[0], digits)
    same = method_named("efficient-pda").create(
        digits, window=7, stride=7, precision="float32", forward="full"
    )
    assert subject.finished(same, subject) is not None
    other = same.model_copy(update={"stride": 5})
    assert subject.finished(other, subject) is None
    about = subject.about((subject.index + 1) % 10)
    assert about.finished(same, about) is None, "another target"
    changed = np.array(Image.open(images / "09.png"))
    changed[0, 0] = 255
    Image.fromarray(changed).save(images / "09.png")
    anew = source.subject(source.images[0], digits)
    assert anew.finished(same, anew) is None, "another image"


def test_several_classifiers_of_a_plan_must_be_told_apart(images, tmp_path, capsys):
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'inputs = ["{images.as_posix()}"]\n[[classifiers]]\nname = "digits"\n'
        '[[classifiers]]\nname = "squeezenet1_1"\nweights = "random"\n'
        '[[methods]]\nname = "saliency"\n[[methods]]\nname = "grad-cam"\n'
    )
    assert main(["study", "disagreement", "--folder", str(plan)]) == 2
    assert "take one of digits, squeezenet1_1." in capsys.readouterr().err
    assert main(["study", "disagreement", "--folder", str(plan), "--fit", "pad"]) == 2
    assert "A plan says what of an image" in " ".join(capsys.readouterr().err.split())
    assert rows_of_study(capsys, "disagreement", "--folder", plan, "--classifier", "digits")


def test_results_without_a_map_are_refused(images, tmp_path):
    results = tmp_path / "results"
    (results / "rows").mkdir(parents=True)
    (results / "plan.toml").write_text(f'inputs = ["{images.as_posix()}"]\n')
    with pytest.raises(PdaStudioError, match="There are no results"):
        source_at(results)
