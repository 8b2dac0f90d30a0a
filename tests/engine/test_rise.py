"""RISE against brute force, known covariances, and the authors' way of making masks."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.transform import resize
from torch import nn

from engine.conftest import BEE_EATER, LANGUR, Open
from engine.toys import small_transformer
from pda_studio import explain
from pda_studio.attribution.rise import Masks
from pda_studio.classifiers import Classifier, Preprocessing, load_classifier
from pda_studio.errors import UsageError
from pda_studio.methods import method_named, run
from pda_studio.results import Subject
from pda_studio.targets import ContrastTarget, UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]
SIZE = 24


class OnePixel(nn.Module):
    """The first logit is a pixel, the other 0."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.row, self.column = row, column
        self.unused = nn.Linear(1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = x[:, 0, self.row, self.column]
        return torch.stack([value, torch.zeros_like(value)], 1)


def seeing(row: int, column: int) -> Classifier:
    return Classifier(
        name="one pixel",
        network=OnePixel(row, column).eval().requires_grad_(False),
        preprocessing=Preprocessing(resize=SIZE, size=SIZE, mean=(0.0,), std=(1.0,)),
        class_names=("pixel", "nothing"),
        device=torch.device("cpu"),
        weights="none",
    )


WHITE = np.full((SIZE, SIZE, 3), 255, np.uint8)


@pytest.mark.parametrize("score", ["probability", "logit"])
def test_it_is_the_papers_sum_less_the_mean_score(
    small_squeezenet: Classifier, image: Open, score: str
) -> None:
    options = {"masks": 60, "cells": 5, "shown": 0.4, "seed": 2, "score": score}
    found = explain(np.asarray(image(LANGUR)), small_squeezenet, "rise", target=5, **options)
    x = small_squeezenet.prepare(small_squeezenet.preprocessing.pixels(found.view)[None])
    masks = Masks(48, 48, 60, 5, 0.4, 2)(0, 60)
    scores = []
    for mask in masks:
        logits = small_squeezenet.logits(x * mask)[0].double()
        scores.append(float((logits.softmax(0) if score == "probability" else logits)[5]))
    values, m = np.array(scores), masks.double().numpy()
    paper = np.einsum("n,nhw->hw", values, m) / (60 * 0.4)
    wanted = paper - values.mean() * m.mean(0) / 0.4
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-4 * np.abs(wanted).max())
    products = (values - values.mean())[:, None, None] * (m - 0.4) / 0.4
    error = products.std(0) / np.sqrt(60)
    np.testing.assert_allclose(found.standard_error, error, rtol=1e-3, atol=1e-4 * error.max())
    assert found.unit == score


def test_only_what_is_near_the_pixel_that_counts_has_evidence() -> None:
    classifier = seeing(6, 17)
    found = explain(WHITE, classifier, "rise", target=0, masks=3000, cells=4, score="logit")
    others = Masks(SIZE, SIZE, 3000, 4, 0.5, seed=99)(0, 3000).double().numpy()
    wanted = np.cov(others[:, 6, 17], others.reshape(3000, -1).T)[0, 1:].reshape(SIZE, SIZE) / 0.5
    assert found.standard_error is not None
    away = (found.evidence - wanted) / (np.sqrt(2) * found.standard_error)
    assert np.abs(away).max() < 5
    assert np.unravel_index(found.evidence.argmax(), found.evidence.shape) == pytest.approx(
        (6, 17), abs=2
    )
    corner = found.evidence[-4:, :4] / found.standard_error[-4:, :4]
    assert np.abs(corner).max() < 4  # which is 0, as far as 3000 masks can tell


def test_the_standard_error_is_the_spread_over_seeds() -> None:
    classifier = seeing(12, 12)
    maps = [
        explain(WHITE, classifier, "rise", target=0, masks=100, cells=4, score="logit", seed=seed)
        for seed in range(60)
    ]
    spread = np.std([one.evidence for one in maps], axis=0, ddof=1)
    told = np.mean([one.standard_error for one in maps], axis=0)
    assert np.median(spread / told) == pytest.approx(1, abs=0.15)


