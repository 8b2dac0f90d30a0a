"""Attention rollout against attention worked out by hand, and against closed forms."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer

from pda_studio import explain
from pda_studio.attribution.attention_rollout import attention_weights, rollout
from pda_studio.classifiers import Classifier, Preprocessing, load_classifier
from pda_studio.classifiers.scored import scored
from pda_studio.errors import UsageError
from pda_studio.methods import method_named, run
from pda_studio.results import Subject
from pda_studio.targets import ContrastTarget, UnitTarget

LAYERS, HEADS, SIDE, PATCH = 3, 2, 4, 8
TOKENS = 1 + SIDE * SIDE


def transformer(scale: float = 1.0) -> Classifier:
    torch.manual_seed(0)
    network = VisionTransformer(
        image_size=SIDE * PATCH,
        patch_size=PATCH,
        num_layers=LAYERS,
        num_heads=HEADS,
        hidden_dim=16,
        mlp_dim=32,
        num_classes=5,
    )
    for module in network.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.in_proj_weight.data *= 3 * scale
            module.in_proj_bias.data *= scale
    nn.init.normal_(network.heads.head.weight)
    return Classifier(
        name="small transformer",
        network=network.eval().requires_grad_(False),
        preprocessing=Preprocessing(
            resize=SIDE * PATCH, size=SIDE * PATCH, mean=(0.5,) * 3, std=(0.25,) * 3
        ),
        class_names=tuple("abcde"),
        device=torch.device("cpu"),
        weights="random",
    )


def noise(size: int = SIDE * PATCH) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)


def by_hand(classifier: Classifier) -> list[torch.Tensor]:
    """Each layer's weights (heads, T, T), from its queries and keys."""
    network = classifier.network
    x = classifier.prepare(classifier.preprocessing.pixels(noise())[None])
    x = network._process_input(x)
    x = torch.cat([network.class_token, x], 1) + network.encoder.pos_embedding
    found = []
    for block in network.encoder.layers:
        attention = block.self_attention
        inner = block.ln_1(x)[0]
        queries, keys, values = (
            (inner @ weight.T + bias).reshape(TOKENS, HEADS, -1).transpose(0, 1)
            for weight, bias in zip(
                attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True
            )
        )
        weights = (queries @ keys.transpose(1, 2) / queries.shape[2] ** 0.5).softmax(2)
        found.append(weights)
        joined = (weights @ values).transpose(0, 1).reshape(TOKENS, -1)
        x = x + attention.out_proj(joined)[None]
        x = x + block.mlp(block.ln_2(x))
    return found


def test_weights_are_those_of_the_heads() -> None:
    classifier = transformer()
    got = attention_weights(classifier, Subject.of(noise(), classifier))
    wanted = by_hand(classifier)
    assert len(got) == LAYERS
    for ours, theirs in zip(got, wanted, strict=True):
        assert float(theirs.std()) > 0.01  # not all alike
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("discarded", [0.0, 0.3])
def test_rollout_by_hand(fusion: str, discarded: float) -> None:
    classifier = transformer()
    found = explain(noise(), classifier, "attention-rollout", fusion=fusion, discarded=discarded)
    product = np.eye(TOKENS)
    for weights in by_hand(classifier):
        fused = getattr(weights.double().numpy(), fusion)(axis=0)
        fused[fused < np.sort(fused.ravel())[int(discarded * fused.size)]] = 0
        both = 0.5 * fused + 0.5 * np.eye(TOKENS)
        product = (both / both.sum(1, keepdims=True)) @ product
    patches = product[0, 1:].reshape(SIDE, SIDE)
    # In the middle between four patches the enlarged map is their mean; at the rim it is constant.
    between = found.evidence.astype(float)[[7, 7, 8, 8], [7, 8, 7, 8]].mean()
    assert between == pytest.approx(patches[:2, :2].mean(), rel=1e-5)
    np.testing.assert_allclose(found.evidence[0, 0], patches[0, 0], rtol=1e-5)
    np.testing.assert_allclose(found.evidence[-1, 0], patches[-1, 0], rtol=1e-5)
    assert found.evidence.min() >= 0
    assert found.unit == "share of attention"


