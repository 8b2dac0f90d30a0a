"""Relevance against zennit called directly, hand-worked networks, and what it must add up to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from numpy.typing import NDArray
from torch import nn
from zennit.canonizers import Canonizer, SequentialMergeBatchNorm
from zennit.composites import LayerMapComposite, SpecialFirstLayerMapComposite
from zennit.core import Stabilizer
from zennit.rules import AlphaBeta, Epsilon, Norm, Pass, ZBox, ZPlus
from zennit.torchvision import ResNetCanonizer
from zennit.types import Activation, AvgPool, Linear

from engine.conftest import BEE_EATER, Open
from engine.toys import classifier_of, random_statistics, small_transformer
from pda_studio import explain
from pda_studio.attribution.relevance import relevance_of
from pda_studio.classifiers import Classifier, Preprocessing, load_classifier
from pda_studio.classifiers.scored import scored
from pda_studio.diagnostics import Conservation
from pda_studio.errors import UsageError
from pda_studio.methods import method_named, run
from pda_studio.methods.relevance import Relevance
from pda_studio.results import Subject
from pda_studio.targets import ContrastTarget, UnitTarget

NAMES = ["lrp-epsilon", "lrp-alpha2-beta1", "deep-taylor"]
AS_PUBLISHED: dict[str, dict[str, str]] = {
    "lrp-epsilon": {"bias": "absorbs"},
    "lrp-alpha2-beta1": {"bias": "absorbs"},
    "deep-taylor": {},
}

Digit = Callable[[int], NDArray[np.uint8]]
SourceImage = NDArray[np.uint8]


def noise_image(size: int = 8, seed: int = 0) -> SourceImage:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def prepared(classifier: Classifier, image: SourceImage) -> torch.Tensor:
    preprocessing = classifier.preprocessing
    return classifier.prepare(preprocessing.pixels(preprocessing.view(image))[None])


def rules(name: str, biases: list[str] | None = None) -> tuple[Any, Any]:
    """Rule of weighted layers and of sums, from zennit itself."""
    tiny = Stabilizer(1e-6, norm_scale=True)
    norm = Norm(tiny)
    return {
        "lrp-epsilon": (Epsilon(Stabilizer(0.25, norm_scale=True), biases), norm),
        "lrp-alpha2-beta1": (AlphaBeta(2, 1, tiny, biases), norm),
        "deep-taylor": (ZPlus(tiny, ["bias"]), norm),
    }[name]


def zennit_itself(
    classifier: Classifier, name: str, canonizers: list[Canonizer], image: SourceImage, target: int
) -> NDArray[np.float32]:
    """The map that a user of zennit would make; sums of skip connections get the z-rule."""
    from zennit.layer import Sum

    weighted, norm = rules(name)
    layers = [(Activation, Pass()), ((Sum, AvgPool), norm), (Linear, weighted)]
    if name == "deep-taylor":
        mean, std = (torch.tensor(v).reshape(1, -1, 1, 1) for v in (
            classifier.preprocessing.mean, classifier.preprocessing.std))  # fmt: skip
        box = ZBox(-mean / std, (1 - mean) / std, 1e-9, ["bias"])
        composite: Any = SpecialFirstLayerMapComposite(layers, [(Linear, box)], canonizers)
    else:
        composite = LayerMapComposite(layers, canonizers)
    x = prepared(classifier, image).requires_grad_()
    with composite.context(classifier.network) as network:
        logit = network(x)[0, target]
        (relevance,) = torch.autograd.grad(logit, x, logit.detach())
    return relevance[0].sum(0).numpy()


def alike(found: NDArray[np.float32], wanted: NDArray[np.float32], tolerance: float = 1e-3) -> bool:
    return bool(np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("name", NAMES)
def test_squeezenet_as_zennit_does_it(name: str, small_squeezenet: Classifier, image: Open) -> None:
    image = np.asarray(image(BEE_EATER))
    found = explain(image, small_squeezenet, name, **AS_PUBLISHED[name])
    wanted = zennit_itself(small_squeezenet, name, [], image, found.index)
    assert alike(found.evidence, wanted)


@pytest.mark.parametrize("name", NAMES[:2])
def test_resnet_as_zennit_does_it(name: str) -> None:
    torch.manual_seed(0)
    network = random_statistics(torchvision.models.resnet18(num_classes=5))
    classifier = classifier_of(network, 64, classes=5)
    image = noise_image(64)
    found = explain(image, classifier, name, target=2, **AS_PUBLISHED[name])
    wanted = zennit_itself(classifier, name, [ResNetCanonizer()], image, 2)
    assert alike(found.evidence, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_vgg_with_batchnorm_as_zennit_does_it(name: str) -> None:
    torch.manual_seed(0)
    blocks = [(3, 8), (8, 12), (12, 12)]
    features = [
        layer
        for i, o in blocks
        for layer in (nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))
    ]
    network = random_statistics(
        nn.Sequential(*features, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(192, 3))
    )
    classifier = classifier_of(network)
    found = explain(noise_image(), classifier, name, target=1, **AS_PUBLISHED[name])
    canonizers: list[Canonizer] = [SequentialMergeBatchNorm()]
    wanted = zennit_itself(classifier, name, canonizers, noise_image(), 1)
    assert alike(found.evidence, wanted)


# -- a network worked by hand --------------------------------------------------------------------

W1, B1 = np.array([[1.0, -2.0], [-1.0, 1.0], [0.5, 1.5]]), np.array([0.1, 0.2, -0.3])
W2, B2 = np.array([[2.0, -1.0, 1.0], [-1.0, 0.5, 0.5]]), np.array([0.3, -0.1])


def two_layers() -> nn.Module:
    first, last = nn.Conv2d(2, 3, 1), nn.Linear(3, 2)
    for layer, weight, bias in ((first, W1, B1), (last, W2, B2)):
        layer.weight.data = torch.tensor(weight).float().reshape(layer.weight.shape)
        layer.bias.data = torch.tensor(bias).float()
    return nn.Sequential(first, nn.ReLU(inplace=True), nn.Flatten(), last)


def by_hand(name: str, x: NDArray[np.float64], ignored: bool) -> NDArray[np.float64]:
    """Share out the first logit of the two-layer network, unit by unit."""
    h = np.maximum(W1 @ x + B1, 0)
    relevance = np.array([(W2 @ h + B2)[0], 0.0])
    for a, w, b in ((h, W2, B2), (x, W1, B1)):
        b = np.zeros_like(b) if ignored or name == "deep-taylor" else b
        below = np.zeros_like(a)
        total = w @ a + b
        epsilon = 0.1 * np.sqrt((total**2).mean())
        for j in range(len(w)):
            z = w[j] * a
            up, down = np.maximum(z, 0), np.minimum(z, 0)
            if name == "lrp-epsilon":
                below += z / (total[j] + np.copysign(epsilon, total[j])) * relevance[j]
            elif name == "lrp-alpha2-beta1":
                parts = 2 * up / (up.sum() + max(b[j], 0) or 1)
                parts = parts - down / (down.sum() + min(b[j], 0) or 1)
                below += parts * relevance[j]
            elif a is h:
                below += up / (up.sum() or 1) * relevance[j]
            else:  # pixels from 0 to 1 are normalised to -2 … 2
                z = w[j] * a + 2 * np.maximum(w[j], 0) - 2 * np.minimum(w[j], 0)
                below += z / z.sum() * relevance[j]
        relevance = below
    return relevance


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bias", ["absorbs", "ignored"])
def test_two_layers_by_hand(name: str, bias: str) -> None:
    classifier = classifier_of(two_layers(), size=1, channels=2, classes=2)
    x = np.array([1.2, -0.4])
    values: dict[str, object] = {} if name == "deep-taylor" else {"bias": bias}
    if name == "lrp-epsilon":
        values["epsilon"] = 0.1
    method = method_named(name).create(None, **values)
    assert isinstance(method, Relevance)
    image = torch.tensor(x).float().reshape(1, 2, 1, 1)
    found, logit = relevance_of(method.rules(), classifier, image, 0)
    np.testing.assert_allclose(found.flatten(), by_hand(name, x, bias == "ignored"), rtol=2e-5)
    assert logit == pytest.approx((W2 @ np.maximum(W1 @ x + B1, 0) + B2)[0], rel=1e-6)


# -- what it must add up to ----------------------------------------------------------------------


class Branches(nn.Module):
    """Any kind of ReLU, a layer used twice, skips, joins, averages of several kinds."""

    def __init__(self, activation: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.second = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.narrow = nn.Conv2d(32, 16, 1, bias=False)
        self.last = nn.Linear(16, 3, bias=False)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> Any:
        x = self.activation(self.first(x))
        y = self.activation(self.second(x))
        y += x
        z = self.activation(self.second(y)) + y
        z = F.max_pool2d(torch.cat([y, z], 1), 2)
        z = F.avg_pool2d(self.activation(self.narrow(z)), 2)
        return self.last(0.5 * z.mean([2, 3]))


def branches(activation: Callable[[torch.Tensor], torch.Tensor]) -> Classifier:
    torch.manual_seed(4)
    return classifier_of(Branches(activation))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_without_biases(name: str) -> None:
    # With α2β1 that holds as each unit here has something for it and something against it.
    values: dict[str, Any] = dict(AS_PUBLISHED[name])
    if name == "lrp-epsilon":
        values["epsilon"] = 0
    classifier = branches(nn.ReLU(inplace=True))
    logits = branches(F.relu).logits(prepared(classifier, noise_image()))[0]
    assert logits.max() > 0.01
    found = explain(noise_image(), classifier, name, target=int(logits.argmax()), **values)
    assert found.evidence.sum() == pytest.approx(logits.max().item(), rel=1e-3)
    error = float(found.how.removeprefix("conservation error ").removesuffix(" %"))
    assert error < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_however_relu_is_written(name: str) -> None:
    wanted = explain(noise_image(), branches(nn.ReLU()), name, target=0).evidence
    assert np.abs(wanted).max() > 1e-4
    for activation in (F.relu, torch.relu, nn.ReLU(inplace=True), lambda x: F.relu(x, inplace=True),
                       lambda x: x.relu(), nn.LeakyReLU(0)):  # fmt: skip
        found = explain(noise_image(), branches(activation), name, target=0).evidence
        np.testing.assert_array_equal(found, wanted)


def test_conservation_error_is_that_of_the_map(digits: Classifier, digit_image: Digit) -> None:
    for name in NAMES:
        found = explain(digit_image(3), digits, name, **AS_PUBLISHED[name])
        logit = digits.logits(prepared(digits, digit_image(3)))[0, 3].item()
        error = abs(found.evidence.sum(dtype=float) - logit) / abs(logit)
        (said,) = found.diagnostics
        assert isinstance(said, Conservation)
        assert said.error == pytest.approx(error, rel=1e-3, abs=1e-5)
        told = float(str(said).removeprefix("conservation error ").partition(" %")[0])
        assert told == pytest.approx(100 * error, rel=0.06, abs=1e-3)
    assert told < 1  # deep Taylor decomposition


def test_deep_taylor_has_the_sign_of_the_logit(digits: Classifier, digit_image: Digit) -> None:
    logits = digits.logits(prepared(digits, digit_image(3)))[0]
    for target in range(10):
        found = explain(digit_image(3), digits, "deep-taylor", target).evidence
        assert (found * logits[target].sign().item() >= 0).all()


# -- other targets, and what is refused ------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_contrast_is_the_difference_of_two_maps(
    name: str, digits: Classifier, digit_image: Digit
) -> None:
    image = digit_image(4)
    four, nine = (explain(image, digits, name, target=t).evidence for t in (4, 9))
    found = explain(image, digits, name, target=ContrastTarget(4, 9))
    assert alike(found.evidence, four - nine)


@pytest.mark.parametrize("name", NAMES)
def test_a_hidden_unit_sees_its_field_only(
    name: str, digits: Classifier, digit_image: Digit
) -> None:
    image = digit_image(0)
    unit = scored(digits, UnitTarget("relu2", _liveliest(digits, image), 7, 7)).classifier
    found = explain(image, unit, name)
    assert found.unit == "activation"
    outside = found.evidence.copy()
    outside[8:22, 8:22] = 0  # 5×5, pooled by 2, 5×5: 14 pixels
    assert not outside.any()
    assert found.evidence.any()


def _liveliest(digits: Classifier, image: SourceImage) -> int:
    network = digits.network
    x = prepared(digits, image)
    maps = network.relu2(network.conv2(network.pool1(network.relu1(network.conv1(x)))))  # type: ignore[operator]
    return int(maps[0, :, 7, 7].argmax())


def test_a_silent_unit_shares_out_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 8), nn.ReLU(), nn.Flatten())
    network[0].bias.data.fill_(-100.0)
    found = explain(noise_image(), classifier_of(network), "lrp-epsilon", target=0)
    assert not found.evidence.any()
    assert found.how == "nothing to share out: the logit is 0"


class Gated(nn.Module):
    """Squeeze and excitation with a given gate."""

    def __init__(self, gate: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.features, self.last, self.gate = nn.Conv2d(3, 4, 3), nn.Linear(4, 3), gate

    def forward(self, x: torch.Tensor) -> Any:
        x = torch.relu(self.features(x))
        x = x * self.gate(x.mean((2, 3), keepdim=True))
        return self.last(x.mean((2, 3)))


class Deciding(nn.Module):
    """Decides by its values what to do: nothing that can be followed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Gated(nn.Sigmoid()), "because of Sigmoid in gate"),
        (Gated(torch.sigmoid), "because of sigmoid."),
        (Gated(torch.relu), "because of mul."),
        (nn.Sequential(nn.Conv2d(3, 3, 8), nn.SiLU(), nn.Flatten()), "because of SiLU in 1"),
        (Deciding(), "cannot: symbolically traced variables"),
    ],
)
def test_other_networks_are_refused(name: str, network: nn.Module, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        explain(noise_image(), classifier_of(network), name, target=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "words"),
    [("transformer", "LayerNorm in encoder.layers.encoder_layer_0.ln_1"),
     ("mobilenet_v3_small", "Hardswish in features.0.2")],
)  # fmt: skip
def test_torchvisions_others_are_refused(network: str, words: str) -> None:
    if network == "transformer":
        classifier = small_transformer()
    else:
        classifier = load_classifier(network, "random", device="cpu")
    with pytest.raises(UsageError, match=words):
        explain(noise_image(), classifier, "lrp-epsilon", target=0)


