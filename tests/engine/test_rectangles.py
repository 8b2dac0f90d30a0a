"""Model inputs that are no squares, crops, and whole images at full resolution."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pda_studio import explain, load_classifier
from pda_studio.classifiers import Preprocessing
from pda_studio.classifiers.sizes import activation_bytes, size_note
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.images.fit import CropBox
from pda_studio.methods import METHODS
from pda_studio.store import load_map, save_map

HEIGHT, WIDTH = 20, 32
SPEC = {"input_size": (HEIGHT, WIDTH), "mean": (0.4,) * 3, "std": (0.3,) * 3}


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def rectangular():
    return load_classifier(small(), preprocessing=SPEC)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize("forward", ["full", "incremental", "levelled"])
def test_windows_of_a_rectangle_are_those_of_a_plain_loop(rectangular, image, forward) -> None:
    window, stride = 5, 3
    found = explain(
        image, rectangular, "occlusion", target=1, window=window, stride=stride, forward=forward,
        difference="probability", precision="float32",
        **({"tolerance": 0.0} if forward == "levelled" else {}),
    )  # fmt: skip
    network, mean, std = small(), 0.4, 0.3
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255

    def probability(values: torch.Tensor) -> float:
        with torch.no_grad():
            return float(network((values - mean) / std).softmax(1)[0, 1])

    tops = sorted({*range(0, HEIGHT - window + 1, stride), HEIGHT - window})
    lefts = sorted({*range(0, WIDTH - window + 1, stride), WIDTH - window})
    sums, counts = np.zeros((HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH))
    whole = probability(pixels)
    for top in tops:
        for left in lefts:
            removed = pixels.clone()
            removed[..., top : top + window, left : left + window] = 0.5
            sums[top : top + window, left : left + window] += whole - probability(removed)
            counts[top : top + window, left : left + window] += 1
    wanted = sums / counts
    np.testing.assert_allclose(found.evidence, wanted, atol=2e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_takes_a_rectangle_or_says_why_not(rectangular, image, method) -> None:
    kind = METHODS[method]
    few = {"samples": 2, "masks": 20, "steps": 3, "iterations": 3, "stride": 2, "epochs": 1}
    fields = {name: value for name, value in few.items() if name in kind.model_fields}
    if method in ("attention-rollout", "attn-lrp", "patch-pda"):
        with pytest.raises(UsageError, match=r"attention|cut its input"):
            explain(image, rectangular, method, **fields)
        return
    found = explain(image, rectangular, method, **fields)
    if hasattr(found, "evidence"):
        assert found.evidence.shape == (HEIGHT, WIDTH)
        assert np.isfinite(found.evidence).all()
    assert found.view.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("size", [(60, 40), (40, 200), (20, 32)])
def test_frames_of_rectangles(fit: str, size: tuple[int, int]) -> None:
    height, width = size
    values = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2 - 2, width // 2 - 2
    values[top : top + 4, left : left + 4] = 255
    made = Preprocessing(resize=20, size=(20, 32), mean=(0.0,) * 3, std=(1.0,) * 3, fit=fit)
    view = made.view(values)[..., 0].astype(float)
    assert view.shape == (20, 32)
    rows, columns = np.mgrid[:20, :32] + 0.5
    centre = (columns * view).sum() / view.sum(), (rows * view).sum() / view.sum()
    assert centre == pytest.approx(made.frame(width, height).to_input(left + 2, top + 2), abs=0.6)


def test_a_crop_is_what_pillow_makes_of_the_box(rectangular) -> None:
    values = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    cropped = rectangular.with_fit(None, (10, 20, 64, 40))
    box = (10, 20, 74, 60)
    wanted = Image.fromarray(values).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=box)
    np.testing.assert_array_equal(cropped.preprocessing.view(values), np.asarray(wanted))
    frame = cropped.preprocessing.frame(120, 90)
    assert frame.to_image(0, 0) == (10, 20)
    assert frame.to_image(WIDTH, HEIGHT) == (74, 60)
    assert cropped.fingerprint == rectangular.fingerprint
    assert cropped.with_fit("crop").preprocessing == rectangular.preprocessing
    for box, said in (((10, 20, 64, 64), "aspect"), ((70, 20, 64, 40), "within the image")):
        with pytest.raises(UsageError, match=said):
            rectangular.with_fit("crop", box).preprocessing.view(values)
    with pytest.raises(UsageError, match="leave either out"):
        rectangular.with_fit("pad", (0, 0, 64, 40))


def test_full_resolution_is_found_by_trying(rectangular, tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 256, (37, 53, 3), np.uint8)
    full = rectangular.with_fit("full")
    found = explain(values, full, "occlusion", window=6, stride=5, forward="full")
    np.testing.assert_array_equal(found.view, values)
    assert found.evidence.shape == (37, 53)
    assert "full resolution" in found.how
    assert "53 × 37 pixels" in size_note(full.taking((37, 53)))
    save_map(found, tmp_path / "a.npz")
    assert load_map(tmp_path / "a.npz").fit == "full"
    incremental = explain(values, full, "occlusion", window=6, stride=5, forward="incremental")
    largest = np.abs(found.evidence).max()
    np.testing.assert_allclose(incremental.evidence, found.evidence, atol=1e-3 * largest)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * HEIGHT * WIDTH, 2)).eval()
    with pytest.raises(UsageError, match="alone, no image at full"):
        load_classifier(flat, preprocessing=SPEC).with_fit("full")


class Kept(nn.Module):
    """Two convolutions; what went into them may be held until they are done."""

    def __init__(self, held: bool) -> None:
        super().__init__()
        layers = [nn.Conv2d(width, 8, 3, padding=1, bias=False) for width in (3, 8, 8)]
        self.first, self.second, self.third = layers
        self.held = held

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        kept = x if self.held else None
        x = self.second(x)
        x = self.third(x)
        return (x if kept is None else x.add_(kept)).mean((2, 3))


def test_what_a_network_holds_counts_as_memory() -> None:
    plain, held = (
        activation_bytes(load_classifier(Kept(one).eval(), preprocessing=SPEC))
        for one in (False, True)
    )
    result = 8 * HEIGHT * WIDTH * 4
    assert held - plain == result
    assert 2 * result < plain < 2 * result + 4 * 3 * HEIGHT * WIDTH * 4


class Halved(nn.Module):
    """Takes sides that are multiples of four alone."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = small()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        return self.inner(x.reshape(n, c, h // 4, 4, w // 4, 4).mean((3, 5)))


