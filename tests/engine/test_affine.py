"""The affine representation against a network worked by hand, all its biases, and its own law."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from numpy.typing import NDArray
from torch import nn

from engine.conftest import BEE_EATER, Open
from engine.test_relevance import (
    B1,
    B2,
    W1,
    W2,
    Gated,
    branches,
    noise_image,
    state,
    two_layers,
)
from engine.test_relevance import prepared as prepare
from engine.toys import classifier_of, random_statistics, small_transformer
from pda_studio import explain
from pda_studio.attribution.affine import bias_shares, decompose, spread
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.classifiers.scored import scored
from pda_studio.errors import UsageError
from pda_studio.targets import ContrastTarget, UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]


def with_small_batchnorm() -> nn.Module:
    """ReLU6, BatchNorm, a join and a skip, with biases everywhere."""

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
            self.second = nn.Conv2d(8, 8, 3, padding=1)
            self.third, self.last = nn.Conv2d(16, 6, 3), nn.Linear(6, 3)
            self.cap = nn.ReLU6()

        def forward(self, x: torch.Tensor) -> Any:
            x = self.cap(8 * self.norm(self.first(x)))
            y = F.relu(self.second(x), inplace=True)
            z = F.relu(self.third(torch.cat([x + y, y], 1)))
            return self.last(F.adaptive_avg_pool2d(z, 1).flatten(1))

    torch.manual_seed(0)
    return random_statistics(Network())


def test_two_layers_by_hand() -> None:
    classifier = classifier_of(two_layers(), size=1, channels=2, classes=2)
    x = np.array([1.2, -0.4])
    h = W1 @ x + B1
    is_open = h > 0
    assert 0 < is_open.sum() < 3
    at_pixels, at_first, at_relu = decompose(
        classifier, torch.tensor(x).float().reshape(1, 2, 1, 1), 0, ["input", "0", "1"]
    )
    np.testing.assert_allclose(
        at_pixels.contributions.flatten(), (W2[0] * is_open) @ W1 * x, rtol=1e-5
    )
    assert at_pixels.bias == pytest.approx((W2[0] * is_open) @ B1 + B2[0], rel=1e-5)
    for at_hidden in (at_first, at_relu):
        np.testing.assert_allclose(
            at_hidden.contributions.flatten(), W2[0] * is_open * h, rtol=1e-5
        )
        assert at_hidden.bias == pytest.approx(B2[0], rel=1e-5)


# -- the bias is what all biases add, each by its own gradient -------------------------------------


class Shifted(nn.Module):
    """BatchNorm as a scale and a shift of its own."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        self.scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        self.shift = norm.bias - norm.running_mean * self.scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale[:, None, None] + self.shift[:, None, None]


class Capped(nn.Module):
    """ReLU6, whose 6 is a number of its own."""

    def __init__(self, like: torch.Tensor) -> None:
        super().__init__()
        self.shift = torch.tensor(6.0).to(like)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.minimum(torch.relu(x), self.shift)


def sum_of_biases(network: nn.Module, x: torch.Tensor, target: int) -> float:
    """Σ b·∂S/∂b over all constants of the network: within its piece, S is linear in x and these."""
    network = deepcopy(network)
    constants: list[torch.Tensor] = []
    for name, layer in list(network.named_modules()):
        parent, _, own = name.rpartition(".")
        if isinstance(layer, nn.BatchNorm2d | nn.ReLU6):
            other = Shifted(layer) if isinstance(layer, nn.BatchNorm2d) else Capped(x)
            setattr(network.get_submodule(parent), own, other)
            constants.append(other.shift.requires_grad_())
        elif isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            constants.append(layer.bias.requires_grad_())
    with torch.enable_grad():
        logit = network(x)[0, target]
    slopes = torch.autograd.grad(logit, constants, allow_unused=True, materialize_grads=True)
    return sum(
        (slope.double() * constant.detach().double()).sum().item()
        for slope, constant in zip(slopes, constants, strict=True)
    )


