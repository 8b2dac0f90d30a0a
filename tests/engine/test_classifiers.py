"""Preprocessing against torchvision, the catalogue, and asking for classes."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from reference import preprocess
from safetensors.torch import save_file
from torchvision.transforms import InterpolationMode

from pda_studio.classifiers import (
    Classifier,
    Preprocessing,
    catalogue,
    classifier_names,
    load_classifier,
)
from pda_studio.classifiers.index import names_of_torchvision
from pda_studio.errors import PdaStudioError, UsageError

BILINEAR, BICUBIC = InterpolationMode.BILINEAR, InterpolationMode.BICUBIC


def preset(resize: int, size: int, interpolation: str = "bilinear") -> Preprocessing:
    return Preprocessing(
        resize=resize, size=size, mean=(0, 0, 0), std=(1, 1, 1), interpolation=interpolation
    )


def images(data_folder: Path) -> list[Path]:
    folders = ("imagenet_samples", "preddiff_samples")
    return [path for folder in folders for path in sorted((data_folder / folder).iterdir())]


def as_stored(path: Path) -> NDArray[np.uint8]:
    """The values of a file whatever its colour profile, as torchvision's own loader takes them."""
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize(
    ("resize", "size", "mode"), [(256, 224, BILINEAR), (320, 300, BICUBIC), (48, 48, BILINEAR)]
)
def test_view_is_bit_for_bit_torchvisions(
    resize: int, size: int, mode: InterpolationMode, data_folder: Path
) -> None:
    paths = images(data_folder)
    assert len(paths) == 48
    preprocessing = preset(resize, size, mode.value)
    for path in paths:
        stored = as_stored(path)
        wanted = preprocess(Image.fromarray(stored), resize, size, mode)
        view = preprocessing.view(stored)
        np.testing.assert_array_equal(view, wanted, err_msg=path.name)
        assert view.flags.c_contiguous


@given(
    st.integers(4, 700),
    st.integers(4, 700),
    st.sampled_from([(256, 224), (28, 28), (33, 32), (40, 21), (300, 300)]),
    st.sampled_from([BILINEAR, BICUBIC]),
)
@settings(max_examples=25, deadline=None)
def test_view_of_odd_sizes_is_torchvisions(
    width: int, height: int, sizes: tuple[int, int], mode: InterpolationMode
) -> None:
    if max(width, height) > 60 * min(width, height):
        height = width  # panoramas: below
    image = np.random.default_rng([width, height]).integers(0, 256, (height, width, 3), np.uint8)
    resize, size = sizes
    view = preset(resize, size, mode.value).view(image)
    np.testing.assert_array_equal(view, preprocess(Image.fromarray(image), resize, size, mode))