def test_full_resolution_is_cut_to_what_the_network_needs() -> None:
    classifier = load_classifier(Halved().eval(), preprocessing=SPEC).with_fit("full")
    values = np.random.default_rng(2).integers(0, 256, (43, 54, 3), np.uint8)
    np.testing.assert_array_equal(classifier.preprocessing.view(values), values[1:41, 1:53])
    assert classifier.predict(classifier.preprocessing.view(values)).shape == (3,)


def test_command_line_and_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (60, 50, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    words = ["explain", str(tmp_path / "a.png"), "--method", "saliency"]
    words += ["--output", str(tmp_path / "a.npz")]
    assert main([*words, "--crop", "5,10,40,40"]) == 0
    found = load_map(tmp_path / "a.npz")
    assert (found.fit, found.crop) == ("crop", CropBox(5, 10, 40, 40))
    assert "crop of 40 × 40 at (5, 10)" in found.how
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        told = json.loads(str(arrays["metadata"]))
    assert (told["fit"], told["crop"]) == ("crop", [5, 10, 40, 40])
    wanted = load_classifier("digits").with_fit("crop", (5, 10, 40, 40)).preprocessing.view(values)
    np.testing.assert_array_equal(found.view, wanted)
    for more, said in (
        (["--crop", "5,10,40"], "--crop takes"),
        (["--crop", "5,10,40,30"], "aspect"),
        (["--fit", "full"], "28 × 28"),
    ):
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err
    assert main(["bias-shares", str(tmp_path / "a.png"), "--crop", "5,10,40,40"]) == 0
