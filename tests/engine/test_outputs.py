"""Networks with one output, or with outputs that are no classes: what is said and explained."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from engine.toys import classifier_of
from pda_studio import explain
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.classifiers.scored import scored
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.results import Subject
from pda_studio.store import load_map, save_map
from pda_studio.targets import (
    ClassTarget,
    ContrastTarget,
    OutputTarget,
    Target,
    UnitTarget,
    as_json,
    from_json,
)

Digit = Callable[[int], NDArray[np.uint8]]
CELLS = {"window": 8, "stride": 8, "infill": "grey", "forward": "full"}


class Means(nn.Module):
    """Outputs that are sums of weights times the mean brightness of each quarter."""

    def __init__(self, weights: list[list[float]]) -> None:
        super().__init__()
        self.linear = nn.Linear(4, len(weights))
        self.linear.weight.data = torch.tensor(weights)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        quarters = nn.functional.adaptive_avg_pool2d(x.mean(1, keepdim=True), 2).flatten(1)
        result: torch.Tensor = self.linear(quarters)
        return result


def single(output: str, weights: list[list[float]] | None = None) -> Classifier:
    made = classifier_of(Means(weights or [[2.0, -1.0, 0.0, 0.5]]), size=16)
    count = len(weights or [0])
    names = ("ill", "tall", "old")[:count]
    return replace(made, class_names=names, output=output)


def quarters() -> NDArray[np.uint8]:
    image = np.full((16, 16, 3), 128, np.uint8)
    image[:8, :8], image[:8, 8:], image[8:, :8], image[8:, 8:] = 255, 255, 0, 200
    return image


def weights_of(path: Path, outputs: int, **metadata: str) -> Path:
    network = load_classifier("squeezenet1_1", "random", "cpu").network
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    weight, bias = "classifier.1.weight", "classifier.1.bias"
    state[weight], state[bias] = state[weight][:outputs].clone(), state[bias][:outputs].clone()
    save_file(state, path, metadata=metadata)
    return path


def test_a_single_logit_has_the_probability_of_its_sigmoid() -> None:
    classifier = single("sigmoid")
    subject = Subject.of(quarters(), classifier)
    logit = float(classifier.logits(classifier.prepare(
        classifier.preprocessing.pixels(subject.view)[None]))[0, 0])  # fmt: skip
    assert logit > 0.2
    expected = 1 / (1 + math.exp(-logit))
    assert subject.predictions == pytest.approx([expected], rel=1e-6)
    assert subject.target == OutputTarget(0)
    assert subject.probabilities == pytest.approx([expected, 1 - expected], rel=1e-6)
    found = explain(quarters(), classifier, "efficient-pda", difference="probability", **CELLS)
    assert (found.target_name, found.unit, found.has_probability) == ("ill", "probability", True)
    assert found.value == pytest.approx(expected, rel=1e-6)
    # The window is the quarter: what the probability loses where the first one turns grey.
    without = quarters()
    without[:8, :8] = 128
    grey = float(classifier.predict(without)[0])
    assert found.evidence[4, 4] == pytest.approx(expected - grey, abs=5e-3)
    assert found.evidence[4, 12] < 0 < found.evidence[4, 4]


def test_log_odds_of_a_sigmoid_output_are_its_logit_in_bits() -> None:
    classifier = single("sigmoid", [[0.2, -0.1, 0.0, 0.5], [1.0, 1.0, 1.0, 1.0]])
    for index in (0, 1):
        bits = explain(quarters(), classifier, target=index, **CELLS)
        logit = explain(quarters(), classifier, target=index, difference="logit", **CELLS)
        assert bits.target == OutputTarget(index)
        assert bits.unit == "bits"
        np.testing.assert_allclose(bits.evidence, logit.evidence / math.log(2), rtol=2e-3)
    assert (
        np.abs(bits.evidence - explain(quarters(), classifier, target=0, **CELLS).evidence).max()
        > 0.1
    )


def test_a_plain_value_is_explained_in_its_own_scale() -> None:
    classifier = single("scalar", [[2.0, -1.0, 0.0, 0.5], [0.0, 0.0, 3.0, 0.0]])
    said = classifier.predict(classifier.preprocessing.view(quarters()))
    for index, name in enumerate(("ill", "tall")):
        found = explain(quarters(), classifier, target=name, **CELLS)
        assert found.target == OutputTarget(index)
        assert (found.unit, found.has_probability) == ("value", False)
        assert found.value == pytest.approx(said[index])
        without = quarters()
        without[8:, :8] = 128
        changed = classifier.predict(classifier.preprocessing.view(without))[index]
        assert found.evidence[12, 4] == pytest.approx(said[index] - changed, abs=0.05)


def test_an_output_of_a_softmax_by_itself_is_its_logit(
    digits: Classifier, digit_image: Digit
) -> None:
    alone = explain(digit_image(4), digits, target=OutputTarget(9), stride=4, batch=8)
    logit = explain(digit_image(4), digits, target=9, difference="logit", stride=4, batch=8)
    assert (alone.unit, logit.unit) == ("value", "logit")
    np.testing.assert_array_equal(alone.evidence, logit.evidence)
    assert alone.value == pytest.approx(
        float(logit.scores.original_logit[logit.scores.column(9)]), abs=1e-4
    )


@pytest.mark.parametrize(
    "name", ["saliency", "grad-cam", "lrp-epsilon", "rise", "activation-maximisation"]
)
def test_every_kind_of_method_explains_a_single_output(
    name: str, digits: Classifier, digit_image: Digit
) -> None:
    head = nn.Sequential(digits.network, nn.Linear(10, 1, bias=False))
    head[1].weight.data = torch.zeros(1, 10)
    head[1].weight.data[0, 7] = 1
    options = {"rise": {"masks": 40}, "activation-maximisation": {"climb": 3}}.get(name, {})
    units = {}
    for output in ("sigmoid", "scalar"):
        one = replace(
            digits,
            network=head.eval().requires_grad_(False),
            class_names=("seven",),
            output=output,
            batch_sizes={},
        )
        found = explain(digit_image(7), one, name, **options)
        assert found.target_name == "seven"
        assert found.complete
        units[output] = found.unit
    assert units["sigmoid"] != units["scalar"]
    if name == "saliency":
        wanted = explain(digit_image(7), digits, name, target=7)
        np.testing.assert_allclose(found.evidence, wanted.evidence, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "target",
    [
        ClassTarget(7),
        ContrastTarget(7, 1),
        UnitTarget("conv2", 5, 7, 7),
        UnitTarget("conv2", 5),
        OutputTarget(7),
    ],
)
def test_a_target_survives_its_file_and_its_json(
    target: Target, digits: Classifier, digit_image: Digit, tmp_path: Path
) -> None:
    assert from_json(json.loads(json.dumps(as_json(target)))) == target
    found = explain(digit_image(7), digits, target=target, stride=4)
    save_map(found, tmp_path / "map.npz")
    again = load_map(tmp_path / "map.npz")
    assert (again.target, again.index, again.output) == (target, found.index, found.output)
    assert again.value == pytest.approx(found.value, rel=1e-6)
    assert found.fingerprint == digits.fingerprint, (
        "it is the same classifier, whatever is explained"
    )


def test_a_subject_can_be_about_something_else(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(7), digits)
    other = subject.about("3")
    assert (other.target, other.index, other.scored) == (ClassTarget(3), 3, digits)
    unit = subject.about(UnitTarget("conv2", 5))
    assert unit.classifier is digits
    assert len(unit.scored.class_names) == 1
    assert unit.about(ClassTarget(3)).probabilities == pytest.approx(subject.probabilities)
    assert scored(digits, UnitTarget("conv2", 5)).classifier is unit.scored, "it is made once"
    with pytest.raises(UsageError, match="0 to 9"):
        subject.about(10)


# From files


def test_one_logit_of_a_file_is_a_sigmoid_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    plain = load_classifier("squeezenet1_1", weights_of(tmp_path / "one.safetensors", 1), "cpu")
    assert (plain.output, plain.class_names) == ("sigmoid", ("positive class",))
    told = weights_of(tmp_path / "age.safetensors", 1, output="scalar", class_names='["age"]')
    scalar = load_classifier("squeezenet1_1", told, "cpu")
    assert (scalar.output, scalar.class_names) == ("scalar", ("age",))
    assert scalar.fingerprint != plain.fingerprint, "a cache must not take one for the other"
    many = weights_of(tmp_path / "many.safetensors", 3, output="sigmoid")
    assert load_classifier("squeezenet1_1", many, "cpu").output == "sigmoid"
    with pytest.raises(PdaStudioError, match="“tanh”; it must be one of softmax, sigmoid, scalar"):
        load_classifier("squeezenet1_1", weights_of(tmp_path / "x.safetensors", 1, output="tanh"))


@pytest.mark.parametrize(("outputs", "has"), [(7, "7 outputs"), (1, "a single output")])
def test_too_few_class_names_are_told(tmp_path: Path, outputs: int, has: str) -> None:
    path = weights_of(tmp_path / "names.safetensors", outputs, class_names='["a", "b"]')
    with pytest.raises(PdaStudioError, match=f"names.safetensors names 2 classes, .* has {has}"):
        load_classifier("squeezenet1_1", path, "cpu")


def test_the_command_line_says_the_same_in_predict_and_explain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(np.random.default_rng(0).integers(0, 256, (230, 230, 3), np.uint8)).save(
        tmp_path / "a.png"
    )
    image = str(tmp_path / "a.png")
    for output in ("sigmoid", "scalar"):
        weights = str(weights_of(tmp_path / f"{output}.safetensors", 1, output=output))
        common = [image, "--classifier", "squeezenet1_1", "--weights", weights, "--device", "cpu"]
        assert main(["predict", *common]) == 0
        said = capsys.readouterr().out
        assert (
            main(
                [
                    "explain",
                    *common,
                    "--method",
                    "saliency",
                    "--output",
                    str(tmp_path / "m.npz"),
                    "--no-cache",
                ]
            )
            == 0
        )
        told = capsys.readouterr().out
        made = load_map(tmp_path / "m.npz")
        if output == "sigmoid":
            number = said.split("positive class")[1].split("%")[0].strip()
            assert 0 < float(number) < 100
            assert f"positive class: probability {number} % by squeezenet1_1" in told
        else:
            number = said.split()[2]
            assert f"output: value {number} by squeezenet1_1" in told
            assert made.value == pytest.approx(float(number), rel=1e-4)
        assert "class 0" not in said + told
        assert "hidden" not in said + told
