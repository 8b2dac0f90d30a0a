"""Gradient methods against finite differences, Captum called directly, and hand-worked networks."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache

import captum.attr
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from engine.conftest import BEE_EATER, LANGUR, Open
from engine.toys import small_transformer, small_vgg
from pda_studio import explain
from pda_studio.attribution.class_activation import maps_and_gradient
from pda_studio.attribution.grad_cam import weighed
from pda_studio.attribution.layers_with_places import layer_with_places
from pda_studio.classifiers import Classifier, Preprocessing, load_classifier
from pda_studio.classifiers.relus import with_separate_relus
from pda_studio.classifiers.scored import scored
from pda_studio.errors import UsageError
from pda_studio.methods import METHODS, method_named, run
from pda_studio.results import Subject
from pda_studio.targets import ContrastTarget, UnitTarget

FEW: dict[str, dict[str, object]] = {
    "saliency": {},
    "input-x-gradient": {},
    "deconvnet": {},
    "guided-backpropagation": {},
    "integrated-gradients": {"points": 3},
    "smooth-grad": {"samples": 3},
    "grad-cam": {},
    "guided-grad-cam": {},
    "hires-cam": {},
    "layer-cam": {},
}
FOR_RELUS = {"deconvnet", "guided-backpropagation", "guided-grad-cam"}

Digit = Callable[[int], NDArray[np.uint8]]


def made(network: nn.Module, size: int = 2, classes: int = 2) -> Classifier:
    """A classifier of grey images, whose pixels reach the network as they are."""
    return Classifier(
        name="handmade",
        network=network.eval().requires_grad_(False),
        preprocessing=Preprocessing(resize=size, size=size, mean=(0.0,), std=(1.0,)),
        class_names=tuple(f"class {index}" for index in range(classes)),
        device=torch.device("cpu"),
        weights="none",
    )


def grey(size: int = 2, seed: int = 0) -> NDArray[np.uint8]:
    values = np.random.default_rng(seed).integers(40, 255, (size, size, 1), np.uint8)
    return np.repeat(values, 3, axis=2)


def small(classifier: Classifier, size: int = 64) -> Classifier:
    """The same network on smaller images."""
    scale = classifier.preprocessing.model_copy(update={"resize": size, "size": (size, size)})
    return replace(classifier, preprocessing=scale, batch_sizes={})


@lru_cache(maxsize=2)
def opened(name: str) -> Classifier:
    """A network that the tests share; one of them sees that each is left as it was."""
    if name == "transformer":
        return small_transformer()
    if name == "vgg16":
        return small_vgg()
    return load_classifier(name, None if name == "digits" else "random", "cpu")


def random_one(name: str) -> Classifier:
    return small(opened(name))


def noise(size: int = 64) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)


# The network is left as it was found


def state_of(network: nn.Module) -> list[object]:
    hooks = [
        (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
        for m in network.modules()
    ]
    flags = [(p.requires_grad, p.grad is None) for p in network.parameters()]
    modules = [(type(m), m.training, getattr(m, "inplace", None)) for m in network.modules()]
    return [hooks, flags, modules]


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_left_as_it_was(name: str, fails: bool) -> None:
    classifier = random_one("resnet18")
    subject = Subject.of(noise(), classifier, 7)
    prepared = torch.rand(2, 3, 64, 64)
    before = classifier.logits(prepared)
    weights = {key: value.clone() for key, value in classifier.network.state_dict().items()}
    state = state_of(classifier.network)
    method = method_named(name).create(classifier, **FEW[name])
    if fails:
        with pytest.raises((AssertionError, IndexError)):
            run(method.steps(replace(subject, index=5000)))
    else:
        run(method.steps(subject))
    assert state_of(classifier.network) == state
    assert torch.equal(classifier.logits(prepared), before)
    after = classifier.network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in weights.items())


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_may_have_switched_gradients_off(
    name: str, mode: Callable[[], torch.no_grad], digits: Classifier, digit_image: Digit
) -> None:
    image = digit_image(4)
    wanted = explain(image, digits, name, **FEW[name])
    with mode():
        steps = method_named(name).create(digits, **FEW[name]).steps(Subject.of(image, digits))
        first = next(steps)
        inference = torch.is_inference_mode_enabled()
        found = run(iter([first, *steps]))
    assert inference is (mode is torch.inference_mode)  # nothing leaks out of a step
    assert not torch.is_inference_mode_enabled()
    np.testing.assert_array_equal(found.evidence, wanted.evidence)


# Where each applies


@pytest.mark.parametrize("name", FEW)  # the first varies fastest: each network is loaded once
@pytest.mark.parametrize("network", ["digits", "mobilenet_v2", "vgg16", "resnet18", "transformer"])
def test_maps_complete_or_are_refused_with_a_reason(network: str, name: str) -> None:
    classifier = opened(network)
    transformer = network == "transformer"
    if not transformer:
        classifier = small(classifier, classifier.shorter_side if network == "digits" else 64)
    if transformer and name in FOR_RELUS:
        with pytest.raises(UsageError, match="MultiheadAttention") as caught:
            explain(noise(), classifier, name, **FEW[name])
        assert str(caught.value).count(".") == 1
        return
    found = explain(noise(), classifier, name, **FEW[name])
    assert found.complete
    assert found.evidence.shape == classifier.input_size
    assert np.isfinite(found.evidence).all()
    assert found.evidence.any()


@pytest.mark.parametrize("name", sorted(FOR_RELUS))
@pytest.mark.parametrize(
    ("network", "what"),
    [
        ("efficientnet_b0", "SiLU"),
        ("mobilenet_v3_small", "Hardswish"),
        ("swin_t", "shifted_window_attention"),
    ],
)
def test_rules_for_relus_refuse_other_activations(network: str, what: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"{network} has {what}"):
        explain(noise(), opened(network), name)


class Disguised(nn.Module):
    def __init__(self, kink: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.kink = nn.Linear(4, 3), nn.Linear(3, 2), kink

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.kink(self.first(x.flatten(1))))


@pytest.mark.parametrize(
    "kink",
    [
        lambda x: x.clamp(min=0),
        lambda x: torch.maximum(x, torch.zeros(1)),
        functional.leaky_relu,
        functional.gelu,
        torch.tanh,
        lambda x: x.sigmoid_(),
        lambda x: x.relu_() if x.sum() > 0 else x,  # cannot be traced
    ],
)
def test_nothing_that_bends_is_overlooked(kink: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with pytest.raises(UsageError, match="choose another method"):
        explain(grey(), made(Disguised(kink)), "guided-backpropagation")


# Gradients


@pytest.mark.parametrize("target", [3, 8])
def test_saliency_against_finite_differences(digits: Classifier, target: int) -> None:
    # No plain background, in whose pooled ties the slopes to both sides differ.
    found = explain(noise(28), digits, "saliency", target=target)
    exact = deepcopy(digits.network).double()
    pixels = digits.preprocessing.pixels(found.view).double()
    step = 1e-6
    for row, column in np.random.default_rng(0).integers(0, 28, (25, 2)):
        pair = pixels.repeat(2, 1, 1, 1)
        pair[0, :, row, column] += step
        pair[1, :, row, column] -= step
        logits = exact(digits.preprocessing.normalise(pair))[:, target]
        slope = float(logits[0] - logits[1]) / (2 * step)
        assert found.evidence[row, column] == pytest.approx(abs(slope), rel=1e-3, abs=1e-4)
    assert found.unit == "|logit| per pixel value"


def test_saliency_takes_the_largest_colour(small_squeezenet: Classifier, image: Open) -> None:
    image = np.asarray(image(LANGUR))
    found = explain(image, small_squeezenet, "saliency", target=5)
    pixels = small_squeezenet.preprocessing.pixels(found.view)[None].requires_grad_()
    small_squeezenet.network(small_squeezenet.prepare(pixels))[0, 5].backward()
    wanted = pixels.grad[0].abs().max(0).values.numpy()
    np.testing.assert_allclose(found.evidence, wanted, rtol=1e-4, atol=1e-6)


def test_input_x_gradient_is_captums(small_squeezenet: Classifier, image: Open) -> None:
    found = explain(np.asarray(image(LANGUR)), small_squeezenet, "input-x-gradient", target=5)
    x = small_squeezenet.prepare(small_squeezenet.preprocessing.pixels(found.view)[None])
    wanted = captum.attr.InputXGradient(small_squeezenet.network).attribute(
        x.requires_grad_(), target=5
    )
    np.testing.assert_allclose(found.evidence, wanted[0].sum(0).detach(), rtol=1e-4, atol=1e-6)


# Guided backpropagation and deconvnet


class ThreeLayers(nn.Module):
    """Functional, in place, and one module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.last, self.relu = nn.Linear(6, 2), nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.first(x.flatten(1)), inplace=True)
        x = self.relu(self.second(x))
        return self.last(self.relu(self.third(x)))


