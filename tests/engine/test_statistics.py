"""Fitting, saving and loading statistics; what the shipped ones are good for."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference import Statistics, patch_covariance
from safetensors.numpy import save_file

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.pda.infill.fitting import fit_positional, fit_stationary, save_statistics
from pda_studio.pda.infill.statistics import (
    StationaryStatistics,
    load_statistics,
    shipped_statistics,
)


def literal_autocovariance(images: NDArray[np.uint8], m: int) -> NDArray[np.float64]:
    """Products around the global mean, over images·H·W at every offset, one pixel at a time."""
    values = images.astype(np.float64) / 255
    count, height, width, _ = values.shape
    mean = values.mean((0, 1, 2))
    result = np.zeros((3, 3, 2 * m + 1, 2 * m + 1))
    for a in range(3):
        for b in range(3):
            for dy in range(-m, m + 1):
                for dx in range(-m, m + 1):
                    total = 0.0
                    for y in range(max(0, -dy), min(height, height - dy)):
                        for x in range(max(0, -dx), min(width, width - dx)):
                            first = values[:, y, x, a] - mean[a]
                            total += float((first * (values[:, y + dy, x + dx, b] - mean[b])).sum())
                    result[a, b, m + dy, m + dx] = total / (count * height * width)
    return result


@given(st.integers(1, 3), st.integers(4, 8), st.integers(4, 8), st.integers(0, 5))
@settings(max_examples=8, deadline=None)
def test_fit_equals_the_literal_double_loop(count: int, height: int, width: int, m: int) -> None:
    random = np.random.default_rng([count, height, width, m])
    images = random.integers(0, 256, (count, height, width, 3), np.uint8)
    images = np.maximum(images, np.roll(images, 1, 2))  # correlated, mean far from 1/2
    images[..., 2] = np.maximum(images[..., 0], images[..., 2])
    m = min(m, height - 1, width - 1)
    fitted = fit_stationary(iter(images), largest_offset=m)
    np.testing.assert_allclose(fitted.mean, images.mean((0, 1, 2)) / 255, atol=1e-12)
    np.testing.assert_array_equal(fitted.minimum, images.min((0, 1, 2)) / 255)
    np.testing.assert_array_equal(fitted.maximum, images.max((0, 1, 2)) / 255)
    np.testing.assert_allclose(
        fitted.autocovariance, literal_autocovariance(images, m), rtol=0, atol=1e-12
    )


def test_offsets_beyond_the_image_have_no_covariance() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    fitted = fit_stationary(images, largest_offset=6)
    np.testing.assert_allclose(
        fitted.autocovariance, literal_autocovariance(images, 6), rtol=0, atol=1e-12
    )


def test_images_of_several_sizes_or_none_are_refused() -> None:
    with pytest.raises(UsageError, match="one size"):
        fit_stationary([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], 2)
    with pytest.raises(UsageError, match="no images"):
        fit_stationary([], 2)


@pytest.mark.parametrize("colour", ["joint", "independent"])
def test_patch_covariance_is_that_of_the_definition(colour: str, natural: Statistics) -> None:
    shipped = shipped_statistics("natural")
    assert natural.autocovariance is not None
    np.testing.assert_array_equal(
        shipped.patch_covariance((0, 0), 7, colour),  # type: ignore[arg-type]
        patch_covariance(natural.autocovariance, 7, colour),  # type: ignore[arg-type]
    )


def test_shipped_statistics_are_sound(natural: Statistics) -> None:
    autocovariance = natural.autocovariance
    assert autocovariance is not None
    assert autocovariance.shape == (3, 3, 127, 127)
    # Cov(a at p, b at q) = Cov(b at q, a at p).
    mirrored = autocovariance.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    np.testing.assert_allclose(autocovariance, mirrored, rtol=0, atol=1e-8)
    covariance = patch_covariance(autocovariance, 18)
    smallest = np.linalg.eigvalsh(covariance)[0]
    variance = np.mean([autocovariance[a, a, 63, 63] for a in range(3)])
    # Positive definite even without the ridge (up to the file's float32).
    assert smallest > 0.9e-4 * variance
    assert (natural.minimum == 0).all()
    assert (natural.maximum == 1).all()
    assert ((natural.mean > 0.35) & (natural.mean < 0.55)).all()


def test_shipped_digit_statistics_are_those_of_mnist(data_folder: Path) -> None:
    import gzip

    with gzip.open(data_folder / "mnist/train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    shipped = Statistics("digits")
    assert shipped.covariance is not None
    values = pixels.astype(np.float32) / 255
    mean = values.mean(0, dtype=np.float64)
    np.testing.assert_allclose(shipped.mean.ravel(), mean, atol=1e-6)
    covariance = values.T @ values / len(values) - np.outer(mean, mean)
    np.testing.assert_allclose(shipped.covariance, covariance, atol=2e-5)


def test_fit_positional_by_definition() -> None:
    images = np.random.default_rng(0).integers(0, 200, (7, 2, 3, 4), np.uint8)
    fitted = fit_positional(images)
    values = images.reshape(7, 24) / 255
    mean = values.mean(0)
    covariance = np.zeros((24, 24))
    for value in values:
        covariance += np.outer(value - mean, value - mean) / 7
    np.testing.assert_allclose(fitted.mean.ravel(), mean, atol=1e-14)
    np.testing.assert_allclose(fitted.covariance, covariance, atol=1e-14)
    np.testing.assert_array_equal(fitted.minimum, images.min((0, 2, 3)) / 255)
    np.testing.assert_array_equal(fitted.maximum, images.max((0, 2, 3)) / 255)
    # Patches pick their variables channel by channel, row by row.
    picked = [c * 12 + y * 4 + x for c in range(2) for y in (1, 2) for x in (2, 3)]
    ridge = 1e-4 * np.diag(covariance).mean() * np.eye(8)
    np.testing.assert_allclose(
        fitted.patch_covariance((1, 2), 2, "joint"),
        covariance[np.ix_(picked, picked)] + ridge,
        atol=1e-14,
    )
    independent = fitted.patch_covariance((1, 2), 2, "independent")
    assert (independent[:4, 4:] == 0).all()
    np.testing.assert_array_equal(fitted.patch_mean((1, 2), 2), fitted.mean.ravel()[picked])


def test_statistics_come_back_from_their_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for fitted in (
        fit_stationary(random.integers(0, 256, (2, 9, 8, 3), np.uint8), 4),
        fit_positional(random.integers(0, 256, (5, 1, 6, 6), np.uint8)),
    ):
        path = tmp_path / "statistics.safetensors"
        save_statistics(fitted, path)
        loaded = load_statistics(path)
        assert type(loaded) is type(fitted)
        assert loaded.about == fitted.about
        for name, value in vars(fitted).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(
                    getattr(loaded, name), value.astype(np.float32), err_msg=name
                )


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PdaStudioError, match="no file"):
        load_statistics(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not statistics at all")
    with pytest.raises(PdaStudioError, match="not a whole file"):
        load_statistics(tmp_path / "text.safetensors")
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "weights.safetensors")
    with pytest.raises(PdaStudioError, match="holds no statistics"):
        load_statistics(tmp_path / "weights.safetensors")
    fitted = fit_stationary(np.zeros((1, 4, 4, 3), np.uint8), 2)
    broken = StationaryStatistics(
        fitted.mean * np.nan, fitted.minimum, fitted.maximum, fitted.autocovariance
    )
    save_statistics(broken, tmp_path / "nan.safetensors")
    with pytest.raises(PdaStudioError, match="not finite"):
        load_statistics(tmp_path / "nan.safetensors")
