"""Any network of one's own: its outputs, its preprocessing, and that nothing of it is changed."""

import logging
import math
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision import transforms

from pda_studio import explain, load_classifier
from pda_studio.classifiers.outputs import OUTPUTS
from pda_studio.classifiers.spec import ClassifierSpec, read_spec, write_spec
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.targets import ContrastTarget

IMAGE = np.random.default_rng(3).integers(0, 256, (16, 16, 3), np.uint8)
INPUT = {"input_size": 16, "mean": (0.5,) * 3, "std": (0.25,) * 3}
CELLS = {"window": 4, "stride": 4, "infill": "grey", "forward": "full"}
N = 100_000  # of the Laplace correction


class Own(nn.Module):
    """Convolution, ReLU, mean and a linear layer; then what the test wants to be answered."""

    def __init__(self, answer=lambda z: z, outputs: int = 3, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm = nn.Conv2d(channels, 6, 3, 2), nn.BatchNorm2d(6)
        self.head = nn.Linear(6, outputs)
        self.answer = answer
        with torch.no_grad():
            self.head.weight.mul_(6)

    def forward(self, x: torch.Tensor):
        return self.answer(self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3))))


ANSWERS = {
    "logits": lambda z: z,
    "probabilities": lambda z: torch.softmax(z, 1),
    "log-probabilities": lambda z: torch.log_softmax(z, 1),
    "sigmoid-logits": lambda z: z,
    "sigmoid-probabilities": torch.sigmoid,
    "values": lambda z: 40 * z,
}


def in_double(network: nn.Module, pixels: torch.Tensor) -> NDArray[np.float64]:
    """What the network answers before its ending, by itself and in float64."""
    double = Own(outputs=network.head.out_features).double().eval()
    double.load_state_dict(network.state_dict())
    with torch.no_grad():
        return double((pixels[None] - 0.5) / 0.25)[0].numpy()


def evidence_in_double(
    network: nn.Module, output: str, of: int, against: int | None = None
) -> NDArray[np.float64]:
    """Evidence of windows of 4 pixels that turn grey, straight from the definition."""

    def score(pixels: torch.Tensor) -> float:
        z = in_double(network, pixels)
        if output == "values":
            return 40 * (z[of] - (0 if against is None else z[against]))
        if against is not None:
            p, classes = 1 / (1 + math.exp(z[against] - z[of])), 2
        elif "sigmoid" in output:
            p, classes = 1 / (1 + math.exp(-z[of])), 2
        else:
            p, classes = (np.exp(z) / np.exp(z).sum())[of], len(z)
        p = (p * N + 1) / (N + classes)
        return math.log2(p / (1 - p))

    pixels = torch.from_numpy(IMAGE.astype(np.float64)).permute(2, 0, 1) / 255
    found = np.zeros((16, 16))
    for top in range(0, 16, 4):
        for left in range(0, 16, 4):
            without = pixels.clone()
            without[:, top : top + 4, left : left + 4] = 0.5
            found[top : top + 4, left : left + 4] = score(pixels) - score(without)
    return found


def close(found: NDArray[np.float32], wanted: NDArray[np.float64]) -> None:
    strongest = np.abs(wanted).max()
    assert strongest > 0.01
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * max(strongest, 1))


@pytest.mark.parametrize(
    ("output", "outputs"),
    [(name, count) for name in OUTPUTS for count in (1, 3)
     if count > 1 or OUTPUTS[name].kind != "softmax"],
)  # fmt: skip
def test_evidence_of_every_kind_of_output_is_the_definitions(output: str, outputs: int) -> None:
    network = Own(ANSWERS[output], outputs).eval()
    found = explain(IMAGE, network, target=outputs - 1, preprocessing=INPUT, output=output, **CELLS)
    close(found.evidence, evidence_in_double(network, output, outputs - 1))
    assert found.unit == ("value" if output == "values" else "bits")
    if outputs == 3:
        against = explain(
            IMAGE,
            network,
            target=ContrastTarget(2, 0),
            preprocessing=INPUT,
            output=output,
            **CELLS,
        )
        close(against.evidence, evidence_in_double(network, output, 2, against=0))
        assert against.unit == found.unit


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_forward_agrees_on_every_kind_of_output(output: str) -> None:
    network = Own(ANSWERS[output]).eval()
    full, incremental = (
        explain(IMAGE, network, target=1, preprocessing=INPUT, output=output,
                **{**CELLS, "forward": forward, "precision": "float32"})
        for forward in ("full", "incremental")
    )  # fmt: skip
    strongest = np.abs(full.evidence).max()
    np.testing.assert_allclose(incremental.evidence, full.evidence, atol=2e-5 * strongest)