@pytest.mark.parametrize("name", ["deconvnet", "guided-backpropagation"])
def test_rules_on_a_network_worked_by_hand(name: str) -> None:
    torch.manual_seed(3)
    classifier = made(ThreeLayers())
    found = explain(grey(), classifier, name, target=1)
    network = classifier.network
    layers = [network.first, network.second, network.third]
    value = classifier.preprocessing.pixels(found.view).flatten().numpy()
    before = []
    for layer in layers:
        before.append(layer.weight.numpy() @ value + layer.bias.numpy())
        value = np.maximum(before[-1], 0)
    back = network.last.weight.numpy()[1]
    for layer, entering in zip(reversed(layers), reversed(before), strict=True):
        back = np.maximum(back, 0)
        if name == "guided-backpropagation":
            back = back * (entering > 0)
        back = back @ layer.weight.numpy()
    np.testing.assert_allclose(found.evidence.ravel(), back, rtol=1e-5)


class Shortcut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x.flatten(1))
        return self.last(functional.relu(x) + x)


def test_what_goes_past_a_relu_is_left_alone() -> None:
    torch.manual_seed(1)
    classifier = made(Shortcut())
    found = explain(grey(), classifier, "deconvnet", target=0)
    back = classifier.network.last.weight.numpy()[0]
    wanted = (np.maximum(back, 0) + back) @ classifier.network.first.weight.numpy()
    np.testing.assert_allclose(found.evidence.ravel(), wanted, rtol=1e-5)


