"""Each rule of the algorithms against the slow float64 reference, on networks made up here.

Nothing is needed that does not come with the program, so that every rule is held wherever the
tests run; `test_against_reference.py` holds them on real networks and photographs as well.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
    log_odds,
    relative_difference,
    softmax,
    to_pixels,
    with_window,
)
from torch import nn

from engine.toys import classifier_of, random_statistics
from pda_studio import explain
from pda_studio.classifiers import Classifier

SIDE = 16
BOUND = 1e-3
PLAIN = {"forward": "full", "precision": "float32"}


class Linear(nn.Module):
    """Logits that are weighted sums of the pixels: what an infill is shows in them undisturbed."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.weigh = nn.Linear(3 * SIDE * SIDE, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weigh(self.flatten(x))


@pytest.fixture(scope="module")
def curved() -> Classifier:
    torch.manual_seed(7)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(48, 4),
    )  # fmt: skip
    random_statistics(network)
    with torch.no_grad():
        network[-1].weight *= 12  # decided enough for log-odds to be curved
    return classifier_of(network, size=SIDE, classes=4)


@pytest.fixture(scope="module")
def linear() -> Classifier:
    torch.manual_seed(8)
    return classifier_of(Linear(), size=SIDE, classes=4)


@pytest.fixture(scope="module")
def photograph() -> NDArray[np.uint8]:
    """Smooth noise with colours that go together, like a photograph's, far from black and white."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [
        random.normal(size=3) * np.cos(2 * np.pi * (a * x + b * y + random.random()))[..., None]
        for a in range(4)
        for b in range(4)
    ]
    noise = sum(waves) + random.normal(scale=0.5, size=(SIDE, SIDE, 3))
    return np.clip(128 + 18 * noise, 30, 225).astype(np.uint8)


@dataclass(frozen=True)
class Case:
    k: int
    outer: int
    stride: int
    colour: Colour = "joint"
    difference: Difference = "log-odds"
    rank: int = 0  # of the target among the likely classes

    def __str__(self) -> str:
        sizes = f"k{self.k}-l{self.outer}-s{self.stride}"
        return f"{sizes}-{self.colour}-{self.difference}-rank{self.rank}"

    def parameters(self) -> dict[str, object]:
        names = ("outer", "stride", "colour", "difference")
        return {"window": self.k, **{name: getattr(self, name) for name in names}}


CASES = [
    Case(4, 9, 4),
    Case(4, 10, 3, "independent"),
    Case(5, 6, 2, "joint", "probability", rank=1),
    Case(5, 10, 5, "independent", "probability"),
    Case(3, 8, 2, "joint", "logit"),
    Case(3, 8, 1, "independent", "logit", rank=3),
    Case(1, 2, 1, "joint", "logit"),
    Case(1, 4, 1, "independent", "log-odds", rank=2),
    Case(7, 16, 6, "independent", "log-odds", rank=1),  # the outer patch is the whole image
    Case(11, 12, 5, "joint", "log-odds"),
    Case(15, 16, 15, "independent", "logit"),
]


def analysis(
    case: Case, classifier: Classifier, image: NDArray[np.uint8], statistics: Statistics
) -> Analysis:
    preprocessing = classifier.preprocessing
    network = Network(classifier.network, preprocessing.mean, preprocessing.std)
    made = Analysis(
        network, to_pixels(image), 0, statistics, case.k, case.outer, case.stride, case.colour,
        case.difference,
    )  # fmt: skip
    made.target = int(np.argsort(-made.original)[case.rank])
    return made


def check(found: NDArray[np.float32], wanted: Array) -> None:
    assert wanted.std() > 0.01 * np.abs(wanted).max(), "a map without evidence proves nothing"
    assert relative_difference(found, wanted) <= BOUND


@pytest.mark.parametrize("forward", ["full", "incremental"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_algorithm_2(
    case: Case,
    forward: str,
    curved: Classifier,
    photograph: NDArray[np.uint8],
    natural: Statistics,
) -> None:
    wanted = analysis(case, curved, photograph, natural)
    found = explain(
        photograph, curved, "efficient-pda", wanted.target, batch=16, infill="conditional-mean",
        **case.parameters(), **{**PLAIN, "forward": forward},
    )  # fmt: skip
    check(found.evidence, wanted.algorithm_2())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_algorithm_3(
    case: Case, curved: Classifier, photograph: NDArray[np.uint8], natural: Statistics
) -> None:
    wanted = analysis(case, curved, photograph, natural)
    found = explain(
        photograph, curved, "simplified-pda", wanted.target, batch=16, infill="conditional-mean",
        precision="float32", **case.parameters(),
    )  # fmt: skip
    check(found.evidence, wanted.algorithm_3())


@pytest.mark.parametrize("case", CASES[:6], ids=str)
def test_marginal_mean_and_grey(
    case: Case, curved: Classifier, photograph: NDArray[np.uint8], natural: Statistics
) -> None:
    wanted = analysis(case, curved, photograph, natural)
    given = {**case.parameters(), **PLAIN, "target": wanted.target, "batch": 16}
    found = explain(photograph, curved, infill="marginal-mean", **given)
    check(found.evidence, wanted.marginal_mean())
    check(explain(photograph, curved, "occlusion", **given).evidence, wanted.grey())


# -- Algorithm 1: what is drawn ----------------------------------------------------------------

SIZES = [(4, 9, 4), (5, 6, 11), (1, 4, 5), (7, 16, 9)]
"""Window, outer patch and stride: windows at every border, which do not overlap."""


@pytest.mark.parametrize("law", ["conditional", "marginal"])
@pytest.mark.parametrize("colour", ["joint", "independent"])
@pytest.mark.parametrize(("k", "outer", "stride"), SIZES)
def test_samples_have_the_mean_and_the_covariance_of_the_law(
    law: str,
    colour: Colour,
    k: int,
    outer: int,
    stride: int,
    linear: Classifier,
    photograph: NDArray[np.uint8],
    natural: Statistics,
) -> None:
    """Of a weighted sum of pixels, which shows them undisturbed; clipping bends both a little."""
    stride = min(stride, k)
    samples = 400
    case = Case(k, outer, stride, colour, "logit")
    wanted = analysis(case, linear, photograph, natural)
    found = explain(
        photograph, linear, "original-pda", wanted.target, batch=64, infill=f"{law}-samples",
        samples=samples, seed=3, **case.parameters(), **PLAIN,
    )  # fmt: skip
    assert found.scores is not None
    assert found.scores.logit_variance is not None
    column = found.scores.column(wanted.target)
    std = torch.tensor(linear.preprocessing.std, dtype=torch.float64)[:, None, None]
    weights = linear.network.weigh.weight[wanted.target].double().reshape(3, SIDE, SIDE) / std
    random, deviations, ratios = np.random.default_rng(6), [], []
    for at, (top, left) in enumerate(found.scores.grid.corners):
        infill = (wanted.conditional if law == "conditional" else wanted.marginal)(top, left)
        here = (slice(None), slice(top, top + k), slice(left, left + k))
        weigh = weights[here].reshape(-1).numpy()
        infills = natural.clip(infill.draw(10 * samples, random)).reshape(10 * samples, -1)
        wants = (wanted.pixels[here].reshape(-1) - infills) @ weigh
        expected, variance = wants.mean(), wants.var() / samples
        value = found.scores.original_logit[column] - found.scores.logit[at, column]
        deviations.append((value - expected) / np.sqrt(1.1 * variance))
        ratios.append(found.scores.logit_variance[at, column] / variance)
    deviations, ratios = np.array(deviations), np.array(ratios)
    assert np.abs(deviations).max() < 4.5
    assert np.sqrt((deviations**2).mean()) < 1.5
    assert 0.88 < np.median(ratios) < 1.12
    assert (ratios > 0.6).all()
    assert (ratios < 1.45).all()


@pytest.mark.parametrize("law", ["conditional", "marginal"])
@pytest.mark.parametrize("difference", ["log-odds", "probability"])
def test_probabilities_are_averaged_before_their_odds_are_taken(
    law: str,
    difference: Difference,
    curved: Classifier,
    photograph: NDArray[np.uint8],
    natural: Statistics,
) -> None:
    """Algorithm 1 against the reference's own draws, within the standard errors of both."""
    samples = 150
    case = Case(7, 12, 7, "joint", difference)
    wanted = analysis(case, curved, photograph, natural)
    found = explain(
        photograph, curved, "original-pda", wanted.target, batch=64, infill=f"{law}-samples",
        samples=samples, seed=3, **case.parameters(), **PLAIN,
    )  # fmt: skip
    assert found.standard_error is not None
    assert found.scores is not None
    random = np.random.default_rng(5)
    before, classes = softmax(wanted.original)[wanted.target], len(wanted.original)
    tell: Callable[[Array], Array] = (
        (lambda p: log_odds(p, classes)) if difference == "log-odds" else np.asarray
    )
    column, deviations = found.scores.column(wanted.target), []
    for at, (top, left) in enumerate(wanted.places):
        infill = (wanted.conditional if law == "conditional" else wanted.marginal)(top, left)
        infills = natural.clip(infill.draw(samples, random))
        logits = wanted.network.logits(with_window(wanted.pixels, top, left, infills), batch=64)
        p = softmax(logits)[:, wanted.target]
        value = tell(before) - tell(p.mean())
        groups = tell(np.array([np.delete(p.reshape(10, -1), i, 0).mean() for i in range(10)]))
        error = np.sqrt(0.9 * ((groups - groups.mean()) ** 2).sum())
        ours = tell(before) - tell(found.scores.probability[at, column])
        deviations.append((ours - value) / (np.sqrt(2) * error))
    assert np.abs(deviations).max() < 4.5
    assert 0.4 < np.sqrt(np.square(deviations).mean()) < 1.8
    shown = wanted.spread(
        tell(before) - tell(found.scores.probability[:, column])
    )  # the map is the mean of its windows' differences
    check(found.evidence, shown)