def check_bias(classifier: Classifier, x: torch.Tensor, target: int, tolerance: float) -> None:
    with torch.enable_grad():
        (found,) = decompose(classifier, x, target, ["input"])
    with torch.no_grad():
        logit = classifier.network(x)[0, target].item()
    total = found.contributions.double().sum().item() + sum_of_biases(classifier.network, x, target)
    scale = max(abs(logit), found.contributions.abs().max().item())
    assert abs(total - logit) <= tolerance * scale
    assert abs(found.bias) > 0.01 * abs(logit)


def test_contributions_and_biases_make_the_logit(
    squeezenet: Classifier, mobilenet: Classifier, digits: Classifier, image: Open,
    digit_image: Digit,
) -> None:  # fmt: skip
    for classifier in (squeezenet, mobilenet):
        x = prepare(classifier, np.asarray(image(BEE_EATER)))
        check_bias(classifier, x, 92, 1e-4)
    x = prepare(digits, digit_image(8))
    check_bias(digits, x, 8, 1e-4)


def test_in_double_precision_to_ten_digits() -> None:
    classifier = classifier_of(with_small_batchnorm().double())
    x = prepare(classifier, noise_image()).double()
    for target in range(3):
        check_bias(classifier, x, target, 1e-10)


def test_it_is_the_affine_function_around_the_image() -> None:
    network = with_small_batchnorm().double()
    classifier = classifier_of(network)
    x = prepare(classifier, noise_image()).double()
    layers = ["input", "first", "norm", "second", "third"]
    found = decompose(classifier, x, 1, layers)
    generator = torch.Generator().manual_seed(0)
    for one in found:
        # A small change of the layer's values changes the logit by W times it, and no more.
        layer = network.get_submodule(one.layer) if one.layer != "input" else None
        value = _value_at(network, layer, x)
        noise = 1e-7 * torch.randn(value.shape, generator=generator, dtype=torch.double)
        before, after = (_logit_with(network, layer, x, change) for change in (0 * noise, noise))
        slope = one.contributions / value
        assert after - before == pytest.approx((slope * noise).sum().item(), rel=1e-5)
        assert before == pytest.approx(one.logit, rel=1e-12)


def _value_at(network: nn.Module, layer: nn.Module | None, x: torch.Tensor) -> torch.Tensor:
    if layer is None:
        return x
    taken: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda _, __, result: taken.append(result.clone()))
    network(x)
    handle.remove()
    return taken[0]


def _logit_with(
    network: nn.Module, layer: nn.Module | None, x: torch.Tensor, change: torch.Tensor
) -> float:
    if layer is None:
        return float(network(x + change)[0, 1])
    handle = layer.register_forward_hook(lambda _, __, result: result + change)
    logit = float(network(x)[0, 1])
    handle.remove()
    return logit


# -- maps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["auto", "input", "features.0", "features.5", "features.12"])
@pytest.mark.parametrize("how", ["nearest", "bilinear"])
def test_a_map_adds_up_to_the_logit_less_the_bias(
    at: str, how: str, squeezenet: Classifier, image: Open
) -> None:
    image = np.asarray(image(BEE_EATER))
    found = explain(image, squeezenet, "piecewise-affine", at=at, spread=how)
    (wanted,) = decompose(squeezenet, prepare(squeezenet, image), found.index, [at])
    total = found.evidence.sum(dtype=float)
    assert abs(total + wanted.bias - wanted.logit) <= 1e-4 * abs(wanted.logit)
    assert found.unit == "logit"
    assert f"of {wanted.logit:.3g}" in found.how
    assert found.evidence.min() < 0 < found.evidence.max() or at in ("auto", "features.12")


def test_auto_is_the_last_layer_with_maps(squeezenet: Classifier, mobilenet: Classifier,
                                          image: Open) -> None:  # fmt: skip
    image = np.asarray(image(BEE_EATER))
    for classifier, layer in ((squeezenet, "classifier.2"), (mobilenet, "features")):
        found = explain(image, classifier, "piecewise-affine")
        assert found.how.startswith(f"at {layer}, maps of ")