class GuidedRelu(torch.autograd.Function):
    """An implementation of its own, for all ReLUs at once."""

    most = float("inf")

    @staticmethod
    def forward(ctx, x, most):
        ctx.save_for_backward((x > 0) & (x < most))
        return x.clamp(0, most)

    @staticmethod
    def backward(ctx, gradient):
        (passed,) = ctx.saved_tensors
        return gradient.clamp(min=0) * passed, None


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "squeezenet1_1", "mobilenet_v2"])
def test_guided_backpropagation_by_other_means(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = random_one(name)
    # Of squeezenet's random scores most are cut off at 0.
    target = int(classifier.predict(noise()).argmax())
    found = explain(noise(), classifier, "guided-backpropagation", target=target)
    infinite = float("inf")
    monkeypatch.setattr(functional, "relu", lambda x, inplace=False: GuidedRelu.apply(x, infinite))
    monkeypatch.setattr(nn.ReLU6, "forward", lambda self, x: GuidedRelu.apply(x, 6.0))
    pixels = classifier.preprocessing.pixels(found.view)[None].requires_grad_()
    classifier.network(classifier.prepare(pixels))[0, target].backward()
    wanted = pixels.grad[0].sum(0).numpy()
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found.evidence, wanted, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("name", "relus"),
    [("resnet18", 17), ("mobilenet_v2", 35), ("densenet121", 121), ("shufflenet_v2_x0_5", 37)],
)
def test_rewritten_networks_answer_the_same(name: str, relus: int) -> None:
    classifier = random_one(name)
    rewritten = with_separate_relus(classifier, "A rule")
    assert sum(isinstance(module, nn.ReLU) for module in rewritten.modules()) == relus
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(rewritten(x), classifier.network(x))


