"""Activation maximisation: it climbs, holds to its bounds, and its generator makes digits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from pda_studio import explain
from pda_studio.attribution.canvas import Pixels
from pda_studio.classifiers import Classifier, Preprocessing, load_classifier, trust
from pda_studio.classifiers.generator import Generator, load_generator, shipped_generator
from pda_studio.classifiers.own_generator import OwnGenerator, generator_of
from pda_studio.classifiers.scored import scored
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.figures import draw_panel
from pda_studio.methods import method_named
from pda_studio.results import MadeImage, Subject
from pda_studio.store import load_map, save_map
from pda_studio.targets import ContrastTarget, UnitTarget

NAME = "activation-maximisation"
PLAIN = {"l2": 0, "decay": 0, "blur_every": 0}

Digit = Callable[[int], NDArray[np.uint8]]


def logit_of(classifier: Classifier, view: NDArray[np.uint8], target: int) -> float:
    pixels = classifier.preprocessing.pixels(view)[None]
    return float(classifier.logits(classifier.prepare(pixels))[0, target])


def linear(side: int = 4) -> Classifier:
    """Class 0 is a weighted sum of the pixels, so that the best image is known."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(side * side, 2, bias=False))
    with torch.no_grad():
        signs = torch.where(torch.arange(side * side) % 3 == 0, -1.0, 1.0)
        network[1].weight.copy_(torch.stack([signs, -signs]))
    preprocessing = Preprocessing(resize=side, size=side, mean=(0.5,), std=(0.25,))
    return Classifier(
        "toy", network.eval().requires_grad_(False), preprocessing, ("a", "b"),
        torch.device("cpu"), "none",
    )  # fmt: skip


def grey(side: int = 4) -> NDArray[np.uint8]:
    return np.full((side, side, 3), 128, np.uint8)


def test_a_weighted_sum_is_greatest_at_black_and_white() -> None:
    made = explain(grey(), linear(), NAME, **PLAIN, climb=60).image
    assert made is not None
    wanted = np.where(np.arange(16).reshape(4, 4) % 3 == 0, 0, 255)
    np.testing.assert_array_equal(made[..., 0], wanted)


def test_a_step_is_the_papers() -> None:
    # S = Σ w x, so x ← (1 − θ)(x + η u / rms(u)) with u = w − 2 λ x / D.
    classifier = linear()
    values = {**PLAIN, "l2": 3.0, "decay": 0.01, "step_size": 0.07}
    method = method_named(NAME).create(classifier, begin="image", climb=1, **values)
    view = grey()
    view[1, 2] = 200
    (progress,) = method.steps(Subject.of(view, classifier, 0))
    x = (view[..., 0] / 255 - 0.5) / 0.25
    up = np.where(np.arange(16).reshape(4, 4) % 3 == 0, -1.0, 1.0) - 2 * 3.0 * x / 16
    wanted = 0.99 * (x + 0.07 * up / np.sqrt((up**2).mean()))
    made = progress.evidence().image
    assert made is not None
    np.testing.assert_array_equal(made[..., 0], np.rint(255 * (0.25 * wanted + 0.5)))


def test_a_strong_l2_keeps_to_the_mean_colour() -> None:
    weak, strong = (
        explain(grey(), linear(), NAME, climb=200, **{**PLAIN, "l2": value}).image
        for value in (0, 1000)
    )
    assert weak is not None
    assert strong is not None
    assert np.abs(strong - 127.5).max() < 0.3 * np.abs(weak - 127.5).max()


def test_pixels_of_small_norm_or_contribution_are_set_to_the_mean() -> None:
    pixels = Pixels(linear(), clip_norm=50)
    values = torch.linspace(0.1, 1.6, 16).reshape(1, 1, 4, 4)
    kept = pixels.kept_within(values, torch.ones_like(values), 1)
    assert torch.equal(kept.flatten(), torch.where(torch.arange(16) < 8, 0, values.flatten()))
    # By contribution it is x ∘ gradient that counts: here the order is the other way round.
    pixels = Pixels(linear(), clip_contribution=50)
    kept = pixels.kept_within(values, values**-3, 1)
    assert torch.equal(kept.flatten(), torch.where(torch.arange(16) < 8, values.flatten(), 0))