# -- the network stays as it was -------------------------------------------------------------------


def state(network: nn.Module) -> list[object]:
    found: list[object] = []
    for name, layer in network.named_modules():
        hooks = (layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks)
        found += [name, type(layer), layer.training, [len(h) for h in hooks]]
        found += [getattr(layer, "inplace", None), layer.forward.__func__]
    for name, weights in network.named_parameters():
        found += [name, id(weights), weights.requires_grad, weights.grad, weights._version]
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fails", [False, True])
def test_network_is_left_as_it_was(
    name: str, fails: bool, mobilenet: Classifier, image: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(
        mobilenet,
        preprocessing=Preprocessing(resize=64, size=64, mean=(0.5,) * 3, std=(0.25,) * 3),
    )
    x = prepared(small, np.asarray(image(BEE_EATER)))
    before, logits = state(small.network), small.logits(x)
    subject = Subject.of(np.asarray(image(BEE_EATER)), small)
    method = method_named(name).create()
    if fails:
        monkeypatch.setattr(torch.autograd, "grad", _no_memory)
        with pytest.raises(MemoryError):
            run(method.steps(subject))
        monkeypatch.undo()
    else:
        assert run(method.steps(subject)).complete
    assert state(small.network) == before
    assert torch.equal(small.logits(x), logits)


def _no_memory(*_: object, **__: object) -> None:
    raise MemoryError


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_may_have_switched_gradients_off(
    name: str, mode: Callable[[], torch.no_grad], digits: Classifier, digit_image: Digit
) -> None:
    wanted = explain(digit_image(1), digits, name)
    with mode():
        found = explain(digit_image(1), replace(digits), name)
    np.testing.assert_array_equal(found.evidence, wanted.evidence)