def test_even_attention_has_a_closed_form() -> None:
    """With A = 1/T everywhere, R = 2⁻ᴸ I + (1 − 2⁻ᴸ) A."""
    found = explain(noise(), transformer(scale=0.0), "attention-rollout")
    np.testing.assert_allclose(found.evidence, (1 - 2.0**-LAYERS) / TOKENS, rtol=1e-5)


def test_rows_of_a_rollout_sum_to_one() -> None:
    layers = [torch.rand(9, 9) for _ in range(4)]
    np.testing.assert_allclose(rollout(layers).sum(1), 1, rtol=1e-5)


def test_it_is_the_same_for_every_class() -> None:
    classifier = transformer()
    one = explain(noise(), classifier, "attention-rollout", target="a")
    for other in (
        explain(noise(), classifier, "attention-rollout", target="b"),
        explain(noise(), classifier, "attention-rollout", target=ContrastTarget(0, 2)),
    ):
        np.testing.assert_array_equal(one.evidence, other.evidence)


def test_a_hidden_token_has_its_own_row() -> None:
    classifier = transformer()
    layer = "encoder.layers.encoder_layer_1"
    asked = scored(classifier, UnitTarget(layer, 3, 2, 1)).classifier
    found = explain(noise(), asked, "attention-rollout")
    product = rollout([weights.mean(0) for weights in by_hand(classifier)[:2]])
    own = product[1 + 2 * SIDE + 1, 1:].reshape(SIDE, SIDE)
    np.testing.assert_allclose(found.evidence[0, 0], own[0, 0], rtol=1e-4)
    assert np.unravel_index(found.evidence.argmax(), found.evidence.shape) == pytest.approx(
        (2 * PATCH + PATCH / 2, PATCH + PATCH / 2), abs=PATCH / 2
    )
    whole = explain(noise(), classifier, "attention-rollout", target=UnitTarget(layer, 3))
    mean = product.mean(0)[1:].reshape(SIDE, SIDE)
    np.testing.assert_allclose(whole.evidence[0, 0], mean[0, 0], rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("digits", "has no attention"),
        ("resnet18", "has no attention"),
        ("swin_t", "attends only within windows"),
    ],
)
def test_what_has_no_class_token_is_refused(name: str, reason: str) -> None:
    classifier = load_classifier(name, None if name == "digits" else "random", "cpu")
    with pytest.raises(UsageError, match=reason) as caught:
        explain(noise(), classifier, "attention-rollout")
    assert str(caught.value).count(".") == 1


def test_a_unit_before_all_attention_is_refused() -> None:
    asked = scored(transformer(), UnitTarget("conv_proj", 3)).classifier
    with pytest.raises(UsageError, match="No layer attends"):
        explain(noise(), asked, "attention-rollout")


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_left_as_it_was(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = transformer()
    x = classifier.prepare(classifier.preprocessing.pixels(noise())[None])
    before = classifier.logits(x)
    seen: list[object] = []
    subject = Subject.of(noise(), classifier)
    steps = method_named("attention-rollout").create(classifier).steps(subject)
    if fails:
        with monkeypatch.context() as patched:
            patched.setattr(classifier.network.encoder.ln, "forward", lambda x: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run(steps)
    else:
        run(steps)
    for module in classifier.network.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        if isinstance(module, nn.MultiheadAttention):
            module.register_forward_hook(lambda _, __, result: seen.append(result[1]))
    assert torch.equal(classifier.logits(x), before)
    assert seen == [None] * LAYERS  # nobody asks for weights any more


@pytest.fixture(scope="module")
def vit() -> Classifier:
    return load_classifier("vit_b_16", "random", "cpu")


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_vit_completes(fusion: str, vit: Classifier) -> None:
    found = explain(noise(224), vit, "attention-rollout", fusion=fusion)
    assert found.complete
    assert found.evidence.shape == (224, 224)
    assert 0 < found.evidence.mean() * 196 <= 1
