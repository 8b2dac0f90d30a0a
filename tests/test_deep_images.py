"""Images with more than eight bits: their own values reach the network, and say how they did."""

import json
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch

from pda_studio import explain, load_classifier, read_image
from pda_studio.classifiers import Preprocessing
from pda_studio.cli import main
from pda_studio.document.operations import Flip, Rotate, changed
from pda_studio.document.saved import load_state, save_state
from pda_studio.document.state import State
from pda_studio.document.workspace import SourceImage, Workspace
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import DisplayLimits, Image, shown_pixels

HEIGHT, WIDTH = 60, 90
RGB = Preprocessing(resize=40, size=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
GREY = Preprocessing(resize=40, size=32, mean=(0.3,), std=(0.2,))


def noise(channels: int, top: float, dtype: type = np.uint16) -> np.ndarray:
    random = np.random.default_rng(channels)
    values = random.random((HEIGHT, WIDTH, channels)) * top
    values[0, 0] = top
    return values.astype(dtype)


def written(path: Path, values: np.ndarray, **tags: object) -> Path:
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(values.squeeze()))
    else:
        kind = "rgb" if values.shape[2] == 3 else "minisblack"
        tifffile.imwrite(path, values.squeeze(), photometric=kind, **tags)
    return path


def expected(values: np.ndarray, black: float, white: float, wanted: Preprocessing) -> np.ndarray:
    """The model input in float64, resampled by PyTorch instead of Pillow."""
    scaled = np.clip((values.astype(np.float64) - black) / (white - black), 0, 1)
    channels = torch.from_numpy(scaled).permute(2, 0, 1)[None]
    size = (40, 60)  # the shorter side to 40
    resized = torch.nn.functional.interpolate(channels, size, mode="bilinear", antialias=True)[0]
    cut = resized[:, 4:36, 14:46]
    if wanted.channels == 3:
        cut = cut.expand(3, -1, -1)
    elif len(cut) == 3:
        cut = (cut * torch.tensor([0.299, 0.587, 0.114], dtype=cut.dtype)[:, None, None]).sum(0)[
            None
        ]
    mean, std = (torch.tensor(number)[:, None, None] for number in (wanted.mean, wanted.std))
    return ((cut - mean) / std).numpy()


def reached(image: Image, wanted: Preprocessing) -> np.ndarray:
    return wanted.normalise(wanted.pixels(wanted.view(image))).numpy()


@pytest.mark.parametrize("wanted", [RGB, GREY], ids=["rgb", "grey"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "dtype", "top", "limits"),
    [
        ("a.tif", np.uint16, 4095, (0, 4095)),
        ("a.png", np.uint16, 4095, (0, 4095)),
        ("a.tif", np.uint16, 65535, (0, 65535)),
        ("a.png", np.uint16, 65535, (0, 65535)),
        ("a.tif", np.float32, 1, (0, 1)),
        ("a.tif", np.float32, 1e5, None),
    ],
)
def test_the_files_own_values_reach_the_network(
    tmp_path: Path,
    name: str,
    dtype: type,
    top: float,
    limits: tuple[float, float] | None,
    channels: int,
    wanted: Preprocessing,
) -> None:
    values = noise(channels, top, dtype)
    image = read_image(written(tmp_path / name, values))
    black, white = limits or (float(values.min()), float(values.max()))
    assert (image.limits.black, image.limits.white) == pytest.approx((black, white))
    np.testing.assert_array_equal(image.values, values)
    found = reached(image, wanted)
    # The two ways from RGB to grey round their weights in the fifth decimal.
    exact = 1e-6 if channels == 1 or wanted is RGB else 3e-5
    assert np.abs(found - expected(values, black, white, wanted)).max() < exact * 5
    assert shown_pixels(wanted.view(image)).shape == (32, 32, 3)


def test_values_are_right_to_a_millionth_without_resizing() -> None:
    values = noise(1, 4095)[:32, :32]
    wanted = replace_size(GREY)
    found = wanted.pixels(wanted.view(Image(values, DisplayLimits(100, 3000)))).numpy()[0]
    meant = np.clip((values[:, :, 0].astype(np.float64) - 100) / 2900, 0, 1)
    assert np.abs(found - meant).max() < 1e-7


