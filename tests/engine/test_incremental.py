"""The incremental forward against whole forward passes: the same, on every kind of network."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pda_studio import explain
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.classifiers.graph import NotTraceable, trace
from pda_studio.pda.forward.incremental import geometry, neighbours
from pda_studio.pda.forward.incremental.baseline import BaselineActivations, baseline_activations
from pda_studio.pda.forward.incremental.changes import Sliding, Span
from pda_studio.pda.forward.incremental.plan import blocks
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap

# One small member of each of torchvision's families, with an input size it can take.
FAMILIES = {
    "alexnet": 97, "vgg11_bn": 64, "googlenet": 96, "inception_v3": 80, "resnet18": 65,
    "resnext50_32x4d": 64, "resnet50": 64, "densenet121": 72, "squeezenet1_1": 97,
    "squeezenet1_0": 96, "mobilenet_v2": 65, "mobilenet_v3_small": 96, "shufflenet_v2_x0_5": 96,
    "mnasnet0_5": 64, "efficientnet_b0": 72, "regnet_x_400mf": 96, "regnet_y_400mf": 96,
    "convnext_tiny": 64, "swin_t": 64,
}  # fmt: skip


def worst_errors(
    network: nn.Module,
    size: int,
    window: int,
    stride: int,
    channels: int = 3,
    dtypes: tuple[torch.dtype, ...] = (torch.float64,),
) -> list[float]:
    """Largest rms error over rms change of a few batches, with each type of numbers.

    The batches are the first, one in between, and the last. They are held against whole forward
    passes in float64. The change is a difference of two of them, which itself is rounded: by
    about 1e-14 of the logits, and that is taken off.
    """
    network = network.double().eval()
    chance = torch.Generator().manual_seed(window)
    image = torch.randn(1, channels, size, size, generator=chance, dtype=torch.float64)
    followed = []
    for dtype in dtypes:
        program = trace(deepcopy(network).to(dtype))
        with torch.inference_mode():
            program.run(image.to(dtype))
        followed.append(BaselineActivations(program))
    grid = WindowGrid(size, size, window, stride)
    cut = list(blocks(grid, 3))
    assert sorted(np.concatenate(cut).tolist()) == list(range(len(grid)))
    worst = [0.0] * len(dtypes)
    with torch.inference_mode():
        logits = network(image)
    for index in {0, len(cut) // 3, len(cut) - 1}:
        corners = grid.corners[cut[index]]
        shape = (len(corners), channels, window, window)
        delta = torch.randn(shape, generator=chance, dtype=torch.float64)
        infilled = image.repeat(len(corners), 1, 1, 1)
        for one, (top, left), patch in zip(infilled, corners, delta, strict=True):
            one[:, top : top + window, left : left + window] += patch
        with torch.inference_mode():
            wanted = network(infilled) - logits
        assert wanted.square().mean() > 1e-12  # else the comparison would prove nothing
        for at, (dtype, untouched) in enumerate(zip(dtypes, followed, strict=True)):
            output = untouched.program.output
            (change,) = untouched.changes(corners, delta.to(dtype), [output], dtype)
            assert change is not None
            error = _rms(change.delta.double() - wanted) - 1e-14 * _rms(logits)
            worst[at] = max(worst[at], error / _rms(wanted))
    return worst


def worst_error(network: nn.Module, size: int, window: int, stride: int) -> float:
    return worst_errors(network, size, window, stride)[0]


def _rms(values: torch.Tensor) -> float:
    return float(values.square().mean()) ** 0.5


def lighter(network: nn.Module) -> nn.Module:
    """The same with 64 in place of 4096 hidden outputs, which would be gigabytes in float64."""
    layers = getattr(network, "classifier", None)
    if isinstance(layers, nn.Sequential):
        inputs = 0
        for at, layer in enumerate(layers):
            if isinstance(layer, nn.Linear) and layer.out_features == 4096:
                layers[at] = nn.Linear(inputs or layer.in_features, 64)
                inputs = 64
            elif isinstance(layer, nn.Linear) and inputs:
                layers[at] = nn.Linear(inputs, layer.out_features)
    return network


@pytest.mark.parametrize("name", FAMILIES)
def test_exact_on_every_family_and_nearly_so_in_float32(name: str) -> None:
    network = lighter(load_classifier(name, "random", "cpu").network)
    exact, single = worst_errors(
        network, FAMILIES[name], 10, 3, dtypes=(torch.float64, torch.float32)
    )
    assert exact < 1e-12
    assert single < 5e-4


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (5, 2), (16, 16), (33, 7), (64, 11)])
def test_exact_for_windows_of_any_size(window: int, stride: int) -> None:
    network = load_classifier("squeezenet1_1", "random", "cpu").network
    assert worst_error(network, 90, window, stride) < 1e-12


class Odd(nn.Module):
    """Pieces that torchvision's networks put together in other ways, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 5, stride=2, padding=3, dilation=2)
        self.same = nn.Conv2d(8, 8, 3, padding="same")
        self.reflected = nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect")
        self.grouped = nn.Conv2d(8, 12, (3, 1), padding=(1, 0), groups=4)
        self.strided = nn.Conv2d(12, 12, 1, stride=3)
        self.norm = nn.BatchNorm2d(12)
        self.last = nn.Linear(12 * 4, 5)
        self.scale = nn.Parameter(torch.rand(1, 8, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first(x), inplace=True)
        x = x + F.gelu(self.same(x)) * self.scale - 0.5 * torch.sigmoid(x)
        x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True) * self.reflected(F.avg_pool2d(x, 2)).mean(
            (2, 3), True
        )
        x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        x = self.norm(self.strided(F.hardswish(self.grouped(x))))
        x = F.adaptive_avg_pool2d(x.clamp(-2, 2), 2)
        return self.last(torch.flatten(x, 1))