@pytest.mark.parametrize(("width", "height"), [(3000, 20), (20, 3000)])
def test_view_of_a_panorama_is_torchvisions_but_for_rounding(width: int, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    view = preset(256, 224).view(image).astype(int)
    difference = np.abs(view - preprocess(Image.fromarray(image), 256, 224))
    assert difference.max() <= 1


def test_panorama_takes_little_memory() -> None:
    """Resized as a whole it would have 256 × 6,400,000 pixels, some 5 GB."""
    image = np.zeros((4, 100_000, 3), np.uint8)
    assert preset(256, 224).view(image).shape == (224, 224, 3)


def test_grey_networks_see_grey() -> None:
    image = np.zeros((28, 28, 3), np.uint8)
    image[..., 0], image[..., 1] = 200, 100
    grey = Preprocessing(resize=28, size=28, mean=(0.5,), std=(0.25,))
    view = grey.view(image)
    luma = round(0.299 * 200 + 0.587 * 100)
    assert np.abs(view.astype(int) - luma).max() <= 1
    pixels = grey.pixels(view)
    assert pixels.shape == (1, 28, 28)
    torch.testing.assert_close(
        grey.normalise(pixels), (torch.from_numpy(view[None, ..., 0].copy()) / 255 - 0.5) / 0.25
    )


@given(st.integers(4, 3000), st.integers(4, 3000), st.floats(0, 224), st.floats(0, 224))
def test_frame_maps_there_and_back(width: int, height: int, x: float, y: float) -> None:
    frame = preset(256, 224).frame(width, height)
    there = frame.to_image(x, y)
    assert frame.to_input(*there) == pytest.approx((x, y), abs=1e-6)
    # The input lies inside the image, up to half a resized pixel.
    assert -0.51 * frame.scale_x <= there[0] <= width + 0.51 * frame.scale_x
    assert -0.51 * frame.scale_y <= there[1] <= height + 0.51 * frame.scale_y


@pytest.mark.parametrize(
    ("width", "height"), [(500, 375), (341, 500), (1024, 300), (97, 135), (225, 224), (224, 900)]
)
def test_frame_finds_a_marked_place(width: int, height: int) -> None:
    preprocessing = preset(256, 224)
    side = max(3, width // 25) | 1
    for across, down in ((0.5, 0.5), (0.42, 0.57), (0.6, 0.45)):
        centre_x, centre_y = int(width * across), int(height * down)
        image = np.zeros((height, width, 3), np.uint8)
        half = side // 2
        image[
            centre_y - half : centre_y + half + 1, centre_x - half : centre_x + half + 1
        ] = 255  # fmt: skip
        view = preprocessing.view(image)[..., 0].astype(float)
        ys, xs = np.indices(view.shape)
        found = ((xs + 0.5) * view).sum() / view.sum(), ((ys + 0.5) * view).sum() / view.sum()
        marked = (centre_x + 0.5, centre_y + 0.5)  # the middle of that pixel
        frame = preprocessing.frame(width, height)
        assert frame.to_input(*marked) == pytest.approx(found, abs=0.05)
        assert frame.to_image(*found) == pytest.approx(marked, abs=0.05 * frame.scale_x + 0.05)


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v2"])
def test_probabilities_are_those_recorded_with_the_weights(
    name: str, squeezenet: Classifier, mobilenet: Classifier, data_folder: Path
) -> None:
    classifier = {"squeezenet1_1": squeezenet, "mobilenet_v2": mobilenet}[name]
    with (data_folder / "imagenet_samples.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 45
    for row in rows:
        image = as_stored(data_folder / "imagenet_samples" / row["file"])
        probabilities = classifier.predict(classifier.preprocessing.view(image))
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)
        true = classifier.class_index(int(row["class_index"]))
        assert classifier.class_names[true].lower() == row["class_name"].lower()
        assert probabilities[true] == pytest.approx(float(row[f"{name}_p_true"]), abs=1e-3)
        top = int(probabilities.argmax())
        assert top == int(row[f"{name}_top1_index"])
        assert probabilities[top] == pytest.approx(float(row[f"{name}_p_top1"]), abs=1e-3)


# -- the catalogue ---------------------------------------------------------------------------------


def test_catalogue_lists_every_classification_network_of_torchvision() -> None:
    names = classifier_names()
    assert names[0] == "digits"
    assert set(names[1:]) == set(torchvision.models.list_models(module=torchvision.models))
    assert names[1:] == names_of_torchvision()  # as the index has them
    entries = {entry.name: entry for entry in catalogue()}
    assert list(entries) == names
    assert entries["inception_v3"].input_size == 299
    assert entries["squeezenet1_1"].parameters == 1_235_496
    assert entries["squeezenet1_1"].classes == 1000


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_untrained_networks_are_always_the_same(name: str) -> None:
    before = torch.random.get_rng_state()
    one, other = (load_classifier(name, weights="random") for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert one.fingerprint == other.fingerprint
    assert len(one.class_names) == 1000
    image = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    probabilities = one.predict(one.preprocessing.view(image))
    assert np.isfinite(probabilities).all()
    assert not one.network.training
    assert not any(p.requires_grad for p in one.network.parameters())


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_auxiliary_heads_take_torchvisions_files(name: str, tmp_path: Path) -> None:
    """Files of these carry heads that play no part; channels were reordered in training."""
    torch.manual_seed(0)
    whole = torchvision.models.get_model(
        name, weights=None, transform_input=True, aux_logits=True, init_weights=False
    ).eval()
    path = tmp_path / "weights.safetensors"
    save_file({k: v.contiguous() for k, v in whole.state_dict().items()}, path)
    classifier = load_classifier(name, path, device="cpu")
    size = classifier.shorter_side
    assert size == (299 if name == "inception_v3" else 224)
    pixels = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    prepared = classifier.prepare(pixels)
    with torch.no_grad():
        wanted = whole(prepared)
    found = classifier.logits(prepared)
    assert found.shape == (1, 1000)
    assert wanted.std() > 1e-3
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


def test_own_number_of_classes_and_names(tmp_path: Path) -> None:
    network = torchvision.models.get_model("squeezenet1_1", weights=None, num_classes=3)
    path = tmp_path / "mine.safetensors"
    save_file(network.state_dict(), path, metadata={"class_names": '["cat", "dog", "cow"]'})
    assert load_classifier("squeezenet1_1", path).class_names == ("cat", "dog", "cow")
    save_file(network.state_dict(), path)
    classifier = load_classifier("squeezenet1_1", path)
    assert classifier.class_names == ("class 0", "class 1", "class 2")
    assert classifier.predict(np.zeros((224, 224, 3), np.uint8)).shape == (3,)


def test_another_networks_weights_are_refused(data_folder: Path) -> None:
    path = data_folder / "weights/squeezenet1_1.safetensors"
    with pytest.raises(PdaStudioError, match="not mobilenet_v2's"):
        load_classifier("mobilenet_v2", path)
    with pytest.raises(UsageError, match="no classifier"):
        load_classifier("squeezenet9")


# -- classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "index"),
    [(92, 92), ("92", 92), ("bee eater", 92), ("Bee Eater", 92), (" bee eater ", 92), (0, 0),
     ("tench", 0), (999, 999)],
)  # fmt: skip
def test_class_by_index_or_name(target: int | str, index: int, squeezenet: Classifier) -> None:
    assert squeezenet.class_index(target) == index


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("bee eatr", "“bee eater”"),
        ("no such thing at all", "knows no class"),
        (1000, "0 to 999"),
        (-1, "0 to 999"),
        ("", "knows no class"),
    ],
)
def test_classes_that_cannot_be_told(target: int | str, words: str, squeezenet: Classifier) -> None:
    with pytest.raises(UsageError, match=words):
        squeezenet.class_index(target)


