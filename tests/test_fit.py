"""From the image to the model input: its middle, or all of it, stretched or padded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pda_studio import explain, load_classifier
from pda_studio.classifiers import Preprocessing
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.cli import main
from pda_studio.document.saved import load_state, save_state
from pda_studio.document.state import State
from pda_studio.document.workspace import ClassifierChoice, SourceImage, Workspace
from pda_studio.images import DisplayLimits
from pda_studio.images import Image as OpenedImage
from pda_studio.images.fit import CropBox

PLAIN = Preprocessing(resize=36, size=32, mean=(0.5,) * 3, std=(1.0,) * 3)
SIZES = [(40, 100), (100, 40), (64, 64), (4, 400), (33, 31)]


def fitted(fit: str) -> Preprocessing:
    return PLAIN.model_copy(update={"fit": fit})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_a_place_of_the_image_lies_where_the_frame_says(fit: str, size: tuple[int, int]) -> None:
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    side = max(1, min(size) // 10)
    image[top : top + side, left : left + side] = 255
    view = fitted(fit).view(image).astype(float)[..., 0]
    assert view.shape == (32, 32)
    weights = view / view.sum()
    rows, columns = np.mgrid[:32, :32] + 0.5
    centre = (weights * columns).sum(), (weights * rows).sum()
    frame = fitted(fit).frame(width, height)
    middle = left + side / 2, top + side / 2
    assert centre == pytest.approx(frame.to_input(*middle), abs=0.6)
    assert frame.to_image(*frame.to_input(3, 5)) == pytest.approx((3, 5))


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_image_is_there(size: tuple[int, int]) -> None:
    height, width = size
    image = np.random.default_rng(0).integers(50, 256, (height, width, 3), np.uint8)
    stretched = fitted("stretch").view(image)
    bilinear = Image.Resampling.BILINEAR
    np.testing.assert_array_equal(stretched, Image.fromarray(image).resize((32, 32), bilinear))
    padded = fitted("pad").view(image)
    longer = max(size)
    inner = max(1, round(32 * width / longer)), max(1, round(32 * height / longer))
    whole = np.asarray(Image.fromarray(image).resize(inner, bilinear))
    rows, columns = padded.any((1, 2)), padded.any((0, 2))
    np.testing.assert_array_equal(padded[np.ix_(rows, columns)], whole)
    assert abs(rows.argmax() - rows[::-1].argmax()) <= 1, "in the middle"
    assert abs(columns.argmax() - columns[::-1].argmax()) <= 1


def test_deep_images_are_padded_with_black() -> None:
    values = np.full((20, 40, 1), 3000, np.uint16)
    view = fitted("pad").view(OpenedImage(values, DisplayLimits(1000, 4000)))
    assert view[0, 0, 0] == 0
    assert view[16, 16, 0] == pytest.approx(2 / 3)


def test_another_fit_is_another_classifier_with_the_same_network() -> None:
    classifier = load_classifier("digits")
    padded = classifier.with_fit("pad")
    assert padded.network is classifier.network
    assert padded.fingerprint != classifier.fingerprint
    assert padded.with_fit("crop").fingerprint == classifier.fingerprint
    assert classifier.with_fit("crop") is classifier
    said = ClassifierSpec.of(fit="stretch", input_size=28).preprocessing(28, 1)
    assert said.fit == "stretch"
    assert ClassifierSpec.of_preprocessing(said).fit == "stretch"


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 28, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    words = ["explain", str(tmp_path / "a.png"), "--output", str(tmp_path / "a.npz")]
    assert main([*words, "--method", "saliency", "--fit", "pad"]) == 0
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        found = arrays["image"]
    wanted = explain(image, load_classifier("digits").with_fit("pad"), "saliency").view
    np.testing.assert_array_equal(found, wanted)
    assert not found[:, 0].any()
    assert main([*words, "--fit", "squeeze"]) == 2
    assert "squeeze" in capsys.readouterr().err


def test_saved_work_keeps_it(tmp_path: Path) -> None:
    image = SourceImage.of("a", np.zeros((8, 8, 3), np.uint8))
    choice = ClassifierChoice("digits", None, "crop", CropBox(0, 1, 4, 4))
    work = replace(Workspace(), image=image, classifier=choice)
    save_state(State(work), tmp_path / "a.pdastudio")
    assert load_state(tmp_path / "a.pdastudio").work.classifier == choice
