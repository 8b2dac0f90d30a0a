"""HiResCAM, LayerCAM and the tokens of transformers, against gradients taken by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import interpolate
from torchvision.models import SwinTransformer

from engine.toys import classifier_of, small_transformer
from pda_studio import explain
from pda_studio.attribution.layers_with_places import layer_with_places
from pda_studio.attribution.places import Places, places_of
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.targets import ContrastTarget, UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]
CAMS = ("grad-cam", "hires-cam", "layer-cam")


def noise(size: int = 32) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)


def prepared(classifier: Classifier, view: NDArray[np.uint8]) -> torch.Tensor:
    return classifier.prepare(classifier.preprocessing.pixels(view)[None])


def by_hand(name: str, maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Evidence (h, w) of maps and their gradient (C, h, w), channel by channel."""
    found = torch.zeros_like(maps[0])
    for one, slope in zip(maps, gradient, strict=True):
        weight = {"grad-cam": slope.mean(), "hires-cam": slope, "layer-cam": slope.clamp(min=0)}
        found += weight[name] * one
    return found.clamp(min=0) if name == "layer-cam" else found


def enlarged(small: torch.Tensor, size: int) -> NDArray[np.float32]:
    return interpolate(small[None, None], size=size, mode="bilinear")[0, 0].detach().numpy()


def small_swin() -> Classifier:
    torch.manual_seed(0)
    network = SwinTransformer([4, 4], 8, [1, 1], [1, 2], [2, 2], num_classes=3)
    return classifier_of(network, size=32)


# The two by hand


@pytest.mark.parametrize("name", CAMS)
@pytest.mark.parametrize("layer", ["relu1", "relu2"])
def test_digits_by_hand(name: str, layer: str, digits: Classifier, digit_image: Digit) -> None:
    found = explain(digit_image(3), digits, name, target=5, at=layer)
    network = digits.network
    at = list(dict(network.named_children())).index(layer) + 1
    children = list(network.children())
    maps = nn.Sequential(*children[:at])(prepared(digits, found.view)).detach()
    # What follows may write over its argument.
    logit = nn.Sequential(*children[at:])(maps.requires_grad_().clone())[0, 5]
    (gradient,) = torch.autograd.grad(logit, maps)
    wanted = enlarged(by_hand(name, maps[0].detach(), gradient[0]), 28)
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-5 * np.abs(wanted).max())
    assert found.unit == "logit"


def test_hires_cam_sums_to_the_logit_before_a_linear_layer() -> None:
    """Of a linear layer gradient times activation is what each place gives, exactly."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 3))
    classifier = classifier_of(network, size=8)
    found = explain(noise(8), classifier, "hires-cam", target=1, at="1")
    x = prepared(classifier, found.view)
    places = (network[:2](x)[0] * network[3].weight[1].reshape(4, 6, 6)).sum(0)
    np.testing.assert_allclose(found.evidence, enlarged(places, 8), atol=1e-5)
    logit = float(network(x)[0, 1] - network[3].bias[1])
    assert float(places.sum()) == pytest.approx(logit, rel=1e-4)
    # Grad-CAM averages the gradient, and misses that.
    grad = explain(noise(8), classifier, "grad-cam", target=1, at="1")
    assert np.abs(grad.evidence - found.evidence).max() > 0.1 * found.limit


def test_layer_cam_has_no_evidence_against_and_hires_cam_may_drop_it(
    digits: Classifier, digit_image: Digit
) -> None:
    image = digit_image(4)
    layer = explain(image, digits, "layer-cam", target=9)
    both = explain(image, digits, "hires-cam", target=9)
    positive = explain(image, digits, "hires-cam", target=9, sign="positive")
    assert layer.evidence.min() >= 0
    assert both.evidence.min() < 0 == positive.evidence.min()


# Tokens


@pytest.mark.parametrize("name", CAMS)
def test_tokens_of_a_vision_transformer_by_hand(name: str) -> None:
    classifier = small_transformer()
    found = explain(noise(), classifier, name, target=3)
    network = classifier.network
    x = network._process_input(prepared(classifier, found.view))
    x = torch.cat([network.class_token, x], 1) + network.encoder.pos_embedding
    first, last = network.encoder.layers
    x = first(x)
    tokens = last.ln_1(x).detach().requires_grad_()
    y = x + last.self_attention(tokens, tokens, tokens, need_weights=False)[0]
    y = y + last.mlp(last.ln_2(y))
    logit = network.heads(network.encoder.ln(y)[:, 0])[0, 3]
    (gradient,) = torch.autograd.grad(logit, tokens)
    maps, slopes = (
        value[0, 1:].detach().T.reshape(-1, 4, 4) for value in (tokens, gradient)
    )  # rows of 4 patches, after the class token
    wanted = enlarged(by_hand(name, maps, slopes), 32)
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-5 * np.abs(wanted).max())
    assert found.how == "at encoder.layers.encoder_layer_1.ln_1, maps of 4×4"


@pytest.mark.parametrize("name", CAMS)
def test_channels_last_are_the_same_maps(name: str) -> None:
    """In torchvision's Swin the last norm and its permutation hold the same values."""
    classifier = small_swin()
    found = explain(noise(), classifier, name, target=1)
    assert found.how.startswith("at permute, maps of 4×4")
    last = explain(noise(), classifier, name, target=1, at="norm")
    assert found.evidence.any()
    np.testing.assert_allclose(last.evidence, found.evidence, atol=1e-6 * found.limit)