@pytest.mark.parametrize("shape", [(13, 13), (7, 9), (1, 1), (24, 20), (30, 30)])
def test_spreading_keeps_the_sum_of_each_unit(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for row, column in ((0, 0), (shape[0] - 1, shape[1] // 2)):
        unit = np.zeros(shape)
        unit[row, column] = 2.5
        for how in ("nearest", "bilinear"):
            pixels = spread(unit, (30, 30), how)  # type: ignore[arg-type]
            assert pixels.sum() == pytest.approx(2.5)
            assert (pixels >= 0).all()
            middle = (np.argwhere(pixels > 0).mean(0) + 0.5) / 30
            np.testing.assert_allclose(
                middle, [(row + 0.5) / shape[0], (column + 0.5) / shape[1]], atol=0.05
            )
    even = spread(np.ones((15, 10)), (30, 30), "bilinear")
    np.testing.assert_allclose(even[2:-2, 3:-3], 150 / 900, rtol=1e-12)
    noise = rng.normal(size=(15, 10))
    np.testing.assert_allclose(
        spread(noise, (30, 30), "nearest"), np.kron(noise, np.ones((2, 3))) / 6
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [({"at": "fc1"}, "fc1 has no rows and columns"), ({"at": "conv9"}, "no layer “conv9”"),
     ({"spread": "cubic"}, "spread must be one of bilinear, nearest")],
)  # fmt: skip
def test_bad_values(
    values: dict[str, Any], words: str, digits: Classifier, digit_image: Digit
) -> None:
    with pytest.raises(UsageError, match=words):
        explain(digit_image(1), digits, "piecewise-affine", **values)


# -- other targets, other networks -----------------------------------------------------------------


def test_a_contrast_is_the_difference(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(4)
    four, nine = (
        explain(image, digits, "piecewise-affine", t, at="conv2").evidence for t in (4, 9)
    )
    found = explain(image, digits, "piecewise-affine", ContrastTarget(4, 9), at="conv2").evidence
    np.testing.assert_allclose(found, four - nine, atol=1e-5 * np.abs(four).max())


def test_a_hidden_unit(digits: Classifier, digit_image: Digit) -> None:
    asked = scored(digits, UnitTarget("conv2", 3, 7, 7)).classifier
    found = explain(digit_image(2), asked, "piecewise-affine", at="pool1")
    assert found.unit == "activation"
    with torch.no_grad():
        h = digits.network.pool1(digits.network.relu1(digits.network.conv1(  # type: ignore[operator]
            prepare(digits, digit_image(2)))))  # type: ignore[operator]  # fmt: skip
        weight = digits.network.conv2.weight[3]  # type: ignore[index, union-attr]
        wanted = (weight * h[0, :, 5:10, 5:10]).sum(0)  # 5×5 around row and column 7
    total = found.evidence.sum(dtype=float)
    assert total == pytest.approx(wanted.sum().item(), rel=1e-4)


def pooled(middle: nn.Module) -> nn.Module:
    """A network of three outputs with something in its middle."""
    ends = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(nn.Conv2d(3, 3, 3), middle, *ends)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Gated(nn.Sigmoid()), "because of Sigmoid in gate"),
        (pooled(nn.GELU()), "because of GELU in 1"),
        (pooled(nn.Softmax(1)), "because of Softmax in 1"),
    ],
)
def test_other_networks_are_refused(network: nn.Module, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explain(noise_image(), classifier_of(network), "piecewise-affine", target=0)


@pytest.mark.parametrize("network", ["transformer", "mobilenet_v3_small", "efficientnet_b0"])
def test_torchvisions_others_are_refused(network: str) -> None:
    if network == "transformer":
        classifier = small_transformer()
    else:
        classifier = load_classifier(network, "random", device="cpu")
    with pytest.raises(UsageError, match=r"is not, because of (LayerNorm|Hardswish|SiLU) in "):
        explain(noise_image(), classifier, "piecewise-affine", target=0)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_network_is_left_as_it_was(mode: Callable[[], torch.no_grad]) -> None:
    classifier = branches(nn.ReLU(inplace=True))
    x = prepare(classifier, noise_image())
    before, logits = state(classifier.network), classifier.logits(x)
    wanted = explain(noise_image(), classifier, "piecewise-affine", 0, at="first")
    with mode():
        found = explain(noise_image(), replace(classifier), "piecewise-affine", 0, at="first")
    np.testing.assert_array_equal(found.evidence, wanted.evidence)
    with pytest.raises(UsageError):
        explain(noise_image(), classifier, "piecewise-affine", 0, at="nowhere")
    assert state(classifier.network) == before
    assert torch.equal(classifier.logits(x), logits)


# -- the bias from layer to layer ------------------------------------------------------------------


def test_bias_shares_of_two_layers_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(3, 2))
    network.load_state_dict(two_layers().state_dict())
    classifier = classifier_of(network, size=1, channels=2, classes=2)
    classifier = replace(classifier, preprocessing=classifier.preprocessing.model_copy())
    view = np.array([[[255, 64, 0]]], np.uint8)
    x = (np.array([255, 64]) / 255 - 0.5) / 0.25
    h = W1 @ x + B1
    logit = W2[0] @ np.maximum(h, 0) + B2[0]
    at_input = (W2[0] * (h > 0)) @ B1 + B2[0]
    found = dict(bias_shares(classifier, view, 0))
    assert list(found) == ["input", "0", "1", "2", "3"]
    for layer, bias in (("input", at_input), ("0", B2[0]), ("1", B2[0]), ("2", B2[0]), ("3", 0.0)):
        assert found[layer] == pytest.approx(abs(bias / logit), rel=1e-4, abs=1e-6)


def test_bias_shares_are_told_where_everything_passes() -> None:
    torch.manual_seed(0)
    network = random_statistics(torchvision.models.resnet18(num_classes=5))
    shares = bias_shares(classifier_of(network, 64, classes=5), noise_image(64), 0)
    names = [name for name, _ in shares]
    assert names[:5] == ["input", "conv1", "bn1", "relu", "maxpool"]
    assert {"layer1.0", "layer1", "layer4", "fc"} <= set(names)
    assert not any("downsample" in name or name.endswith("conv2") for name in names)
    assert all(share >= 0 for _, share in shares)
    assert shares[-1][1] < 1e-6


def test_bias_shares_in_branches_by_hand() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(2, 2, 1)
            self.relu = nn.ReLU()
            self.second = nn.Conv2d(2, 2, 1)
            self.end = nn.Linear(2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.end((x + self.second(self.relu(self.first(x)))).flatten(1))  # type: ignore[no-any-return]

    torch.manual_seed(3)
    network = Block()
    classifier = classifier_of(network, size=1, channels=2, classes=1)
    view = np.array([[[255, 64, 0]]], np.uint8)
    logit = network(classifier.prepare(classifier.preprocessing.pixels(view)[None])).item()
    weights = network.end.weight[0].double().numpy()
    biases = {name: getattr(network, name).bias.double().numpy() for name in ("second", "end")}
    found = dict(bias_shares(classifier, view, 0, branches=True))
    main = dict(bias_shares(classifier, view, 0))
    assert list(found)[:4] == ["input", "first", "relu", "second"]
    assert {name: found[name] for name in main} == pytest.approx(main, abs=1e-6)
    # Behind the first ReLU what is left of the bias is that of the second convolution, and the last
    rest = weights @ biases["second"] + biases["end"][0]
    assert found["relu"] == pytest.approx(abs(rest / logit), rel=1e-4)
    assert found["second"] == pytest.approx(abs(biases["end"][0] / logit), rel=1e-4)


def test_bias_shares_in_the_branches_of_a_real_network() -> None:
    torch.manual_seed(0)
    network = random_statistics(torchvision.models.resnet18(num_classes=5))
    classifier = classifier_of(network, 64, classes=5)
    found = dict(bias_shares(classifier, noise_image(64), 0, branches=True))
    main = dict(bias_shares(classifier, noise_image(64), 0))
    assert {name: found[name] for name in main} == pytest.approx(main, abs=1e-5)
    # A convolution without a bias leaves the share as it was, whatever passes it by.
    for before, after in (("maxpool", "layer1.0.conv1"), ("layer1.0.bn1", "layer1.0.conv2")):
        assert found[after] == pytest.approx(found[before], abs=1e-5)
    assert abs(found["layer1.0.bn1"] - found["layer1.0.conv1"]) > 0.01


def test_a_logit_of_zero_has_no_shares() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 8), nn.ReLU(), nn.Flatten())
    network[0].bias.data.fill_(-100.0)
    with pytest.raises(UsageError, match="logit of 0 is 0"):
        bias_shares(classifier_of(network), noise_image(), 0)
