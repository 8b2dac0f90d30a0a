"""Targets besides a class: against the network's own values, read by a hook or by hand."""

import numpy as np
import pytest
import torch

from engine.toys import small_transformer
from pda_studio import explain
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.classifiers.layers import layer_shape, layers
from pda_studio.classifiers.scored import scored
from pda_studio.errors import UsageError
from pda_studio.targets import ContrastTarget, UnitTarget


def by_hook(classifier: Classifier, layer: str, pixels: torch.Tensor) -> torch.Tensor:
    found = []
    handle = classifier.network.get_submodule(layer).register_forward_hook(
        lambda module, inputs, result: found.append(result.clone())
    )
    classifier.logits(classifier.prepare(pixels))
    handle.remove()
    return found[-1]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("squeezenet1_1", UnitTarget("features.5", 12)),
        ("squeezenet1_1", UnitTarget("features.9", 3, 4, 5)),
        ("resnet18", UnitTarget("layer2.0.conv1", 7, 0, 27)),  # a BatchNorm follows
        ("mobilenet_v2", UnitTarget("features.4.conv.1.0", 5)),
        ("resnet18", UnitTarget("fc", 3)),
        ("transformer", UnitTarget("encoder.layers.encoder_layer_1", 9, 2, 3)),
    ],
)
def test_a_hidden_unit_answers_with_its_activation(name: str, unit: UnitTarget) -> None:
    if name == "transformer":  # of 4×4 tokens behind the first
        classifier, side = small_transformer(), 32
    else:
        classifier, side = load_classifier(name, "random", "cpu"), 224
    before = {key: value.clone() for key, value in classifier.network.state_dict().items()}
    pixels = torch.rand(2, 3, side, side)
    value = by_hook(classifier, unit.layer, pixels)
    if value.ndim == 3:
        wanted = value[:, 1 + 4 * unit.row + unit.column, unit.channel]
    elif unit.row is None:
        wanted = value[:, unit.channel].flatten(1).mean(1) if value.ndim == 4 else value[:, 3]
    else:
        wanted = value[:, unit.channel, unit.row, unit.column]
    asked = scored(classifier, unit).classifier
    got = asked.logits(asked.prepare(pixels))[:, 0]
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-6)
    assert not asked.has_probabilities
    assert asked.unit == "activation"
    assert asked.fingerprint != classifier.fingerprint
    assert not any(module._forward_hooks for module in classifier.network.modules())
    after = classifier.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    "unit",
    [
        UnitTarget("features.5", 12),
        UnitTarget("features.9", 3, 6, 5),
        UnitTarget("classifier.1", 92),
    ],
)
def test_evidence_of_a_hidden_unit_is_the_difference_of_activations(
    squeezenet: Classifier, image, unit: UnitTarget
) -> None:
    image = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    options = {"window": 32, "stride": 32, "infill": "grey", "target": unit}
    full = explain(image, squeezenet, forward="full", **options)
    fast = explain(image, squeezenet, forward="incremental", precision="float32", **options)
    pixels = squeezenet.preprocessing.pixels(full.view)
    without = pixels.clone()
    without[:, 96:128, 96:128] = 0.5
    value = by_hook(squeezenet, unit.layer, torch.stack([pixels, without]))[:, unit.channel]
    value = value.flatten(1).mean(1) if unit.row is None else value[:, unit.row, unit.column]
    assert full.unit == "activation"
    assert full.evidence[110, 110] == pytest.approx(float(value[0] - value[1]), rel=0.02, abs=1e-4)
    np.testing.assert_allclose(fast.evidence, full.evidence, atol=2e-4 * full.limit)


def test_a_contrast_is_the_difference_of_logits(squeezenet: Classifier, image) -> None:
    image = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    pixels = squeezenet.preprocessing.pixels(squeezenet.preprocessing.view(image))
    prepared = squeezenet.prepare(pixels[None])
    a, b = (squeezenet.class_index(name) for name in ("bee eater", "jacamar"))
    target = ContrastTarget(a, b)
    asked = scored(squeezenet, target).classifier
    logits = squeezenet.logits(prepared)[0]
    assert asked.logits(prepared)[0, 0] == pytest.approx(float(logits[a] - logits[b]), rel=1e-5)
    options = {"window": 32, "stride": 32, "infill": "grey", "difference": "logit"}
    got = explain(
        image, squeezenet, target=target, forward="incremental", precision="float32", **options
    )
    one, other = (
        explain(image, squeezenet, target=index, forward="full", **options) for index in (a, b)
    )
    wanted = one.evidence - other.evidence
    np.testing.assert_allclose(got.evidence, wanted, atol=1e-3 * np.abs(wanted).max())
    assert got.target_name == "bee eater rather than jacamar"


def test_layers_are_listed_with_their_shapes() -> None:
    classifier = load_classifier("squeezenet1_1", "random", "cpu")
    found = {layer.name: layer for layer in layers(classifier)}
    assert found["features.0"].shape == (64, 111, 111)
    assert found["features.3"].kind == "Fire"
    assert list(found).index("features.3.squeeze") < list(found).index("features.3")
    assert layer_shape(load_classifier("digits"), "fc1") == (1024,)


@pytest.mark.parametrize(
    ("layer", "unit", "sentence"),
    [
        ("features.99", "0", "no layer “features.99”"),
        ("features.5", "128", "has 128 maps; there is no map 128"),
        ("features.5", "3,27,0", "27 rows and 27 columns"),
        ("features.5", "3,1", "“3,1” is neither"),
        ("features.5", "-1", "“-1” is neither"),
    ],
)
def test_what_is_not_there_is_said(layer: str, unit: str, sentence: str) -> None:
    classifier = load_classifier("squeezenet1_1", "random", "cpu")
    with pytest.raises(UsageError, match=sentence):
        scored(classifier, UnitTarget.parse(layer, unit))


def test_a_class_is_not_set_against_itself(digits: Classifier) -> None:
    with pytest.raises(UsageError, match="against itself"):
        scored(digits, ContrastTarget(3, 3))
