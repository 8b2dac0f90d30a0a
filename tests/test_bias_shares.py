"""Bias shares over images and networks: their mean, the table, and a study that goes on."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from pda_studio.attribution.affine import bias_shares
from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.experiments import bias
from pda_studio.experiments.bias import shares_over_images
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.results import Subject


@pytest.fixture(scope="module")
def digits():
    return load_classifier("digits")


def bar(place):
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, place : place + 3] = 255
    return pixels


def test_the_mean_over_images_of_several_networks(digits, monkeypatch):
    subjects = [
        SubjectInput(f"{place}", lambda place=place: Subject.of(bar(place), digits))
        for place in (9, 15)
    ]
    steps = shares_over_images([digits, digits], [subjects, subjects[:1]])
    (*_, (step, found)) = steps
    assert step.done == step.total
    first, other = found.networks
    one, two = (dict(bias_shares(digits, one.load().view, one.load().index)) for one in subjects)
    assert first.layers == tuple(one)
    expected = (np.array(list(one.values())) + np.array(list(two.values()))) / 2
    assert first.mean == pytest.approx(expected, rel=1e-6)
    assert other.mean == pytest.approx(list(one.values()), rel=1e-6)
    monkeypatch.setattr(bias, "bias_shares", None)  # whatever is kept needs no network
    (*_, (_, again)) = shares_over_images([digits], [subjects])
    assert np.array_equal(again.networks[0].each, first.each)


def test_the_study_of_a_folder_and_two_networks(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (9, 15):
        Image.fromarray(bar(place)[..., 0]).save(folder / f"{place:02}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "bias-shares", "--folder", folder, "--classifier", "digits", "squeezenet1_1"]
    words += ["--weights", "", "random", "--layers", "all", "--csv", table, "--figure", figure]
    words[words.index("")] = "default"
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = " ".join(out.split())
    assert "Over 2 images, the bias is in digits" in told
    assert "; in squeezenet1_1" in told
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    branches = [row["layer"] for row in rows if row["classifier"] == "squeezenet1_1"]
    assert {"features.3.expand1x1", "features.3.expand3x3"} <= set(branches)
    assert all(float(row["low"]) <= float(row["share"]) <= float(row["high"]) for row in rows)
    assert "squeezenet1_1" in figure.read_text()