def test_blur_is_gaussian_and_comes_when_it_is_due() -> None:
    pixels = Pixels(linear(21), blur_every=3, blur_width=1.0)
    values = torch.zeros(1, 1, 21, 21)
    values[0, 0, 10, 10] = 1
    assert torch.equal(pixels.kept_within(values, values, 2), values)
    blurred = pixels.kept_within(values, values, 3)[0, 0]
    wanted = np.exp(-((np.arange(21) - 10.0) ** 2) / 2)
    wanted[np.abs(np.arange(21) - 10) > 3] = 0
    wanted /= wanted.sum()
    np.testing.assert_allclose(blurred, np.outer(wanted, wanted), atol=1e-6)


@pytest.mark.parametrize("begin", ["noise", "image"])
def test_small_steps_increase_the_logit_each_time(
    begin: str, digits: Classifier, digit_image: Digit
) -> None:
    subject = Subject.of(digit_image(4), digits, 9)
    method = method_named(NAME).create(digits, begin=begin, climb=12, step_size=0.02, **PLAIN)
    seen = []
    for progress in method.steps(subject):
        shown = progress.evidence()
        assert shown.image is not None
        seen.append(logit_of(digits, shown.image, 9))
        assert shown.complete == (progress.done == 12)
    assert (np.diff(seen) > 0).all()
    told = shown.how.split()
    assert float(told[4]) == pytest.approx(seen[-1], rel=1e-2)


def test_squeezenet_is_convinced(small_squeezenet: Classifier) -> None:
    made = explain(grey(48), small_squeezenet, NAME, "goldfish", climb=40)
    assert made.image is not None
    assert small_squeezenet.predict(made.image)[1] > 0.9
    assert made.how.endswith("100.0 %")
    assert isinstance(made, MadeImage)
    assert not hasattr(made, "evidence")


