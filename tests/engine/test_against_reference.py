"""Whole maps against the slow float64 reference, on real networks and images.

The bound is 0.1 % of the evidence's rms; without rounding both would be the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from reference import (
    Analysis,
    Array,
    Colour,
    Difference,
    Network,
    Statistics,
    conditional,
    log_odds,
    preprocess,
    relative_difference,
    softmax,
    to_pixels,
    with_window,
)

import pda_studio
from engine.conftest import BEE_EATER, LANGUR, TERRIER, Open
from pda_studio.classifiers import Classifier
from pda_studio.infills import INFILLS, InfillSettings
from pda_studio.pda.infill.statistics import shipped_statistics
from pda_studio.results import EvidenceMap

pytestmark = pytest.mark.xdist_group("against reference")  # what is computed once is, by one worker

BOUND = 1e-3


def explain(*arguments: object, **parameters: object) -> EvidenceMap:
    """What is compared is not the rounding to bfloat16, which has a test of its own."""
    return pda_studio.explain(*arguments, **{"precision": "float32", **parameters})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    image: str
    k: int
    outer: int
    stride: int
    colour: Colour = "joint"
    difference: Difference = "log-odds"
    rank: int = 0  # of the target among the likely classes
    network: str = "squeezenet1_1"

    def parameters(self) -> dict[str, object]:
        return {
            "window": self.k,
            "outer": self.outer,
            "stride": self.stride,
            "colour": self.colour,
            "difference": self.difference,
        }

    def __str__(self) -> str:
        name = self.image.rsplit("/")[-1].partition(".")[0]
        return (
            f"{self.network}-{name}-k{self.k}-l{self.outer}-s{self.stride}-{self.colour}"
            f"-{self.difference}-rank{self.rank}"
        )


Networks = Callable[[str], Network]


def analysis(case: Case, network: Network, pixels: Array, statistics: Statistics) -> Analysis:
    made = Analysis(
        network, pixels, 0, statistics, case.k, case.outer, case.stride, case.colour,
        case.difference,
    )  # fmt: skip
    made.target = int(np.argsort(-made.original)[case.rank])
    return made


def check(found: EvidenceMap, wanted: Array, record: Callable[[str, object], None]) -> None:
    assert wanted.std() > 0.01 * np.abs(wanted).max(), "a map without evidence proves nothing"
    difference = relative_difference(found.evidence, wanted)
    record("relative_difference", difference)
    assert difference <= BOUND


HALF_SIZE = [
    Case(BEE_EATER, 16, 24, 16),
    Case(TERRIER, 20, 21, 20, "independent", "logit"),
    Case(LANGUR, 16, 17, 16, "independent", "probability", rank=1),
    Case(BEE_EATER, 16, 17, 16, network="mobilenet_v2"),
]
SMALL = [
    Case(LANGUR, 7, 16, 5, rank=0),
    Case(LANGUR, 7, 16, 7, "independent", "probability"),
    Case(TERRIER, 2, 3, 2, difference="logit"),
    Case(BEE_EATER, 10, 11, 3, difference="logit"),
    Case(BEE_EATER, 10, 18, 4, "joint", "log-odds", rank=3),
]


@pytest.mark.parametrize("case", HALF_SIZE, ids=str)
def test_algorithm_2(
    case: Case,
    image: Open,
    squeezenet: Classifier,
    mobilenet: Classifier,
    reference_networks: Networks,
    natural: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    """At half the usual size; that of 224 pixels has tests of occlusion and of Algorithm 3."""
    image = image(case.image)
    pixels = to_pixels(preprocess(image, 128, 112))
    wanted = analysis(case, reference_networks(case.network), pixels, natural)
    classifier = squeezenet if case.network == "squeezenet1_1" else mobilenet
    preprocessing = classifier.preprocessing.model_copy(update={"resize": 128, "size": (112, 112)})
    classifier = replace(classifier, preprocessing=preprocessing, batch_sizes={})
    found = explain(
        np.asarray(image), classifier, "efficient-pda", wanted.target, **case.parameters()
    )
    check(found, wanted.algorithm_2(), record_property)


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_algorithm_2_on_small_input(
    case: Case,
    image: Open,
    small_squeezenet: Classifier,
    reference_networks: Networks,
    natural: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = image(case.image)
    pixels = to_pixels(preprocess(image, 48, 48))
    wanted = analysis(case, reference_networks(case.network), pixels, natural)
    found = explain(
        np.asarray(image), small_squeezenet, "efficient-pda", wanted.target, **case.parameters()
    )
    check(found, wanted.algorithm_2(), record_property)


@pytest.mark.parametrize(
    "case",
    [
        Case(BEE_EATER, 10, 18, 6, "joint", "probability"),
        Case(TERRIER, 7, 16, 5, "independent", "probability"),
        Case(LANGUR, 10, 11, 7, "joint", "log-odds", rank=1),
        Case(LANGUR, 1, 4, 1, "joint", "logit"),
        Case(LANGUR, 16, 24, 16, "joint", "probability", network="mobilenet_v2"),
    ],
    ids=str,
)
def test_algorithm_3(
    case: Case,
    image: Open,
    squeezenet: Classifier,
    mobilenet: Classifier,
    reference_networks: Networks,
    natural: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = image(case.image)
    pixels = to_pixels(preprocess(image, 256, 224))
    wanted = analysis(case, reference_networks(case.network), pixels, natural)
    classifier = squeezenet if case.network == "squeezenet1_1" else mobilenet
    found = explain(
        np.asarray(image), classifier, "simplified-pda", wanted.target, **case.parameters()
    )
    check(found, wanted.algorithm_3(), record_property)


def test_occlusion_at_the_usual_size(
    image: Open,
    squeezenet: Classifier,
    reference_networks: Networks,
    natural: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = image(BEE_EATER)
    case = Case(BEE_EATER, 32, 36, 32)
    pixels = to_pixels(preprocess(image, 256, 224))
    wanted = analysis(case, reference_networks(case.network), pixels, natural)
    found = explain(
        np.asarray(image), squeezenet, "efficient-pda", wanted.target, window=32, stride=32,
        infill="grey",
    )  # fmt: skip
    check(found, wanted.grey(), record_property)


def test_occlusion_and_marginal_mean(
    image: Open,
    small_squeezenet: Classifier,
    reference_networks: Networks,
    natural: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = image(LANGUR)
    case = Case(LANGUR, 9, 12, 5, difference="probability")
    pixels = to_pixels(preprocess(image, 48, 48))
    wanted = analysis(case, reference_networks(case.network), pixels, natural)
    options = {"window": 9, "stride": 5, "target": wanted.target}
    check(explain(np.asarray(image), small_squeezenet, "occlusion", **options),  # type: ignore[arg-type]
          wanted.grey(), record_property)  # fmt: skip
    found = explain(
        np.asarray(image),
        small_squeezenet,
        infill="marginal-mean",
        difference="probability",
        **options,  # type: ignore[arg-type]
    )
    check(found, wanted.marginal_mean(), record_property)


# -- digits: a law of its own at every place -----------------------------------------------------


def digit_analysis(
    case: Case, digits: Classifier, image: NDArray[np.uint8], statistics: Statistics
) -> Analysis:
    network = Network(digits.network, (0.1307,), (0.3081,))
    return analysis(case, network, to_pixels(image, 1), statistics)


@pytest.mark.parametrize(
    ("digit", "infill", "case"),
    [
        (8, "conditional-mean", Case("8", 4, 12, 2)),
        (3, "conditional-mean", Case("3", 7, 16, 5, difference="logit")),
        (5, "conditional-mean", Case("5", 1, 2, 1, difference="probability")),
        (4, "conditional-mean", Case("4", 4, 28, 4, rank=1)),
        (8, "marginal-mean", Case("8", 4, 12, 2)),
        (2, "marginal-mean", Case("2", 5, 12, 3, difference="logit")),
    ],
)
def test_digits(
    digit: int,
    infill: str,
    case: Case,
    digits: Classifier,
    digit_image: Callable[[int], NDArray[np.uint8]],
    digit_statistics: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = digit_image(digit)
    wanted = digit_analysis(case, digits, image, digit_statistics)
    found = explain(
        image, digits, "efficient-pda", wanted.target, infill=infill, **case.parameters()
    )
    by_law = {"conditional-mean": wanted.algorithm_2, "marginal-mean": wanted.marginal_mean}
    check(found, by_law[infill](), record_property)


def test_digits_simplified(
    digits: Classifier,
    digit_image: Callable[[int], NDArray[np.uint8]],
    digit_statistics: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = digit_image(6)
    case = Case("6", 4, 12, 3, difference="log-odds")
    wanted = digit_analysis(case, digits, image, digit_statistics)
    found = explain(image, digits, "simplified-pda", infill="conditional-mean", **case.parameters())
    check(found, wanted.algorithm_3(), record_property)


# -- Algorithm 1: chance against chance ------------------------------------------------------------


def window_statistics(
    wanted: Analysis, samples: int, random: np.random.Generator, *, marginally: bool
) -> tuple[Array, Array]:
    """Log-odds difference of each window and its standard error, by the reference's own draws."""
    before = softmax(wanted.original)[wanted.target]
    classes = len(wanted.original)
    values, errors = [], []
    for top, left in wanted.places:
        law = (wanted.marginal if marginally else wanted.conditional)(top, left)
        infills = wanted.statistics.clip(law.draw(samples, random))
        logits = wanted.network.logits(with_window(wanted.pixels, top, left, infills), batch=32)
        p = softmax(logits)[:, wanted.target]
        values.append(log_odds(before, classes) - log_odds(p.mean(), classes))
        # Jackknife over ten groups: no formula in common with the engine.
        groups = log_odds(
            np.array([np.delete(p.reshape(10, -1), i, 0).mean() for i in range(10)]), classes
        )
        errors.append(np.sqrt(0.9 * ((groups - groups.mean()) ** 2).sum()))
    return np.array(values), np.array(errors)


