"""Standard errors: of windows from their samples, of pixels from their windows, at every step."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from engine.toys import classifier_of, random_statistics
from pda_studio import explain
from pda_studio.classifiers import Classifier
from pda_studio.methods import method_named
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import Subject

Image = NDArray[np.uint8]
SIDE = 12
OVERLAPPING = {"window": 6, "outer": 8, "stride": 2}
PLAIN = {"forward": "full", "precision": "float32", "colour": "independent"}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(4)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(128, 4),
    )  # fmt: skip
    return classifier_of(random_statistics(network), size=SIDE, classes=4)


@pytest.fixture(scope="module")
def image() -> Image:
    return np.random.default_rng(2).integers(40, 216, (SIDE, SIDE, 3)).astype(np.uint8)


def literal(variances: NDArray, corners: NDArray, scored: NDArray, window: int) -> NDArray:
    """√(Σ variances) / n over the n scored windows that cover a pixel; NaN where there is none."""
    error = np.full((SIDE, SIDE), np.nan)
    for y in range(SIDE):
        for x in range(SIDE):
            over = [
                variance
                for variance, (top, left), there in zip(variances, corners, scored, strict=True)
                if there and top <= y < top + window and left <= x < left + window
            ]
            if over:
                error[y, x] = np.sqrt(sum(over)) / len(over)
    return error


def test_a_pixels_standard_error_is_that_of_the_mean_of_its_windows() -> None:
    grid = WindowGrid(SIDE, SIDE, 5, 2)
    random = np.random.default_rng(0)
    variances = random.exponential(size=len(grid))
    for share in (1.0, 0.6, 0.3):
        scored = random.random(len(grid)) < share
        scored[:1] = True
        wanted = literal(variances, grid.corners, scored, 5)
        found = grid.standard_error(variances, scored, None if scored.all() else scored)
        there = ~np.isnan(wanted)
        np.testing.assert_allclose(found[there], wanted[there], rtol=1e-9)


@pytest.mark.parametrize("difference", ["logit", "probability"])
def test_an_unfinished_map_has_the_errors_of_its_windows_so_far(
    classifier: Classifier, image: Image, difference: str
) -> None:
    method = method_named("original-pda").create(
        classifier, infill="conditional-samples", samples=4, seed=1, difference=difference,
        **OVERLAPPING, **PLAIN,
    )  # fmt: skip
    partial = []
    for step in method.steps(Subject.of(image, classifier, 1, batch=4)):
        partial.append((step.done, step.evidence()))
    scores = partial[-1][1].scores
    assert scores is not None
    column = scores.column(1)
    variance = scores.logit_variance if difference == "logit" else scores.probability_variance
    assert variance is not None
    grid = scores.grid
    order = np.concatenate(list(grid.passes()))
    checked = 0
    for done, one in partial:
        assert one.standard_error is not None
        scored = np.zeros(len(grid), bool)
        scored[order[:done]] = True
        wanted = literal(variance[:, column], grid.corners, scored, OVERLAPPING["window"])
        there = ~np.isnan(wanted)
        assert one.covered is None or np.array_equal(one.covered, there)
        np.testing.assert_allclose(one.standard_error[there], wanted[there], rtol=1e-5)
        checked += done < len(grid)
    assert checked >= 3, "nothing was unfinished"


def claimed_over_true(make: Callable[[int], tuple[NDArray, NDArray]], seeds: int) -> float:
    """Claimed standard error over the spread of the evidence between seeds, rms over pixels."""
    maps, errors = zip(*(make(seed) for seed in range(seeds)), strict=True)
    spread = np.std(np.array(maps, np.float64), axis=0, ddof=1)
    return float(np.sqrt((np.array(errors, np.float64) ** 2).mean() / (spread**2).mean()))


@pytest.mark.parametrize(
    ("method", "infill", "samples", "difference", "stride"),
    [
        ("original-pda", "conditional-samples", 8, "log-odds", 2),
        ("original-pda", "conditional-samples", 3, "probability", 2),
        ("original-pda", "marginal-samples", 8, "logit", 2),
        # One infill for each window: its error shows only in a second draw, here of every window.
        ("sampled-pda", "conditional-empirical-mean", 2, "logit", 4),
        ("sampled-pda", "marginal-empirical-mean", 4, "probability", 4),
        ("original-pda", "marginal-samples", 1, "logit", 4),
    ],
)
def test_the_claimed_error_is_the_spread_over_seeds(
    method: str,
    infill: str,
    samples: int,
    difference: str,
    stride: int,
    classifier: Classifier,
    image: Image,
) -> None:
    """Windows overlap, so that the errors of several add up in each pixel."""

    def make(seed: int) -> tuple[NDArray, NDArray]:
        made = explain(
            image, classifier, method, 1, batch=32, infill=infill, samples=samples, seed=seed,
            difference=difference, **{**OVERLAPPING, "stride": stride}, **PLAIN,
        )  # fmt: skip
        assert made.standard_error is not None
        return made.evidence, made.standard_error

    assert 0.86 < claimed_over_true(make, 60) < 1.16
