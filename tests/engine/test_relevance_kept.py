"""Relevance that biases and ε would keep reaches the pixels; zennit's composites; what is said."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.models.mobilenetv2 import InvertedResidual
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.composites import (
    EpsilonAlpha2Beta1,
    EpsilonAlpha2Beta1Flat,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
)
from zennit.core import Stabilizer

from engine.conftest import BEE_EATER, Open
from engine.toys import classifier_of, random_statistics
from pda_studio import explain
from pda_studio.attribution.relevance import relevance_of
from pda_studio.attribution.relevance_rules import ConservingPlus
from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import Completeness, Conservation, warnings
from pda_studio.errors import UsageError
from pda_studio.methods import method_named
from pda_studio.methods.relevance import Relevance

ZENNITS: dict[str, Any] = {
    "epsilon-plus": EpsilonPlus,
    "epsilon-plus-flat": EpsilonPlusFlat,
    "epsilon-gamma-box": EpsilonGammaBox,
    "epsilon-alpha2-beta1": EpsilonAlpha2Beta1,
    "epsilon-alpha2-beta1-flat": EpsilonAlpha2Beta1Flat,
}
RULES: list[tuple[str, dict[str, Any]]] = [
    ("lrp-epsilon", {}),
    ("lrp-epsilon", {"epsilon": 0.05}),
    ("lrp-alpha2-beta1", {}),
    ("deep-taylor", {}),
    *(("lrp-composite", {"composite": name}) for name in ZENNITS),
]


def noise_image(size: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def inverted() -> Classifier:
    """Depthwise convolutions, ReLU6, bottlenecks without ReLU and skips over them."""
    torch.manual_seed(3)
    blocks = [InvertedResidual(8, 8, 1, 4) for _ in range(4)]
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    )
    network = random_statistics(network)
    for block in blocks:
        block.conv[1][1].bias.data += 2  # many units are active because of their bias alone
    return classifier_of(network, 24)


@pytest.mark.parametrize(("name", "values"), RULES)
def test_all_relevance_reaches_the_pixels(
    name: str, values: dict[str, Any], inverted: Classifier
) -> None:
    logits = inverted.logits(
        inverted.prepare(inverted.preprocessing.pixels(noise_image(24))[None])
    )[0]
    for target in range(3):
        found = explain(noise_image(24), inverted, name, target=target, **values)
        logit = logits[target].item()
        assert found.evidence.sum(dtype=float) == pytest.approx(logit, rel=2e-3)
        assert not warnings(found.diagnostics)
        if name == "deep-taylor":
            assert (found.evidence * np.sign(logit) >= 0).all()


@pytest.mark.parametrize("name", ["lrp-epsilon", "deep-taylor", "lrp-composite"])
def test_mobilenet_keeps_its_logit(name: str, mobilenet: Classifier, image: Open) -> None:
    found = explain(np.asarray(image(BEE_EATER)), mobilenet, name)
    (said,) = found.diagnostics
    assert isinstance(said, Conservation)
    assert said.error < 2e-3


@pytest.mark.parametrize("bias", ["absorbs", "ignored"])
@pytest.mark.parametrize("name", ZENNITS)
def test_composites_are_zennits_own(name: str, bias: str) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()]
    ends = [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 3)]
    classifier = classifier_of(random_statistics(nn.Sequential(*layers, *ends)), 8)
    found = explain(
        noise_image(8), classifier, "lrp-composite", target=1, composite=name, bias=bias
    )
    tiny = Stabilizer(1e-6, norm_scale=True)
    options: dict[str, Any] = {"epsilon": tiny, "stabilizer": tiny}
    if name == "epsilon-gamma-box":
        mean, std = (torch.tensor(v).reshape(1, -1, 1, 1) for v in (
            classifier.preprocessing.mean, classifier.preprocessing.std))  # fmt: skip
        options |= {"low": -mean / std, "high": (1 - mean) / std}
    composite = ZENNITS[name](
        **options,
        zero_params=["bias"] if bias == "ignored" else None,
        canonizers=[SequentialMergeBatchNorm()],
    )
    x = classifier.prepare(classifier.preprocessing.pixels(noise_image(8))[None]).requires_grad_()
    with composite.context(classifier.network) as network:
        logit = network(x)[0, 1]
        (wanted,) = torch.autograd.grad(logit, x, logit.detach())
    wanted = wanted[0].sum(0).numpy()
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("bias", "inputs", "wanted"),
    [
        (0.0, [1.0, 2.0, 3.0], [0.5, 1.0, 0.0]),  # 2 and 4 excite it, −3 does not
        (-9.0, [1.0, 2.0, 3.0], [0.0, 0.0, 1.5]),  # it is negative: −3 makes it so
        (9.0, [0.0, 0.0, 3.0], [0.0, 0.0, 1.5]),  # nothing but its bias excites it
        (9.0, [0.0, 0.0, 0.0], [0.5, 0.5, 0.125]),  # w², scaled
    ],
)
def test_positive_parts_by_hand(bias: float, inputs: list[float], wanted: list[float]) -> None:
    layer = nn.Linear(3, 1)
    layer.weight.data = torch.tensor([[2.0, 2.0, -1.0]])
    layer.bias.data.fill_(bias)
    x = torch.tensor([inputs], requires_grad=True)
    rule = ConservingPlus().copy()
    handles = rule.register(layer)
    (found,) = torch.autograd.grad(layer(x), x, torch.tensor([[1.5]]))
    handles.remove()
    expected = np.array(wanted) * 1.5 / sum(wanted)
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-4, atol=1e-6)


def test_lost_relevance_is_said_wherever_a_map_is_described(inverted: Classifier) -> None:
    found = explain(
        noise_image(24), inverted, "lrp-composite", composite="epsilon-plus", bias="absorbs"
    )
    (warning,) = warnings(found.diagnostics)
    assert warning.startswith("the map sums to ")
    assert warning in found.how
    assert warnings((Conservation(0.008, 15.3),)) == ("the map sums to 0.008, the logit is 15.3",)
    assert warnings((Completeness(3.0, 1.0),)) == ("the map sums to 3, the score changes by 1",)
    assert not warnings((Conservation(14.0, 15.3), Completeness(0.9, 1.0), Conservation(0, 0)))


def test_relevance_without_bounds_is_refused() -> None:
    copies, cancelled = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 1, 1)
    copies.weight.data.fill_(1.0)
    copies.bias.data.fill_(0.0)
    cancelled.weight.data = torch.tensor([1.0, -1.0]).reshape(1, 2, 1, 1)
    cancelled.bias.data.fill_(1e3)
    classifier = classifier_of(
        nn.Sequential(copies, cancelled, nn.Flatten()), size=1, channels=1, classes=1
    )
    method = method_named("lrp-epsilon").create(None, bias="ignored", epsilon=0)
    assert isinstance(method, Relevance)
    with pytest.raises(UsageError, match="grows beyond all bounds"):
        relevance_of(method.rules(), classifier, torch.ones(1, 1, 1, 1), 0)
