"""Statistics of grey, deep and many-channel images, and what is said of the shipped ones."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from torch import nn

from pda_studio import explain, load_classifier, read_image
from pda_studio.classifiers import Preprocessing
from pda_studio.cli import main
from pda_studio.diagnostics import ShippedStatistics, as_json, from_json, warnings
from pda_studio.errors import UsageError
from pda_studio.images import DisplayLimits, Image
from pda_studio.pda.infill.fitting import fit_stationary, save_statistics
from pda_studio.pda.infill.folders import views_in
from pda_studio.pda.infill.statistics import load_statistics, shipped_statistics

LUMINANCE = np.array((0.299, 0.587, 0.114))
FAST = {"method": "efficient-pda", "window": 4, "outer": 8, "stride": 4}


def module(channels: int) -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(4, 3))


def images(folder: Path, channels: int, count: int = 3) -> Path:
    random = np.random.default_rng(channels)
    kind = {"photometric": "rgb" if channels == 3 else "minisblack", "planarconfig": "contig"}
    for number in range(count):
        values = random.integers(0, 4096, (32, 32, channels)).astype(np.uint16)
        values = values.squeeze()
        tifffile.imwrite(folder / f"{number}.tif", values, **(kind if channels > 1 else {}))
    return folder


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_number_of_channels_is_fitted(tmp_path: Path, channels: int) -> None:
    random = np.random.default_rng(0)
    mixed = random.normal(0, 0.1, (4, 20, 20, channels)) @ random.normal(0, 1, (channels, channels))
    views = (0.5 + mixed).astype(np.float32)
    fitted = fit_stationary(views, largest_offset=3)
    centred = views.astype(np.float64) - views.mean((0, 1, 2), dtype=np.float64)
    down, right = 2, -1
    first, second = centred[:, :-down, -right:], centred[:, down:, :right]
    meant = np.einsum("nyxa,nyxb->ab", first, second) / views[..., 0].size
    found = fitted.autocovariance[:, :, 3 + down, 3 + right]
    np.testing.assert_allclose(found, meant, atol=1e-8)
    save_statistics(fitted, tmp_path / "a.safetensors")
    assert load_statistics(tmp_path / "a.safetensors").channels == channels


def test_the_shipped_grey_statistics_are_those_of_the_same_photographs() -> None:
    grey, colour = shipped_statistics("grey"), shipped_statistics("natural")
    mixed = np.einsum("a,b,abyx->yx", LUMINANCE, LUMINANCE, colour.autocovariance)
    np.testing.assert_allclose(grey.autocovariance[0, 0], mixed, atol=2e-4)
    assert grey.mean[0] == pytest.approx(LUMINANCE @ colour.mean, abs=1e-3)
    assert grey.about["images"] == "882"


def test_deep_images_of_a_folder_are_fitted_with_their_own_values(tmp_path: Path) -> None:
    folder = images(tmp_path, 5)
    five = Preprocessing(resize=32, size=32, mean=(0.0,) * 5, std=(1.0,) * 5)
    fitted = fit_stationary(views_in(folder, five, DisplayLimits(0, 8190)))
    values = [tifffile.imread(path) for path in sorted(folder.glob("*.tif"))]
    np.testing.assert_allclose(fitted.mean, np.mean(values, (0, 1, 2)) / 8190, atol=1e-6)
    images(folder, 3, 1)
    with pytest.raises(UsageError, match=r"has 3 channels, and the classifier takes 5"):
        fit_stationary(views_in(folder, five, DisplayLimits(0, 8190)))


def test_what_is_fitted_is_used_and_what_ships_is_not_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, own = images(tmp_path, 1), tmp_path / "own.safetensors"
    fit = ["fit-statistics", str(folder), "--grey", "--limits", "0", "4095", "--output", str(own)]
    assert main(fit) == 0
    network = load_classifier(
        module(1),
        preprocessing={"input_size": 32, "mean": (0.5,)},
        class_names=["a", "b", "c"],
        output="logits",
    )
    image = read_image(folder / "0.tif")
    shipped = explain(image, network, **FAST)  # type: ignore[arg-type]
    (said,) = warnings(shipped.diagnostics)
    assert "the statistics of grey photographs" in said
    assert "0 (black) to 4095 (white)" in said
    assert "fit-statistics" in said
    assert said in shipped.how
    assert from_json(as_json(shipped.diagnostics)) == shipped.diagnostics
    fitted = explain(image, network, statistics=own, **FAST)  # type: ignore[arg-type]
    assert not warnings(fitted.diagnostics)
    assert not np.array_equal(fitted.evidence, shipped.evidence)
    occluded = explain(image, network, "occlusion", window=4, stride=4)
    assert not warnings(occluded.diagnostics)
    for more, message in (
        (["--grey", "--classifier", "digits"], "leave --grey out"),
        (["--weights", "a.pth"], "Name the --classifier"),
    ):
        assert main(["fit-statistics", str(folder), "--output", str(own), *more]) == 2
        assert message in capsys.readouterr().err


def test_photographs_are_told_from_grey_and_deep_images() -> None:
    network = load_classifier(
        module(3),
        preprocessing={"input_size": 32, "mean": (0.5, 0.5, 0.5)},
        class_names=["a", "b", "c"],
        output="logits",
    )
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    found = {
        "photograph": pixels,
        "grey": pixels[..., :1].repeat(3, axis=2),
        "medical": Image(pixels, spacing=(0.5, 0.5)),
        "deep": Image(pixels.astype(np.uint16) * 16, DisplayLimits(0, 4095)),
    }
    said = {
        name: warnings(explain(one, network, **FAST).diagnostics)  # type: ignore[arg-type]
        for name, one in found.items()
    }
    assert said["photograph"] == ()
    assert said["grey"] == (ShippedStatistics("photographs", "a grey image").warning,)
    assert said["medical"] == (ShippedStatistics("photographs", "a medical image").warning,)
    assert "4095" in said["deep"][0]


def test_statistics_of_digits_are_told_where_the_image_is_deep() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    deep = Image(pixels.astype(np.uint16) * 16, DisplayLimits(-100, 4095))
    network = load_classifier("digits")
    (said,) = warnings(explain(deep, network, **FAST).diagnostics)  # type: ignore[arg-type]
    assert "statistics of handwritten digits" in said
    assert "−100 (black) to 4095 (white)" in said
    assert warnings(explain(Image(pixels), network, **FAST).diagnostics) == ()  # type: ignore[arg-type]
