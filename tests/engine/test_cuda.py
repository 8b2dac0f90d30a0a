"""The same maps on a GPU as on a processor; skipped where there is no GPU."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.toys import small_transformer
from pda_studio import explain
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.diagnostics import approximation
from pda_studio.methods import METHODS
from pda_studio.pda.forward.devices import on_device
from pda_studio.results import EvidenceMap

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

NEAR = 0.01  # rms difference over rms: TensorFloat-32 keeps three digits
OPTIONS = {"rise": {"masks": 100}, "consensus": {"rounds": 2}, "original-pda": {"samples": 3}}


@pytest.fixture(scope="module")
def on_gpu() -> Classifier:
    return load_classifier("digits", device="cuda")


@pytest.fixture(scope="module")
def digit(digit_image: Callable[[int], np.ndarray]) -> np.ndarray:
    return digit_image(3)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference over root mean square."""
    difference = np.square(one.astype(float) - other).mean()
    return float(np.sqrt(difference / np.square(one.astype(float)).mean()))


def test_the_same_map_by_every_method(
    digits: Classifier, on_gpu: Classifier, digit: np.ndarray
) -> None:
    for name, method in METHODS.items():
        # Made, or for transformers.
        if name in ("activation-maximisation", "attention-rollout", "attn-lrp", "patch-pda"):
            continue
        options = dict(OPTIONS.get(name, {}))
        if "stride" in method.model_fields:
            options |= {"stride": 3, "forward": "full"}
        there, here = (
            explain(digit, classifier, method=name, **options) for classifier in (on_gpu, digits)
        )
        assert isinstance(there, EvidenceMap)
        assert isinstance(here, EvidenceMap)
        assert apart(here.evidence, there.evidence) < NEAR, name


@pytest.mark.parametrize("forward", ["full", "incremental", "linearised"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16-delta"])
def test_the_same_map_by_every_forward(
    digits: Classifier, on_gpu: Classifier, digit: np.ndarray, forward: str, precision: str
) -> None:
    options = {"forward": forward, "window": 5, "stride": 2, "precision": precision}
    if forward == "full":
        del options["precision"]
    there, here = (explain(digit, classifier, **options) for classifier in (on_gpu, digits))
    assert isinstance(there, EvidenceMap)
    assert isinstance(here, EvidenceMap)
    assert apart(here.evidence, there.evidence) < (NEAR if precision == "float32" else 0.05)


def test_a_levelled_map(digits: Classifier, on_gpu: Classifier, digit: np.ndarray) -> None:
    """It is as near as it says, and exact in the end."""
    exact = explain(digit, on_gpu, window=5, forward="full")
    got = explain(digit, on_gpu, window=5, forward="levelled", tolerance=0.1)
    end = explain(digit, on_gpu, window=5, forward="levelled", tolerance=0)
    for one in (exact, got, end):
        assert isinstance(one, EvidenceMap)
    assert apart(exact.evidence, got.evidence) < 0.15
    claimed = approximation(got.diagnostics)
    assert claimed is None or claimed.error <= 0.1
    assert apart(exact.evidence, end.evidence) < 0.02  # bfloat16 where it saves time


def test_a_network_that_runs_as_a_whole() -> None:
    """A transformer, on a lattice."""
    here = small_transformer()
    there = on_device(here, torch.device("cuda"))
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    for options in ({"forward": "full"}, {"forward": "levelled", "tolerance": 0.2}):
        one, other = (
            explain(image, classifier, window=6, stride=2, **options)
            for classifier in (here, there)
        )
        assert isinstance(one, EvidenceMap)
        assert isinstance(other, EvidenceMap)
        assert apart(one.evidence, other.evidence) < 2 * NEAR