def replace_size(wanted: Preprocessing) -> Preprocessing:
    return wanted.model_copy(update={"resize": 32, "size": (32, 32)})


def test_a_network_trained_on_other_values_gets_those_uncut() -> None:
    values = noise(1, 4095).astype(np.float32)[:32, :32] - 1000
    wanted = replace_size(GREY).model_copy(update={"values": (-500.0, 500.0)})
    image = Image(values, DisplayLimits(0, 80))
    found = wanted.pixels(wanted.view(image)).numpy()[0]
    assert np.abs(found - (values[:, :, 0].astype(np.float64) + 500) / 1000).max() < 1e-6
    assert found.max() > 2, "nothing is cut off"
    assert wanted.limits_for(image) == DisplayLimits(-500, 500)


def test_black_above_white_inverts() -> None:
    values = noise(1, 4095)[:32, :32]
    wanted, limits = replace_size(GREY), DisplayLimits(0, 4095)
    plain, inverted = (wanted.view(Image(values, one)) for one in (limits, limits.inverted))
    np.testing.assert_allclose(plain, 1 - inverted, atol=1e-6)


def test_eight_bits_are_what_they_were() -> None:
    pixels = noise(3, 255, np.uint8)
    view = RGB.view(Image(pixels))
    assert view.dtype == np.uint8
    np.testing.assert_array_equal(view, RGB.view(pixels))
    assert RGB.limits_for(Image(pixels)) is None
    grey = Image(pixels[:, :, :1])
    np.testing.assert_array_equal(RGB.view(grey), RGB.view(grey.pixels))
    other = RGB.view(Image(pixels, DisplayLimits(20, 200)))
    assert other.dtype == np.float32


def test_as_many_channels_as_the_network_takes() -> None:
    values = noise(5, 4095)
    five = Preprocessing(resize=40, size=32, mean=(0.5,) * 5, std=(1.0,) * 5)
    image = Image(values, DisplayLimits(0, 4095))
    assert five.pixels(five.view(image)).shape == (5, 32, 32)
    assert RGB.pixels(RGB.view(image)).shape == (3, 32, 32)
    np.testing.assert_allclose(RGB.view(image), five.view(image)[..., :3])
    for other in (Image(values[..., :3], DisplayLimits(0, 4095)), noise(3, 255, np.uint8)):
        with pytest.raises(UsageError, match="3 channels and the classifier takes 5"):
            five.pixels(five.view(other))


@pytest.mark.parametrize(
    ("values", "tags", "limits", "note"),
    [
        # A dark microscope image with a hot pixel: no longer seventeen grey levels.
        ("dark", {}, (100, 900), "99.6 % of the pixels"),
        ("dark", {"extratags": [(281, 3, 1, 4095, True)]}, (0, 4095), "The file says"),
        ("dark", {"imagej": True, "metadata": {"min": 50.0, "max": 800.0}}, (50, 800), "says: 50"),
        ("signed", {}, (-1024, 3071), "−1024"),
    ],
)
def test_limits_are_the_files_own_or_sensible(
    tmp_path: Path, values: str, tags: dict[str, object], limits: tuple[float, float], note: str
) -> None:
    random = np.random.default_rng(0)
    if values == "dark":
        array = random.integers(100, 901, (HEIGHT, WIDTH)).astype(np.uint16)
        array[3, 3] = 65000 if not tags else 4000
    else:
        array = random.integers(-1024, 3072, (HEIGHT, WIDTH)).astype(np.int16)
        array[0, :2] = -1024, 3071
    tifffile.imwrite(tmp_path / "a.tif", array, **tags)
    image = read_image(tmp_path / "a.tif")
    assert (image.limits.black, image.limits.white) == pytest.approx(limits, abs=3)
    assert any(note in one for one in image.notes)
    assert np.unique(image.pixels).size > 40


def test_limits_that_are_none_are_refused() -> None:
    for black, white in ((3, 3), (0, float("nan")), (float("inf"), 1)):
        with pytest.raises(UsageError, match="Display limits must be two"):
            DisplayLimits(black, white)


