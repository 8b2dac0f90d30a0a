"""Differences and the loop's averages, on cases worked out by hand."""

from collections.abc import Iterator
from math import log2

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.attribution.prediction_difference import redraw
from pda_studio.classifiers import Classifier
from pda_studio.methods import method_named, run
from pda_studio.pda.differences import corrected, differences, log_odds
from pda_studio.pda.forward import SampleScores
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.loop import score_windows
from pda_studio.pda.options import Difference
from pda_studio.pda.scores import WindowScores
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, Subject, classes_to_keep


class GivenFiller(Filler):
    stochastic = True

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        return torch.zeros(len(corners), self.samples, 1, 1, 1)


class GivenForward:
    """Answers with the probabilities it was given: by left column, one for each sample."""

    linearised = False

    def __init__(self, before: float, after: list[list[float]]) -> None:
        self._after = np.array(after)
        self.original = self._scores(np.array([[before]]))

    @staticmethod
    def _scores(p: NDArray[np.float64]) -> SampleScores:
        return SampleScores(np.stack([1 - p, p], -1), np.stack([-p, 10 * p], -1))

    images_at_once = 100

    def batches(self, grid: WindowGrid, samples: int) -> Iterator[NDArray[np.int64]]:
        return grid.batches(lambda: 1)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        return self._scores(self._after[corners[:, 1]])


def scores_of(before: float, after: list[list[float]], class_count: int = 2) -> WindowScores:
    grid = WindowGrid(1, len(after), 1, 1)
    filler, forward = GivenFiller(len(after[0])), GivenForward(before, after)
    *_, last = score_windows(grid, filler, forward, np.array([0, 1]), class_count)
    assert isinstance(last, WindowScores)
    return last


def test_laplace_correction_by_hand() -> None:
    assert corrected(np.array(1.0), 1000) == pytest.approx(100_001 / 101_000, rel=1e-15)
    assert corrected(np.array(0.0), 10) == pytest.approx(1 / 100_010, rel=1e-15)
    assert corrected(np.array(0.5), 2) == 0.5


def test_log_odds_by_hand() -> None:
    assert log_odds(np.array(0.5), 2) == 0
    assert log_odds(np.array(1.0), 1000) == pytest.approx(log2(100_001 / 999), rel=1e-12)
    assert log_odds(np.array(0.0), 1000) == pytest.approx(log2(1 / 100_999), rel=1e-12)
    assert log_odds(np.array(0.8), 2) == pytest.approx(2, abs=1e-4)  # odds of 4


def test_probabilities_are_averaged_before_the_odds_are_taken() -> None:
    values, _ = differences(scores_of(0.8, [[0.2, 0.6], [0.8, 0.8], [1.0, 0.9]]), 1, "log-odds")
    before = log2(80_001 / 20_001)
    wanted = [before - log2(40_001 / 60_001), 0, before - log2(95_001 / 5_001)]
    np.testing.assert_allclose(values, wanted, atol=1e-12)


def test_other_class_of_two_has_the_opposite_log_odds() -> None:
    scores = scores_of(0.8, [[0.2, 0.6]])
    (one,), _ = differences(scores, 0, "log-odds")
    (other,), _ = differences(scores, 1, "log-odds")
    assert one == pytest.approx(-other, rel=1e-12)


def test_probability_and_logit_by_hand() -> None:
    scores = scores_of(0.8, [[0.2, 0.6], [0.9, 0.9]])
    np.testing.assert_allclose(differences(scores, 1, "probability")[0], [0.4, -0.1])
    np.testing.assert_allclose(differences(scores, 1, "logit")[0], [4, -1])
    np.testing.assert_allclose(differences(scores, 0, "logit")[0], [-0.4, 0.1])


def test_variances_by_hand() -> None:
    """Samples 0.2 and 0.6: variance 0.08 with n − 1, of the mean of two 0.04."""
    scores = scores_of(0.8, [[0.2, 0.6]])
    np.testing.assert_allclose(differences(scores, 1, "probability")[1], [0.04])
    np.testing.assert_allclose(differences(scores, 1, "logit")[1], [4])
    # One standard deviation of 0.2 around 0.4, for log-odds; clipped to [0, 1] elsewhere.
    (variance,) = differences(scores, 1, "log-odds")[1]  # type: ignore[misc]
    assert variance == pytest.approx(((log2(60_001 / 40_001) - log2(20_001 / 80_001)) / 2) ** 2)


