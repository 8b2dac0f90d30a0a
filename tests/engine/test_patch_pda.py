"""Windows on the lattice of a network's patches, against each patch removed by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from engine.toys import classifier_of, small_transformer
from pda_studio import explain, unusable_methods
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.patches import patch_side
from pda_studio.errors import UsageError

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def test_each_patch_is_removed_by_itself() -> None:
    classifier = small_transformer()
    found = explain(IMAGE, classifier, "patch-pda", target=3, infill="grey",
                    difference="probability")  # fmt: skip
    pixels = torch.from_numpy(IMAGE / 255).float().permute(2, 0, 1)[None]
    grey = 0.5
    wanted = np.zeros((32, 32))
    with torch.no_grad():
        whole = classifier.network((pixels - 0.5) / 0.25).softmax(1)[0, 3]
        for row in range(0, 32, 8):
            for column in range(0, 32, 8):
                infilled = pixels.clone()
                infilled[..., row : row + 8, column : column + 8] = grey
                less = classifier.network((infilled - 0.5) / 0.25).softmax(1)[0, 3]
                wanted[row : row + 8, column : column + 8] = float(whole - less)
    np.testing.assert_allclose(found.evidence, wanted, atol=2e-4 * np.abs(wanted).max())
    assert found.parameters["patches"] == 1


def test_wider_windows_are_those_of_efficient_pda() -> None:
    classifier = small_transformer()
    found = explain(IMAGE, classifier, "patch-pda", target=3, patches=2)
    same = explain(IMAGE, classifier, "efficient-pda", target=3, window=16, outer=24, stride=8)
    np.testing.assert_array_equal(found.evidence, same.evidence)
    with pytest.raises(UsageError, match="larger than the classifier's input"):
        explain(IMAGE, classifier, "patch-pda", patches=5, infill="grey")


def swin() -> nn.Module:
    from torchvision.models import SwinTransformer

    return SwinTransformer([4, 4], 8, [1, 1], [2, 2], [4, 4], num_classes=3)


def timms() -> nn.Module:
    timm = pytest.importorskip("timm")
    return timm.models.VisionTransformer(
        img_size=32, patch_size=16, embed_dim=8, depth=1, num_heads=2, num_classes=3
    )


@pytest.mark.parametrize(("made", "side"), [(swin, 4), (timms, 16)])
def test_the_side_is_the_networks_own(made: Callable[[], nn.Module], side: int) -> None:
    torch.manual_seed(0)
    classifier = classifier_of(made(), 32)
    assert patch_side(classifier, "") == side
    assert "patch-pda" not in unusable_methods(classifier)
    # By every forward: timm's transformers take more than an image, if they are given it.
    found = explain(IMAGE, classifier, "patch-pda", target=1, difference="logit")
    full = explain(IMAGE, classifier, "efficient-pda", target=1, difference="logit", window=side,
                   outer=side + 8, stride=side, forward="full")  # fmt: skip
    assert found.limit > 0
    np.testing.assert_allclose(found.evidence, full.evidence, atol=2e-2 * full.limit)


def test_a_network_without_patches_is_told(digits: Classifier) -> None:
    with pytest.raises(UsageError, match="digits does not cut its input into any: choose effic"):
        explain(np.zeros((28, 28, 3), np.uint8), digits, "patch-pda")
    assert unusable_methods(digits)["patch-pda"].startswith("Patch PDA removes whole patches")