def test_deep_colours_are_converted_without_rounding(tmp_path: Path) -> None:
    icc = imagecodecs.cms_profile(
        "rgb",
        whitepoint=[0.3127, 0.3290, 1.0],
        primaries=[0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1],
        gamma=1.0,
    )
    values = noise(3, 65535)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", iccprofile=bytes(icc))
    image = read_image(tmp_path / "a.tif")
    light = values / 65535
    meant = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(image.values / 65535 - meant).max() < 2e-3
    assert np.unique(image.values).size > 256 * 20, "more than eight bits are left"


@pytest.mark.parametrize("operation", [Rotate(90), Rotate(10), Flip("horizontal")])
def test_views_keep_the_depth(operation: Rotate | Flip) -> None:
    image = Image(noise(1, 4095), DisplayLimits(0, 4095))
    made = changed(image, (operation,))
    assert made.limits == image.limits
    assert made.values.dtype == (np.float32 if operation == Rotate(10) else np.uint16)
    assert np.unique(made.values).size > 1000


def test_a_map_says_which_values_were_black_and_white(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", noise(1, 4095))
    words = ["explain", str(path), "--method", "saliency", "--output", str(tmp_path / "a.npz")]
    assert main(words) == 0
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert json.loads(str(arrays["metadata"]))["display_limits"] == [0, 4095]
        assert arrays["image"].dtype == np.float32
    from pda_studio.store import load_map

    found = load_map(tmp_path / "a.npz")
    assert found.limits == DisplayLimits(0, 4095)
    assert "values 0 (black) to 4095 (white)" in found.how
    direct = explain(read_image(path), load_classifier("digits"), "saliency")
    np.testing.assert_allclose(direct.evidence, found.evidence, rtol=1e-5)


def test_saved_work_keeps_values_and_limits(tmp_path: Path) -> None:
    images = [
        SourceImage.of("ct.tif", Image(noise(1, 4095), DisplayLimits(0, 900, "B."), ("A.",), 2, 5)),
        SourceImage.of("five.tif", Image(noise(5, 255, np.uint8))),
        SourceImage.of("grey.png", Image(noise(1, 255, np.uint8), DisplayLimits(255, 0))),
        SourceImage.of("colour.png", Image(noise(3, 255, np.uint8))),
    ]
    for image in images:
        save_state(State(replace(Workspace(), image=image)), tmp_path / "a.pdastudio")
        found = load_state(tmp_path / "a.pdastudio").work.image
        assert found is not None
        np.testing.assert_array_equal(found.image.values, image.image.values)
        for name in ("limits", "notes", "other_notes", "page", "pages"):
            assert getattr(found.image, name) == getattr(image.image, name)
        assert found.digest == image.digest


def test_saved_values_that_are_none_are_refused(tmp_path: Path) -> None:
    values = noise(1, 1, np.float32)
    values[3, 3] = np.nan
    image = SourceImage.of("ct.tif", Image(values, DisplayLimits(0, 1)))
    save_state(State(replace(Workspace(), image=image)), tmp_path / "a.pdastudio")
    with pytest.raises(PdaStudioError, match="damaged"):
        load_state(tmp_path / "a.pdastudio")


def test_limits_and_pages_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.stack([noise(1, 4095).squeeze(), noise(2, 4095)[..., 1]]).astype(np.int16) - 1000
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    explain_it = ["explain", str(tmp_path / "a.tif"), "--method", "saliency"]
    output = ["--output", str(tmp_path / "a.npz")]
    assert main([*explain_it, *output, "--limits", "-900", "2000", "--page", "2"]) == 0
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert json.loads(str(arrays["metadata"]))["display_limits"] == [-900, 2000]
        found = arrays["image"]
    image = read_image(tmp_path / "a.tif", 2).with_limits(DisplayLimits(-900, 2000))
    np.testing.assert_array_equal(image.values[..., 0], values[1])
    wanted = load_classifier("digits").preprocessing.view(image)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    capsys.readouterr()
    for more, message in (
        (["--page", "3"], "has 2 pages; there is no page 3"),
        (["--limits", "5", "5"], "two different values"),
    ):
        assert main([*explain_it, *output, *more]) == 2
        assert message in capsys.readouterr().err