def test_small_variances_of_log_odds_follow_the_slope() -> None:
    scores = scores_of(0.8, [[0.3999, 0.4001]])
    step = 1e-6
    slope = (log_odds(np.array(0.4 + step), 2) - log_odds(np.array(0.4 - step), 2)) / (2 * step)
    np.testing.assert_allclose(differences(scores, 1, "log-odds")[1], [1e-8 * slope**2], rtol=1e-5)


def test_claimed_errors_stay_within_what_log_odds_can_be() -> None:
    """One draw of two tips the decision: the tangent would claim thousands of bits."""
    scores = scores_of(0.8, [[1e-5, 1e-5]])
    assert scores.probability_variance is not None
    scores.probability_variance[:] = 0.3
    (variance,) = differences(scores, 1, "log-odds")[1]  # type: ignore[misc]
    assert 1 < variance**0.5 < 17


def test_classes_to_keep_holds_the_likely_ones_and_the_target() -> None:
    probabilities = np.arange(30) / 435
    kept = classes_to_keep(probabilities, target=3)
    assert kept.tolist() == [*range(29, 9, -1), 3]
    assert classes_to_keep(probabilities, target=29).tolist() == [*range(29, 9, -1)]
    assert classes_to_keep(np.full(10, 0.1), target=3).tolist() == [*range(10)]


class Calls:
    """How often a network was called."""

    def __init__(self, network: nn.Module) -> None:
        self.count = 0
        self._handle = network.register_forward_hook(self._called)

    def _called(self, *_: object) -> None:
        self.count += 1

    def remove(self) -> None:
        self._handle.remove()


@pytest.mark.parametrize("difference", ["probability", "logit", "log-odds"])
def test_redraw_equals_a_fresh_run_without_asking_the_network(
    digits: Classifier, digit_image: object, difference: Difference
) -> None:
    image = digit_image(4)  # type: ignore[operator]
    method = method_named("original-pda").create(digits, stride=4, samples=3, seed=5)
    first = run(method.steps(Subject.of(image, digits)))
    subject = Subject.of(image, digits, target=9)
    fresh_method = method_named("original-pda").create(
        digits, stride=4, samples=3, seed=5, difference=difference
    )
    fresh = run(fresh_method.steps(subject))
    calls = Calls(digits.network)
    try:
        redrawn = redraw(first, subject, difference)
        assert calls.count == 0
        digits.predict(subject.view)
        assert calls.count == 1, "the counter does not count"
    finally:
        calls.remove()
    # The fastest batch size may differ between the runs, and with it the last bits.
    limit = fresh.limit
    np.testing.assert_allclose(redrawn.evidence, fresh.evidence, rtol=0, atol=1e-5 * limit)
    assert fresh.standard_error is not None
    assert redrawn.standard_error is not None
    np.testing.assert_allclose(
        redrawn.standard_error, fresh.standard_error, rtol=0, atol=1e-5 * limit
    )
    for name in ("target", "target_name", "unit", "parameters", "method", "classifier"):
        assert getattr(redrawn, name) == getattr(fresh, name), name
    assert not np.allclose(first.evidence, redrawn.evidence)


def test_redraw_refuses_classes_that_were_not_kept(
    small_squeezenet: Classifier, image: object
) -> None:
    image = np.asarray(image("preddiff_samples/n02488291_1177.jpg"))  # type: ignore[operator]
    method = method_named("occlusion").create(small_squeezenet, window=24, stride=24)
    subject = Subject.of(image, small_squeezenet)
    done: EvidenceMap = run(method.steps(subject))
    least = int(subject.probabilities.argmin())
    with pytest.raises(KeyError):
        redraw(done, Subject.of(image, small_squeezenet, target=least), "log-odds")