def test_classes_of_the_same_name_are_asked_for_by_index(digits: Classifier) -> None:
    cranes = replace(digits, class_names=("crane", "tabby", "Crane"))
    with pytest.raises(UsageError, match="“crane”: name one by its index, 0 or 2"):
        cranes.class_index("crane")
    assert cranes.class_index(2) == 2
    assert cranes.class_index("tabby") == 1


def test_classes_of_imagenet_that_share_a_name_are_told_apart(squeezenet: Classifier) -> None:
    with pytest.raises(UsageError, match=r"2 classes are called “cardigan”.* index, 264 or 474"):
        squeezenet.class_index("cardigan")
    imagenets = ("crane", "maillot", "crane", "maillot")  # as the challenge itself names them
    with pytest.raises(UsageError, match=r"2 classes are called “maillot”.* index, 1 or 3"):
        replace(squeezenet, class_names=imagenets).class_index("maillot")


def test_names_that_are_numbers_win_over_indices(
    digits: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    shifted = replace(digits, class_names=("10", "8", "0", "300"))
    assert [shifted.class_index(name) for name in ("10", "300")] == [0, 3]
    assert not caplog.records, "no class has the index 10 or 300"
    assert shifted.class_index("0") == 2
    (told,) = caplog.messages
    assert "“0” is taken as the class of that name, whose index is 2" in told
    assert "write index:0" in told
    assert shifted.class_index("index:0") == shifted.class_index(0) == 0
    assert shifted.class_index("3") == 3, "no class has this name"
    twice = replace(digits, class_names=("0", "7", "0"))
    with pytest.raises(UsageError, match="name one by its index, index:0 or index:2"):
        twice.class_index("0")


@pytest.mark.parametrize("text", ["³", "٣", "1.0", "#3"])
def test_what_only_looks_like_a_number_is_no_index(digits: Classifier, text: str) -> None:
    with pytest.raises(UsageError, match=f"digits knows no class “{text}”"):
        digits.class_index(text)


def test_digits_are_named_as_they_are_numbered(digits: Classifier) -> None:
    assert [digits.class_index(str(i)) for i in range(10)] == list(range(10))


def test_answers_that_are_not_finite_are_refused(digits: Classifier) -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 10), torch.nan)

    with pytest.raises(PdaStudioError, match="not finite"):
        replace(digits, network=Broken()).predict(np.zeros((28, 28, 3), np.uint8))
