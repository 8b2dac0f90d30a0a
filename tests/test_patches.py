"""The study of patches: images whose classes are told by one small region."""

import csv
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pda_studio.attribution.ranking import METRICS
from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments import patch_runs
from pda_studio.experiments.patch_runs import Run, checkpoints_in, expected_overlap
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


def test_another_seed_gives_other_scores(folder):
    digits, images = load_classifier("digits", device="cpu"), Images.of(folder, folder)
    one, other = (
        list(patch_study(digits, images, Neurons(inputs=10), epochs=1, seed=seed))[-1][1]
        for seed in (0, 1)
    )
    assert one != other


def test_without_masks_nothing_is_said_of_places(folder, capsys):
    quick = ["patches", str(folder), "--top", "1", "--epochs", "1"]
    assert main([*quick, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [score["metric"] for score in told["rows"]] == list(METRICS)
    assert {score["localisation"] for score in told["rows"]} == {None}
    assert told["parameters"]["folder"] == str(folder)
    assert main([*quick, "--masks", str(folder)]) == 0
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


# Over seeds, and over a training


def test_seeds_give_intervals_and_finished_ones_are_found(folder, tmp_path, capsys, monkeypatch):
    table = tmp_path / "a.csv"
    words = ["study", "patches", str(folder), "--top", "1", "--epochs", "1", "--csv", str(table)]
    words += ["--masks", str(folder), "--repeats", "2"]
    assert main(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the mean over 2 seeds" in out or "none is above chance" in out
    assert "intervals: by Student’s t over seeds" in out
    first = table.read_bytes()
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["metric"] for row in rows] == list(METRICS)
    for row in rows:
        assert float(row["low"]) <= float(row["accuracy"]) <= float(row["high"])
        assert float(row["place_low"]) <= float(row["localisation"]) <= float(row["place_high"])
    jaccard = {row["metric"]: float(row["jaccard"]) for row in rows}
    assert jaccard.pop("activation-precision") == 1
    assert all(0 <= value < 1 for value in jaccard.values())
    monkeypatch.setattr(patch_runs, "patch_study", None)  # whoever learns anew fails
    assert main(words) == 0
    assert table.read_bytes() == first


@pytest.fixture
def checkpoints(tmp_path):
    """As the script writes them, of a training on noise, and a file that is none."""
    path = Path(__file__).parents[1] / "packaging"
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.syspath_prepend(str(path))
    script = importlib.import_module("make_digits_checkpoints")
    random = torch.Generator().manual_seed(0)
    images = torch.randn(20, 1, 28, 28, generator=random)
    labels = torch.randint(10, (20,), generator=random)
    monkeypatch.setattr(script, "BATCH", 4)
    with torch.random.fork_rng():
        script.keep(tmp_path / "weights", images, labels, (0, 2, 10), seed=1)
    monkeypatch.undo()
    (tmp_path / "weights" / "notes.txt").write_text("none")
    return tmp_path / "weights"


def test_over_a_training(tmp_path, capsys, folder, checkpoints):
    names = ["step-00000", "step-00002", "step-00010"]
    assert [path.stem for path in checkpoints_in(checkpoints)] == names
    (folder / "level").rename(folder / "7")
    (folder / "upright").rename(folder / "1")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "patches-training", checkpoints, folder, "--top", "2", "--epochs", "1"]
    words += ["--csv", table, "--figure", figure]
    tables = []
    for _ in range(2):  # the second time, finished checkpoints are found
        assert main([str(word) for word in words]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "From step-00000 to step-00010 the Jaccard index" in out
        assert "of 3 checkpoints." in out
        assert "8 images of 2 classes" in out
        tables.append(table.read_bytes())
    assert tables[0] == tables[1]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["checkpoint"] for row in rows] == names
    for row in rows:
        assert 0 <= float(row["network"]) <= 1
        assert 0 <= float(row["jaccard"]) <= 1
    assert "activation-precision" in figure.read_text()


def test_a_folder_without_weights_is_refused(tmp_path, folder, capsys):
    assert main(["study", "patches-training", str(tmp_path), str(folder)]) == 2
    assert "holds no weights" in capsys.readouterr().err


def test_overlap_of_neurons_drawn_at_random():
    random = np.random.default_rng(0)
    channels, top, found = [32, 64, 3], 5, []
    for _ in range(2000):
        one, other = (
            {(layer, c) for layer, count in enumerate(channels)
             for c in random.permutation(count)[:top]}
            for _ in range(2)
        )  # fmt: skip
        found.append(len(one & other) / len(one | other))
    assert expected_overlap(channels, top) == pytest.approx(np.mean(found), abs=0.01)


def test_time_left_is_known_and_ends_at_nothing(folder):
    digits, images = load_classifier("digits", device="cpu"), Images.of(folder)
    runs = [Run(f"seed {seed}", lambda: digits, seed) for seed in (0, 1)]
    metrics = METRICS[:1]
    neurons = Neurons(inputs=4, top=1)
    steps = [step for step, _ in patch_runs.patch_runs(runs, images, neurons, metrics, epochs=1)]
    left = [step.seconds_left for step in steps]
    assert left[0] is None
    assert left[1] > 0
    assert left[-1] == 0
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == steps[-1].total == 2 * (8 + 1)
