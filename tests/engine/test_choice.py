"""Auto: what is taken, what is remembered, and what is done where memory is short."""

import json

import numpy as np
import pytest
import torch

from pda_studio import explain
from pda_studio.attribution import prediction_difference
from pda_studio.classifiers import Classifier
from pda_studio.errors import PdaStudioError
from pda_studio.pda.forward import choice
from pda_studio.pda.forward.devices import SharedForward, on_device
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.incremental import IncrementalForward
from pda_studio.pda.forward.memory import measured_once
from pda_studio.pda.windows import WindowGrid


@pytest.fixture
def three() -> np.ndarray:
    image = np.zeros((28, 28, 3), dtype=np.uint8)
    image[6:22, 13:16] = 255
    return image


@pytest.mark.parametrize(
    ("speeds", "wanted"),
    [
        (choice.Speeds(1.0, 2.0, 3.0), "full"),
        (choice.Speeds(3.0, 1.0, 2.0), "incremental, float32"),
        (choice.Speeds(3.0, 2.0, 1.0), "incremental, bfloat16-delta"),
        (choice.Speeds(3.0, 2.0, 1.9), "incremental, float32"),  # no faster, but for chance
        (choice.Speeds(1.1, 2.0, 1.0), "full"),
    ],
)
def test_auto_takes_the_fastest(digits: Classifier, three, monkeypatch, speeds, wanted) -> None:
    monkeypatch.setattr(choice, "_measured", lambda *_: speeds)
    assert explain(three, digits, stride=4).forward == wanted


@pytest.mark.parametrize(("bfloat16", "wanted"), [(0.5, "bfloat16-delta"), (0.95, "float32")])
def test_linearised_takes_bfloat16_where_it_is_faster(
    digits: Classifier, three, monkeypatch, bfloat16: float, wanted: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(choice, "_multiplied", lambda: choice.Multiplying(1.0, bfloat16))
    found = explain(three, digits, stride=4, forward="linearised", at="conv2")
    assert found.forward.endswith(wanted)


def test_auto_takes_bfloat16_only_where_it_is_exact_enough(digits, three, monkeypatch) -> None:
    speeds = choice.Speeds(3.0, 2.0, 1.0)
    monkeypatch.setattr(choice, "_measured", lambda *_: speeds)
    monkeypatch.setattr(choice, "LARGEST_ERROR", 1e-6)
    assert explain(three, digits, stride=4).forward == "incremental, float32"
    rough = explain(three, digits, stride=4, precision="bfloat16-delta", forward="incremental")
    assert rough.forward == "incremental, bfloat16-delta"  # who asks for it gets it


def test_bfloat16_differences_lose_less_than_2_percent(squeezenet: Classifier, image) -> None:
    image = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    options = {"window": 16, "outer": 24, "stride": 16, "forward": "incremental"}
    exact = explain(image, squeezenet, precision="float32", **options).evidence
    rough = explain(image, squeezenet, precision="bfloat16-delta", **options).evidence
    error = np.sqrt(np.mean((rough - exact) ** 2) / np.mean(exact**2))
    assert 1e-5 < error < 0.02


def test_a_probe_is_remembered(digits: Classifier, three, cache_folder, monkeypatch) -> None:
    explain(three, digits, stride=4)
    (measured,) = json.loads((cache_folder.parent / "speeds.json").read_text()).values()
    assert set(measured) == {"full", "float32", "bfloat16"}
    monkeypatch.setattr(choice, "_measured", lambda *_: pytest.fail("measured again"))
    explain(three, digits, stride=4)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "text"}', '{"key": {"a": 1}}'])
def test_a_damaged_memory_is_measured_anew(cache_folder, content: str) -> None:
    cache_folder.parent.mkdir(parents=True, exist_ok=True)
    (cache_folder.parent / "things.json").write_text(content)
    measured = choice.Speeds(1.0, 2.0, 3.0)
    assert measured_once("things", "key", choice.Speeds, lambda: measured) == measured
    kept = json.loads((cache_folder.parent / "things.json").read_text())
    assert kept["key"]["full"] == 1.0


class Short:
    """Has memory for a few images at a time only."""

    def __init__(self, forward: FullForward, most: int) -> None:
        self._forward, self._most = forward, most
        self.refused = 0

    def __getattr__(self, name: str):
        return getattr(self._forward, name)

    def __call__(self, corners, infills):
        if infills.shape[0] * infills.shape[1] > self._most:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self._forward(corners, infills)


@pytest.mark.parametrize("method", ["efficient-pda", "original-pda"])
def test_short_memory_loses_no_window(digits, three, monkeypatch, method: str) -> None:
    options = {"stride": 3, "forward": "full"}
    options |= {"samples": 5} if method == "original-pda" else {}
    wanted = explain(three, digits, method, **options)
    made = []

    def short(most):
        def making(*arguments):
            forward, classes = yield from original(*arguments)
            made.append(Short(forward, most))
            return made[-1], classes

        return making

    original = prediction_difference.make_forward
    monkeypatch.setattr(prediction_difference, "make_forward", short(3))
    got = explain(three, digits, method, **options)
    assert 1 <= made[0].refused <= 10  # what is too much is not tried again
    np.testing.assert_allclose(got.evidence, wanted.evidence, atol=1e-5)
    monkeypatch.setattr(prediction_difference, "make_forward", short(0))
    with pytest.raises(PdaStudioError, match="too little memory"):
        explain(three, digits, method, **options)


@pytest.mark.parametrize("kind", [FullForward, IncrementalForward])
def test_devices_share_the_windows(digits: Classifier, three, kind) -> None:
    pixels = digits.preprocessing.pixels(digits.preprocessing.view(three))
    classes = np.arange(10)
    copies = [
        digits,
        on_device(digits, torch.device("cpu")),
        on_device(digits, torch.device("cpu")),
    ]
    alone = kind(digits, pixels, classes)
    shared = SharedForward([kind(copy, pixels, classes) for copy in copies])
    grid = WindowGrid(28, 28, 4, 2)
    seen = np.concatenate(list(shared.batches(grid, 1)))
    assert sorted(seen.tolist()) == list(range(len(grid)))
    corners = grid.corners[:37]
    infills = torch.rand(37, 2, 1, 4, 4)
    np.testing.assert_allclose(
        shared(corners, infills).logit, alone(corners, infills).logit, atol=1e-5
    )
    assert shared.description.endswith("3 devices")
    assert copies[1].network is not digits.network
