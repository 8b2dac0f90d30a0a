"""The approximation by the mean infill: maxout units, linear networks, and the study."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from engine.toys import classifier_of
from PIL import Image
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.experiments.approximation import (
    ERROR,
    SWITCHING,
    LayerInputs,
    approximation_over_images,
)
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.maxout import UNITS
from pda_studio.methods import method_named
from pda_studio.results import Subject
from pda_studio.targets import OutputTarget


def bar(place):
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, place : place + 3] = 255
    return pixels


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_mean_of_a_maxout_unit_is_exact_and_bounded(unit):

    def weighed(x, mean, deviation):
        return float(unit(x)) * norm.pdf(x, mean, deviation)

    for mean, deviation in ((0.0, 0.5), (0.3, 1.0), (-1.0, 0.2)):
        ends = mean - 9 * deviation, mean + 9 * deviation
        kinks = [k for k in (-1.5, -0.5, 0, 0.5, 1.5) if ends[0] < k < ends[1]]
        by_hand, _ = quad(weighed, *ends, args=(mean, deviation), points=kinks, limit=200)
        assert unit.expected(mean, deviation) == pytest.approx(by_hand, abs=1e-7)
        gap = unit.expected(mean, deviation) - float(unit(mean))
        assert -1e-9 <= gap <= unit.bound(deviation)
    relu, absolute, square = UNITS
    assert relu.expected(0, 1) == pytest.approx(1 / np.sqrt(2 * np.pi))
    assert absolute.expected(0, 1) == pytest.approx(np.sqrt(2 / np.pi))
    assert [float(square(x)) for x in (-2, -1, 0, 1, 2)] == pytest.approx([4, 1, 0, 1, 4])


def test_mean_and_spread_of_unit_inputs_before_they_are_written_over():
    network = nn.Sequential(
        nn.Conv2d(3, 2, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 2)
    )
    torch.manual_seed(0)
    nn.init.normal_(network[0].weight)
    classifier = classifier_of(network, 4, classes=2)
    subject = Subject.of(np.zeros((4, 4, 3), np.uint8), classifier, 0)
    images = torch.rand(6, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    inputs = LayerInputs(subject, ["0", "3"])
    inputs.outputs(images[:4], sampled=True)
    inputs.outputs(images[4:], sampled=True)
    of_mean = images.mean(0, keepdim=True)
    inputs.outputs(of_mean, sampled=False)
    told, (units,) = inputs.told()
    values = network[0](classifier.prepare(images)).flatten(1).double().numpy()
    mean, spread = values.mean(0), values.std(0)
    assert units == pytest.approx(np.stack([mean, spread]), abs=1e-6)
    by_hand = [np.median(np.abs(mean)), np.median(spread), np.median(np.abs(mean) / spread)]
    assert told[0, :3] == pytest.approx(by_hand, abs=1e-6)
    changing = (values > 0).any(0) & (values < 0).any(0)
    assert told[0, SWITCHING] == pytest.approx(changing.mean())
    assert told[0, ERROR] < 1e-5  # what is linear in the pixels keeps their mean
    assert told[1, ERROR] > 0.01


def over_bars(classifier, target, **values):
    subjects = [
        SubjectInput(f"{place}", lambda place=place: Subject.of(bar(place), classifier, target))
        for place in (9, 15)
    ]
    sampled = method_named("original-pda").create(classifier, window=6, **values)
    by_mean = method_named("efficient-pda").create(classifier, window=6)
    (*_, (step, found)) = approximation_over_images(
        classifier, subjects, sampled, by_mean, (14, 14)
    )
    assert step.done == step.total
    return found


def test_of_a_linear_network_only_the_samples_are_left():
    network = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 2))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network[1].reset_parameters()
    digits = load_classifier("digits")
    classifier = replace(
        digits, network=network.eval(), class_names=("a", "b"), output="scalar", measured={}
    )
    found = over_bars(classifier, OutputTarget(1), samples=400)
    for one in found.each:
        assert one.geometric == pytest.approx(one.arithmetic, abs=1e-9)
        assert abs(one.error) < 6 * one.monte_carlo + 0.02  # samples are cut off at 0 and 1


def test_two_seeds_agree_about_the_error():
    digits = load_classifier("digits")
    first, other = (over_bars(digits, None, samples=200, seed=seed) for seed in (0, 1))
    for one, two in zip(first.each, other.each, strict=True):
        assert one.arithmetic != two.arithmetic
        reach = 5 * np.hypot(one.monte_carlo, two.monte_carlo)
        assert abs(one.error - two.error) < reach
    assert first.layers == ["conv1", "conv2", "fc1", "fc2"]
    assert first.by_layer() == pytest.approx(other.by_layer(), rel=0.2)


def test_the_study_of_a_folder(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (9, 15):
        Image.fromarray(bar(place)[..., 0]).save(folder / f"{place:02}.png")
    tables = []
    for name in ("a", "b"):
        monkeypatch.setenv("PDA_STUDIO_CACHE", str(tmp_path / name))
        table, figure = tmp_path / f"{name}.csv", tmp_path / "a.svg"
        words = ["study", "approximation", "--folder", folder, "--samples", "24", "--csv", table]
        words += [] if name == "b" else ["--figure", figure]
        assert main([str(word) for word in words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        told = " ".join(out.split())
        assert "of the mean over 24 samples in" in told
        assert "from conv1 to fc2 the mean input of a unit goes" in told
        tables.append(table.read_text())
    assert tables[0] == tables[1]
    rows = list(csv.DictReader(io.StringIO(tables[0])))
    counts = [sum(row["part"] == part for row in rows) for part in ("images", "layers")]
    assert counts == [2 * 5, 4 * 5]
    assert sum(row["part"] == "maxout units" for row in rows) == 9 * 4
    assert all(row["value"] for row in rows)
    values = {(row["name"], row["quantity"]): float(row["value"]) for row in rows[:10]}
    for name in {name for name, _ in values}:
        error = values[name, "with the mean infill"] - values[name, "arithmetic mean"]
        assert values[name, "error"] == pytest.approx(error, abs=1e-5)
    assert "maxout" in figure.read_text()
