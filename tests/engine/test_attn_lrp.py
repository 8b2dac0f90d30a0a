"""AttnLRP against the paper's equations written out, and against what must hold of any rule."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine.toys import classifier_of, small_transformer
from pda_studio import explain, unusable_methods
from pda_studio.attribution.attention_relevance import relevance_of
from pda_studio.attribution.attention_rules import AttentionRules
from pda_studio.classifiers import Classifier
from pda_studio.targets import ContrastTarget

Tensor = torch.Tensor
IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
ROOTED = 1e-6  # what ε is at least, relative to the root mean square


def doubled(classifier: Classifier) -> Tensor:
    """The image as the network gets it, and the network, in float64."""
    classifier.network.double()
    generator = torch.Generator().manual_seed(3)
    return torch.randn(1, 3, 32, 32, generator=generator, dtype=torch.float64)


class Written:
    """The equations of Achtibat et al., one matrix at a time, for torchvision's transformer."""

    def __init__(self, network: nn.Module, epsilon: float, gamma: float) -> None:
        self.network, self.epsilon, self.gamma = network, max(epsilon, ROOTED), gamma

    def over(self, relevance: Tensor, z: Tensor) -> Tensor:
        """R / (z + ε sign z)."""
        return relevance / (z + self.epsilon * z.square().mean().sqrt() * torch.sign(z))

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor, relevance: Tensor) -> Tensor:
        """Eq. 8, or with γ that of Montavon et al. for both signs; x (T, I), weight (O, I)."""
        parts = x[:, None] * weight  # (T, O, I)
        z = parts.sum(-1) + bias
        if self.gamma == 0:
            return (parts * self.over(relevance, z)[..., None]).sum(1)
        own = torch.where(torch.sign(parts) == torch.sign(z)[..., None], parts, 0)
        parts = parts + self.gamma * own
        extra = torch.where(torch.sign(bias) == torch.sign(z), bias, 0)
        total = parts.sum(-1) + bias + self.gamma * extra
        return (parts * self.over(relevance, total)[..., None]).sum(1)

    def added(self, first: Tensor, second: Tensor, relevance: Tensor) -> tuple[Tensor, Tensor]:
        over = self.over(relevance, first + second)
        return first * over, second * over

    def attention(self, block: nn.Module, x: Tensor, relevance: Tensor) -> Tensor:
        """Relevance of what a block of attention is given (T, C)."""
        layer = block.self_attention
        count, width = layer.num_heads, layer.head_dim
        y = F.linear(x, layer.in_proj_weight, layer.in_proj_bias)
        q, k, v = (one.unflatten(1, (count, width)).transpose(0, 1) for one in y.chunk(3, 1))
        scores = (q * width**-0.5) @ k.transpose(1, 2)
        weights = scores.softmax(-1)
        mixed = (weights @ v).transpose(0, 1).flatten(1)
        out = layer.out_proj
        of_mixed = self.linear(mixed, out.weight, out.bias, relevance)
        of_mixed = of_mixed.unflatten(1, (count, width)).transpose(0, 1)
        # ε is relative to all heads' values: products and their ε are taken together.
        over = self.over(of_mixed, weights @ v) / 2
        of_weights = weights * torch.einsum("hjp,hip->hji", over, v)
        of_v = v * torch.einsum("hji,hjp->hip", weights, over)
        # Eq. 13
        of_scores = scores * (of_weights - weights * of_weights.sum(-1, keepdim=True))
        over = self.over(of_scores, scores) / 2
        of_q = q * width**-0.5 * torch.einsum("hji,hip->hjp", over, k)
        of_k = k * torch.einsum("hji,hjp->hip", over, q * width**-0.5)
        found = torch.zeros_like(x)
        weights3, biases3 = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)
        for one, weight, bias in zip((of_q, of_k, of_v), weights3, biases3, strict=True):
            found += self.linear(x, weight, bias, one.transpose(0, 1).flatten(1))
        return found

    def relevance(self, image: Tensor, target: int) -> tuple[Tensor, Tensor]:
        """Of the image (C, H, W), and the logit."""
        network = self.network
        conv = network.conv_proj
        patch = conv.kernel_size[0]
        patches = F.unfold(image[None], patch, stride=patch)[0].T  # (T, C·p·p)
        flat = conv.weight.flatten(1)
        embedded = F.linear(patches, flat, conv.bias)
        tokens = torch.cat([network.class_token[0], embedded])
        encoder = network.encoder
        x = tokens + encoder.pos_embedding[0]
        kept = []
        for block in encoder.layers:
            first = block.ln_1(x)
            attended = block.self_attention(first[None], first[None], first[None])[0][0]
            y = attended + x
            second = block.ln_2(y)
            inner, outer = block.mlp[0], block.mlp[3]
            hidden = F.linear(second, inner.weight, inner.bias)
            active = F.gelu(hidden)
            z = F.linear(active, outer.weight, outer.bias)
            kept.append((block, x, first, attended, y, second, active, z, inner, outer))
            x = y + z
        last = encoder.ln(x)
        head = network.heads.head
        logits = F.linear(last[:1], head.weight, head.bias)
        seed = torch.zeros_like(logits)
        seed[0, target] = logits[0, target]
        relevance = torch.zeros_like(x)
        relevance[:1] = self.linear(last[:1], head.weight, head.bias, seed)
        for block, x, first, attended, y, second, active, z, inner, outer in reversed(kept):
            of_y, of_z = self.added(y, z, relevance)
            of_active = self.linear(active, outer.weight, outer.bias, of_z)
            of_y = of_y + self.linear(second, inner.weight, inner.bias, of_active)
            of_attended, relevance = self.added(attended, x, of_y)
            relevance = relevance + self.attention(block, first, of_attended)
        relevance = tokens * self.over(relevance, tokens + encoder.pos_embedding[0])
        of_patches = self.linear(patches, flat, conv.bias, relevance[1:])
        size = image.shape[1:]
        return F.fold(of_patches.T[None], size, patch, stride=patch)[0], logits[0, target]


