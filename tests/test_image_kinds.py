"""Every kind of image in README's table is opened as it says, or refused in a sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, features

from pda_studio.cli import main
from pda_studio.errors import PdaStudioError
from pda_studio.images import SUFFIXES, read_image

ROWS, COLUMNS = np.mgrid[0:40, 0:56]
RGB = np.stack((ROWS * 6, COLUMNS * 4, (ROWS + COLUMNS) * 2), axis=-1).astype(np.uint8)
GREY = RGB[..., 1]
DEEP = GREY.astype(np.uint16) * 257
TWELVE = GREY.astype(np.uint16) * 16
TWELVE[0, 0] = 4095
FIVE = np.dstack([RGB, GREY, GREY])
FLAT = {"photometric": "minisblack"}
COLOUR = {"photometric": "rgb"}


@dataclass(frozen=True)
class Kind:
    """A file, and what becomes of it: type, channels, white and pages; or a part of the refusal."""

    name: str
    write: Callable[[Path], object]
    dtype: str = "uint8"
    channels: int = 3
    white: float = 255
    pages: int = 1
    refused: str = ""


def pillow(image: Any, **options: Any) -> Callable[[Path], object]:
    made = image if isinstance(image, Image.Image) else Image.fromarray(image)
    return lambda path: made.save(path, **options)


def tiff(values: Any, **options: Any) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, values, **options)


def data(content: Any) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(bytes(content))


def heic(path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(RGB)).save(path)


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def frames() -> dict[str, Any]:
    return {
        "save_all": True,
        "append_images": [Image.fromarray(255 - RGB), Image.fromarray(RGB[::-1])],
    }


MODES = {
    mode: Image.fromarray(RGB).convert(mode) for mode in ("1", "P", "CMYK", "LAB", "RGBA", "LA")
}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NAN = np.where(GREY > 90, np.nan, GREY).astype(np.float32)

KINDS = [
    Kind("grey.png", pillow(GREY), channels=1),
    Kind("rgb.png", pillow(RGB)),
    Kind("palette.png", pillow(MODES["P"])),
    Kind("bits.png", pillow(MODES["1"]), channels=1),
    Kind("grey-alpha.png", pillow(MODES["LA"]), channels=1),
    Kind("alpha.png", pillow(MODES["RGBA"])),
    Kind("profile.png", pillow(RGB, icc_profile=PROFILE)),
    Kind("deep.png", data(imagecodecs.png_encode(DEEP)), "uint16", 1, 65535),
    Kind("twelve.png", data(imagecodecs.png_encode(TWELVE)), "uint16", 1, 4095),
    Kind("deep-rgb.png", data(imagecodecs.png_encode(np.dstack([DEEP] * 3))), "uint16", 3, 65535),
    Kind("moving.png", pillow(RGB, **frames()), pages=3),
    Kind("rgb.jpg", pillow(RGB)),
    Kind("grey.jpg", pillow(GREY), channels=1),
    Kind("cmyk.jpg", pillow(MODES["CMYK"])),
    Kind("progressive.jpg", pillow(RGB, progressive=True)),
    Kind("turned.jpg", pillow(RGB, exif=turned())),
    Kind("twelve.jpg", data(imagecodecs.jpeg_encode(TWELVE, bitspersample=12)), "uint16", 1, 4095),
    Kind("rgb.jp2", pillow(RGB)),
    Kind(
        "twelve.jp2", data(imagecodecs.jpeg2k_encode(TWELVE, bitspersample=12)), "uint16", 1, 4095
    ),
    Kind("stream.j2k", data(imagecodecs.jpeg2k_encode(GREY, codecformat="j2k")), channels=1),
    Kind("rgb.webp", pillow(RGB)),
    Kind("alpha.webp", pillow(MODES["RGBA"], lossless=True)),
    Kind("moving.webp", pillow(RGB, **frames()), pages=3),
    Kind("still.gif", pillow(RGB)),
    Kind("moving.gif", pillow(RGB, **frames()), pages=3),
    Kind("rgb.bmp", pillow(RGB)),
    Kind("rgb.tif", tiff(RGB, **COLOUR)),
    Kind("turned.tif", pillow(RGB, exif=turned())),
    Kind("deep.tif", tiff(DEEP, **FLAT), "uint16", 1, 65535),
    Kind("twelve.tif", tiff(TWELVE, **FLAT), "uint16", 1, 4095),
    Kind("packed.tif", tiff(TWELVE, bitspersample=12, **FLAT), "uint16", 1, 4095),
    Kind("float.tif", tiff(GREY / np.float32(255), **FLAT), "float32", 1, 1),
    Kind("double.tif", tiff(GREY.astype(float) * 1e4, **FLAT), "float32", 1, 220e4),
    Kind("signed.tif", tiff(TWELVE.astype(np.int16) - 1024, **FLAT), "float32", 1, 3071),
    Kind("wide.tif", tiff(GREY.astype(np.uint32), **FLAT), "float32", 1),
    Kind("white-is-zero.tif", tiff(DEEP, photometric="miniswhite"), "uint16", 1, 0),
    Kind("planes.tif", tiff(np.moveaxis(RGB, 2, 0), planarconfig="separate", **COLOUR)),
    Kind("tiles.tif", tiff(RGB, tile=(32, 32), compression="lzw", **COLOUR)),
    Kind("big.tif", tiff(RGB, bigtiff=True, compression="zstd", **COLOUR)),
    Kind("cmyk.tif", pillow(MODES["CMYK"])),
    Kind("lab.tif", pillow(MODES["LAB"])),
    Kind("stack.tif", tiff(np.stack([TWELVE] * 4), **FLAT), "uint16", 1, 4095, 4),
    Kind("five.tif", tiff(FIVE, planarconfig="contig", **FLAT), channels=5),
    Kind("two.tif", tiff(FIVE[..., :2], planarconfig="contig", **FLAT), channels=2),
    Kind(
        "imagej.tif",
        tiff(TWELVE, imagej=True, metadata={"min": 200.0, "max": 1800.0}),
        *("uint16", 1, 1800),
    ),
    Kind("nan.tif", tiff(NAN, **FLAT), refused="not finite numbers; replace those"),
    Kind("volume.tif", tiff(np.zeros((16, 16, 16), np.uint8), volumetric=True), refused="a volume"),
    Kind("other.ppm", pillow(RGB), refused="convert it to one of these"),
    Kind("other.tga", pillow(RGB), refused="convert it to one of these"),
    Kind("text.png", data(b"no image at all"), refused="convert it to one of these"),
    Kind("slide.dcm", data(bytes(128) + b"DICM" + bytes(99)), refused="DICOM without an image"),
    Kind("empty.png", data(b""), refused="the file is empty; get an intact copy"),
    Kind("cut.png", data(imagecodecs.png_encode(RGB)[:80]), refused="damaged or incomplete"),
    Kind("cut.jp2", data(imagecodecs.jpeg2k_encode(RGB)[:300]), refused="damaged or incomplete"),
    Kind("tiny.png", pillow(RGB[:2, :2]), refused="at least 4×4 are needed"),
    Kind("heic.heic", heic),
]
if features.check("avif"):
    TEN = data(imagecodecs.avif_encode(np.dstack([TWELVE // 4] * 3), level=90, bitspersample=10))
    KINDS += [Kind("rgb.avif", pillow(RGB)), Kind("ten.avif", TEN, "uint16", 3, 1023)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_opened_or_refused(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / kind.name
    kind.write(path)
    command = ["predict", str(path)]
    if kind.refused:
        with pytest.raises(PdaStudioError, match=kind.refused) as caught:
            read_image(path)
        assert "\n" not in str(caught.value)
        assert main(command) == 1
        assert capsys.readouterr().err == f"pda-studio: {caught.value}\n"
        return
    assert path.suffix in SUFFIXES
    image = read_image(path)
    assert image.values.dtype == kind.dtype
    assert (image.channels, image.pages) == (kind.channels, kind.pages)
    assert image.limits.white == pytest.approx(kind.white)
    size = (56, 40) if "turned" in kind.name else (40, 56)
    assert image.values.shape[:2] == size
    assert image.pixels.shape == (*size, 3)
    # None of them is nearly black, and all show the same gradients, if some in grey or negative.
    assert np.ptp(image.pixels.astype(int).mean(2)) > 90
    assert main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 5


def test_there_are_many_kinds() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40
