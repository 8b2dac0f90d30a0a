"""The reference against the definitions it abbreviates."""

import numpy as np
import pytest
from reference import (
    Accumulator,
    Colour,
    Statistics,
    log_odds,
    patch_covariance,
    patch_covariance_literal,
    window_law,
)


@pytest.mark.parametrize("colour", ["joint", "independent"])
def test_patch_covariance_equals_the_literal_double_loop(
    natural: Statistics, colour: Colour
) -> None:
    assert natural.autocovariance is not None
    np.testing.assert_array_equal(
        patch_covariance(natural.autocovariance, 5, colour),
        patch_covariance_literal(natural.autocovariance, 5, colour),
    )


def test_conditional_law_equals_the_regression_of_many_draws() -> None:
    """Conditioning formulas against least squares on samples of the joint Gaussian."""
    random = np.random.default_rng(0)
    root = random.standard_normal((16, 16))
    covariance = root @ root.T
    law = window_law(covariance, 1, 4, 2, 1, 1)
    draws = random.standard_normal((200_000, 16)) @ root.T
    outside, inside = draws[:, law.outside], draws[:, law.inside]
    gain, *_ = np.linalg.lstsq(outside, inside, rcond=None)
    np.testing.assert_allclose(gain.T, law.gain, atol=0.05)
    residual = inside - outside @ gain
    np.testing.assert_allclose(
        residual.T @ residual / len(draws), law.conditional_covariance, atol=0.05
    )


def test_evidence_of_two_overlapping_windows_by_hand() -> None:
    accumulator = Accumulator(1, 3)
    accumulator.we, accumulator.counts = np.zeros((2, 3)), np.zeros((2, 3))
    accumulator.add(0, 0, 2, 4.0)
    accumulator.add(0, 1, 2, -1.0)
    np.testing.assert_array_equal(accumulator.evidence(), [[4, 1.5, -1]] * 2)


def test_log_odds_by_hand() -> None:
    assert log_odds(0.5, 2) == 0
    assert log_odds(1.0, 1000) == pytest.approx(np.log2(100_001 / 999))
    assert log_odds(0.0, 1000) == pytest.approx(np.log2(1 / 100_999))