@pytest.mark.parametrize(("epsilon", "gamma"), [(0.0, 0.0), (0.05, 0.0), (0.02, 0.25)])
def test_a_transformer_has_the_papers_relevance(epsilon: float, gamma: float) -> None:
    classifier = small_transformer()
    image = doubled(classifier)
    found, logit = relevance_of(AttentionRules(epsilon, gamma), classifier, image, 4)
    with torch.no_grad():
        wanted, f = Written(classifier.network, epsilon, gamma).relevance(image[0], 4)
    assert logit == pytest.approx(float(f), rel=1e-9)
    scale = float(wanted.abs().max())
    assert float((found[0] - wanted).abs().max()) < 1e-9 * scale


class Fused(nn.Module):
    """What `torch.nn.MultiheadAttention` does, by torch's function for all of it."""

    def __init__(self, layer: nn.MultiheadAttention) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, *_: Tensor, **named: object) -> tuple[Tensor, None]:
        layer = self.layer
        y = F.linear(x, layer.in_proj_weight, layer.in_proj_bias)
        parts = [one.unflatten(-1, (layer.num_heads, -1)).transpose(1, 2) for one in y.chunk(3, -1)]
        mixed = F.scaled_dot_product_attention(*parts)
        return layer.out_proj(mixed.transpose(1, 2).flatten(2)), None


def test_fused_attention_is_taken_apart_alike() -> None:
    classifier = small_transformer()
    image = doubled(classifier)
    before, _ = relevance_of(AttentionRules(0.0, 0.25), classifier, image, 2)
    for block in classifier.network.encoder.layers:
        block.self_attention = Fused(block.self_attention)
    after, _ = relevance_of(AttentionRules(0.0, 0.25), classifier, image, 2)
    # ε is relative to what queries, keys and values are together, and it is 1e-6.
    assert float((after - before).abs().max()) < 1e-4 * float(before.abs().max())