def compare_draws(
    found: EvidenceMap, wanted: Analysis, *, marginally: bool, samples: int
) -> tuple[float, float]:
    """Largest and rms deviation in standard errors, over windows that do not overlap."""
    random = np.random.default_rng(7)
    values, errors = window_statistics(wanted, samples, random, marginally=marginally)
    corners = tuple(np.array(wanted.places).T)
    assert found.standard_error is not None
    ours = found.evidence[corners].astype(np.float64)
    spread = np.sqrt(errors**2 + found.standard_error[corners].astype(np.float64) ** 2)
    z = (ours - values) / spread
    assert np.abs(values).max() > 4 * errors.min(), "nothing but noise"
    return float(np.abs(z).max()), float(np.sqrt((z**2).mean()))


def test_algorithm_1_agrees_within_its_standard_error(
    image: Open,
    small_squeezenet: Classifier,
    reference_networks: Networks,
    natural: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    """`test_reference_everywhere.py` has the other distributions; that of digits comes next."""
    image = image(LANGUR)
    pixels = to_pixels(preprocess(image, 48, 48))
    case = Case(LANGUR, 12, 18, 12)
    wanted = analysis(case, reference_networks("squeezenet1_1"), pixels, natural)
    found = explain(
        np.asarray(image), small_squeezenet, "original-pda", wanted.target, batch=64,
        infill="conditional-samples", samples=100, seed=3, **case.parameters(),
    )  # fmt: skip
    largest, rms = compare_draws(found, wanted, marginally=False, samples=100)
    record_property("largest_z", largest)
    record_property("rms_z", rms)
    assert largest < 4.5
    assert 0.5 < rms < 1.7


def test_algorithm_1_on_digits(
    digits: Classifier,
    digit_image: Callable[[int], NDArray[np.uint8]],
    digit_statistics: Statistics,
    record_property: Callable[[str, object], None],
) -> None:
    image = digit_image(9)
    case = Case("9", 7, 12, 7)
    wanted = digit_analysis(case, digits, image, digit_statistics)
    found = explain(
        image, digits, "original-pda", batch=32, samples=100, seed=1, **case.parameters()
    )
    assert found.parameters["infill"] == "marginal-samples"
    largest, rms = compare_draws(found, wanted, marginally=True, samples=100)
    record_property("largest_z", largest)
    record_property("rms_z", rms)
    assert largest < 4.5
    assert 0.5 < rms < 1.7


def claimed_over_true(
    image: NDArray[np.uint8],
    classifier: Classifier,
    seeds: int,
    **options: object,
) -> float:
    """Claimed standard error over the spread of the evidence between seeds (rms over pixels)."""
    maps, errors = [], []
    for seed in range(seeds):
        done = explain(image, classifier, batch=72, seed=seed, **options)  # type: ignore[arg-type]
        assert done.standard_error is not None
        maps.append(done.evidence)
        errors.append(done.standard_error)
    spread = np.std(np.array(maps, np.float64), axis=0, ddof=1)
    return float(np.sqrt((np.array(errors, np.float64) ** 2).mean() / (spread**2).mean()))


def test_claimed_standard_error_is_the_spread_over_seeds(
    image: Open, small_squeezenet: Classifier, record_property: Callable[[str, object], None]
) -> None:
    """Windows overlap here, so that the errors of several add up in each pixel.

    `test_sampling_error.py` holds every infill and difference to it, on a network made up there.
    """
    ratio = claimed_over_true(
        np.asarray(image(LANGUR)), small_squeezenet, 24, method="original-pda",
        infill="conditional-samples", window=16, outer=20, stride=12, samples=8,
        difference="log-odds",
    )  # fmt: skip
    record_property("claimed_over_true", ratio)
    assert 0.85 < ratio < 1.18


def test_claimed_standard_error_of_one_drawn_infill(
    image: Open, small_squeezenet: Classifier, record_property: Callable[[str, object], None]
) -> None:
    """The mean of few samples stands in: its chance shows only in a second draw."""
    ratio = claimed_over_true(
        np.asarray(image(LANGUR)), small_squeezenet, 40, method="sampled-pda",
        window=16, outer=20, stride=8, samples=2, difference="probability",
    )  # fmt: skip
    record_property("claimed_over_true", ratio)
    assert 0.7 < ratio < 1.4


def test_claimed_standard_error_on_digits(
    digits: Classifier,
    digit_image: Callable[[int], NDArray[np.uint8]],
    record_property: Callable[[str, object], None],
) -> None:
    ratio = claimed_over_true(
        digit_image(9), digits, 40, method="original-pda", window=14, stride=14, samples=10,
        difference="probability",
    )  # fmt: skip
    record_property("claimed_over_true", ratio)
    assert 0.8 < ratio < 1.25


# -- infills by themselves -------------------------------------------------------------------------


@pytest.mark.parametrize("corner", [(0, 0), (100, 60), (218, 31)])
@pytest.mark.parametrize(("k", "outer"), [(3, 8), (4, 5), (6, 9)])
@pytest.mark.parametrize("colour", ["joint", "independent"])
def test_conditional_samples_have_the_analytic_mean_and_covariance(
    corner: tuple[int, int], k: int, outer: int, colour: Colour, image: Open, natural: Statistics
) -> None:
    pixels = to_pixels(preprocess(image(BEE_EATER), 256, 224))
    # Without clipping, which bends the law at black and white.
    statistics = replace(
        shipped_statistics("natural"), minimum=np.full(3, -9.0), maximum=np.full(3, 9.0)
    )
    samples = 4000
    filler = INFILLS["conditional-samples"].filler(
        torch.from_numpy(pixels).float(), (k, k),
        InfillSettings(outer, samples, colour, seed=11, statistics=statistics),
    )  # fmt: skip
    drawn = filler.fill(np.array([corner]))[0].flatten(1).double().numpy()
    law = conditional(pixels, natural, *corner, k, outer, colour)
    # Whitened, they must be standard normal: every direction counts alike.
    root = np.linalg.cholesky(law.covariance)
    white = np.linalg.solve(root, (drawn - law.mean.ravel()).T).T
    assert np.abs(white.mean(0)).max() < 5 / np.sqrt(samples)
    covariance = white.T @ white / samples
    assert np.abs(covariance - np.eye(len(root))).max() < 6 * np.sqrt(2 / samples)


def test_samples_of_neighbouring_windows_are_independent(image: Open) -> None:
    pixels = torch.from_numpy(to_pixels(preprocess(image(BEE_EATER), 256, 224))).float()
    samples = 2000
    filler = INFILLS["conditional-samples"].filler(
        pixels, (3, 3), InfillSettings(6, samples, statistics=shipped_statistics("natural"))
    )
    corners = np.array([[50, 60], [50, 61], [51, 60], [60, 50], [50, 60 + 128]])
    first, second = filler.fill(corners), filler.fill(corners, repetition=1)
    drawn = torch.cat([first, second]).flatten(2).double().numpy()
    drawn = (drawn - drawn.mean(1, keepdims=True)) / drawn.std(1, keepdims=True)
    size = drawn.shape[2]
    for i in range(len(drawn)):
        for j in range(i):
            correlation = drawn[i].T @ drawn[j] / samples
            assert np.abs(correlation).max() < 5.5 / np.sqrt(samples), (i, j)
        assert np.abs(drawn[i].T @ drawn[i] / samples - np.eye(size)).max() > 0.1


@pytest.mark.parametrize(("k", "outer"), [(10, 18), (7, 16), (1, 2), (16, 17), (10, 24)])
@pytest.mark.parametrize("colour", ["joint", "independent"])
def test_conditional_means_at_every_border(
    k: int, outer: int, colour: Colour, image: Open, natural: Statistics
) -> None:
    pixels = to_pixels(preprocess(image(TERRIER), 256, 224))
    filler = INFILLS["conditional-mean"].filler(
        torch.from_numpy(pixels).float(), (k, k),
        InfillSettings(outer, colour=colour, statistics=shipped_statistics("natural")),
    )  # fmt: skip
    last = 224 - k
    starts = [0, last // 2, last] if outer > 18 else [0, 1, 5, last // 2, last - 3, last]
    corners = [(y, x) for y in starts for x in starts]
    found = filler.fill(np.array(corners))[:, 0].numpy()
    for corner, values in zip(corners, found, strict=True):
        wanted = natural.clip(conditional(pixels, natural, *corner, k, outer, colour).mean)
        np.testing.assert_allclose(values, wanted, rtol=0, atol=5e-6, err_msg=str(corner))
