"""Symmetric relevance gain against a slow reference, and where it is known beforehand."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engine.conftest import LANGUR, Open
from engine.test_rise import WHITE, seeing
from pda_studio import explain
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.metrics.relevance_gain import mean_over_images, relevance_gain
from pda_studio.results import EvidenceMap
from pda_studio.targets import UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]


def slow_gain(
    found: EvidenceMap, classifier: Classifier, block: int, sigma: float | None, cuts: list[int]
) -> tuple[list[float], list[float]]:
    """Both curves, block by block and image by image; without sigma the fill is grey."""
    image = found.view.astype(np.float64) / 255
    soft = np.full_like(image, 0.5)
    if sigma is not None:
        soft = np.stack(
            [gaussian_filter(image[..., c], sigma, mode="reflect") for c in range(3)], 2
        )
    height, width = found.evidence.shape
    blocks = [
        np.s_[top : top + block, left : left + block]
        for top in range(0, height, block)
        for left in range(0, width, block)
    ]
    blocks.sort(key=lambda block: -float(found.evidence[block].astype(np.float64).mean()))
    mean, std = classifier.preprocessing.mean, classifier.preprocessing.std
    curves: tuple[list[float], list[float]] = ([], [])
    for cut in cuts:
        for curve, below, above in ((curves[0], soft, image), (curves[1], image, soft)):
            mixed = below.copy()
            for one in blocks[:cut]:
                mixed[one] = above[one]
            x = (mixed[..., : len(mean)] - np.array(mean)) / np.array(std)
            logits = classifier.network(torch.tensor(x.transpose(2, 0, 1)[None]).float())[0]
            e = np.exp(logits.detach().numpy().astype(np.float64))
            curve.append(float(e[found.index] / e.sum()))
    return curves


def area(curve: list[float], cuts: list[int]) -> float:
    parts = [(b - a) * (curve[i] + curve[i + 1]) / 2 for i, (a, b) in enumerate(pairwise(cuts))]
    return sum(parts) / cuts[-1]


@pytest.mark.parametrize(("block", "sigma", "steps"), [(8, 5.0, 36), (8, None, 6), (10, 3.0, 5)])
def test_it_is_the_slow_reference(
    small_squeezenet: Classifier, image: Open, block: int, sigma: float | None, steps: int
) -> None:
    found = explain(np.asarray(image(LANGUR)), small_squeezenet, "grad-cam")
    count = (-(-48 // block)) ** 2
    cuts = [round(count * i / steps) for i in range(steps + 1)]
    inserted, deleted = slow_gain(found, small_squeezenet, block, sigma, cuts)
    fill = {"fill": "grey"} if sigma is None else {"sigma": sigma}
    got = relevance_gain(found, small_squeezenet, block=block, steps=steps, **fill)
    limit = max(inserted + deleted)
    np.testing.assert_allclose(got.share, np.array(cuts) / count)
    np.testing.assert_allclose(got.inserted, inserted, atol=2e-3 * limit)
    np.testing.assert_allclose(got.deleted, deleted, atol=2e-3 * limit)
    assert got.insertion == pytest.approx(area(inserted, cuts), abs=2e-3 * limit)
    assert got.gain == pytest.approx(area(inserted, cuts) - area(deleted, cuts), abs=4e-3 * limit)
    assert np.ptp(inserted) > 0.3 * limit


def test_one_channel(digits: Classifier, digit_image: Digit) -> None:
    found = explain(digit_image(7), digits, "grad-cam")
    got = relevance_gain(found, digits, block=4, sigma=2.0, steps=7)
    inserted, deleted = slow_gain(found, digits, 4, 2.0, [7 * i for i in range(8)])
    np.testing.assert_allclose(got.inserted, inserted, atol=1e-3)
    np.testing.assert_allclose(got.deleted, deleted, atol=1e-3)


def logistic(x: float) -> float:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("place", [0, 3, 8])
def test_one_block_that_counts_by_hand(place: int) -> None:
    """Of 9 blocks only the middle one counts: with it the probability is 1/(1 + 1/e)."""
    classifier = seeing(12, 12)
    evidence = np.zeros((3, 3), np.float32)
    evidence.flat[[i for i in range(9) if i != 4]] = [8, 7, 6, 5, 4, 3, 2, 1]
    evidence[1, 1] = 8.5 - place
    evidence = evidence.repeat(8, 0).repeat(8, 1)
    found = explain(WHITE, classifier, "rise", target=0, masks=2).replace(evidence=evidence)
    got = relevance_gain(found, classifier, fill="grey", steps=9)
    low, high = logistic(0.5), logistic(1.0)
    early = (9 - place - 0.5) / 9  # the share of the curve after it, with half of its own step
    assert got.insertion == pytest.approx(low + early * (high - low), abs=1e-6)
    assert got.deletion == pytest.approx(high - early * (high - low), abs=1e-6)
    assert got.gain == pytest.approx((2 * early - 1) * (high - low), abs=1e-6)


def test_the_order_upside_down_loses_what_it_gained(
    small_squeezenet: Classifier, image: Open
) -> None:
    found = explain(np.asarray(image(LANGUR)), small_squeezenet, "grad-cam")
    noise = np.random.default_rng(0).normal(size=(48, 48)).astype(np.float32)
    one = found.replace(evidence=noise)
    other = found.replace(evidence=-noise)
    there, back = (relevance_gain(m, small_squeezenet, sigma=4.0, steps=36) for m in (one, other))
    np.testing.assert_allclose(there.inserted, back.deleted[::-1], rtol=1e-3)
    assert there.gain == pytest.approx(-back.gain, abs=1e-4)
    assert there.gain != 0


def test_the_interval_holds_the_mean_in_95_of_100() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        told = mean_over_images(list(random.normal(3.0, 2.0, 6)))
        assert told.low < told.mean < told.high
        held += told.low < 3.0 < told.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)
    assert str(mean_over_images([1.0, 3.0], 0.5)) == "2.000 [1.000, 3.000]"  # t of 1 df: ±1


def test_what_cannot_be_measured_is_refused(digits: Classifier, digit_image: Digit) -> None:
    found = explain(digit_image(4), digits, "grad-cam")
    for wrong in ({"block": 0}, {"steps": 0}, {"sigma": 0.0}):
        with pytest.raises(UsageError, match="must be positive"):
            relevance_gain(found, digits, **wrong)
    unit = explain(digit_image(4), digits, "grad-cam", UnitTarget("relu2", 3))
    with pytest.raises(UsageError, match="no probability"):
        relevance_gain(unit, digits)
    with pytest.raises(UsageError, match="unfinished"):
        relevance_gain(found.replace(covered=np.zeros((28, 28), bool)), digits)
    larger = replace(
        digits,
        preprocessing=digits.preprocessing.model_copy(update={"size": (32, 32), "resize": 32}),
    )
    with pytest.raises(UsageError, match="not of the size that digits sees"):
        relevance_gain(found, larger)
    with pytest.raises(UsageError, match="at least two images"):
        mean_over_images([0.4])