def through(rule: Callable[[Tensor], Tensor], x: Tensor, relevance: Tensor) -> Tensor:
    """Relevance of x where that of the rule's result is given."""
    x = x.clone().requires_grad_()
    with AttentionRules(0.0, 0.0):
        result = rule(x)
    return torch.autograd.grad(result, x, relevance)[0]


def test_softmax_is_decomposed_by_its_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    x, relevance = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    s = x.softmax(-1)
    jacobian = torch.diag_embed(s) - s[:, :, None] * s[:, None]
    wanted = x * torch.einsum("njk,nj->nk", jacobian, relevance / s)  # x_k Σ_j ∂s_j/∂x_k R_j/s_j
    found = through(lambda one: one.softmax(-1), x, relevance)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "rule",
    [
        lambda x: x @ x.transpose(0, 1),
        lambda x: torch.einsum("ij,kj->ik", x, x),
        lambda x: x * x.sigmoid(),
        lambda x: F.layer_norm(x, (5,)) - 3 * x / 2,
        lambda x: -F.gelu(x)[:, 1:].mean(0),
        lambda x: x + x.roll(1, 0),
        lambda x: F.linear(x, torch.arange(20.0, dtype=torch.float64).reshape(4, 5) - 7),
    ],
)
def test_nothing_is_lost_without_a_bias(rule: Callable[[Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    relevance = torch.randn(rule(x).shape, generator=generator, dtype=torch.float64)
    found = through(rule, x, relevance)
    # A value that nobody looks at has none; and ε takes 1e-6 of the a root mean square.
    assert float(found.sum()) == pytest.approx(float(relevance.sum()), rel=1e-3)


@pytest.mark.parametrize("mask", [torch.eye(4) > 0, torch.zeros(4, 4).fill_diagonal_(-9.0)])
def test_masks_of_attention(mask: Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 4, 6, generator=generator)
    relevance = torch.randn(1, 4, 6, generator=generator)

    def attends(x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x, attn_mask=mask)

    with torch.no_grad():
        result = attends(x)
    tracked = x.clone().requires_grad_()
    with AttentionRules(0.0, 0.0):
        torch.testing.assert_close(attends(tracked), result)
    found = through(attends, x, relevance)
    assert found.isfinite().all()
    if mask.dtype == torch.bool:  # each looks at itself alone: only the values have relevance
        torch.testing.assert_close(found, relevance / 2, rtol=1e-4, atol=1e-5)


def swin() -> Classifier:
    from torchvision.models import SwinTransformer

    torch.manual_seed(0)
    return classifier_of(SwinTransformer([4, 4], 8, [2, 2], [2, 2], [4, 4], num_classes=3), 32)


def timms() -> Classifier:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    return classifier_of(
        timm.models.VisionTransformer(
            img_size=32, patch_size=8, embed_dim=16, depth=2, num_heads=2, num_classes=3
        ),
        32,
    )


@pytest.mark.parametrize("made", [swin, timms])
def test_networks_of_torchvision_and_timm(made: Callable[[], Classifier]) -> None:
    classifier = made()
    assert "attn-lrp" not in unusable_methods(classifier)
    found = explain(IMAGE, classifier, "attn-lrp", target=1)
    logit = float(classifier.logits(classifier.prepare(
        classifier.preprocessing.pixels(IMAGE)[None]))[0, 1])  # fmt: skip
    assert found.how.startswith("conservation error")
    assert found.diagnostics[0].logit == pytest.approx(logit, rel=1e-4)
    assert np.isfinite(found.evidence).all()
    assert found.evidence.any()


def test_a_contrast_is_the_difference_of_two_maps() -> None:
    classifier = small_transformer()
    maps = {
        target: explain(IMAGE, classifier, "attn-lrp", target=target).evidence for target in (1, 4)
    }
    both = explain(IMAGE, classifier, "attn-lrp", target=ContrastTarget(1, 4)).evidence
    np.testing.assert_allclose(both, maps[1] - maps[4], atol=1e-5 * np.abs(both).max())
    assert not any(one.requires_grad for one in classifier.network.parameters())
