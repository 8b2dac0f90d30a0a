"""Small networks of the tests' own, as classifiers."""

import torch
from torch import nn
from torchvision.models import VGG, VisionTransformer
from torchvision.models.vgg import cfgs, make_layers

from pda_studio.classifiers import Classifier, Preprocessing


def classifier_of(
    network: nn.Module, size: int = 8, channels: int = 3, classes: int = 3
) -> Classifier:
    """A network in eval mode with an even normalisation and classes “0”, “1” …"""
    return Classifier(
        name="toy",
        network=network.eval().requires_grad_(False),
        preprocessing=Preprocessing(
            resize=size, size=size, mean=(0.5,) * channels, std=(0.25,) * channels
        ),
        class_names=tuple(str(index) for index in range(classes)),
        device=torch.device("cpu"),
        weights="made up",
    )


def small_transformer() -> Classifier:
    """torchvision's vision transformer with two layers, on images of 32×32 pixels."""
    torch.manual_seed(0)
    network = VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32,
        num_classes=10,
    )  # fmt: skip
    nn.init.normal_(network.heads.head.weight)  # torchvision's zeros would answer nothing
    return classifier_of(network, size=32, classes=10)


def small_vgg() -> Classifier:
    """torchvision's vgg16 with 64 in place of 4096 hidden outputs, which would be gigabytes."""
    torch.manual_seed(0)
    with torch.device("meta"):
        network = VGG(nn.Sequential(), init_weights=False)
    network.features = make_layers(cfgs["D"])
    hidden = nn.Linear(512 * 7 * 7, 64)
    network.classifier = nn.Sequential(hidden, nn.ReLU(True), nn.Dropout(), nn.Linear(64, 10))
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return classifier_of(network, size=224, classes=10)


def random_statistics(network: nn.Module) -> nn.Module:
    """Give biases and BatchNorm layers values that do something."""
    generator = torch.Generator().manual_seed(1)

    def noise(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=generator).to(like)

    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.copy_(0.2 * noise(layer.running_mean))  # type: ignore[union-attr, arg-type]
                layer.running_var.copy_(0.5 + noise(layer.running_var).square())  # type: ignore[union-attr, arg-type]
                layer.weight.copy_(1 + 0.2 * noise(layer.weight))
            if isinstance(getattr(layer, "bias", None), torch.Tensor):
                layer.bias.copy_(0.2 * noise(layer.bias))  # type: ignore[union-attr, operator, arg-type]
    return network
