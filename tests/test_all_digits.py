"""All digits: an image of each class, two networks, and similarities that hold for two seeds."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.experiments.handwritten import TRAINED, UNTRAINED, digits_over_classes
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.random_weights import layers_with_weights, randomised
from pda_studio.methods import method_named
from pda_studio.results import Subject


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("digits")


def one():
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, 13:16] = 255
    return pixels


def seven():
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[5:8, 8:20] = 255
    for row in range(8, 24):
        column = 19 - (row - 8) // 2
        pixels[row, column - 2 : column + 1] = 255
    return pixels


VIEWS = {"one": one(), "again": one(), "seven": seven()}


def found_for(classifier, seed):
    images = [
        SubjectInput(name, lambda view=view: Subject.of(view, classifier))
        for name, view in VIEWS.items()
    ]
    sizes = {"window": 4, "stride": 4, "forward": "full", "precision": "float32"}
    methods = [
        method_named("original-pda").create(
            classifier, **sizes, infill="marginal-samples", samples=3, seed=seed
        ),
        method_named("efficient-pda").create(classifier, **sizes, infill="marginal-mean"),
    ]
    (*_, (step, found)) = digits_over_classes(classifier, images, methods, seed=seed)
    assert step.done == step.total
    return found


def test_each_class_once_and_the_same_conclusion_for_two_seeds(classifier):
    for seed in (0, 1):
        found = found_for(classifier, seed)
        assert [(each.digit, each.image) for each in found.each] == [("1", "one"), ("7", "seven")]
        assert found.missing == tuple("02345689")
        for each in found.each:
            assert each.between_methods(TRAINED).spearman > 0.5
            assert abs(each.between_networks(1).spearman) < each.between_methods(TRAINED).spearman
    layers = layers_with_weights(classifier)
    untrained = randomised(classifier, tuple(name for group in layers for name in group), 1)
    expected = untrained.predict(VIEWS["seven"])[7]
    assert found.each[1].maps[UNTRAINED][0].probabilities[7] == pytest.approx(expected, rel=1e-5)


def test_the_study_of_a_folder(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, view in VIEWS.items():
        Image.fromarray(view[..., 0]).save(folder / f"{name}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "all-digits", folder, "--stride", "4", "--samples", "2"]
    assert main([str(word) for word in [*words, "--csv", table, "--figure", figure]]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = " ".join(out.split())
    assert "Over 2 classes, maps of original and efficient PDA correlate by" in told
    assert "No image was predicted as 0, 2, 3, 4, 5, 6, 8, 9." in told
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["digit"], row["network"]) for row in rows] == [
        (digit, network) for digit in "17" for network in (TRAINED, UNTRAINED)
    ]
    assert float(rows[0]["probability"]) > 0.5 > float(rows[1]["probability"])
    assert figure.read_text().startswith("<?xml")
