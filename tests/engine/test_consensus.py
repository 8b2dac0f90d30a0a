"""Consensus against its parts; the learnt order against finite differences and known answers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

from engine.conftest import BEE_EATER, LANGUR, Open
from engine.toys import classifier_of, small_transformer
from pda_studio import explain
from pda_studio.attribution.combining import UNIT
from pda_studio.attribution.learnt_order import LearntOrder
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.errors import UsageError
from pda_studio.methods import method_named, run
from pda_studio.metrics.relevance_gain import relevance_gain
from pda_studio.pda.infill.simple import blurred
from pda_studio.results import Subject
from pda_studio.targets import ContrastTarget, UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]


def rms(values: NDArray[np.floating]) -> NDArray[np.float64]:
    exact = values.astype(np.float64)
    return exact / np.sqrt(np.mean(exact**2))


def alike(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def noise(size: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


class Weighted(nn.Module):
    """The first class's logit is a weighted sum of the first colour, the other's is 0."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logit = (x[:, 0] * self.weights).sum((1, 2))
        return torch.stack([logit, torch.zeros_like(logit)], 1)


def test_slopes_are_finite_differences() -> None:
    """Of the area between a shown and a hidden share's scores, worked out anew in float64."""
    random = np.random.default_rng(3)
    weights = random.normal(size=(16, 16)) / 8
    classifier = classifier_of(Weighted(weights), size=16, classes=2)
    subject = Subject.of(noise(16), classifier, target=0)
    order = LearntOrder(subject, 1, 0)
    x = subject.view[..., 0] / 255
    b = blurred(torch.tensor(x)[None].float(), 2.0).expand(3, -1, -1)
    values, share, width = random.normal(size=(8, 8)), 0.4, 0.3

    def area(v: NDArray[np.float64], limit: float) -> float:
        mask = (1 / (1 + np.exp(-(v - limit) / (width * 1.5)))).repeat(2, 0).repeat(2, 1)
        behind = b[0].double().numpy()
        shown = behind + mask * (x - behind)
        score = [
            1 / (1 + np.exp(-np.sum(weights * (one - 0.5) / 0.25)))
            for one in (shown, x + behind - shown)
        ]
        return float(score[0] - score[1])

    limit = float(np.quantile(values, 1 - share))
    wanted = np.zeros((8, 8))
    for place in np.ndindex(8, 8):
        step = np.zeros((8, 8))
        step[place] = 1e-5
        wanted[place] = (area(values + step, limit) - area(values - step, limit)) / 2e-5
    got = order._slopes(values[None], np.array([share]), 1.5, b)[0]
    np.testing.assert_allclose(got, wanted, atol=1e-4 * np.abs(wanted).max())
    assert np.abs(wanted).max() > 1e-3


def test_the_order_is_what_each_cell_adds() -> None:
    """Where a sum decides, a cell adds its weights times what it differs from the blur by."""
    random = np.random.default_rng(1)
    cells = random.normal(size=(8, 8))
    image = np.kron(random.integers(0, 2, (16, 16)), np.ones((2, 2))).astype(np.uint8) * 255
    image = np.repeat(image[..., None], 3, 2)
    weights = np.kron(cells, np.ones((4, 4))) * (image[..., 0] / 255 - 0.5) / 40
    subject = Subject.of(image, classifier_of(Weighted(weights), size=32, classes=2), target=0)
    order = LearntOrder(subject, 40, 0)
    assert len(list(order.learn())) == order.passes
    found = order.evidence().reshape(8, 4, 8, 4).mean((1, 3))
    assert spearmanr(found.ravel(), cells.ravel()).statistic > 0.75
    strong = np.abs(cells) > 1
    assert (np.sign(found) == np.sign(cells))[strong].all()
    opposite = LearntOrder(Subject.of(image, subject.classifier, target=1), 40, 0)
    list(opposite.learn())
    assert alike(opposite.evidence(), -order.evidence()) > 0.95


