"""The linearised tail against finite differences, the exact forward, and hand-worked cases."""

import numpy as np
import pytest
import torch
from torch import nn

from pda_studio import explain
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.classifiers.graph import trace
from pda_studio.errors import UsageError
from pda_studio.pda.forward.incremental import IncrementalForward, baseline_activations
from pda_studio.pda.forward.layers import earliest_layer, joints
from pda_studio.pda.forward.linearised import (
    LinearisedInput,
    LinearisedTail,
    frontier,
    gradients_at,
)


def windows(count: int, size: int, window: int) -> tuple[np.ndarray, torch.Tensor]:
    chance = np.random.default_rng(count)
    corners = chance.integers(0, size - window, (count, 2))
    return corners, torch.rand(count, 2, 3, window, window)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("squeezenet1_1", "features.0"),
        ("squeezenet1_1", "features.9.expand1x1"),  # beside the path through expand3x3
        ("resnet18", "layer2.0.conv1"),  # beside a shortcut
        ("resnet18", "layer3"),
        ("shufflenet_v2_x0_5", "stage3"),
        ("mobilenet_v3_small", "features.4"),
    ],
)
def test_first_order_above_the_layer(request: pytest.FixtureRequest, name: str, layer: str) -> None:
    """Small changes go through a linear tail as through the network itself."""
    real = name == "squeezenet1_1"  # whose last relu leaves nothing with random weights
    classifier = (
        request.getfixturevalue("squeezenet") if real else load_classifier(name, "random", "cpu")
    )
    pixels = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(1))
    tail = LinearisedTail(classifier, pixels, [7], layer)
    exact = IncrementalForward(classifier, pixels, np.array([7]))
    corners, infills = windows(6, 224, 12)
    removed = torch.stack(
        [pixels[:, top : top + 12, left : left + 12] for top, left in corners.tolist()]
    )
    small = removed[:, None] + 3e-4 * (infills - removed[:, None])
    wanted = exact(corners, small).logit - exact.original.logit
    got = tail(corners, small).logit - tail.original.logit
    assert np.abs(wanted).max() > 1e-5
    np.testing.assert_allclose(got, wanted, atol=0.07 * np.abs(wanted).max())


def test_the_last_layer_is_exact(squeezenet: Classifier) -> None:
    """Nothing above the layer is nonlinear: the logits are exact, and with them the odds."""
    pixels = torch.rand(3, 224, 224)
    tail = LinearisedTail(squeezenet, pixels, [7], "classifier")
    exact = IncrementalForward(squeezenet, pixels, np.array([7]))
    corners, infills = windows(5, 224, 30)
    np.testing.assert_allclose(
        tail(corners, infills).logit, exact(corners, infills).logit, rtol=1e-4
    )
    assert tail.original.probability == pytest.approx(exact.original.probability, rel=1e-6)


def test_gradients_against_finite_differences() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(3 * 16, 4)
    ).double()
    program = trace(network)
    image = torch.rand(1, 1, 6, 6, dtype=torch.float64)
    program.run(image)
    hidden = program.layers["0"]
    scores, (gradient,) = gradients_at(program, frontier(program, hidden), [2])
    step = 1e-6
    direction = torch.randn_like(hidden.value)

    def both(h: torch.Tensor) -> np.ndarray:
        logits = network[1:](h)[0]
        others = logits[[0, 1, 3]].logsumexp(0)
        return torch.stack([logits[2], others]).detach().numpy()

    slope = (both(hidden.value + step * direction) - both(hidden.value - step * direction)) / (
        2 * step
    )
    np.testing.assert_allclose(scores, both(hidden.value), rtol=1e-9)
    np.testing.assert_allclose((gradient * direction).sum((1, 2, 3)).numpy(), slope, rtol=1e-4)


def test_input_is_algorithm_3(squeezenet: Classifier, image) -> None:
    image = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    options = {"window": 20, "outer": 28, "stride": 20}
    simplified = explain(image, squeezenet, "simplified-pda", **options)
    same = explain(
        image, squeezenet, forward="linearised", at="input", difference="probability", **options
    )
    np.testing.assert_array_equal(simplified.evidence, same.evidence)
    assert simplified.forward == LinearisedInput.description


def test_later_layers_come_closer(half_squeezenet: Classifier, image) -> None:
    image = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    options = {"window": 12, "outer": 16, "stride": 12}
    exact = explain(image, half_squeezenet, forward="full", **options).evidence
    errors = [
        np.abs(
            explain(image, half_squeezenet, forward="linearised", at=at, **options).evidence - exact
        ).mean()
        for at in ("features.2", "features.8", "auto", "classifier.1")
    ]
    assert errors == sorted(errors, reverse=True)


def test_joints_lie_where_paths_meet() -> None:
    program = baseline_activations(
        load_classifier("resnet18", "random", "cpu"), torch.zeros(3, 224, 224)
    ).program
    names = list(joints(program))
    assert "layer1.0" in names
    assert "layer1.0.conv1" not in names  # the shortcut goes past it
    assert names.index("layer1.0") < names.index("layer2.0") < names.index("fc")


def test_the_earliest_layer_of_an_unmeasured_network(digits: Classifier, squeezenet) -> None:
    pixels = torch.rand(1, 28, 28)
    layer = earliest_layer(digits, pixels)
    assert layer in joints(baseline_activations(digits, pixels).program)
    assert earliest_layer(digits, torch.zeros(1, 28, 28)) == layer  # remembered
    assert earliest_layer(squeezenet, torch.rand(3, 224, 224)) == "features.11"


def test_unknown_layers_are_named(digits: Classifier) -> None:
    with pytest.raises(UsageError, match=r"no layer “conv9”.*conv2"):
        LinearisedTail(digits, torch.rand(1, 28, 28), [3], "conv9")
