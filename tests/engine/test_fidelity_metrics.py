"""Metrics of fidelity where the truth is known: a network in which only a planted patch matters."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from engine.toys import classifier_of
from pda_studio.classifiers import Classifier, Preprocessing
from pda_studio.errors import UsageError
from pda_studio.methods import METHODS, method_named, run
from pda_studio.metrics.case import Case
from pda_studio.metrics.fidelity_metrics import FIDELITY_METRICS, MetricSettings
from pda_studio.metrics.fills import fill_of
from pda_studio.metrics.grids import cell_of, grid_of, share_in
from pda_studio.metrics.imputation import imputed
from pda_studio.results import EvidenceMap, Subject

SIDE, PATCH = 24, np.s_[6:12, 12:18]
SETTINGS = MetricSettings(order="blocks", parts=16, sigma=3, steps=16, top=1, samples=2)


class Planted(nn.Module):
    """The first logit is four times the mean of a patch, the other 4."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = 4 * x[:, :, PATCH[0], PATCH[1]].mean((1, 2, 3))
        return torch.stack([seen, torch.full_like(seen, 4.0)], 1)


def planted_image() -> np.ndarray:
    view = np.zeros((SIDE, SIDE, 3), np.uint8)
    view[PATCH] = 255
    return view


@pytest.fixture(scope="module")
def planted() -> Subject:
    return Subject.of(planted_image(), classifier_of(Planted(), size=SIDE, classes=2), 0)


def map_with(subject: Subject, evidence: np.ndarray) -> EvidenceMap:
    return subject.map_of(method_named("saliency")(), evidence, "", 0.0)


def right_and_random(subject: Subject, where: object, seed: int) -> tuple[EvidenceMap, EvidenceMap]:
    evidence = np.zeros(subject.view.shape[:2])
    evidence[where] = 1  # type: ignore[index]
    noise = np.random.default_rng(seed).standard_normal(evidence.shape)
    return map_with(subject, evidence), map_with(subject, noise)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", FIDELITY_METRICS)
def test_the_right_map_is_better_than_one_at_random(planted: Subject, name: str, seed: int) -> None:
    metric = FIDELITY_METRICS[name]
    case = Case([planted], SETTINGS)
    right, random = ([one] for one in right_and_random(planted, PATCH, seed))
    if metric.subjects in ("grid", "disconnected"):
        cells = [cell_of(SIDE, SIDE, 2, cell) for cell in range(4)]
        both = [right_and_random(planted, cell, seed) for cell in cells]
        right, random = [pair[0] for pair in both], [pair[1] for pair in both]
    elif metric.subjects == "perturbed":
        right, random = right * 2, [*random, right_and_random(planted, PATCH, seed + 9)[1]]
    found, chance = metric.measure(right, case), metric.measure(random, case)
    assert (found > chance) == metric.higher_is_better
    assert abs(found - chance) > 0.2


@pytest.mark.parametrize("name", ["relevance-gain", "single-deletion"])
def test_what_chance_has_is_known(planted: Subject, name: str) -> None:
    metric, case = FIDELITY_METRICS[name], Case([planted], SETTINGS)
    maps = [right_and_random(planted, PATCH, seed)[1] for seed in range(60)]
    values = [metric.measure([one], case) for one in maps]
    error = np.std(values) / len(values) ** 0.5
    assert np.mean(values) == pytest.approx(metric.at_random(SETTINGS), abs=3 * error)


@pytest.mark.parametrize("order", ["blocks", "superpixels"])
@pytest.mark.parametrize("fill", ["blur", "mean", "black", "grey", "inpaint", "histogram"])
def test_every_fill_and_order_finds_the_patch(planted: Subject, fill: str, order: str) -> None:
    settings = MetricSettings(order=order, parts=16, fill=fill, sigma=6, steps=16)  # type: ignore[arg-type]
    case = Case([planted], settings)
    right, random = right_and_random(planted, PATCH, 3)
    gain = FIDELITY_METRICS["relevance-gain"]
    assert gain.measure([right], case) > 0.3
    assert gain.measure([right], case) > gain.measure([random], case)
    again = Case([planted], settings)
    assert gain.measure([right], again) == gain.measure([right], case)