def test_what_plays_no_part_has_no_evidence() -> None:
    found = explain(WHITE, seeing(0, 0), "rise", target=1, masks=50, score="logit")
    np.testing.assert_array_equal(found.evidence, 0)


@pytest.mark.parametrize(("cells", "shown"), [(7, 0.5), (4, 0.2), (5, 0.9)])
def test_masks_are_the_authors(cells: int, shown: float) -> None:
    make = Masks(50, 50, 400, cells, shown, seed=1)
    masks = make(0, 400).numpy()
    assert masks.shape == (400, 50, 50)
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    assert masks.mean() == pytest.approx(shown, abs=0.03)
    np.testing.assert_array_equal(make(123, 7).numpy(), masks[123:130])
    cell = -(-50 // cells)
    side = (cells + 1) * cell
    for index in range(5):
        grid = make._grids[index, 0].numpy()
        large = resize(grid, (side, side), order=1, mode="edge", anti_aliasing=False)
        top, left = (shifts[index] for shifts in make._shifts)
        assert 0 <= top < cell
        np.testing.assert_allclose(masks[index], large[top : top + 50, left : left + 50], atol=1e-5)


def test_steps_show_maps_that_grow_and_do_not_depend_on_the_batch(
    digits: Classifier, digit_image: Digit
) -> None:
    method = method_named("rise").create(digits, masks=300)
    subject = Subject.of(digit_image(3), digits, batch=64)
    shown = [(step.done, step.total, step.evidence()) for step in method.steps(subject)]
    assert [done for done, _, _ in shown] == [64, 128, 192, 256, 300]
    assert {total for _, total, _ in shown} == {300}
    assert [one.complete for _, _, one in shown] == [False, False, False, False, True]
    assert shown[0][2].evidence.any()
    for batch in (1, 7, None):
        other = run(method.steps(Subject.of(digit_image(3), digits, batch=batch)))
        limit = shown[-1][2].limit
        np.testing.assert_allclose(other.evidence, shown[-1][2].evidence, atol=1e-5 * limit)


def test_evidence_lies_on_the_bird(half_squeezenet: Classifier, image: Open) -> None:
    found = explain(np.asarray(image(BEE_EATER)), half_squeezenet, "rise", "bee eater", masks=400)
    bird, grass = found.evidence[:45, 30:60].mean(), found.evidence[70:, 60:].mean()
    assert bird > 0.02
    assert abs(grass) < bird / 3


def test_other_targets(digits: Classifier, digit_image: Digit) -> None:
    options = {"masks": 40, "score": "logit", "batch": 40}
    image = digit_image(4)
    got = explain(image, digits, "rise", target=ContrastTarget(4, 9), **options)
    four, nine = (explain(image, digits, "rise", target=t, **options) for t in (4, 9))
    np.testing.assert_allclose(got.evidence, four.evidence - nine.evidence, atol=1e-5 * got.limit)
    unit = explain(image, digits, "rise", masks=40, target=UnitTarget("relu2", 3))
    assert unit.unit == "activation"  # it has no probability
    assert unit.evidence.any()


@pytest.mark.parametrize("name", ["mobilenet_v2", "transformer"])
def test_maps_complete(name: str) -> None:
    transformer = name == "transformer"
    classifier = small_transformer() if transformer else load_classifier(name, "random", "cpu")
    before = [(type(m), len(m._forward_hooks), m.training) for m in classifier.network.modules()]
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    found = explain(image, classifier, "rise", masks=3, batch=2, score="logit")
    assert found.complete
    assert found.evidence.shape == classifier.input_size
    assert np.isfinite(found.evidence).all()
    after = [(type(m), len(m._forward_hooks), m.training) for m in classifier.network.modules()]
    assert before == after


def test_bad_values_are_told() -> None:
    for values in ({"masks": 1}, {"cells": 1}, {"shown": 0.0}, {"score": "odds"}):
        with pytest.raises(UsageError, match=f"{next(iter(values))} must be"):
            method_named("rise").create(None, **values)
