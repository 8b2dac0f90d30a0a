"""LIME, KernelSHAP and DeepLIFT against linear models, exact Shapley values and Captum."""

from collections.abc import Callable
from copy import deepcopy

import captum.attr
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from engine.toys import classifier_of
from pda_studio import explain
from pda_studio.attribution.segments import grid_segments, superpixels
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.maxima import MaximumOfCopies
from pda_studio.errors import UsageError
from pda_studio.methods import method_named, run
from pda_studio.results import Subject

Digit = Callable[[int], NDArray[np.uint8]]
IMAGE = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)


def linear() -> Classifier:
    torch.manual_seed(0)
    return classifier_of(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))


def curved() -> Classifier:
    torch.manual_seed(0)
    return classifier_of(
        nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.Tanh(), nn.Linear(16, 3))
    )


def given(classifier: Classifier) -> torch.Tensor:
    return classifier.prepare(classifier.preprocessing.pixels(IMAGE)[None])


def per_segment(values: torch.Tensor, cells: int) -> NDArray[np.float64]:
    """Sums of pixels' values (8, 8) over each segment, at each of its pixels."""
    segments = grid_segments(8, 8, cells)
    sums = np.bincount(segments.ravel(), values.detach().numpy().ravel())
    return sums[segments]


@pytest.mark.parametrize("options", [{"penalty": 0.0}, {"penalty": 0.0, "width": 1.0}, {}])
@pytest.mark.parametrize("baseline", ["mean", "black"])
def test_a_linear_model_is_found_again(options: dict[str, float], baseline: str) -> None:
    classifier = linear()
    name = "lime" if options else "kernel-shap"
    found = explain(IMAGE, classifier, name, target=1, score="logit", samples=60, cells=4,
                    baseline=baseline, **options)  # fmt: skip
    x = given(classifier)
    start = torch.zeros_like(x) if baseline == "mean" else torch.full_like(x, -2.0)
    weights = classifier.network[1].weight[1].reshape(3, 8, 8)
    wanted = per_segment((weights * (x - start)[0]).sum(0), 4)
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-4 * np.abs(wanted).max())
    assert found.standard_error is not None
    assert found.standard_error.max() < 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_kernel_shap_of_few_segments_is_exact(score: str) -> None:
    classifier = curved()
    found = explain(IMAGE, classifier, "kernel-shap", target=2, cells=2, samples=14, score=score)
    x = given(classifier)
    after = classifier.network if score == "logit" else nn.Sequential(classifier.network,
                                                                      nn.Softmax(1))  # fmt: skip
    mask = torch.from_numpy(grid_segments(8, 8, 2))[None, None].repeat(1, 3, 1, 1)
    values = captum.attr.ShapleyValues(after).attribute(x, 0, target=2, feature_mask=mask)
    wanted = values[0, 0].numpy()
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-5 * np.abs(wanted).max())
    assert found.standard_error is None
    assert found.how == "14 masks"


def test_drawn_shapley_values_are_near_and_add_up() -> None:
    classifier = curved()
    exact = explain(IMAGE, classifier, "kernel-shap", target=2, cells=3, samples=510, score="logit")
    assert exact.standard_error is None
    drawn = explain(IMAGE, classifier, "kernel-shap", target=2, cells=3, samples=200, score="logit")
    assert drawn.standard_error is not None
    away = np.abs(drawn.evidence - exact.evidence) / drawn.standard_error.clip(min=1e-9)
    assert away.max() < 5
    x = given(classifier)
    ends = classifier.logits(torch.cat([x, torch.zeros_like(x)]))[:, 2]
    _, first = np.unique(grid_segments(8, 8, 3).ravel(), return_index=True)
    for one in (exact, drawn):
        total = float(one.evidence.ravel()[first].sum())
        assert total == pytest.approx(float(ends[0] - ends[1]), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_superpixels_keep_to_the_edges(channels: int, depth: type) -> None:
    rows, columns = np.mgrid[:48, :48]
    disc = (rows - 20) ** 2 + (columns - 26) ** 2 < 15**2
    drawn = np.where(disc[..., None], [0.9, 0.3, 0.2], [0.2, 0.3, 0.7])[..., :channels]
    pixels = (drawn * np.iinfo(depth).max).astype(depth) / np.float32(np.iinfo(depth).max)
    segments = superpixels(pixels.astype(np.float32), 40, 10.0)
    assert 15 < segments.max() + 1 < 60
    assert set(np.unique(segments)) == set(range(segments.max() + 1))
    within = np.bincount(segments.ravel(), disc.ravel()) / np.bincount(segments.ravel())
    assert set(within) == {0.0, 1.0}  # none lies on both sides of the edge


def test_shapley_values_of_superpixels_are_exact() -> None:
    classifier = linear()
    image = np.full((8, 8, 3), 40, np.uint8)
    image[:5, 2:7] = 200, 60, 30  # on a background
    found = explain(image, classifier, "kernel-shap", target=1, score="logit",
                    segments="superpixels", superpixels=4, samples=1000)  # fmt: skip
    assert found.standard_error is None
    x = classifier.prepare(classifier.preprocessing.pixels(image)[None])
    values = (classifier.network[1].weight[1].reshape(3, 8, 8) * x[0]).sum(0).detach().numpy()
    segments = superpixels(image.astype(np.float32) / 255, 4, 10.0)
    wanted = np.bincount(segments.ravel(), values.ravel())[segments]
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-4 * np.abs(wanted).max())
    assert len(np.unique(found.evidence[:5, 2:7])) + len(
        np.unique(found.evidence[image[..., 0] == 40])
    ) == len(np.unique(segments))


