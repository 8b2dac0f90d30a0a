"""Hidden features removed: infills of known distributions, linear networks by hand, the study."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from engine.toys import classifier_of
from PIL import Image
from torch import nn

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments import hidden_features
from pda_studio.experiments.hidden_features import (
    Removal,
    hidden_features_over_images,
    layer_of,
)
from pda_studio.experiments.layer_statistics import MapInfill, WindowInfill, fit_layer, shrunk
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.results import Subject
from pda_studio.targets import OutputTarget, UnitTarget


@pytest.fixture(scope="module")
def digits():
    return load_classifier("digits")


def bar(place):
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, place : place + 3] = 255
    return pixels


class Linear(nn.Module):
    """Two maps, and the mean of each weighed: 2·h₀ − 3·h₁."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(3, 2, 1, bias=False)
        self.end = nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            self.maps.weight.copy_(torch.eye(2, 3)[..., None, None])
            self.end.weight.copy_(torch.tensor([[2.0, -3.0]]))

    def forward(self, images):
        return self.end(self.maps(images).mean((2, 3)))


def linear():
    return replace(classifier_of(Linear(), 6, classes=1), output="scalar")


def inputs(classifier, target, count, side):
    random = np.random.default_rng(0)
    views = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return [
        SubjectInput(f"{number}", lambda view=view: Subject.of(view, classifier, target))
        for number, view in enumerate(views)
    ]


def evidence(classifier, subjects, removal, reference=()):
    (*_, (step, found)) = hidden_features_over_images(classifier, subjects, removal, reference)
    assert step.done == step.total
    return found


def test_without_a_map_or_window_a_linear_network_loses_its_share():
    classifier = linear()
    subjects = inputs(classifier, OutputTarget(0), 2, 6)
    values = np.stack([(one.load().view / 255 - 0.5) / 0.25 for one in subjects])[..., :2]
    mean, weights = values.mean((0, 1, 2)), np.array([2.0, -3.0])
    whole = Removal("maps", "maps", distribution="marginal", samples=0)
    found = evidence(classifier, subjects, whole, subjects)
    assert found.each[0].unit == "value"
    for one, value in zip(found.each, values, strict=True):
        assert one.evidence == pytest.approx(weights * (value.mean((0, 1)) - mean), abs=1e-5)
        assert not one.error.any()
    parts = Removal("maps", "windows", 2, 2, "marginal", samples=0)
    found = evidence(classifier, subjects, parts, subjects)
    for one, value in zip(found.each, values, strict=True):
        by_hand = [
            (weights * (value[y : y + 2, x : x + 2] - mean).sum((0, 1)) / 36).sum()
            for y in (0, 2, 4)
            for x in (0, 2, 4)
        ]
        assert one.evidence == pytest.approx(by_hand, abs=1e-5)
        assert one.places.shape == (6, 6)
        assert one.places[0, 0] == pytest.approx(by_hand[0], abs=1e-5)