@pytest.mark.parametrize(
    ("model", "layer", "side"),
    [
        ("vit_tiny_patch16_224", "blocks.1.norm1", 4),
        ("deit_tiny_distilled_patch16_224", "blocks.1.norm1", 4),  # two tokens of no place
        ("swin_tiny_patch4_window7_224", "norm", 2),
    ],
)
def test_networks_of_timm(model: str, layer: str, side: int) -> None:
    timm = pytest.importorskip("timm")
    small = {"depth": 2, "embed_dim": 24, "num_heads": 3}
    if "swin" in model:
        small = {"depths": (1, 1, 1, 1), "embed_dim": 12, "num_heads": (1, 2, 3, 4)}
        small["window_size"] = 2
    torch.manual_seed(0)
    network = timm.create_model(model, img_size=64, num_classes=3, **small)
    classifier = classifier_of(network, size=64)
    assert layer_with_places(classifier, "auto", "Grad-CAM")[0] == layer
    for name in CAMS:
        found = explain(noise(64), classifier, name, target=2)
        assert found.how == f"at {layer}, maps of {side}×{side}"
        assert found.evidence.any()
    if "swin" in model:
        with pytest.raises(UsageError, match=r"works on parts of the image \(64 of them\)"):
            explain(noise(64), classifier, "grad-cam", at="layers.0.blocks.0.attn")


def test_other_targets_of_a_transformer() -> None:
    classifier = small_transformer()
    for target in (ContrastTarget(1, 2), UnitTarget("encoder.layers.encoder_layer_1", 3)):
        assert explain(noise(), classifier, "hires-cam", target).evidence.any()


@pytest.mark.parametrize(
    ("shape", "latest", "wanted"),
    [
        ((64, 7, 7), None, Places(7, 7)),
        ((7, 7, 64), None, Places(7, 7, channels_last=True)),
        ((197, 192), None, Places(14, 14, channels_last=True, prefix=1)),
        ((196, 192), None, Places(14, 14, channels_last=True, prefix=0)),
        ((201, 192), (14, 14), Places(14, 14, channels_last=True, prefix=5)),  # with registers
        ((49, 192), (14, 14), Places(7, 7, channels_last=True, prefix=0)),  # merged patches
        ((10,), None, None),
        ((64, 1, 1), None, None),
        ((198, 192), None, None),
        ((2, 192), None, None),
    ],
)
def test_where_values_lie(shape, latest, wanted) -> None:
    assert places_of(shape, latest) == wanted