def test_one_superpixel_is_refused() -> None:
    with pytest.raises(UsageError, match="only one superpixel"):
        superpixels(np.zeros((1, 1, 3), np.float32), 2, 10.0)


@pytest.mark.parametrize("name", ["lime", "kernel-shap"])
def test_the_standard_error_is_the_spread_over_seeds(name: str) -> None:
    classifier = curved()
    options = {"target": 2, "cells": 4, "samples": 200, "score": "logit"}
    if name == "lime":
        options["width"] = 1.0
    maps = [explain(IMAGE, classifier, name, seed=seed, **options) for seed in range(30)]
    spread = np.std([one.evidence for one in maps], axis=0, ddof=1)
    told = np.mean([one.standard_error for one in maps], axis=0)
    assert np.median(spread / told) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("name", ["lime", "kernel-shap"])
def test_steps_do_not_depend_on_the_batch(
    name: str, digits: Classifier, digit_image: Digit
) -> None:
    method = method_named(name).create(digits, samples=100)
    shown = [s.evidence() for s in method.steps(Subject.of(digit_image(3), digits, batch=40))]
    assert [one.complete for one in shown] == [False, False, True]
    other = run(method.steps(Subject.of(digit_image(3), digits, batch=7)))
    np.testing.assert_allclose(other.evidence, shown[-1].evidence, atol=1e-4 * other.limit)


class CopyFirst(nn.Module):
    """Copies what a maximum is given: Captum puts a hook of each layer on that layer's tensors."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(x.clone())


@pytest.mark.parametrize("baseline", ["mean", "white"])
def test_deep_lift_is_captums_and_complete(
    baseline: str, digits: Classifier, digit_image: Digit
) -> None:
    found = explain(digit_image(3), digits, "deep-lift", target=5, baseline=baseline)
    x = digits.prepare(digits.preprocessing.pixels(found.view)[None])
    white = digits.prepare(torch.ones(1, 1, 28, 28))
    start = torch.zeros_like(x) if baseline == "mean" else white
    plain = deepcopy(digits.network)
    for name, module in list(plain.named_children()):
        if isinstance(module, nn.ReLU):
            module.inplace = False
        if isinstance(module, nn.MaxPool2d):
            setattr(plain, name, CopyFirst(module))
    wanted = captum.attr.DeepLift(plain).attribute(x.requires_grad_(), start, target=5)
    wanted = wanted[0, 0].detach().numpy()
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-4 * np.abs(wanted).max())
    ends = digits.logits(torch.cat([x.detach(), start]))[:, 5]
    change = float(ends[0] - ends[1])
    assert float(found.evidence.sum()) == pytest.approx(change, rel=1e-5)
    assert found.how.startswith("completeness error")
    for module in digits.network.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


class Functional(nn.Module):
    """Pools by a function, which has no hooks."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool2d(x, 3, stride=2, padding=1)


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, 2),
        nn.MaxPool2d(3, 2, padding=1),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.MaxPool2d((3, 2), (2, 1), dilation=2),
        Functional(),
    ],
)
def test_deep_lift_is_complete_behind_any_max_pooling(pool: nn.Module) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), pool, nn.Flatten(), nn.LazyLinear(3)]
    network = nn.Sequential(*layers)
    network(torch.zeros(1, 3, 8, 8))
    found = explain(IMAGE, classifier_of(network), "deep-lift", target=1, baseline="white")
    x = given(classifier_of(network))
    ends = network(torch.cat([x, torch.full_like(x, 2.0)]))[:, 1]
    assert float(found.evidence.sum()) == pytest.approx(float(ends[0] - ends[1]), rel=1e-4)
    if isinstance(pool, nn.MaxPool2d):
        sizes = pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode
        assert torch.equal(pool(x), MaximumOfCopies(*sizes)(x))
