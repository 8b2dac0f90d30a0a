import gzip
import json
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import fx, nn

from pda_studio.classifiers.digits import CLASS_NAMES, MEAN, STD, DigitsNetwork

DIGITS = files("pda_studio.resources") / "digits"


@pytest.fixture(scope="module")
def network() -> DigitsNetwork:
    network = DigitsNetwork()
    with as_file(DIGITS / "weights.safetensors") as path:
        network.load_state_dict({k: v.to(torch.float32) for k, v in load_file(path).items()})
    return network.eval()


def normalised(pixels: np.ndarray) -> torch.Tensor:
    images = torch.from_numpy(pixels.astype(np.float32)).reshape(-1, 1, 28, 28) / 255
    return (images - MEAN) / STD


def sample(digit: int) -> Image.Image:
    with (DIGITS / "samples" / f"{digit}.png").open("rb") as file:
        image = Image.open(file)
        image.load()
    return image


def test_layers_give_the_expected_shapes() -> None:
    network = DigitsNetwork().eval()
    shapes = {}
    for name, module in network.named_children():
        module.register_forward_hook(
            lambda _module, _inputs, output, name=name: shapes.update({name: tuple(output.shape)})
        )
    network(torch.zeros(3, 1, 28, 28))
    assert shapes["conv1"] == (3, 32, 28, 28)
    assert shapes["pool1"] == (3, 32, 14, 14)
    assert shapes["conv2"] == (3, 64, 14, 14)
    assert shapes["pool2"] == (3, 64, 7, 7)
    assert shapes["fc1"] == (3, 1024)
    assert shapes["fc2"] == (3, 10)


def test_parameter_count() -> None:
    expected = (25 + 1) * 32 + (25 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 1024 + (1024 + 1) * 10
    assert sum(p.numel() for p in DigitsNetwork().parameters()) == expected == 3_274_634


def test_no_relu_works_in_place_and_none_is_shared() -> None:
    relus = [m for m in DigitsNetwork().modules() if isinstance(m, nn.ReLU)]
    assert len(relus) == 3
    assert not any(relu.inplace for relu in relus)


def test_network_can_be_traced(network: DigitsNetwork) -> None:
    traced = fx.symbolic_trace(network)
    calls = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    assert calls == [name for name, _ in network.named_children()]
    images = torch.rand(2, 1, 28, 28)
    assert torch.equal(traced(images), network(images))


def test_weights_file_is_float16_and_says_where_it_comes_from() -> None:
    with (
        as_file(DIGITS / "weights.safetensors") as path,
        safe_open(path, framework="pt") as weights,
    ):
        assert {weights.get_tensor(name).dtype for name in weights.keys()} == {torch.float16}  # noqa: SIM118
        metadata = weights.metadata()
    assert float(metadata["test_accuracy"]) >= 0.992
    assert metadata["training_command"] == "python packaging/make_digits_network.py"
    assert metadata["seed"].isdigit()
    assert tuple(json.loads(metadata["class_names"])) == CLASS_NAMES


@pytest.mark.parametrize("digit", range(10))
def test_sample_is_classified_right(network: DigitsNetwork, digit: int) -> None:
    image = sample(digit)
    assert (image.size, image.mode) == ((28, 28), "L")
    with torch.inference_mode():
        probabilities = network(normalised(np.asarray(image))).softmax(1)[0]
    assert probabilities.argmax().item() == digit
    assert probabilities[digit].item() >= 0.85  # trained on labels smoothed to 0.91


@pytest.mark.parametrize("digit", range(10))
def test_sample_is_laid_out_as_mnist_is(digit: int) -> None:
    pixels = np.asarray(sample(digit)).astype(np.float64)
    rows, columns = np.nonzero(pixels)
    longer_side = max(np.ptp(rows), np.ptp(columns)) + 1
    assert 20 <= longer_side <= 22  # the smoothed edges may reach into a further pixel
    assert pixels[[0, -1]].max() == pixels[:, [0, -1]].max() == 0
    assert pixels.max() == 255
    grid = np.arange(28)
    for axis in (0, 1):
        centre = (pixels.sum(axis=axis) * grid).sum() / pixels.sum()
        assert abs(centre - 13.5) <= 0.5


def test_accuracy_on_mnist(network: DigitsNetwork, data_folder: Path) -> None:
    pixels, labels = (
        np.frombuffer(
            gzip.decompress((data_folder / "mnist" / f"t10k-{name}-ubyte.gz").read_bytes()),
            np.uint8,
            offset=offset,
        )
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    assert len(labels) == 10_000
    with torch.inference_mode():
        guesses = torch.cat([network(some).argmax(1) for some in normalised(pixels).split(64)])
    assert (guesses.numpy() == labels).mean() >= 0.992