def test_contrasts_and_hidden_units_are_climbed_too(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(4)
    for classifier in (
        scored(digits, ContrastTarget(4, 9)).classifier,
        scored(digits, UnitTarget("conv2", 5)).classifier,
        scored(digits, UnitTarget("conv2", 5, 7, 7)).classifier,
    ):
        made = explain(image, classifier, NAME, 0, begin="image", climb=20, **PLAIN)
        assert made.image is not None
        assert logit_of(classifier, made.image, 0) > logit_of(classifier, image, 0) + 0.5
    assert made.unit == "activation"
    # What a single unit does not see stays as it is: 5×5 after a pooling by 2 and another 5×5.
    changed = np.argwhere((made.image != image).any(2))
    assert (changed >= 2 * 7 - 6).all()
    assert (changed <= 2 * 7 + 7).all()


@pytest.mark.parametrize("through", ["pixels", "generator"])
def test_the_network_is_left_as_it_was(
    through: str, digits: Classifier, digit_image: Digit
) -> None:
    image = digit_image(2)
    before = digits.predict(image)
    steps = method_named(NAME).create(digits, through=through).steps(Subject.of(image, digits))
    with torch.inference_mode():  # as in a worker
        next(steps)
        assert torch.is_inference_mode_enabled()
    steps.close()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(before, digits.predict(image))
    assert not any(p.requires_grad or p.grad is not None for p in digits.network.parameters())
    assert not any(m._forward_hooks for m in digits.network.modules())


def test_the_same_seed_makes_the_same_image(digits: Classifier, digit_image: Digit) -> None:
    first, again, other = (
        explain(digit_image(1), digits, NAME, climb=3, seed=seed).image for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def saved(made: MadeImage, folder: Path) -> Path:
    save_map(made, folder / "made.npz")
    return folder / "made.npz"


def test_a_saved_map_holds_its_image_and_is_gone_on_from(
    tmp_path: Path, digits: Classifier, digit_image: Digit
) -> None:
    first = explain(digit_image(1), digits, NAME, 8, climb=10)
    path = saved(first, tmp_path)
    loaded = load_map(path)
    np.testing.assert_array_equal(loaded.image, first.image)
    assert first.image is not None
    Image.fromarray(first.image).save(tmp_path / "made.png")
    before = logit_of(digits, first.image, 8)
    for start in (path, tmp_path / "made.png"):
        more = explain(digit_image(1), digits, NAME, 8, climb=10, start=start)
        assert more.how.startswith(f"logit from {before:.3g} to ")
        assert more.image is not None
        assert logit_of(digits, more.image, 8) > before


def test_bad_starts_are_refused(tmp_path: Path, digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(1)
    plain = saved(explain(image, digits, stride=4), tmp_path)
    with pytest.raises(UsageError, match="holds no made image"):
        explain(image, digits, NAME, start=plain)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(plain.read_bytes()[:300])
    with pytest.raises(PdaStudioError, match="no map of PDA Studio"):
        explain(image, digits, NAME, start=broken)
    with pytest.raises(PdaStudioError, match="no map of PDA Studio"):
        explain(image, digits, NAME, start=tmp_path / "missing.npz")


def test_the_generator_makes_digits() -> None:
    digits = load_classifier("digits", device="cpu")
    generator = shipped_generator(digits)
    codes = torch.randn(200, generator.code, generator=torch.Generator().manual_seed(0))
    images = generator(codes)
    assert images.shape == (200, 1, 28, 28)
    assert 0 <= float(images.min()) < 0.01
    assert 0.99 < float(images.max()) <= 1
    assert 0.05 < float(images.mean()) < 0.25  # MNIST's is 0.13
    border = torch.cat([images[..., 0, :], images[..., -1, :]])
    assert float(border.mean()) < 0.01
    found = digits.logits(digits.prepare(images)).argmax(1)
    assert len(found.unique()) == 10


@pytest.mark.parametrize("target", range(10))
def test_through_the_generator_every_digit_is_convincing(
    target: int, digits: Classifier, digit_image: Digit
) -> None:
    made = explain(digit_image(4), digits, NAME, target, through="generator", climb=100)
    assert made.image is not None
    probabilities = digits.predict(made.image)
    assert probabilities.argmax() == target
    assert probabilities[target] > 0.8


def test_the_generator_can_begin_with_the_image(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(4)
    kept = explain(
        image, digits, NAME, through="generator", begin="image", climb=1, step_size=0.001
    )
    assert kept.image is not None
    assert np.sqrt(((kept.image / 255 - image / 255) ** 2).mean()) < 0.15
    assert digits.predict(kept.image).argmax() == 4


def test_generators_come_from_files_of_any_size(
    tmp_path: Path, digits: Classifier, digit_image: Digit
) -> None:
    torch.manual_seed(0)
    made = Generator(code=5, side=3, widths=(4, 6, 2, 2), channels=3)
    path = tmp_path / "generator.safetensors"
    save_file(made.state_dict(), path)
    loaded = load_generator(path)
    assert (loaded.code, loaded.size, loaded.channels) == (5, 24, 3)
    codes = torch.randn(2, 5)
    assert torch.equal(loaded(codes), made(codes))
    with pytest.raises(UsageError, match="makes colour images of 24×24 pixels, but digits"):
        explain(digit_image(1), digits, NAME, through="generator", generator=path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(PdaStudioError, match="holds no generator"):
        load_generator(path)


def test_without_a_generator_it_says_so(small_squeezenet: Classifier) -> None:
    with pytest.raises(UsageError, match="No generator ships for the images that"):
        explain(grey(48), small_squeezenet, NAME, through="generator")


def test_gradients_that_are_not_finite_are_told() -> None:
    classifier = linear()
    wrong = replace(classifier, network=nn.Sequential(nn.Flatten(), Overflowing()))
    subject = Subject.of_view(grey(), wrong, np.array([0.5, 0.5]))
    with pytest.raises(PdaStudioError, match="not finite"):
        next(iter(method_named(NAME).create(None).steps(subject)))


class Overflowing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * 1e30).exp().sum(1, keepdim=True).expand(-1, 2)


def test_a_figure_shows_the_made_image_alone(digits: Classifier, digit_image: Digit) -> None:
    made = explain(digit_image(4), digits, NAME, climb=3)
    other = explain(digit_image(4), digits, stride=4)
    shown = [axes.images[0].get_array() for axes in draw_panel([made]).axes]
    assert len(shown) == 2
    np.testing.assert_array_equal(shown[1], made.image)
    figure = draw_panel([made, other])
    assert len(figure.axes) == 1 + 1 + 3  # the image; the made one; map, overlay and colour bar
    assert made.how in " ".join(text.get_text() for text in figure.texts)


class Deconvolution(nn.Module):
    """A generator as others write them: a code (N, D, 1, 1), images from −1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ConvTranspose2d(6, 4, 7)
        self.second = nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.tanh(3 * self.second(torch.relu(self.first(codes))))


OWN = """
import torch
from torch import nn

class Linear(nn.Module):
    code = 5
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.end = nn.Linear(5, 28 * 28)
    def forward(self, codes):
        return 255 * self.end(codes).sigmoid().view(-1, 1, 28, 28)

def build():
    return Linear()
"""


def test_generators_of_other_architectures(
    tmp_path: Path, digits: Classifier, digit_image: Digit
) -> None:
    torch.manual_seed(0)
    network = Deconvolution().eval()
    scripted, onnx = tmp_path / "g.pt", tmp_path / "g.onnx"
    torch.jit.save(torch.jit.script(network), scripted)
    torch.onnx.export(network, (torch.zeros(1, 6, 1, 1),), onnx, dynamo=False,
                      input_names=["z"], dynamic_axes={"z": {0: "n"}})  # fmt: skip
    made = [generator_of(path, digits) for path in (scripted, onnx)]
    codes = torch.randn(2, 6, 1, 1)
    wanted = ((network(codes) + 1) / 2).mean(1, keepdim=True)
    for one in made:
        assert isinstance(one, OwnGenerator)
        assert one.code == (6, 1, 1)
        assert one(codes).shape == (2, 1, 28, 28)
        smaller = torch.nn.functional.interpolate(one(codes), (14, 14), mode="area")
        assert torch.allclose(smaller, wanted, atol=0.1)
    assert torch.allclose(made[0](codes), made[1](codes), atol=1e-5)
    explained = explain(
        digit_image(1), digits, NAME, 3, through="generator", generator=scripted, climb=5
    )
    assert isinstance(explained, MadeImage)


def test_a_generators_code_is_run_once_it_is_trusted(
    tmp_path: Path, digits: Classifier, digit_image: Digit
) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    values = {"through": "generator", "generator": path, "climb": 3}
    with pytest.raises(trust.NeedsTrust, match="a Python program"):
        explain(digit_image(1), digits, NAME, 3, **values)
    image = tmp_path / "digit.png"
    Image.fromarray(digit_image(1)).save(image)
    words = ["explain", str(image), "--method", NAME, "--through", "generator", "--climb", "1"]
    words += ["--generator", str(path), "--output", str(tmp_path / "made.npz")]
    assert main(words) == 1
    assert main([*words, "--trust"]) == 0
    found = generator_of(path, digits)
    assert found.code == (5,)
    assert 0 <= float(found(torch.randn(3, 5)).min()) <= float(found(torch.randn(3, 5)).max()) <= 1
    assert explain(digit_image(1), digits, NAME, 3, **values).complete
    trust.withdraw(path)


def test_a_network_that_makes_no_images_is_no_generator(tmp_path: Path, digits: Classifier) -> None:
    path = tmp_path / "g.pt"
    torch.jit.save(torch.jit.script(nn.Linear(4, 3)), path)
    with pytest.raises(UsageError, match="makes no images"):
        generator_of(path, digits)
