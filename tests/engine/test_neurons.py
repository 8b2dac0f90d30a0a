"""Neurons: metrics worked out by hand, projections against Captum, boxes against the geometry."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import Deconvolution
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from engine.conftest import BEE_EATER, Open
from engine.toys import small_transformer
from pda_studio import explain
from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.attribution.neurons import layers_of, most_important_in, patches_of
from pda_studio.attribution.over_seeds import OverSeeds, over_seeds
from pda_studio.attribution.ranking import METRICS, Neuron, Ranking, ranked
from pda_studio.classifiers import Classifier, Preprocessing, load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.figures import draw_neurons
from pda_studio.methods import method_named
from pda_studio.methods.neurons import Neurons
from pda_studio.results import Subject
from pda_studio.targets import ContrastTarget, UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]


class Toy(nn.Module):
    """Two convolutions side by side, put together, read by a third one; ReLUs of all kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 3, 3, padding=1)
        self.left = nn.Conv2d(3, 2, 1)
        self.right = nn.Conv2d(3, 4, 3, padding=1)
        self.third = nn.Conv2d(6, 3, 3)
        self.end = nn.Linear(3 * 16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first(x), inplace=True)
        x = torch.cat([self.left(x), self.right(x)], 1).relu()
        x = torch.relu(self.third(F.max_pool2d(x, 2)))
        result: torch.Tensor = self.end(x.flatten(1))
        return result


def toy(network: nn.Module | None = None, side: int = 12) -> Classifier:
    torch.manual_seed(1)
    network = (network or Toy()).eval().requires_grad_(False)
    preprocessing = Preprocessing(resize=side, size=side, mean=(0.4,), std=(0.3,))
    return Classifier("toy", network, preprocessing, ("a", "b"), torch.device("cpu"), "none")


def pattern(side: int = 12) -> NDArray[np.uint8]:
    grey = np.random.default_rng(0).integers(0, 256, (side, side, 1), np.uint8)
    return np.repeat(grey, 3, 2)


def ranking_of(subject: Subject, **values: float) -> Ranking:
    *_, (_, ranking) = ranked(subject, FeatureMaps.of(subject.scored), **values)  # type: ignore[arg-type]
    assert ranking is not None
    return ranking


