"""ONNX networks of every opset that torch writes: the same outputs, and the same gradients."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.network_files import SIZE
from pda_studio.classifiers import load_classifier

IMAGE = np.random.default_rng(5).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


class Changing(nn.Module):
    """Of operators that were written otherwise in one opset or another."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.first, self.second = nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 6, 3)
        self.head = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.first(functional.pad(x, (1, 2, 1, 2))))
        x = functional.dropout(functional.leaky_relu(self.second(x)), training=self.training)
        one, two = x.mean((2, 3)), functional.max_pool2d(x, 3).mean(3).amax(2)
        both = torch.cat([one.unsqueeze(1), two.unsqueeze(1)], 1).flatten(1)
        return self.head(both * torch.softmax(both, 1)).clamp(-50, 50)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("opset", range(7, 24))
def test_an_opset(tmp_path: Path, opset: int) -> None:
    network, path = Changing().eval(), tmp_path / "net.onnx"
    example = torch.rand(1, 3, SIZE, SIZE)
    torch.onnx.export(network, (example,), path, dynamo=False, opset_version=opset)
    opened = load_classifier(path, device="cpu")
    pixels = opened.preprocessing.pixels(opened.preprocessing.view(IMAGE))[None]
    found, wanted = (opened.prepare(pixels).detach().requires_grad_() for _ in range(2))
    answers = opened.network(found), network(wanted)
    np.testing.assert_allclose(*(one.detach().numpy() for one in answers), atol=1e-5)
    for one in answers:
        one[0, 1].backward()
    assert wanted.grad.abs().max() > 1e-4
    np.testing.assert_allclose(found.grad.numpy(), wanted.grad.numpy(), atol=1e-6)