@pytest.mark.parametrize("output", OUTPUTS)
def test_predictions_of_every_kind_of_output(output: str) -> None:
    network = Own(ANSWERS[output]).eval()
    classifier = load_classifier(network, preprocessing=INPUT, output=output)
    pixels = torch.from_numpy(IMAGE.copy()).permute(2, 0, 1) / 255
    z = in_double(network, pixels.double())
    wanted = {
        "softmax": np.exp(z) / np.exp(z).sum(),
        "sigmoid": 1 / (1 + np.exp(-z)),
        "scalar": 40 * z,
    }[OUTPUTS[output].kind]
    np.testing.assert_allclose(classifier.predict(IMAGE), wanted, rtol=2e-5)


@pytest.mark.parametrize(
    ("answer", "output", "words"),
    [
        (lambda z: z, "probabilities", "are no probabilities: they go from"),
        (torch.sigmoid, "probabilities", "they add up to"),
        (lambda z: z, "sigmoid-probabilities", "they go from"),
        (lambda z: z + 3, "log-probabilities", "that they stand for add up to"),
    ],
)
def test_what_is_no_probability_is_told(answer, output: str, words: str) -> None:
    with pytest.raises(PdaStudioError, match=words):
        explain(IMAGE, Own(answer).eval(), preprocessing=INPUT, output=output, **CELLS)


@pytest.mark.parametrize("output", ["probabilities", "log-probabilities", "sigmoid-probabilities"])
def test_what_outputs_are_is_seen_from_their_values_and_told(
    output: str, caplog: pytest.LogCaptureFixture
) -> None:
    outputs = 1 if "sigmoid" in output else 3
    with caplog.at_level(logging.WARNING):
        found = load_classifier(Own(ANSWERS[output], outputs).eval(), preprocessing=INPUT)
    assert found.output == OUTPUTS[output].kind
    assert f"are taken as {output}" in caplog.text
    caplog.clear()
    said = load_classifier(Own().eval(), preprocessing=INPUT)
    assert (said.output, caplog.text) == ("softmax", "")


# -- what is not changed ---------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("method", ["efficient-pda", "grad-cam", "saliency", "lrp-epsilon"])
def test_nothing_of_the_network_is_changed(training: bool, method: str) -> None:
    network = Own().train(training)
    network.conv.weight.requires_grad_(False)
    seen: list[int] = []
    handle = network.head.register_forward_hook(lambda *_: seen.append(1))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    versions = {name: tensor._version for name, tensor in network.state_dict().items()}
    asks = {name: one.requires_grad for name, one in network.named_parameters()}
    hooks = dict(network.head._forward_hooks)
    parts = [id(part) for part in network.modules()]
    strides = [one.stride() for one in network.parameters()]
    random = torch.get_rng_state()
    found = explain(IMAGE, network, method, preprocessing=INPUT)
    assert torch.equal(random, torch.get_rng_state()), "a program goes on with its random numbers"
    assert np.isfinite(found.evidence).all()
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert versions == {name: tensor._version for name, tensor in after.items()}
    assert asks == {name: one.requires_grad for name, one in network.named_parameters()}
    assert all(one.grad is None for one in network.parameters())
    assert hooks == dict(network.head._forward_hooks)
    assert parts == [id(part) for part in network.modules()]
    assert strides == [one.stride() for one in network.parameters()]
    assert all(part.training is training for part in network.modules())
    handle.remove()
    loss = network.train()(torch.rand(2, 3, 16, 16)).sum()
    loss.backward()  # it goes on learning


@pytest.mark.filterwarnings("ignore")  # that quantisation has moved to another library
def test_quantised_layers_are_run_as_they_are() -> None:
    network = Own().eval()
    quantised = torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
    found = explain(IMAGE, quantised, preprocessing=INPUT, **CELLS)
    plain = explain(IMAGE, network, preprocessing=INPUT, **CELLS)
    assert found.fingerprint != plain.fingerprint
    strongest = np.abs(plain.evidence).max()
    assert 0 < np.abs(found.evidence - plain.evidence).max() < 0.1 * strongest
    with pytest.raises(UsageError, match="has none: choose a method that only runs the network"):
        explain(IMAGE, quantised, "saliency", preprocessing=INPUT)
    other = Own().eval()
    with torch.no_grad():
        other.head.weight.mul_(1.5)
    other = torch.ao.quantization.quantize_dynamic(other, {nn.Linear}, dtype=torch.qint8)
    assert explain(IMAGE, other, preprocessing=INPUT, **CELLS).fingerprint != found.fingerprint


