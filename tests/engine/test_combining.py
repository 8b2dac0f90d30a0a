"""Several maps as one, and windows of several sizes in one run."""

import numpy as np
import pytest

from pda_studio import explain
from pda_studio.attribution.combining import combined, standardised
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.methods import method_named
from pda_studio.results import Subject


@pytest.fixture
def three() -> np.ndarray:
    image = np.zeros((28, 28, 3), dtype=np.uint8)
    image[6:22, 13:16] = 255
    return image


def test_standardised_by_hand() -> None:
    np.testing.assert_allclose(standardised(np.array([[3.0, 0.0], [0.0, -1.0]])) ** 2,
                               np.array([[3.6, 0.0], [0.0, 0.4]]))  # fmt: skip
    assert standardised(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_combined_is_the_mean_and_tells_the_spread(digits: Classifier, three) -> None:
    maps = [explain(three, digits, name, stride=2) for name in ("efficient-pda", "occlusion")]
    together = combined(maps)
    a, b = (one.evidence / np.sqrt((one.evidence**2).mean()) for one in maps)
    np.testing.assert_allclose(together.evidence, (a + b) / 2, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together.standard_error, np.abs(a - b) / 2, rtol=1e-3, atol=1e-5)
    assert together.unit == "rms"
    assert together.parameters == {"of": ["Efficient PDA", "Occlusion"]}


def test_what_does_not_belong_together_is_refused(digits: Classifier, three) -> None:
    one = explain(three, digits, stride=4)
    with pytest.raises(UsageError, match="at least two"):
        combined([one])
    with pytest.raises(UsageError, match="same image"):
        combined([one, explain(np.roll(three, 3, 1), digits, stride=4)])
    with pytest.raises(UsageError, match="same image"):
        combined([one, explain(three, digits, stride=4, target=3)])
    unfinished = one.replace(covered=np.zeros((28, 28), dtype=bool))
    with pytest.raises(UsageError, match="unfinished"):
        combined([one, unfinished])


def test_multiscale_is_the_mean_over_window_sizes(digits: Classifier, three) -> None:
    options = {"infill": "marginal-mean", "forward": "full"}
    sizes = {"smallest": 3, "largest": 8, "sizes": 2, "overlap": 2}
    got = explain(three, digits, "multiscale-pda", **sizes, **options)
    parts = [
        explain(three, digits, window=side, stride=max(1, side // 2), outer=16, **options)
        for side in (3, 8)
    ]
    wanted = np.mean([standardised(part.evidence) for part in parts], axis=0)
    np.testing.assert_allclose(got.evidence, wanted, rtol=1e-3, atol=1e-4)
    assert got.complete


def test_multiscale_counts_all_windows_and_shows_the_first_at_once(digits, three) -> None:
    method = method_named("multiscale-pda").create(digits)
    subject = Subject.of(three, digits)
    steps = list(method.steps(subject))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == method.cost(subject)
    assert not steps[0].evidence().complete
    with pytest.raises(UsageError, match="larger than the smallest"):
        method_named("multiscale-pda").create(digits, smallest=9, largest=9)
