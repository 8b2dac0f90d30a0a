"""Invariance: transformations and the way back, and maps of images that are their own mirror."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.experiments.invariance import invariance_over_images
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.transformations import KINDS, Strengths, transformations
from pda_studio.methods import method_named
from pda_studio.metrics.agreement import agreement, turned_back
from pda_studio.results import Subject


@pytest.fixture(scope="module")
def smooth():
    """A smooth image without any symmetry."""
    rows, columns = np.indices((40, 40)) / 40
    light = np.sin(5 * rows + 2 * columns**2) + np.cos(7 * columns * rows)
    return np.repeat(((light + 2) * 60).astype(np.uint8)[..., None], 3, -1)


def named(size, kinds=KINDS, **strengths):
    return {one.name: one for one in transformations(size, Strengths(**strengths), kinds)}


def test_right_angles_and_flips_move_every_pixel_to_its_place(smooth):
    made = named((40, 40))
    expected = {
        "rotated by 90°": np.rot90(smooth),
        "rotated by 180°": np.rot90(smooth, 2),
        "rotated by 270°": np.rot90(smooth, 3),
        "flipped left to right": smooth[:, ::-1],
        "flipped top to bottom": smooth[::-1],
    }
    for name, view in expected.items():
        assert np.array_equal(made[name].of(smooth), view), name
    moved = made["shifted right by 4 px"].of(smooth)
    assert np.array_equal(moved[:, 4:], smooth[:, :-4])


def test_a_map_that_moves_with_the_image_agrees_with_the_first(smooth):
    first = smooth[..., 0].astype(np.float32)
    for one in transformations((40, 40), Strengths()):
        back = turned_back(one.of(smooth)[..., 0].astype(np.float32), one.matrix, (40, 40))
        found = agreement(first, back)
        assert found.correlation > 0.98, one.name
    assert named((40, 40))["cropped to its middle"].of(smooth).shape == smooth.shape
    crop = named((40, 40), crop=0.5)["cropped to its middle"]
    back = turned_back(crop.of(smooth)[..., 0].astype(np.float32), crop.matrix, (40, 40))
    assert np.isfinite(back).mean() == pytest.approx(0.25)
    assert np.isfinite(back[10:30, 10:30]).all()


def test_a_map_that_stays_where_it_was_does_not_agree(smooth):
    first = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    for one in transformations((40, 40), Strengths(), ("rotations", "flips", "shifts")):
        found = agreement(first, turned_back(first, one.matrix, (40, 40)))
        assert abs(found.correlation) < 4 / np.sqrt(first.size), one.name


def test_values_change_as_they_are_told(smooth):
    made = named((40, 40), brightness=0.5, noise=0.1)
    darker = made["50 % darker"].of(smooth)
    assert np.abs(darker - smooth / 2).max() <= 0.5
    assert made["50 % brighter"].of(smooth).max() == 255
    noisy = made["noise, σ 10 %"].of(smooth)
    assert np.ptp(noisy, axis=-1).max() == 0, "a grey image stays grey"
    assert np.array_equal(noisy, made["noise, σ 10 %"].of(smooth))
    difference = noisy[..., 0].astype(float) - smooth[..., 0]
    assert np.std(difference) == pytest.approx(25.5, rel=0.1)
    floats = (smooth / 255).astype(np.float32)
    assert made["50 % darker"].of(floats).dtype == np.float32


def test_a_mirrored_image_that_is_its_own_mirror_has_the_same_map():
    classifier = load_classifier("digits")
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, 12:16] = 255
    pixels[12:15, 4:24] = 200
    subjects = [SubjectInput("cross", lambda: Subject.of(pixels, classifier))]
    methods = [method_named("saliency")()]
    steps = invariance_over_images(subjects, methods, (28, 28), kinds=("flips",))
    (*_, (step, found)) = steps
    assert step.done == step.total
    view = found.examples[0]
    assert np.array_equal(view, subjects[0].load().view)
    assert found.kept[0][0]
    assert found.probabilities[0][1] == pytest.approx(found.probabilities[0][0])
    assert found.agreements[0][0][0].shared == 1


def test_the_study_over_a_folder(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (9, 15):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, place : place + 3] = 255
        Image.fromarray(pixels).save(folder / f"{place:02}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.png"
    words = ["study", "invariance", "--folder", folder, "--kind", "brightness"]
    words += ["--method", "saliency", "grad-cam", "--csv", table, "--figure", figure]
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Over 2 images and 2 transformations, maps of" in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    names = [(row["transformation"], row["method"]) for row in rows]
    methods = ["Saliency", "Grad-CAM"]
    assert names == [(f"20 % {how}", one) for how in ("brighter", "darker") for one in methods]
    assert all(float(row["shared"]) == 1 for row in rows)
    assert all(float(row["low"]) <= float(row["correlation"]) <= 1 for row in rows)
    assert figure.stat().st_size > 10_000