def signals_by_hooks(
    classifier: Classifier, prepared: torch.Tensor
) -> dict[str, NDArray[np.float64]]:
    """What each convolution gives, from hooks on a network in float64 that was not taken apart."""
    found: dict[str, NDArray[np.float64]] = {}
    handles = [
        module.register_forward_hook(
            lambda _m, _i, result, name=name: found.update({name: result.clone().numpy()})
        )
        for name, module in classifier.network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    classifier.network.double()(prepared.double())
    classifier.network.float()
    for handle in handles:
        handle.remove()
    return found


def test_the_six_metrics_are_those_of_the_paper() -> None:
    classifier = toy()
    subject = Subject.of(pattern(), classifier, 1)
    ranking = ranking_of(subject, inputs=23, noise=0.2, seed=3)
    x = classifier.preprocessing.pixels(subject.view)
    random = torch.Generator().manual_seed(3)
    noisy = torch.cat(
        [x * (1 + 0.2 * torch.randn(n, 1, 12, 12, generator=random)) for n in (10, 10, 3)]
    )
    z = signals_by_hooks(classifier, classifier.prepare(noisy))
    plain = signals_by_hooks(classifier, classifier.prepare(x[None]))
    weights = {k: v.numpy().astype(float) for k, v in classifier.network.state_dict().items()}
    third = weights["third.weight"]
    read = {
        "first": np.concatenate([weights["left.weight"].swapaxes(0, 1).reshape(3, -1),
                                 weights["right.weight"].swapaxes(0, 1).reshape(3, -1)], 1),
        "left": third[:, :2].swapaxes(0, 1).reshape(2, -1),
        "right": third[:, 2:].swapaxes(0, 1).reshape(4, -1),
        "third": weights["end.weight"].reshape(2, 3, 16).swapaxes(0, 1).reshape(3, -1),
    }  # fmt: skip
    output = z["end"][:, 1]
    assert ranking.layers == list(read)
    for layer, w in read.items():
        for channel in range(len(w)):
            values = z[layer][:, channel]
            n, mean = len(values), values.mean((1, 2))
            varying = values.var(0)[values.var(0) > 1e-12]  # elsewhere all ReLUs below are shut
            top = abs(n * (mean * output).sum() - mean.sum() * output.sum())
            bottom = (n * (mean**2).sum() - mean.sum() ** 2) * (
                n * (output**2).sum() - output.sum() ** 2
            )
            wanted = [
                top / np.sqrt(bottom),
                (1 / varying).mean(),
                plain[layer][0, channel].sum(),
                plain[layer][0, channel].var(),
                w[channel].sum(),
                w[channel].var(),
            ]
            found = [ranking.scores[metric][layer][channel] for metric in METRICS]
            np.testing.assert_allclose(found, wanted, rtol=2e-3)


def test_weak_and_still_neurons_are_left_out() -> None:
    classifier = toy()
    with torch.no_grad():
        classifier.network.first.weight[1] = 0  # its signal is its bias: it never varies
        classifier.network.first.bias[:] = torch.tensor([0.0, 5.0, 0.0])
    subject = Subject.of(pattern(), classifier)
    ranking = ranking_of(subject, inputs=8)
    for metric in METRICS[:2]:
        assert np.isnan(ranking.scores[metric]["first"]).tolist() == [False, True, False]
        assert 1 not in [neuron.channel for neuron in ranking.top(metric, 3, ["first"])]
    assert np.isfinite(ranking.scores["activation-matrix-sum"]["first"]).all()
    high = ranking_of(subject, inputs=8, threshold=1000.0)
    assert not high.top("activation-precision", 3)
    # Black pixels stay black whatever they are multiplied by: such places do not count.
    half = pattern()
    half[:, 6:] = 0
    found = ranking_of(Subject.of(half, classifier), inputs=8).scores["activation-precision"]
    assert np.nanmax(found["first"]) < 1e6


def test_groups_and_normalisation_are_read_right() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU6(),
        nn.Conv2d(4, 6, 3, groups=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    )
    network[1].running_mean.uniform_(-1, 1)
    network[1].running_var.uniform_(0.5, 2)
    classifier = toy(network)
    maps = FeatureMaps.of(classifier)
    weight = network[3].weight
    read = maps.readers("0")
    assert read is not None
    for channel in range(4):
        group = channel // 2
        wanted = weight[3 * group : 3 * group + 3, channel % 2].flatten()
        assert torch.equal(read[channel], wanted)
    assert torch.equal(maps.readers("3"), network[6].weight.T)
    prepared = classifier.prepare(classifier.preprocessing.pixels(pattern())[None])
    with torch.inference_mode():
        signals = {name: z.clone() for name, z in maps.signals(prepared)}
        torch.testing.assert_close(signals["0"], network[:2](prepared))
        torch.testing.assert_close(signals[""], network(prepared))


def test_top_and_overlap() -> None:
    scores = {
        metric: {"a": np.array(values), "b": np.array([1.0, np.nan])}
        for metric, values in zip(
            METRICS[:2], ([3.0, 1.0, 2.0, 0.0], [3.0, 4.0, 0.0, 1.0]), strict=True
        )
    }
    ranking = Ranking(scores, 2)
    one, other = METRICS[:2]
    assert ranking.top(one, 2) == [
        Neuron("a", 0, 0, 3.0), Neuron("a", 0, 2, 2.0), Neuron("b", 1, 0, 1.0),
    ]  # fmt: skip
    assert ranking.top(other, 2, ["b"]) == [Neuron("b", 1, 0, 1.0)]
    assert ranking.overlap(one, other, 2) == 2 / 4  # a0 and b0 of a0, a1, a2, b0
    assert ranking.overlap(one, other, 2, ["a"]) == 1 / 3
    assert ranking.overlap(one, one, 3) == 1


def test_projections_are_captums_deconvolution(digits: Classifier, digit_image: Digit) -> None:
    prepared = digits.prepare(digits.preprocessing.pixels(digit_image(4))[None])
    network = digits.network
    below = nn.Sequential(network.conv1, network.relu1, network.pool1, network.conv2)
    z = below(prepared)[0]
    channels = list(range(0, 64, 5))
    for _, channel, found in FeatureMaps.of(digits).projections(prepared, {"conv2": channels}):
        strongest = z[channel].max()
        if strongest <= 0:
            assert found is None
            continue
        place = divmod(int(z[channel].argmax()), z.shape[2])
        wanted = Deconvolution(below).attribute(prepared, target=(channel, *place))[0]
        torch.testing.assert_close(found, strongest * wanted, rtol=1e-4, atol=1e-6)


def test_every_kind_of_relu_is_rectified_on_the_way_back() -> None:
    class Modules(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.relu1(self.first(x))
            x = self.relu2(torch.cat([self.left(x), self.right(x)], 1))
            x = self.relu3(self.third(F.max_pool2d(x, 2)))
            result: torch.Tensor = self.end(x.flatten(1))
            return result

    functional, modules = toy(), toy(Modules())
    modules.network.load_state_dict(functional.network.state_dict())
    prepared = functional.prepare(functional.preprocessing.pixels(pattern())[None])
    chosen = {"third": [0, 1, 2], "right": [1, 3]}
    for one, other in zip(
        FeatureMaps.of(functional).projections(prepared, chosen),
        FeatureMaps.of(modules).projections(prepared, chosen),
        strict=True,
    ):
        assert one[:2] == other[:2]
        assert (one[2] is None) == (other[2] is None)
        if one[2] is not None and other[2] is not None:
            assert torch.equal(one[2], other[2])


def test_a_box_is_the_receptive_field_of_the_strongest_place() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(2, 2, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * 36, 2),
    )
    classifier = toy(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.abs() + 0.01)
    for row, column in ((7, 4), (0, 11), (11, 0)):
        view = np.full((12, 12, 3), 128, np.uint8)
        view[row, column] = 255
        subject = Subject.of(view, classifier)
        maps = FeatureMaps.of(classifier)
        prepared = classifier.prepare(classifier.preprocessing.pixels(view)[None])
        z = {name: value[0] for name, value in maps.signals(prepared)}
        found = patches_of(subject, maps, [Neuron("0", 0, 1, 0), Neuron("2", 1, 0, 0)])
        for patch, stride, reach in zip(found, (1, 2), (1, 2), strict=True):
            signal = z[patch.neuron.layer][patch.neuron.channel]
            place = divmod(int(signal.argmax()), signal.shape[1])
            low = [max(0, stride * p - reach) for p in place]
            high = [min(12, stride * p + reach + 1) for p in place]
            assert patch.box is not None
            assert [patch.box.top, patch.box.left] == low
            assert [patch.box.bottom, patch.box.right] == high


def test_a_box_holds_all_of_a_projection_and_only_what_moves_the_neuron(
    digits: Classifier, digit_image: Digit
) -> None:
    subject = Subject.of(digit_image(4), digits)
    _, patches = most_important_in(Neurons(top=20), subject)
    maps = FeatureMaps.of(digits)
    pixels = digits.preprocessing.pixels(subject.view)
    for patch in patches:
        if patch.box is None:
            assert not patch.projection.any()
            continue
        b = patch.box
        inside = np.zeros((28, 28), bool)
        inside[b.top : b.bottom, b.left : b.right] = True
        assert not patch.projection[~inside].any()
        assert patch.projection[b.top].any()
        assert patch.projection[:, b.right - 1].any()
        # Nothing larger than what the layer's units can see: 5×5, or 5 + 1 + 4·2 = 14.
        side = 5 if patch.neuron.layer == "conv1" else 14
        assert max(b.bottom - b.top, b.right - b.left) <= side
    # A unit's strongest place does not notice what lies outside of what it can see.
    patch = next(p for p in patches if p.neuron.layer == "conv2" and p.box is not None)
    assert patch.box is not None

    def strongest(view: torch.Tensor) -> float:
        with torch.inference_mode():
            z = dict(maps.signals(digits.prepare(view[None])))["conv2"]
        return float(z[0, patch.neuron.channel].max())

    blank = torch.zeros_like(pixels)
    b = patch.box
    top, left = max(0, b.bottom - 14), max(0, b.right - 14)
    rows, columns = slice(min(top, b.top), b.top + 14), slice(min(left, b.left), b.left + 14)
    blank[:, rows, columns] = pixels[:, rows, columns]
    assert strongest(blank) == pytest.approx(strongest(pixels), rel=1e-4)


def test_the_map_is_the_mean_of_scaled_projections(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(4)
    values = {"metric": "activation-matrix-variance", "top": 3}
    found = explain(image, digits, "neurons", **values)
    _, patches = most_important_in(Neurons(**values), Subject.of(image, digits))  # type: ignore[arg-type]
    wanted = np.zeros((28, 28))
    for patch in patches:
        if patch.box is not None:
            wanted += patch.projection / patch.projection.max() / len(patches)
    np.testing.assert_allclose(found.evidence, wanted, atol=1e-6)
    assert found.evidence.min() == 0
    assert len(patches) == 6
    assert found.how.startswith("6 neurons")


@pytest.mark.parametrize("metric", METRICS)
def test_contrasts_and_hidden_units_have_neurons_too(
    metric: str, digits: Classifier, digit_image: Digit
) -> None:
    for target in (ContrastTarget(4, 9), UnitTarget("conv2", 5)):
        subject = Subject.of(digit_image(4), digits, target)
        ranking, patches = most_important_in(Neurons(metric=metric), subject)  # type: ignore[arg-type]
        assert ranking.layers == ["conv1", "conv2"]
        assert {patch.neuron.layer for patch in patches} >= {"conv1"}
    if metric == "activation-output-correlation":  # a unit goes with itself
        best = ranking.top("activation-output-correlation", 1, ["conv2"])[0]
        assert best.channel == 5
        assert best.score == pytest.approx(1, abs=1e-4)


def test_the_network_is_left_as_it_was(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(2)
    before = digits.predict(image)
    with torch.inference_mode():  # as in a worker
        explain(image, digits, "neurons")
    steps = method_named("neurons").create(digits).steps(Subject.of(image, digits))
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(before, digits.predict(image))
    assert not any(p.requires_grad or p.grad is not None for p in digits.network.parameters())
    assert not any(m._forward_hooks for m in digits.network.modules())


def test_depths_choose_layers(squeezenet: Classifier, image: Open) -> None:
    image = np.asarray(image(BEE_EATER))
    ranking, patches = most_important_in(
        Neurons(shallowest=40, deepest=60, inputs=2), Subject.of(image, squeezenet)
    )
    assert len(ranking.layers) == 26
    assert sorted({patch.neuron.depth for patch in patches}) == [10, 11, 12, 13, 14, 15]
    assert layers_of(Neurons(shallowest=90, deepest=10), ranking) == [ranking.layers[22]]


def test_networks_of_other_kinds_are_refused() -> None:
    image = pattern(32)
    others = {
        "MultiheadAttention": small_transformer(),
        "SiLU": load_classifier("efficientnet_b0", "random"),
    }
    for what, classifier in others.items():
        subject = Subject.of_view(image, classifier, np.full(len(classifier.class_names), 0.001))
        with pytest.raises(UsageError, match=f"has {what}: choose a network of convolutions"):
            most_important_in(Neurons(), subject)
    flat = toy(nn.Sequential(nn.Flatten(), nn.Linear(144, 2)))
    with pytest.raises(UsageError, match="has no convolution"):
        FeatureMaps.of(flat)


def test_the_figure_shows_boxes_by_depth(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(4), digits)
    _, patches = most_important_in(Neurons(), subject)
    figure = draw_neurons(subject, patches, "title")
    everything, *thirds = figure.axes[:4]
    active = sum(patch.box is not None for patch in patches)
    assert len(everything.patches) == sum(len(tile.patches) for tile in thirds) == active
    shown = [axes for axes in figure.axes[4:] if axes.images]
    assert len(shown) == active
    with pytest.raises(UsageError, match="another metric"):
        draw_neurons(subject, [], "title")


def test_the_verb_tells_and_draws(
    tmp_path: Path, digit_image: Digit, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    image, figure = tmp_path / "digit.png", tmp_path / "neurons.pdf"
    Image.fromarray(digit_image(4)).save(image)
    words = ["neurons", str(image), "--metric", "weight-matrix-sum", "--top", "2"]
    assert main([*words, "--output", str(figure)]) == 0
    out = capsys.readouterr().out
    assert "4 (class 4) by digits" in out
    assert "conv2" in out
    assert out.endswith(f"Wrote {figure}.\n")
    assert figure.read_bytes().startswith(b"%PDF")
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [neuron["layer"] for neuron in told["neurons"]] == ["conv1", "conv1", "conv2", "conv2"]
    assert set(told["jaccard"]) == set(METRICS) - {"weight-matrix-sum"}
    assert all(neuron["stable"] and neuron["spread"] is None for neuron in told["neurons"])
    assert main(["neurons", str(image), "--metric", "size"]) == 2
    assert "must be one of" in capsys.readouterr().err


def test_importance_is_measured_with_several_seeds(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(4), digits)
    method = Neurons.create(digits, metric="activation-output-correlation", inputs=6, seed=3)
    first, _ = most_important_in(method, subject)
    found = over_seeds(method, subject, first, 4)
    again, _ = most_important_in(method.model_copy(update={"seed": 5}), subject)
    assert found.count == 4
    for layer, scores in found.scores.items():
        np.testing.assert_array_equal(scores[0], first.scores[method.metric][layer])
        np.testing.assert_array_equal(scores[2], again.scores[method.metric][layer])
    neurons = first.top(method.metric, 5)
    values = found.scores[neurons[0].layer][:, neurons[0].channel]
    assert found.spread(neurons[0]) == pytest.approx(values.std(ddof=1))
    assert not all(found.stable(neuron, 5) for neuron in neurons)  # six copies are few
    assert -1 <= found.correlations().min() < found.correlations().max() <= 1


def test_what_is_measured_on_the_image_alone_is_stable(
    digits: Classifier, digit_image: Digit
) -> None:
    subject = Subject.of(digit_image(4), digits)
    method = Neurons.create(digits, metric="activation-matrix-sum", inputs=2)
    first, _ = most_important_in(method, subject)
    found = over_seeds(method, subject, first, 4)
    assert found.count == 1
    assert all(found.stable(neuron, 5) for neuron in first.top(method.metric, 5))


def test_a_rank_is_stable_if_every_seed_gives_it() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [1.0, np.nan, 2.0]])
    found = OverSeeds({"layer": scores})
    neurons = [Neuron("layer", 0, channel, 0.0) for channel in range(3)]
    assert [found.stable(neuron, 2) for neuron in neurons] == [True, False, False]
    assert [found.stable(neuron, 3) for neuron in neurons] == [True, False, True]
    assert found.spread(neurons[1]) == pytest.approx(np.sqrt(0.5))
