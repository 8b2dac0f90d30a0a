"""The study of patches: images whose classes are told by one small region."""

import json

import numpy as np
import pytest
from PIL import Image

from pda_studio.attribution.ranking import METRICS
from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.patches import Images, patch_study
from pda_studio.methods.neurons import Neurons


def bars(folder, count):
    """Upright and level bars, so many of each, at random places."""
    random = np.random.default_rng(0)
    for name in ("level", "upright"):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = np.zeros((28, 28), np.uint8)
            place = random.integers(6, 20)
            pixels[place : place + 3, 4:24] = 255
            pixels = pixels if name == "level" else pixels.T
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    """Few images, where it does not matter how well the classes are told apart."""
    return bars(tmp_path / "images", 4)


def test_patches_tell_bars_apart(tmp_path):
    folder = bars(tmp_path / "images", 20)
    digits = load_classifier("digits", device="cpu")
    images = Images.of(folder, folder)  # white on black: an image is its own mask
    assert images.class_names == ["level", "upright"]
    steps = list(patch_study(digits, images, Neurons(inputs=10), side=8, epochs=12))
    assert [done for done, _ in steps] == list(range(1, 40 + 6 + 1))
    scores = steps[-1][1]
    assert [score.metric for score in scores] == list(METRICS)
    assert max(score.accuracy for score in scores) > 0.85
    for score in scores:
        assert 0 < score.patches <= 40 * 2 * 5
        assert score.localisation is not None
        assert 0.3 < score.localisation <= 1


def test_the_same_seed_gives_the_same_scores(folder):
    digits, images = load_classifier("digits", device="cpu"), Images.of(folder, folder)
    one, same, other = (
        list(patch_study(digits, images, Neurons(inputs=10), epochs=1, seed=seed))[-1][1]
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_without_masks_nothing_is_said_of_places(folder, capsys):
    assert main(["patches", str(folder), "--top", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [score["metric"] for score in told["rows"]] == list(METRICS)
    assert {score["localisation"] for score in told["rows"]} == {None}
    assert told["parameters"]["folder"] == str(folder)
    assert main(["patches", str(folder), "--top", "1", "--masks", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: 1 + len(METRICS)]] == ["metric", *METRICS]
    assert "8 images of 2 classes; chance is 50 %." in lines
    assert any("patches chosen by" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_folders_that_do_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(UsageError, match="at least two classes"):
        Images.of(folder / "level")
    with pytest.raises(UsageError, match="There is no mask"):
        Images.of(folder, tmp_path)