ANY = (
    "nan", "-inf", "1e400", "-1", "0", "1.5", "true", '"x"', '""', "[]", "[1]", "[1, 2]", "[nan]",
    '["a"]', "[[1]]", "{a = 1}", "1979-05-27", "[0.5, 0.5, 0.5]", "[0, 0, 0]", "[1, -1]", "224",
    "99999999999999999999", '"logits"', "[0, 224]", '"bgr"', '["a", "a"]', '"\\u0000"', "1 2",
)  # fmt: skip
"""Values as a TOML file may hold them, sensible or not."""


def test_any_answers_are_taken_or_are_one_sentence(tmp_path: Path) -> None:
    path, again, taken = tmp_path / "answers.toml", tmp_path / "again.toml", 0
    for key in (*ClassifierSpec.model_fields, "inputsize"):
        for value in ANY:
            path.write_text(f"{key} = {value}\n")
            try:
                spec = read_spec(path)
            except PdaStudioError as error:
                said = str(error)
                assert "\n" not in said, (key, value)
                assert "tuple" not in said.lower(), (key, value)
                assert len(said) < 250, (key, value)
                continue
            taken += 1
            write_spec(spec, again)
            assert read_spec(again) == spec
    assert taken > 20


def test_half_and_double_precision_are_computed_in_single(caplog) -> None:
    single = explain(IMAGE, Own().eval(), preprocessing=INPUT, **CELLS)
    for change in ("double", "bfloat16", "half"):
        network = getattr(Own().eval(), change)()
        kept = {name: tensor.dtype for name, tensor in network.state_dict().items()}
        found = explain(IMAGE, network, preprocessing=INPUT, **CELLS)
        strongest = np.abs(single.evidence).max()
        np.testing.assert_allclose(found.evidence, single.evidence, atol=0.05 * strongest)
        assert kept == {name: tensor.dtype for name, tensor in network.state_dict().items()}


# -- several outputs -------------------------------------------------------------------------------


@dataclass
class Answer:
    logits: torch.Tensor
    features: torch.Tensor


@pytest.mark.parametrize(
    ("answer", "select"),
    [
        (lambda z: (z, 0 * z), 0),
        (lambda z: [0 * z, z], "1"),
        (lambda z: {"aux": 0 * z, "main": z}, "main"),
        (lambda z: OrderedDict(logits=z, aux=0 * z), None),
        (lambda z: Answer(z, z[:, :, None, None].expand(-1, -1, 4, 4)), None),
        (lambda z: {"heads": (0 * z, {"a": z})}, "heads.1.a"),
        (lambda z: (z,), None),
        (lambda z: z[:, :, None, None], None),
        (lambda z: (z[:, 0], z), 1),
    ],
)
def test_one_of_several_outputs(answer, select) -> None:
    wanted = explain(IMAGE, Own().eval(), preprocessing=INPUT, target=1, **CELLS)
    for forward in ("full", "incremental"):
        found = explain(
            *(IMAGE, Own(answer).eval()), preprocessing=INPUT, select=select, target=1,
            **{**CELLS, "forward": forward, "precision": "float32"},
        )  # fmt: skip
        np.testing.assert_allclose(found.evidence, wanted.evidence, atol=2e-5)
        assert forward in found.forward


@pytest.mark.parametrize(
    ("answer", "select", "words"),
    [
        (lambda z: (z, z), None, r"several outputs \(0, 1\): say which one is meant"),
        (lambda z: {"a": z}, "b", "has no output “b”: choose one of a"),
        (lambda z: z[:, None], None, r"the shape \(1, 1, 3\)"),
        (lambda z: z.argmax(1), None, "whole numbers"),
        (lambda z: "cat", None, "answers with no tensor"),
    ],
)
def test_what_is_no_output_is_refused(answer, select, words: str) -> None:
    with pytest.raises(PdaStudioError, match=words):
        load_classifier(Own(answer).eval(), preprocessing=INPUT, select=select)


# -- preprocessing ---------------------------------------------------------------------------------