class Beside(nn.Module):
    """Two branches side by side, by a sum or a concatenation: what lies beside the layer stays."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.left = nn.Conv2d(3, 2, 1)
        self.right = nn.Conv2d(3, 2, 1)

    def forward(self, images):
        left, right = self.left(images), self.right(images)
        if self.how == "sum":
            return (left + right).mean((2, 3))
        return torch.cat([left, right], 1).mean((2, 3))[:, :2]


@pytest.mark.parametrize("how", ["sum", "concatenation"])
def test_what_lies_beside_the_layer_stays(how):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Beside(how)
    classifier = replace(classifier_of(network, 6, classes=2), output="scalar")
    subjects = inputs(classifier, OutputTarget(1), 2, 6)
    removal = Removal("left", "maps", distribution="marginal", samples=3)
    found = evidence(classifier, subjects, removal, subjects)
    for one in found.each:
        assert one.evidence[0] == pytest.approx(0, abs=1e-6)
        expected = one.values[1].mean() - np.mean([other.values[1].mean() for other in found.each])
        assert one.evidence[1] == pytest.approx(expected, abs=5 * one.error[1])
        assert one.error[1] > 0


def test_a_later_unit_loses_its_weights_times_what_is_removed(digits):
    subjects = inputs(digits, UnitTarget("fc2", 3), 2, 28)
    removal = Removal("relu3", "maps", distribution="marginal", samples=0)
    found = evidence(digits, subjects, removal, subjects)
    values = np.stack([one.values[:, 0, 0] for one in found.each]).astype(float)
    weights = digits.network.fc2.weight[3].double().numpy()
    for one, value in zip(found.each, values, strict=True):
        assert one.unit == "activation"
        by_hand = weights * (value - values.mean(0))
        assert one.evidence == pytest.approx(by_hand, abs=2e-5)
        assert np.abs(by_hand).max() > 0.01


def test_maps_are_infilled_as_a_gaussian_says():
    random = np.random.default_rng(0)
    covariance = np.array([[1.0, 0.8, 0.3], [0.8, 2.0, -0.2], [0.3, -0.2, 0.5]])
    drawn = random.multivariate_normal([1, -1, 3], covariance, 8000)
    values = drawn.T.reshape(3, 80, 100).astype(np.float32)
    statistics = fit_layer([values])
    assert statistics.shrinkage < 0.01
    infill = MapInfill(statistics, values, "conditional", 0, 0)
    others = [1, 2]
    weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, 0])
    expected = 1 + np.tensordot(weights, values[1:] - np.array([-1, 3])[:, None, None], 1)
    assert np.abs(infill.fill(0)[0] - expected).mean() < 0.05
    left = covariance[0, 0] - weights @ covariance[others, 0]
    sampled = MapInfill(statistics, values, "conditional", 20, 5).fill(0)
    assert (sampled - expected).var() == pytest.approx(left, rel=0.1)
    marginal = MapInfill(statistics, values, "marginal", 20, 5).fill(1)
    assert marginal.mean() == pytest.approx(-1, abs=0.05)
    assert marginal.var() == pytest.approx(2, rel=0.1)
    assert np.array_equal(sampled, MapInfill(statistics, values, "conditional", 20, 5).fill(0))


def test_few_places_say_little_about_many_channels():
    random = np.random.default_rng(1)
    for count, low, high in ((20, 0.6, 1.0), (100_000, 0.0, 1.0)):
        scaled = random.normal(size=(10, count))
        found, weight = shrunk(scaled)
        assert low <= weight <= high
        # Ledoit and Wolf's formula, place by place
        plain = scaled @ scaled.T / count
        target = np.trace(plain) / 10 * np.eye(10)
        if count == 20:
            spread = sum(np.square(np.outer(x, x) - plain).sum() for x in scaled.T) / count**2
            by_hand = min(spread / np.square(plain - target).sum(), 1)
            assert weight == pytest.approx(by_hand)
        assert found == pytest.approx((1 - weight) * plain + weight * target)
    strong = random.normal(size=(1, 5000)) + 0.3 * random.normal(size=(4, 5000))
    assert shrunk(strong / strong.std(1, keepdims=True))[1] < 0.01


def test_windows_are_infilled_from_their_surroundings():
    random = np.random.default_rng(2)
    noise = random.normal(size=(40, 41))
    value = (noise[:, 1:] + noise[:, :-1])[None].astype(np.float32)  # neighbours in a row: r = 0.5
    statistics = fit_layer([value], 4)
    middle = statistics.autocovariance[0, 4]
    assert middle[[3, 4, 5]] / middle[4] == pytest.approx([0.5, 1, 0.5], abs=0.06)
    infill = WindowInfill(statistics, value, "conditional", 1, 5, 0, 0)
    rows, columns = (one.ravel() for one in np.mgrid[:5, :5])
    offsets = 4 + rows[None] - rows[:, None], 4 + columns[None] - columns[:, None]
    covariance = statistics.autocovariance[0][offsets] + 1e-4 * middle[4] * np.eye(25)
    others = np.delete(np.arange(25), 12)
    weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, 12])
    mean = value.mean()
    patch = value[0, 8:13, 18:23].ravel()[others]
    assert infill.fill(10, 20).item() == pytest.approx(mean + weights @ (patch - mean), abs=1e-4)
    left = covariance[12, 12] - weights @ covariance[others, 12]
    sampled = WindowInfill(statistics, value, "conditional", 1, 5, 4000, 0).fill(10, 20)
    assert sampled.var() == pytest.approx(left, rel=0.1)
    marginal = WindowInfill(statistics, value, "marginal", 1, 5, 4000, 0).fill(0, 0)
    assert marginal.var() == pytest.approx(float(middle[4]), rel=0.1)


def test_two_seeds_agree_and_a_stopped_study_goes_on(digits, monkeypatch):
    subjects = [
        SubjectInput(f"{place}", lambda place=place: Subject.of(bar(place), digits))
        for place in (9, 15)
    ]
    ends = [
        evidence(digits, subjects, Removal("conv2", samples=16, seed=seed), subjects)
        for seed in (0, 1)
    ]
    assert not np.array_equal(ends[0].mean, ends[1].mean)
    assert np.corrcoef(ends[0].mean, ends[1].mean)[0, 1] > 0.9
    assert ends[0].mean.argmax() == ends[1].mean.argmax()
    worked = []
    work = hidden_features._evidence

    def noted(subject, *rest):
        worked.append(subject)
        return work(subject, *rest)

    monkeypatch.setattr(hidden_features, "_evidence", noted)
    removal = Removal("conv2", samples=3)
    steps = hidden_features_over_images(digits, subjects, removal, subjects)
    next(found for _, found in steps if found.each)
    steps.close()
    assert len(worked) == 1
    found = evidence(digits, subjects, removal, subjects)
    assert len(worked) == 2
    again = evidence(digits, subjects, removal, subjects)
    assert len(worked) == 2
    assert np.array_equal(found.mean, again.mean)


def test_what_cannot_be_removed_is_said(digits):
    (one,) = inputs(digits, UnitTarget("conv1", 3), 1, 28)
    with pytest.raises(UsageError, match="does not lie before the target"):
        evidence(digits, [one], Removal("conv2"))
    (one,) = inputs(digits, None, 1, 28)
    with pytest.raises(UsageError, match="no layer “conv9”"):
        evidence(digits, [one], Removal("conv9"))
    with pytest.raises(UsageError, match="name a folder of images"):
        evidence(digits, [one], Removal("fc1"))
    with pytest.raises(UsageError, match="larger than the maps of 14×14"):
        evidence(digits, [one], Removal("conv2", "windows", 15))
    assert layer_of(digits, "auto") == "relu2"


def test_the_study_of_a_folder(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (9, 15):
        Image.fromarray(bar(place)[..., 0]).save(folder / f"{place:02}.png")
    for what in ("maps", "windows"):
        table, figure = tmp_path / f"{what}.csv", tmp_path / f"{what}.svg"
        words = ["study", "hidden-features", "--folder", folder, "--remove", what]
        words += ["--samples", "2", "--stride", "3", "--csv", table, "--figure", figure]
        assert main([str(word) for word in words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert "of relu2 speaks most for the likeliest class" in " ".join(out.split())
        assert "bits" in figure.read_text()
        rows = list(csv.DictReader(io.StringIO(table.read_text())))
        assert len(rows) == (64 if what == "maps" else 25)
        assert all(float(row["low"]) <= float(row["evidence"]) for row in rows)