def test_guided_backpropagation_is_captums_where_relus_are_modules(
    digits: Classifier, digit_image: Digit
) -> None:
    for name, rule in (
        ("guided-backpropagation", captum.attr.GuidedBackprop),
        ("deconvnet", captum.attr.Deconvolution),
    ):
        found = explain(digit_image(3), digits, name)
        x = digits.prepare(digits.preprocessing.pixels(found.view)[None])
        wanted = rule(deepcopy(digits.network)).attribute(x.requires_grad_(), target=3)
        wanted = wanted[0, 0].detach().numpy() / digits.preprocessing.std[0]
        np.testing.assert_allclose(found.evidence, wanted, rtol=1e-4, atol=1e-6)


# Grad-CAM


def class_activation(subject: Subject, layer: str) -> torch.Tensor:
    name, places = layer_with_places(subject.scored, layer, "Grad-CAM")
    return weighed(*maps_and_gradient(subject, name, places))


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("squeezenet1_1", "features.0"),  # a ReLU writes over its result
        ("squeezenet1_1", "features.9.squeeze"),
        ("squeezenet1_1", "features.12"),
        ("resnet18", "layer2.0.bn1"),  # so it does here
        ("resnet18", "layer3.1.bn2"),  # and here the shortcut
        ("resnet18", "layer4"),
    ],
)
def test_grad_cam_is_captums_on_a_network_that_writes_over_nothing(name: str, layer: str) -> None:
    classifier = random_one(name)
    target = int(classifier.predict(noise()).argmax())
    subject = Subject.of(noise(), classifier, target)
    places = class_activation(subject, layer)
    plain = deepcopy(classifier.network)
    for module in plain.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    if name == "resnet18":
        for block in [block for part in (plain.layer2, plain.layer3) for block in part]:
            block.forward = plain_block(block)
    x = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
    cam = captum.attr.LayerGradCam(plain, plain.get_submodule(layer))
    wanted = cam.attribute(x.requires_grad_(), target=target)[0, 0].detach().numpy()
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(places.numpy(), wanted, atol=2e-5 * np.abs(wanted).max())


def plain_block(block: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        inner = block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(x)))))
        return torch.relu(inner + (x if block.downsample is None else block.downsample(x)))

    return forward


def test_grad_cam_sums_to_the_logit_before_an_average(squeezenet: Classifier) -> None:
    classifier = random_one("resnet18")
    subject = Subject.of(noise(), classifier, 7)
    x = classifier.prepare(classifier.preprocessing.pixels(subject.view)[None])
    logit = classifier.logits(x)[0, 7] - classifier.network.fc.bias[7]
    assert float(class_activation(subject, "layer4").sum()) == pytest.approx(float(logit), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("digits", "relu2"),
        ("squeezenet1_1", "classifier.1"),  # before its last ReLU, behind which no sign is left
        ("vgg16", "features.29"),
        ("resnet18", "layer4"),
        ("mobilenet_v2", "features"),
        ("densenet121", "features"),
        ("swin_t", "permute"),
        ("transformer", "encoder.layers.encoder_layer_1.ln_1"),  # then the class token is read
    ],
)
def test_auto_is_the_last_layer_with_maps(name: str, layer: str) -> None:
    classifier = opened(name)
    assert layer_with_places(classifier, "auto", "Grad-CAM")[0] == layer