def test_exact_on_odd_pieces() -> None:
    torch.manual_seed(1)
    network = Odd()
    with torch.no_grad():
        network.norm.running_mean.normal_()
        network.norm.running_var.uniform_(0.5, 2)
    assert worst_error(network, 61, 6, 1) < 1e-12


class Scaled(nn.Module):
    """Sums with a factor, and products with a mask of the map's size."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 20, 3, padding=1), nn.Linear(20, 5)
        self.mask = nn.Parameter(torch.rand(20, 20))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = torch.add(x, F.relu(x), alpha=2) * self.mask
        return self.last(x.mean((2, 3)))


def test_exact_on_scaled_sums_and_masks() -> None:
    torch.manual_seed(2)
    assert worst_error(Scaled(), 20, 5, 1) < 1e-12


class Overwriting(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.first, self.last, self.how = nn.Conv2d(3, 4, 3), nn.Linear(4, 5), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if self.how == "method":
            x = x.relu_()
        elif self.how == "positional":
            x = F.relu(x, True)
        else:
            x = F.relu(x, inplace=True) + x
        return self.last(x.mean((2, 3)))


def test_exact_where_nobody_looks_at_what_was_written_over() -> None:
    torch.manual_seed(3)
    assert worst_error(Overwriting("positional"), 20, 5, 1) < 1e-12


@pytest.mark.parametrize("how", ["method", "used again"])
def test_what_writes_over_its_values_is_refused(how: str) -> None:
    with pytest.raises(NotTraceable, match="over"):
        trace(Overwriting(how))


def test_the_network_is_left_as_it_was() -> None:
    classifier = load_classifier("resnet18", "random", "cpu")
    before = {name: value.clone() for name, value in classifier.network.state_dict().items()}
    in_place = [m.inplace for m in classifier.network.modules() if isinstance(m, nn.ReLU)]
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    fingerprint = classifier.fingerprint
    explain(image, classifier, forward="incremental", stride=64, window=64, infill="grey")
    after = classifier.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in after)
    assert before.keys() == after.keys()
    assert in_place == [m.inplace for m in classifier.network.modules() if isinstance(m, nn.ReLU)]
    assert fingerprint == load_classifier("resnet18", "random", "cpu").fingerprint


@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "efficient-pda", "window": 16, "outer": 24, "stride": 16},
        {"method": "original-pda", "window": 24, "outer": 30, "stride": 24, "samples": 3},
        {"method": "sampled-pda", "window": 24, "outer": 30, "stride": 12, "samples": 3},
        {"method": "occlusion", "window": 20, "stride": 13, "difference": "logit"},
    ],
)
def test_same_maps_as_the_full_forward(
    half_squeezenet: Classifier, image, parameters: dict[str, object]
) -> None:
    image = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    full = explain(image, half_squeezenet, forward="full", **parameters)
    incremental = explain(
        image, half_squeezenet, forward="incremental", precision="float32", **parameters
    )
    error = np.sqrt(np.mean((full.evidence - incremental.evidence) ** 2))
    assert error < 5e-4 * np.sqrt(np.mean(full.evidence**2))
    if full.standard_error is not None:
        np.testing.assert_allclose(full.standard_error, incremental.standard_error, rtol=0.01)


def test_digits(digits: Classifier) -> None:
    image = np.zeros((28, 28, 3), dtype=np.uint8)
    image[6:22, 13:16] = 255
    full = explain(image, digits, forward="full", difference="logit")
    incremental = explain(
        image, digits, forward="incremental", precision="float32", difference="logit"
    )
    np.testing.assert_allclose(full.evidence, incremental.evidence, atol=1e-4)


class Untraceable(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) if x.sum() > -1e9 else x


def test_a_network_that_cannot_be_followed_goes_through_as_a_whole(
    digits: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    from dataclasses import replace

    network = Untraceable(digits.network)
    with pytest.raises(NotTraceable):
        trace(network)
    odd = replace(digits, network=network, batch_sizes={})
    image = np.zeros((28, 28, 3), dtype=np.uint8)
    image[6:22, 13:16] = 255
    told = explain(image, odd, forward="incremental", stride=4)
    assert "cannot be followed" in caplog.text
    wanted = explain(image, digits, stride=4)
    np.testing.assert_allclose(told.evidence, wanted.evidence, atol=1e-4)
    levelled = explain(image, odd, forward="levelled", tolerance=0.2)
    exact = explain(image, digits)
    assert isinstance(levelled, EvidenceMap)
    assert isinstance(exact, EvidenceMap)
    assert levelled.forward.startswith("levelled, linear from the image at ")
    error = np.square(levelled.evidence - exact.evidence).mean()
    assert 0 < error < (1.5 * 0.2) ** 2 * np.square(exact.evidence).mean()


@pytest.mark.parametrize("slides", [None, (3, 2, 0, 1), (5, 1, 2, 1), (1, 3, 0, 1), (3, 1, 2, 2)])
def test_many_spans_reach_as_far_as_each(slides: tuple[int, ...] | None) -> None:
    both = None if slides is None else (Sliding(*slides), Sliding(*slides))
    starts = np.arange(20)
    spans = np.array([[starts, starts + 4], [starts // 2, starts // 2 + 9]])
    found = geometry.reach_of_many(both, [spans[0], spans[1]], 0, 17)
    for place in range(20):
        each = [Span(int(start), int(stop)) for start, stop in spans[:, :, place]]
        wanted = geometry.reach(both, each, 0, 17)
        assert (wanted.start, wanted.stop) == tuple(found[:, place])


@pytest.mark.parametrize("strides", [(1, 1), (4, 4), (8, 1), (1, 8), (8, 2)])
def test_blocks_are_longer_where_windows_are_closer_together(
    strides: tuple[int, int], digits: Classifier
) -> None:
    pixels = torch.zeros(1, 28, 28)
    image = baseline_activations(digits, pixels)
    grid = WindowGrid(28, 28, 4, 1)
    rows, columns = (np.arange(0, 25, each) for each in strides)
    down, across = image.block_shape(4, strides, 1)
    assert np.sign(across - down) == np.sign(strides[0] - strides[1])
    batches = list(neighbours(image, grid, 1, (), rows, columns))
    assert max(map(len, batches)) <= down * across
    crossing = (rows[:, None] * 25 + columns).ravel()
    assert sorted(np.concatenate(batches).tolist()) == crossing.tolist()