def test_fills_are_what_they_say(planted: Subject) -> None:
    classifier, case = planted.classifier, Case([planted], SETTINGS)
    hidden = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    hidden[0, :6, :6] = hidden[0, 8:10, 14:16] = True  # a dark block, and a hole in the white patch
    for name, dark, white in (("mean", 0.5, 0.5), ("black", 0, 0), ("inpaint", 0, 1)):
        made = fill_of(name, classifier, case.pixels, case.parts).without(hidden)[0]  # type: ignore[arg-type]
        assert made[:, 0, 0].tolist() == pytest.approx([dark] * 3, abs=0.01)
        assert made[:, 8, 14].tolist() == pytest.approx([white] * 3, abs=0.2)
        assert torch.equal(made[:, ~hidden[0]], case.pixels[:, ~hidden[0]])
    coloured = torch.from_numpy(np.random.default_rng(0).random((3, SIDE, SIDE), np.float32))
    made = fill_of("histogram", classifier, coloured, case.parts).without(hidden | True)[0]
    colours = {tuple(colour) for colour in coloured.reshape(3, -1).T.tolist()}
    for part in range(16):
        (colour,) = {tuple(one) for one in made[:, torch.from_numpy(case.parts == part)].T.tolist()}
        assert colour in colours
    with pytest.raises(UsageError, match="OpenCV inpaints"):
        fill_of("inpaint", classifier, coloured[:2], case.parts)
    with pytest.raises(UsageError, match="no fill “red”"):
        fill_of("red", classifier, coloured, case.parts)  # type: ignore[arg-type]


def test_single_deletion_sees_the_falls_of_the_logit(planted: Subject) -> None:
    case = Case([planted], SETTINGS)
    assert case.parts.max() == 15
    drops = case.drops
    assert np.flatnonzero(np.abs(drops) > 0.5).tolist() == [6]  # blocks of 6: row 1, column 2
    assert case.drops is drops


# Grids