def test_preprocessing_of_every_usual_kind_is_the_same() -> None:
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    compose = transforms.Compose(
        [transforms.Resize(20), transforms.CenterCrop(16), transforms.ToTensor(),
         transforms.Normalize(mean, std)]
    )  # fmt: skip
    given = [
        compose,
        {"input_size": 16, "resize": 20, "mean": mean, "std": std},
        {"input_size": (3, 16, 16), "crop_pct": 0.8, "mean": mean, "std": std},
        {"input_size": 16, "resize": 20, "mean": tuple(255 * m for m in mean),
         "std": tuple(255 * s for s in std), "value_range": (0, 255)},
    ]  # fmt: skip
    made = [load_classifier(Own().eval(), preprocessing=one).preprocessing for one in given]
    made.append(load_classifier(Own().eval(), preprocessing=made[0]).preprocessing)
    for one in made:
        assert (one.size, one.resize) == ((16, 16), 20)
        np.testing.assert_allclose((*one.mean, *one.std), (*mean, *std), rtol=1e-12)
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (31, 47, 3), np.uint8)
    wanted = compose(Image.fromarray(picture))
    found = made[0].normalise(made[0].pixels(made[0].view(picture)))
    torch.testing.assert_close(found, wanted)


def test_preprocessing_that_cannot_be_followed_is_refused() -> None:
    steps = transforms.Compose([transforms.RandomRotation(3), transforms.ToTensor()])
    with pytest.raises(UsageError, match="RandomRotation"):
        load_classifier(Own().eval(), preprocessing=steps)
    with pytest.raises(UsageError, match=r"The std must be above 0"):
        load_classifier(Own().eval(), preprocessing={"input_size": 16, "std": (0.0,)})
    with pytest.raises(UsageError, match="There is no answer “sise”"):
        load_classifier(Own().eval(), preprocessing={"sise": 16, "input_size": 16})


