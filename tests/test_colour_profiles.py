"""Colour profiles are converted to sRGB: held to the standards' colorimetry, worked by hand."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from pda_studio.images import load_image, read_image

RNG = np.random.default_rng(3)
COLOURS = RNG.integers(40, 216, (24, 32, 3), dtype=np.uint8)

# Primaries (x, y) of the standards; white is D65 for all three.
WHITE = (0.3127, 0.3290)
PRIMARIES = {
    "srgb": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "display-p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "adobe": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
}


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    """The matrix from linear RGB to XYZ, from the definition of primaries and white."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    x, y = WHITE
    white = np.array([x / y, 1, (1 - x - y) / y])
    return columns * np.linalg.solve(columns, white)


def linear(values: np.ndarray, curve: str) -> np.ndarray:
    if curve == "linear":
        return values
    if curve == "2.2":
        return values ** (563 / 256)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def in_srgb(values: np.ndarray, space: str, curve: str) -> np.ndarray:
    light = linear(values / 255, curve) @ to_xyz(PRIMARIES[space]).T
    light = np.clip(light @ np.linalg.inv(to_xyz(PRIMARIES["srgb"])).T, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return encoded * 255


def profile(space: str, curve: str) -> bytes:
    gamma = {"linear": 1.0, "2.2": 563 / 256, "srgb": None}[curve]
    flat = [value for pair in PRIMARIES[space] for value in (*pair, 1.0)]
    if gamma is None:
        steps = linear(np.linspace(0, 1, 4096), "srgb")
        transfer = np.rint(steps * 65535).astype(np.uint16)
        return bytes(
            imagecodecs.cms_profile(
                "rgb", whitepoint=[*WHITE, 1.0], primaries=flat, transferfunction=transfer
            )
        )
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=[*WHITE, 1.0], primaries=flat, gamma=gamma)
    )


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "deep.tif", "deep.png", "alpha.png"])
@pytest.mark.parametrize(
    ("space", "curve"), [("display-p3", "srgb"), ("adobe", "2.2"), ("srgb", "linear")]
)
def test_what_a_profile_means(tmp_path: Path, kind: str, space: str, curve: str) -> None:
    icc, path = profile(space, curve), tmp_path / f"a.{kind}"
    values = COLOURS
    match kind:
        case "png" | "jpg":
            options = {"quality": 100, "subsampling": 0} if kind == "jpg" else {}
            Image.fromarray(values).save(path, icc_profile=icc, **options)
            if kind == "jpg":
                values = np.asarray(Image.open(path))
        case "alpha.png":
            with_alpha = np.dstack([values, np.full(values.shape[:2], 255, np.uint8)])
            with_alpha[0, 0, 3] = 0
            Image.fromarray(with_alpha).save(path, icc_profile=icc)
        case "tif":
            tifffile.imwrite(path, values, photometric="rgb", iccprofile=icc)
        case "deep.tif":
            deep = values.astype(np.uint16) * 257
            tifffile.imwrite(path, deep, photometric="rgb", iccprofile=icc)
        case _:
            path.write_bytes(
                _with_profile(imagecodecs.png_encode(values.astype(np.uint16) * 257), icc)
            )
    read = load_image(path).astype(float)
    meant = in_srgb(values.astype(float), space, curve)
    if kind == "alpha.png":
        assert read[0, 0].tolist() == [255, 255, 255]
        read, meant = read[1:], meant[1:]
    assert np.abs(read - meant).mean() < 0.6
    assert np.abs(read - meant).max() <= 3
    assert np.abs(read - values[-len(read) :]).mean() > 2, "without its profile it is another image"


def test_srgb_is_left_as_it_is(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=srgb)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), COLOURS)


def test_a_damaged_profile_is_told_and_the_image_is_read(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=b"none of this is a profile")
    read = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(read.pixels, COLOURS)
    assert read.notes == ("Its colour profile is damaged: not used.",)


def test_jpeg_with_twelve_bits(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:40, 0:48]
    values = ((rows + columns) * 45).astype(np.uint16)
    data = imagecodecs.jpeg_encode(values, level=100, bitspersample=12)
    (tmp_path / "a.jpg").write_bytes(data)
    read = load_image(tmp_path / "a.jpg")
    assert np.abs(read[..., 0] - values * (255 / 4095)).max() < 2


def test_a_jpeg_of_very_many_scans_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(COLOURS).save(path, progressive=True)
    data = path.read_bytes()
    last = data.rindex(b"\xff\xda")
    path.write_bytes(data[:last] + data[last:-2] * 2000 + data[-2:])
    with pytest.raises(Exception, match="scans"):
        load_image(path)


def _with_profile(png: bytes, icc: bytes) -> bytes:
    """Put an iCCP chunk behind the header of a PNG."""
    import struct
    import zlib

    body = b"iCCP" + b"a\0\0" + zlib.compress(icc)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]
