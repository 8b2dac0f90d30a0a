"""JPEG 2000, AVIF and HEIC at their own depth, with their alpha, profiles and orientation."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, features

from pda_studio.errors import PdaStudioError
from pda_studio.images import load_image, read_image

ROWS, COLUMNS = np.mgrid[0:40, 0:56]
COLOURS = np.stack((ROWS * 6, COLUMNS * 4, (ROWS + COLUMNS) * 2), axis=-1).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("bits", "white"), [(12, 4095), (16, 65535)])
@pytest.mark.parametrize("suffix", ["jp2", "j2k"])
def test_deep_jpeg_2000_is_exact(
    tmp_path: Path, channels: int, bits: int, white: int, suffix: str
) -> None:
    values = np.rint(COLOURS[..., :channels] / 255 * white).astype(np.uint16)
    values[0, 0] = white
    path = tmp_path / f"a.{suffix}"
    data = imagecodecs.jpeg2k_encode(
        values.squeeze(), level=0, bitspersample=bits, codecformat=suffix
    )
    path.write_bytes(data)
    image = read_image(path)
    np.testing.assert_array_equal(image.values, values)
    assert (image.limits.black, image.limits.white) == (0, white)
    assert np.abs(image.pixels.astype(int)[1:] - COLOURS[1:, :, :channels]).max() <= 1


def test_jpeg_2000_of_eight_bits(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.jp2", irreversible=False)
    np.testing.assert_array_equal(load_image(tmp_path / "a.jp2"), COLOURS)
    (tmp_path / "a.jp2").write_bytes((tmp_path / "a.jp2").read_bytes()[:200])
    with pytest.raises(PdaStudioError, match="damaged or incomplete"):
        load_image(tmp_path / "a.jp2")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOURS).save(tmp_path / "a.avif", quality=100, exif=exif)
    read = load_image(tmp_path / "a.avif").astype(int)
    assert np.abs(read - np.rot90(COLOURS, -1)).max() <= 4
    deep = np.rint(COLOURS / 255 * 1023).astype(np.uint16)
    data = imagecodecs.avif_encode(deep, level=100, bitspersample=10)
    (tmp_path / "deep.avif").write_bytes(data)
    image = read_image(tmp_path / "deep.avif")
    assert image.limits.white == 1023
    assert np.abs(image.values.astype(int) - deep).max() <= 2


def test_heic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    heif.from_pillow(Image.fromarray(COLOURS)).save(path, quality=100)
    assert np.abs(load_image(path).astype(int) - COLOURS).max() <= 6
    monkeypatch.setattr("pda_studio.images.containers.find_spec", lambda name: None)
    with pytest.raises(PdaStudioError, match=r"pip install pda-studio\[heic\]"):
        load_image(path)