def test_what_is_guessed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(2 * 24 * 24, 3)).eval()
    with caplog.at_level(logging.WARNING):
        found = load_classifier(network)
    assert (found.input_size, found.preprocessing.channels) == ((28, 28), 1)
    assert "an input of 28 × 28 pixels and values from 0 to 1" in caplog.text
    with pytest.raises(PdaStudioError, match="give its input_size and channels"):
        load_classifier(nn.Sequential(nn.Flatten(), nn.Linear(7, 2)).eval())
    five = nn.Sequential(nn.Conv2d(5, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    assert load_classifier(five).preprocessing.channels == 5


def test_class_names_fit() -> None:
    found = load_classifier(Own().eval(), preprocessing=INPUT, class_names=["a", "b", "c"])
    assert found.class_names == ("a", "b", "c")
    with pytest.raises(UsageError, match="has 3 outputs, but 2 class names"):
        load_classifier(Own().eval(), preprocessing=INPUT, class_names=["a", "b"])


def test_another_normalisation_is_another_classifier() -> None:
    """Else a cache would take the map of one for the other's."""
    prints = {
        load_classifier(Own().eval(), preprocessing={**INPUT, **more}, output=output).fingerprint
        for more in ({}, {"std": (0.5,)}, {"value_range": (0.0, 255.0)}, {"resize": 20})
        for output in ("logits", "sigmoid-logits")
    }
    assert len(prints) == 8


# -- misbehaviour ----------------------------------------------------------------------------------


def told(network: nn.Module, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.WARNING):
        explain(IMAGE, network, preprocessing=INPUT, **CELLS, batch=4)
    return caplog.text


def test_a_network_that_minds_its_neighbours_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert "another beside it" in told(Own(lambda z: z - z.mean(0) / 2).eval(), caplog)


def test_a_network_that_always_says_the_same_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert "answers with the same" in told(Own(lambda z: z * 0 + 1).eval(), caplog)


def test_a_network_that_takes_one_image_alone_gets_one(caplog: pytest.LogCaptureFixture) -> None:
    wanted = explain(IMAGE, Own().eval(), preprocessing=INPUT, **CELLS)
    found = explain(IMAGE, Own(lambda z: z.reshape(1, 3)).eval(), preprocessing=INPUT, **CELLS)
    np.testing.assert_allclose(found.evidence, wanted.evidence, atol=2e-5)
    assert "takes one image at a time" in caplog.text


def test_outputs_that_are_not_finite_are_refused() -> None:
    with pytest.raises(PdaStudioError, match="not finite"):
        explain(IMAGE, Own(lambda z: z / 0).eval(), preprocessing=INPUT, **CELLS)


# -- maps draw themselves --------------------------------------------------------------------------


def test_maps_draw_themselves() -> None:
    import io

    from matplotlib.figure import Figure
    from PIL import Image

    found = explain(IMAGE, Own().eval(), preprocessing=INPUT, class_names="abc", **CELLS)
    for style in ("overlay", "map"):
        figure = Figure()
        axes = figure.add_subplot()
        assert found.plot(ax=axes, style=style) is axes
        (shown,) = axes.get_images()
        assert shown.get_array().shape == (16, 16, 3)
        assert axes.get_title() == found.target_name
        bar = figure.axes[1]
        assert bar.get_ylabel() == "bits"
        assert bar.get_ylim() == pytest.approx((-found.limit, found.limit))
    with pytest.raises(UsageError, match="no style “x”"):
        found.plot(ax=Figure().add_subplot(), style="x")
    with Image.open(io.BytesIO(found._repr_png_())) as png:
        assert png.format == "PNG"
        assert np.asarray(png.convert("RGB")).std() > 10


def test_another_input_size_has_no_crop_of_the_networks_own() -> None:
    """timm's networks say the size and share of the image that they were trained with."""
    network = Own().eval()
    network.pretrained_cfg = {"input_size": (3, 24, 24), "crop_pct": 0.75, "std": (0.3,) * 3}
    own = load_classifier(network).preprocessing
    assert (own.size, own.resize, own.std) == ((24, 24), 32, (0.3,) * 3)
    other = load_classifier(network, preprocessing={"input_size": 16}).preprocessing
    assert (other.size, other.resize, other.std) == ((16, 16), 16, (0.3,) * 3)


# -- order of channels -----------------------------------------------------------------------------


BGR = {"input_size": 16, "mean": (0.3, 0.5, 0.6), "std": (0.2, 0.25, 0.4), "channel_order": "BGR"}


class Flipped(nn.Module):
    """Takes RGB as it is in the image, and gives the network what BGR is by hand."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(BGR["mean"])[:, None, None])
        self.register_buffer("std", torch.tensor(BGR["std"])[:, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network((x[:, [2, 1, 0]] - self.mean) / self.std)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("occlusion", CELLS),
        ("occlusion", {**CELLS, "forward": "incremental"}),
        ("efficient-pda", {"window": 4, "stride": 4, "forward": "levelled"}),
        ("saliency", {}),
    ],
)
def test_a_network_of_bgr_gets_blue_first_and_maps_stay_the_images(
    method: str, said: dict[str, object]
) -> None:
    network = Own().eval()
    loaded = load_classifier(network, preprocessing=BGR)
    by_hand = torch.from_numpy(IMAGE[..., ::-1].astype(np.float64)).permute(2, 0, 1) / 255
    by_hand = (by_hand - torch.tensor(BGR["mean"])[:, None, None]) / torch.tensor(BGR["std"])[
        :, None, None
    ]
    prepared = loaded.prepare(loaded.preprocessing.pixels(loaded.preprocessing.view(IMAGE))[None])
    with torch.no_grad():
        wanted = network(by_hand[None].float())
    torch.testing.assert_close(loaded.logits(prepared), wanted, rtol=0, atol=1e-6)
    back = loaded.preprocessing.denormalise(prepared)[0].permute(1, 2, 0)
    np.testing.assert_allclose(255 * back.numpy(), IMAGE, atol=1e-3)
    plain = load_classifier(Flipped(network), preprocessing={"input_size": 16})
    found, same = (
        explain(IMAGE, one, method, target=0, **said).evidence for one in (loaded, plain)
    )
    strongest = np.abs(same).max()
    assert strongest > 1e-3
    np.testing.assert_allclose(found, same, rtol=0, atol=1e-6 * max(1, strongest))
    assert loaded.fingerprint != load_classifier(network, preprocessing=INPUT).fingerprint


def test_an_order_is_of_three_channels(tmp_path: Path) -> None:
    for wrong, words in (
        ({"channel_order": "GBR"}, "channel_order"),
        ({"channel_order": "BGR", "channels": 1}, "BGR is an order of three channels"),
        ({"channel_order": "BGR", "mean": (0.1,) * 4}, "BGR is an order of three channels"),
    ):
        with pytest.raises(UsageError, match=words):
            ClassifierSpec.of(**wrong)
    with pytest.raises(UsageError, match="BGR is an order of three channels"):
        load_classifier(Own(channels=1), preprocessing={"input_size": 16, "channel_order": "BGR"})
    said = ClassifierSpec.of(channel_order="bgr")
    write_spec(said, tmp_path / "a.toml")
    assert read_spec(tmp_path / "a.toml") == said
    assert 'channel_order = "BGR"' in (tmp_path / "a.toml").read_text()
    assert "channel_order" not in said.with_answers(ClassifierSpec.of(channels=1)).said()
    plain = load_classifier(Own(), preprocessing={"input_size": 16, "channel_order": "RGB"})
    without = load_classifier(Own(), preprocessing={"input_size": 16})
    assert plain.fingerprint == without.fingerprint
    assert "channel_order" not in plain.about, "fingerprints are those of earlier versions"