@pytest.mark.parametrize(
    ("name", "layer", "sentence"),
    [
        ("resnet18", "layer9", "no layer “layer9”"),
        ("resnet18", "fc", "no maps with rows and columns"),
        ("resnet18", "avgpool", "no maps with rows and columns"),
        ("transformer", "heads.head", "no maps with rows and columns"),
    ],
)
def test_layers_without_maps_are_refused(name: str, layer: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        explain(noise(), opened(name), "grad-cam", at=layer)


def test_grad_cam_can_keep_what_is_positive_only(squeezenet: Classifier, image: Open) -> None:
    image = np.asarray(image(BEE_EATER))
    both = explain(image, squeezenet, "grad-cam", "jay", at="features.5")
    positive = explain(image, squeezenet, "grad-cam", "jay", at="features.5", sign="positive")
    assert both.evidence.min() < 0
    assert positive.evidence.min() == 0
    assert positive.evidence.max() == pytest.approx(both.evidence.max(), rel=1e-5)


def test_guided_grad_cam_is_in_proportion_to_captums(digits: Classifier, digit_image) -> None:
    found = explain(digit_image(3), digits, "guided-grad-cam", at="relu2")
    plain = deepcopy(digits.network)
    for module in plain.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    x = digits.prepare(digits.preprocessing.pixels(found.view)[None]).requires_grad_()
    guided = captum.attr.GuidedGradCam(plain, plain.relu2)
    wanted = guided.attribute(x, target=3, interpolate_mode="bilinear")[0, 0].detach().numpy()
    most = np.abs(wanted).max()
    np.testing.assert_allclose(found.evidence / found.limit, wanted / most, atol=1e-5)


# Integrated gradients


@pytest.mark.parametrize("baseline", ["mean", "black", "white"])
def test_integrated_gradients_are_captums(
    small_squeezenet: Classifier, image: Open, baseline: str
) -> None:
    found = explain(
        np.asarray(image(LANGUR)),
        small_squeezenet,
        "integrated-gradients",
        target=5,
        points=10,
        baseline=baseline,
    )
    preprocessing = small_squeezenet.preprocessing
    x = small_squeezenet.prepare(preprocessing.pixels(found.view)[None])
    start = torch.zeros_like(x)
    if baseline != "mean":
        start = preprocessing.normalise(torch.full_like(x, float(baseline == "white")))
    integrated = captum.attr.IntegratedGradients(small_squeezenet.network)
    wanted, delta = integrated.attribute(
        x, start, target=5, n_steps=10, return_convergence_delta=True
    )
    np.testing.assert_allclose(found.evidence, wanted[0].sum(0).numpy(), atol=1e-4 * found.limit)
    change = small_squeezenet.logits(torch.cat([x, start]))[:, 5]
    error = 100 * abs(float(delta)) / abs(float(change[0] - change[1]))
    assert found.how.startswith("completeness error ")
    assert float(found.how.split()[2]) == pytest.approx(error, rel=0.06, abs=0.02)


def test_integrated_gradients_are_complete(digits: Classifier, digit_image: Digit) -> None:
    found = explain(digit_image(6), digits, "integrated-gradients", points=300)
    x = digits.prepare(digits.preprocessing.pixels(found.view)[None])
    logits = digits.logits(torch.cat([x, torch.zeros_like(x)]))[:, 6]
    assert float(found.evidence.sum()) == pytest.approx(
        float(logits[0] - logits[1]), rel=5e-3
    )  # of kinks on the way
    early = next(
        method_named("integrated-gradients")
        .create(digits)
        .steps(Subject.of(digit_image(6), digits, batch=10))
    ).evidence()
    assert not early.complete  # a fifth of the points, spread over the way, is already like it
    assert np.corrcoef(early.evidence.ravel(), found.evidence.ravel())[0, 1] > 0.95


# SmoothGrad


class Squares(nn.Module):
    """½ Σ x² for the first class: its gradient is the image."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, 0.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).square().sum(1, keepdim=True) * self.weight


def test_smooth_grad_of_squares_is_the_image_within_its_standard_error() -> None:
    image = grey(16)
    samples, noise_level = 200, 0.2
    found = explain(
        image, made(Squares(), 16), "smooth-grad", target=0, samples=samples, noise=noise_level
    )
    pixels = image[..., 0] / 255
    deviation = noise_level * np.ptp(pixels)
    assert found.standard_error is not None
    wanted_error = deviation / np.sqrt(samples)
    assert found.standard_error.mean() == pytest.approx(wanted_error, rel=0.02)
    away = (found.evidence - pixels) / wanted_error
    assert np.abs(away).max() < 5
    assert away.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    "base", ["saliency", "input-x-gradient", "guided-backpropagation", "deconvnet"]
)
def test_smooth_grad_without_noise_is_its_base(
    base: str, digits: Classifier, digit_image: Digit
) -> None:
    plain = explain(digit_image(2), digits, base)
    smooth = explain(digit_image(2), digits, "smooth-grad", base=base, samples=9, noise=0)
    np.testing.assert_allclose(smooth.evidence, plain.evidence, atol=1e-5 * plain.limit)
    assert smooth.unit == plain.unit
    assert (smooth.standard_error is None) is (base == "saliency")


def test_smooth_grad_is_the_mean_over_noisy_images(
    small_squeezenet: Classifier, image: Open
) -> None:
    image = np.asarray(image(LANGUR))
    options = {"target": 5, "samples": 7, "noise": 0.1, "seed": 3}
    found = explain(image, small_squeezenet, "smooth-grad", batch=3, **options)
    x = small_squeezenet.prepare(small_squeezenet.preprocessing.pixels(found.view)[None])
    chance = torch.Generator().manual_seed(3)
    maps = []
    for _ in range(7):
        drawn = torch.randn(x.shape[1:], generator=chance)
        noisy = (x + 0.1 * (x.max() - x.min()) * drawn).requires_grad_()
        (gradient,) = torch.autograd.grad(small_squeezenet.network(noisy)[0, 5], noisy)
        std = torch.tensor(small_squeezenet.preprocessing.std)[:, None, None]
        maps.append((gradient[0] / std).sum(0).numpy())
    np.testing.assert_allclose(found.evidence, np.mean(maps, 0), atol=1e-4 * found.limit)
    error = np.std(maps, 0, ddof=1) / np.sqrt(7)
    np.testing.assert_allclose(found.standard_error, error, atol=1e-4 * error.max())
    other = explain(image, small_squeezenet, "smooth-grad", **{**options, "seed": 4})
    assert not np.array_equal(other.evidence, found.evidence)


# Other targets


@pytest.mark.parametrize("name", ["input-x-gradient", "integrated-gradients", "grad-cam"])
def test_a_contrast_is_the_difference_of_two_maps(
    name: str, digits: Classifier, digit_image: Digit
) -> None:
    asked = scored(digits, ContrastTarget(4, 9)).classifier
    got = explain(digit_image(4), asked, name, target=0, **FEW[name])
    four, nine = (explain(digit_image(4), digits, name, target=t, **FEW[name]) for t in (4, 9))
    np.testing.assert_allclose(got.evidence, four.evidence - nine.evidence, atol=1e-4 * got.limit)


@pytest.mark.parametrize("name", FEW)
def test_targets_besides_a_class(name: str) -> None:
    classifier = random_one("resnet18")
    asked = scored(classifier, UnitTarget("layer3.0", 5)).classifier
    state = state_of(classifier.network)
    found = explain(noise(), asked, name, **FEW[name])
    assert found.evidence.any()
    assert found.unit.strip("|").startswith("activation")
    other = explain(noise(), classifier, name, target=ContrastTarget(3, 5), **FEW[name])
    assert other.evidence.any()
    assert other.unit.strip("|").startswith("logit")
    assert state_of(classifier.network) == state


def test_a_hidden_units_gradient_by_finite_differences(
    digits: Classifier, digit_image: Digit
) -> None:
    asked = scored(digits, UnitTarget("relu2", 6, 7, 7)).classifier
    found = explain(digit_image(8), asked, "smooth-grad", samples=1, noise=0)
    exact = deepcopy(asked.network).double()
    pixels = digits.preprocessing.pixels(found.view).double()
    for row, column in [(12, 13), (14, 14), (15, 16), (0, 0)]:
        pair = pixels.repeat(2, 1, 1, 1)
        pair[:, 0, row, column] += torch.tensor([1e-6, -1e-6], dtype=torch.float64)
        values = exact(digits.preprocessing.normalise(pair))[:, 0]
        slope = float(values[0] - values[1]) / 2e-6
        assert found.evidence[row, column] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_hidden_layers_that_are_not_reached_are_refused() -> None:
    asked = scored(random_one("resnet18"), UnitTarget("layer2", 5)).classifier
    with pytest.raises(UsageError, match="no layer “layer3” on the way to the target"):
        explain(noise(), asked, "grad-cam", at="layer3")
    explain(noise(), asked, "grad-cam", at="layer2.0")


def test_all_are_declared() -> None:
    assert set(FEW) <= set(METHODS)
    for name in FEW:
        assert method_named(name).summary.endswith(".")
        assert method_named(name).citation