def test_it_is_the_mean_of_its_standardised_parts(
    small_squeezenet: Classifier, image: Open
) -> None:
    image = np.asarray(image(LANGUR))
    got = explain(image, small_squeezenet, "consensus", rounds=3, seed=4, across=6)
    pda = explain(
        image, small_squeezenet, "efficient-pda", window=8, stride=4, infill="blur", forward="full"
    )
    cam = explain(image, small_squeezenet, "grad-cam")
    order = LearntOrder(Subject.of(image, small_squeezenet), 3, 4)
    for _ in order.learn():
        pass
    parts = np.stack([rms(part) for part in (cam.evidence, pda.evidence, order.evidence())])
    np.testing.assert_allclose(got.evidence, parts.mean(0), atol=1e-2)
    assert got.standard_error is not None
    error = parts.std(0, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(got.standard_error, error, atol=1e-2)
    assert got.unit == UNIT
    assert got.how == "mean of Grad-CAM, PDA with windows of 8 pixels, a learnt order"


def test_the_seed_decides(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(3), digits, batch=8)
    maps = [
        run(method_named("consensus").create(digits, rounds=4, seed=seed).steps(subject)).evidence
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 0.01


def test_steps_show_maps_that_grow(digits: Classifier, digit_image: Digit) -> None:
    method = method_named("consensus").create(digits, rounds=3)
    subject = Subject.of(digit_image(3), digits, batch=4)
    shown = [(step.done, step.total, step.evidence()) for step in method.steps(subject)]
    done = [step[0] for step in shown]
    assert done == sorted(set(done))
    assert {step[1] for step in shown} == {method.cost(subject)}
    assert done[-1] == method.cost(subject)
    assert [one.complete for *_, one in shown] == [False] * (len(shown) - 1) + [True]
    assert shown[0][2].evidence.any()
    without = method_named("consensus").create(digits, rounds=0)
    found = run(without.steps(subject))
    assert found.complete
    assert found.how == "mean of Grad-CAM, PDA with windows of 4 pixels"
    assert "seed" in without.inactive()


@pytest.mark.parametrize("name", ["half_squeezenet", "mobilenet"])
def test_it_gains_more_than_its_parts(
    name: str, image: Open, request: pytest.FixtureRequest
) -> None:
    classifier: Classifier = request.getfixturevalue(name)
    image = np.asarray(image(BEE_EATER))
    side = classifier.shorter_side
    pda = {"window": side // 7, "stride": side // 7, "infill": "blur", "forward": "full"}
    kinds = {"consensus": {}, "efficient-pda": pda, "grad-cam": {}}
    maps = {kind: explain(image, classifier, kind, **options) for kind, options in kinds.items()}
    gains = {kind: relevance_gain(one, classifier, steps=14).gain for kind, one in maps.items()}
    assert gains["consensus"] > max(gains["efficient-pda"], gains["grad-cam"])
    assert gains["consensus"] > 0.4
    found, scale = maps["consensus"].evidence, side / 224
    bird, grass = (
        found[int(top * scale) : int(bottom * scale), int(left * scale) : int(right * scale)]
        for top, bottom, left, right in ((0, 90, 60, 120), (140, 224, 120, 224))
    )
    assert bird.mean() > 3 * abs(grass.mean())


def test_other_targets(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(4)
    unit = explain(image, digits, "consensus", rounds=4, target=UnitTarget("relu2", 3))
    assert unit.unit == UNIT
    assert unit.evidence.any()
    rather = explain(image, digits, "consensus", target=ContrastTarget(4, 9), rounds=4)
    back = explain(image, digits, "consensus", target=ContrastTarget(9, 4), rounds=4)
    assert alike(rather.evidence, -back.evidence) > 0.98


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "transformer", "without maps"])
def test_maps_complete(name: str) -> None:
    if name == "transformer":  # whose tokens have places: Grad-CAM weighs them as maps
        classifier = small_transformer()
    elif name == "without maps":
        flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
        classifier = classifier_of(flat, size=32, classes=10)
    else:
        classifier = load_classifier(name, "random", "cpu")
    before = [(type(m), len(m._forward_hooks), m.training) for m in classifier.network.modules()]
    found = explain(noise(224), classifier, "consensus", rounds=1, across=2)
    assert found.complete
    assert np.isfinite(found.evidence).all()
    assert found.evidence.any()
    left_out = "Grad-CAM is left out" in found.how
    assert left_out == (name == "without maps")
    after = [(type(m), len(m._forward_hooks), m.training) for m in classifier.network.modules()]
    assert before == after
    assert not any(p.requires_grad or p.grad is not None for p in classifier.network.parameters())


def test_bad_values_are_told() -> None:
    for values in ({"rounds": -1}, {"across": 1}, {"infill": "nothing"}):
        with pytest.raises(UsageError, match=f"{next(iter(values))} must be"):
            method_named("consensus").create(None, **values)
    subject = Subject.of(noise(224), load_classifier("mobilenet_v2", "random", "cpu"))
    tight = method_named("consensus").create(None, across=3, infill="conditional-mean")
    with pytest.raises(UsageError, match=r"no room around windows of 74 pixels: choose more"):
        next(tight.steps(subject))