@pytest.fixture(scope="module")
def colours() -> Classifier:
    """Class c scores the mean of colour c, in images of any size."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network[0].weight.zero_()  # type: ignore[union-attr, operator]
        network[0].bias.zero_()  # type: ignore[union-attr, operator]
        for index in range(3):
            network[0].weight[index, index] = 1  # type: ignore[index]
        network[0].bias[3] = 1  # type: ignore[index]
    return classifier_of(network, size=8, classes=4)


def coloured(classifier: Classifier) -> list[Subject]:
    views = []
    for index in range(4):
        view = np.full((8, 8, 3), 160, np.uint8)
        view[..., index % 3] = 250 if index < 3 else 160
        views.append(view)
    return [Subject.of(view, classifier, index) for index, view in enumerate(views)]


def test_heads_that_cannot_see_other_cells_have_no_evidence_there(colours: Classifier) -> None:
    given = coloured(colours)
    method = method_named("input-x-gradient")()
    settings = MetricSettings()
    found = {}
    for name in ("grid-pg", "difull"):
        metric = FIDELITY_METRICS[name]
        asked = metric.asked(given, settings)
        assert [one.view.shape for one in asked] == [(16, 16, 3)] * 4
        assert [one.target for one in asked] == [one.target for one in given]
        maps = [run(method.steps(one)) for one in asked[:3]]  # the fourth has no evidence at all
        for cell, one in enumerate(maps):
            outside = one.evidence[~cell_of(16, 16, 2, cell)]
            assert (name == "difull") == (not outside.any())
        found[name] = metric.measure(maps, Case(asked, settings))
    assert found["difull"] == 1
    assert 0.25 < found["grid-pg"] < 0.9
    _, other = grid_of(given, 2, disconnected=True)[:2]
    changed = other.view.copy()
    changed[~cell_of(16, 16, 2, 1)] = 255
    assert np.array_equal(other.classifier.predict(changed), other.predictions)
    names = {one.classifier.fingerprint for one in grid_of(given, 2, disconnected=True)}
    assert len(names) == 4, "the cache tells them apart"


def test_a_network_of_one_size_gets_a_smaller_grid(planted: Subject) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 2))
    given = Subject.of(planted.view, classifier_of(network, size=24, classes=2), 0)
    asked = grid_of([given] * 4, 2)
    assert asked[0].view.shape == given.view.shape
    assert asked[0].classifier is given.classifier
    for cell in range(4):
        inside = cell_of(24, 24, 2, cell)
        small = asked[0].view[inside].reshape(12, 12, 3)
        assert small[3:6, 6:9].min() == 255
        assert small.sum() == 9 * 3 * 255


def test_share_of_evidence_in_a_cell() -> None:
    evidence = np.array([[3.0, -5.0], [1.0, 0.0]])
    assert share_in(evidence, cell_of(2, 2, 2, 0)) == 0.75
    assert share_in(-np.abs(evidence), cell_of(2, 2, 2, 0)) == 0


# Against Quantus 0.6.0, which needs another OpenCV than the program and so is not installed here:
# what it gave is written down, and compared again where it is there.

QUANTUS: dict[str, object] = {
    "flipping": [0.10822, 0.156479, 0.148091, 0.147562, 0.269991, 0.261196, 0.250257, 0.279585,
                 0.224338, 0.271114, 0.290434, 0.227595, 0.18394, 0.172471, 0.189289, 0.333333],
    "imputation": [0.609267, 0.501183, 0.494981, 0.545029, 0.629008, 0.610147, 0.584754, 0.523662,
                   0.441384, 0.425954, 0.691262, 0.415051, 0.514539, 0.604829, 0.336599, 0.329706,
                   0.319263, 0.526167, 0.550671, 0.456072, 0.334652, 0.687833, 0.550644, 0.630241,
                   0.260737, 0.517778, 0.311843, 0.240882],
    "mass": 0.136949,
    "sensitivity": 1.531345,
}  # fmt: skip


def inputs() -> SimpleNamespace:
    random = np.random.default_rng(7)
    pixels, hidden = random.random((2, 5, 6)), random.random((5, 6)) < 0.5
    return SimpleNamespace(
        pixels=pixels,
        hidden=hidden,
        evidence=random.standard_normal((6, 6)),
        image=random.integers(1, 256, (4, 4)).astype(np.uint8),
        order=random.permutation(16).reshape(4, 4).astype(np.float64),
        weights=random.standard_normal((3, 16)).astype(np.float32),
        maps=random.standard_normal((3, 5, 5)),
    )


def linear(weights: np.ndarray) -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False))
    network[1].weight = nn.Parameter(torch.from_numpy(weights))
    return network.eval().requires_grad_(False)


def of_quantus(quantus: object, given: SimpleNamespace) -> dict[str, object]:
    from quantus.functions.perturb_func import noisy_linear_imputation

    flat = np.flatnonzero(given.hidden)
    filled = noisy_linear_imputation(given.pixels, flat, noise=0.0)
    positive = np.maximum(given.evidence, 0)[None, None]
    cell = cell_of(6, 6, 2, 1)[None, None].astype(float)
    network, x = linear(given.weights), given.image[None, None] / np.float32(255)
    plain = {"normalise": False, "abs": False, "disable_warnings": True}
    mass = quantus.RelevanceMassAccuracy(**plain)(  # type: ignore[attr-defined]
        network, x_batch=positive, y_batch=np.array([0]), a_batch=positive, s_batch=cell
    )
    left = iter(given.maps[1:, None])
    sensitivity = quantus.MaxSensitivity(
        nr_samples=2, **plain
    )(  # type: ignore[attr-defined]
        network,
        x_batch=given.maps[:1, None],
        y_batch=np.array([0]),
        a_batch=given.maps[:1, None],
        explain_func=lambda *_, **__: next(left)[None],
    )
    flipping = quantus.PixelFlipping(  # type: ignore[attr-defined]
        features_in_step=1,
        perturb_baseline=0.0,
        **plain,
    )(network, x_batch=x, y_batch=np.array([1]), a_batch=given.order[None, None], softmax=True)
    return {
        "imputation": filled[:, given.hidden].ravel().round(6).tolist(),
        "mass": round(float(mass[0]), 6),
        "sensitivity": round(float(sensitivity[0]), 6),
        "flipping": np.round(flipping[0], 6).tolist(),
    }


def test_quantus_agrees_where_it_has_the_same_metric() -> None:
    given = inputs()
    filled = imputed(given.pixels, given.hidden)[:, given.hidden].ravel()
    assert filled.tolist() == pytest.approx(QUANTUS["imputation"], abs=1e-6)
    cell = cell_of(6, 6, 2, 1)
    assert share_in(given.evidence, cell) == pytest.approx(QUANTUS["mass"], abs=1e-6)
    maps = [SimpleNamespace(evidence=one) for one in given.maps]
    sensitivity = FIDELITY_METRICS["max-sensitivity"].measure(maps, None)  # type: ignore[arg-type]
    assert sensitivity == pytest.approx(QUANTUS["sensitivity"], abs=1e-6)
    classifier = Classifier(
        name="linear",
        network=linear(given.weights),
        preprocessing=Preprocessing(resize=4, size=4, mean=(0.0,), std=(1.0,)),
        class_names=("a", "b", "c"),
        device=torch.device("cpu"),
        weights="made up",
    )
    subject = Subject.of(given.image[..., None].repeat(3, 2), classifier, 1)
    settings = MetricSettings(order="blocks", parts=16, fill="black", steps=16)
    curves = Case([subject], settings).curves(map_with(subject, given.order))
    assert curves.deleted[1:].tolist() == pytest.approx(QUANTUS["flipping"], abs=1e-6)


def test_what_quantus_gave_is_what_it_gives() -> None:
    quantus = pytest.importorskip("quantus", reason="Quantus is not installed")
    assert of_quantus(quantus, inputs()) == QUANTUS


def test_what_optimises_a_metric_names_one_that_there_is() -> None:
    named = {metric for kind in METHODS.values() for metric in kind.optimises}
    assert named
    assert named <= set(FIDELITY_METRICS)
