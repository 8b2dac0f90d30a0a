"""Top images of a unit: a planted image comes first, and what the unit sees holds its place."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from pda_studio.classifiers import load_classifier
from pda_studio.classifiers.layers import activations
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.top_images import top_images
from pda_studio.results import Subject


def bar(place, light):
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, place : place + 3] = light
    return pixels


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("digits")


def inputs(classifier, lights):
    made = {str(light): Subject.of(bar(12, light), classifier) for light in lights}
    return [SubjectInput(name, lambda one=one: one) for name, one in made.items()]


def test_the_order_is_that_of_the_activations(classifier):
    subjects = inputs(classifier, [60, 255, 120])
    values = {"most": 2, "climb": 2, "seed": 0}
    steps = list(top_images(classifier, subjects, "relu1", 3, **values))
    step, found = steps[-1]
    maps = {one.name: activations(classifier, one.load().view, "relu1")[3] for one in subjects}
    order = sorted(maps, key=lambda name: -maps[name].max())
    assert [one.name for one in found.top] == order[:2]
    for one in found.top:
        assert one.activation == pytest.approx(maps[one.name].max())
        assert maps[one.name][one.row, one.column] == maps[one.name].max()
        if one.box is not None:
            left, top, width, height = one.box
            scale = 28 / maps[one.name].shape[0]
            assert left - 1 <= scale * (one.column + 0.5) <= left + width + 1
            assert top - 1 <= scale * (one.row + 0.5) <= top + height + 1
            assert width < 28, "an early layer does not see all of it"
    assert found.made.shape == (28, 28, 3)
    assert (step.done, step.total) == (5, 5)
    with pytest.raises(UsageError, match="there is no 9999"):
        list(top_images(classifier, subjects, "relu1", 9999, **values))


def test_the_verb(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for light in (90, 250):
        Image.fromarray(bar(12, light)).save(folder / f"{light}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "top-images", str(folder), "--at", "relu1", "--climb", "2"]
    assert main([*words, "--csv", str(table), "--figure", str(figure)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Of 2 images, " in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert float(rows[0]["activation"]) >= float(rows[1]["activation"])
    assert "made for the unit" in figure.read_text()
