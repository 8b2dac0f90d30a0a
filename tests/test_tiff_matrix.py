"""Every layout of TIFF that tifffile writes is read right, or refused in a sentence: a matrix."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from pda_studio.errors import PdaStudioError
from pda_studio.images import load_image

HEIGHT, WIDTH = 40, 48
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
COLOURS = np.stack((ROWS * 6, COLUMNS * 5, (ROWS + COLUMNS) * 2), axis=-1).astype(np.uint8)
GREY = COLOURS[:, :, 1] // 2 + COLOURS[:, :, 0] // 2
ALPHA = np.where(COLUMNS < WIDTH // 2, 255, 128).astype(np.uint8)
LOSSY = ("jpeg", "webp", "jpegxl", "jpeg2000")


@dataclass(frozen=True)
class Case:
    """One file: what is written, and the image that it means."""

    name: str
    values: Any
    meant: Any
    options: dict[str, Any] = field(default_factory=dict)


def in_grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, :, np.newaxis], 3, axis=2)


def over_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    opaque = alpha[..., np.newaxis] / 255
    return (colours * opaque + 255 * (1 - opaque)).round().astype(np.uint8)


def of_depth(values: np.ndarray, depth: str) -> np.ndarray:
    match depth:
        case "u1":
            return values
        case "u2":
            return values.astype(np.uint16) * 257
        case "u4":
            return values.astype(np.uint32)
        case "f2" | "f4" | "f8":
            return (values / 255).astype(depth)
    return values.astype(depth)


def cases() -> Iterator[Case]:
    codecs = (None, "deflate", "lzw", "zstd", "packbits", "lzma", "jpeg2000", "jpegxl", "webp")
    for codec in (*codecs, "lerc", "png", "jpeg"):
        for planes in ("contig", "separate"):
            for depth in ("u1", "u2", "f4"):
                if codec == "jpeg" and depth == "u2":
                    continue  # it has 12 bits at most
                for tile in (None, (32, 32)):
                    for predictor in (False, True) if codec in ("deflate", "lzw") else (False,):
                        values = of_depth(COLOURS, depth)
                        if planes == "separate":
                            values = np.ascontiguousarray(np.moveaxis(values, 2, 0))
                        options: dict[str, Any] = {
                            "photometric": "rgb",
                            "planarconfig": planes,
                            "compression": codec,
                            "predictor": predictor,
                            "tile": tile,
                        }
                        if codec == "jpeg":
                            options["compressionargs"] = {"level": 97}
                        name = f"rgb {codec} {planes} {depth} {tile} {predictor}"
                        yield Case(name, values, COLOURS, options)
    for codec in (None, "deflate", "lzw", "zstd", "jpeg2000", "lerc", "jpegxl"):
        for depth in ("u1", "u2", "u4", "i2", "i4", "f2", "f4", "f8"):
            yield Case(
                f"grey {codec} {depth}",
                of_depth(GREY, depth),
                in_grey(GREY),
                {"photometric": "minisblack", "compression": codec},
            )
    for depth, factor in (("u1", 1), ("u2", 257)):
        with_alpha = np.dstack([COLOURS, ALPHA])
        multiplied = np.dstack([(COLOURS * (ALPHA[..., None] / 255)).round(), ALPHA])
        cmyk = np.asarray(Image.fromarray(COLOURS).convert("CMYK"))
        seen = np.asarray(Image.fromarray(COLOURS).convert("CMYK").convert("RGB"))
        rgb, grey = {"photometric": "rgb"}, {"photometric": "minisblack"}

        def deep(values: Any, depth: str = depth, factor: int = factor) -> np.ndarray:
            return np.ascontiguousarray(np.asarray(values).astype(depth) * factor)

        for name, values, meant, options in (
            ("alpha", with_alpha, over_white(COLOURS, ALPHA), {"extrasamples": ["unassalpha"]}),
            ("premultiplied", multiplied, over_white(COLOURS, ALPHA), {"extrasamples": [1]}),
            ("fourth channel", np.dstack([COLOURS, GREY]), COLOURS, {"extrasamples": [0]}),
            ("big endian", COLOURS, COLOURS, {"byteorder": ">"}),
            ("BigTIFF", COLOURS, COLOURS, {"bigtiff": True}),
            ("a row a strip", COLOURS, COLOURS, {"rowsperstrip": 1}),
        ):
            yield Case(f"{name} {depth}", deep(values), meant, {**rgb, **options})
        yield Case(
            f"grey with alpha {depth}",
            deep(np.dstack([GREY, ALPHA])),
            over_white(in_grey(GREY), ALPHA),
            {**grey, "planarconfig": "contig", "extrasamples": [2]},
        )
        yield Case(
            f"white is zero {depth}", deep(255 - GREY), in_grey(GREY), {"photometric": "miniswhite"}
        )
        yield Case(f"CMYK {depth}", deep(cmyk), seen, {"photometric": "separated"})
        yield Case(
            f"CMYK in planes {depth}",
            deep(np.moveaxis(cmyk, 2, 0)),
            seen,
            {"photometric": "separated", "planarconfig": "separate"},
        )
    palette = np.zeros((3, 256), np.uint16)
    palette[0], palette[1], palette[2] = np.arange(256) * 257, np.arange(256)[::-1] * 257, 128 * 257
    yield Case(
        "palette",
        GREY,
        np.dstack([GREY, 255 - GREY, np.full_like(GREY, 128)]),
        {"photometric": "palette", "colormap": palette},
    )
    yield Case(
        "one bit", GREY > 100, in_grey(np.where(GREY > 100, 255, 0)), {"photometric": "minisblack"}
    )
    yield Case(
        "five channels",
        np.dstack([COLOURS, GREY, GREY]),
        COLOURS,
        {"photometric": "minisblack", "planarconfig": "contig"},
    )


def test_every_layout_is_read_right_or_refused(tmp_path: Path) -> None:
    wrong, refused, right = [], [], 0
    for case in cases():
        path = tmp_path / "image.tif"
        try:
            tifffile.imwrite(path, case.values, **case.options)
        except Exception:  # what cannot be written need not be read
            continue
        try:
            read = load_image(path)
        except PdaStudioError as error:
            refused.append((case.name, str(error)))
            continue
        lossy = case.options.get("compression") in LOSSY
        error = np.abs(read.astype(int) - case.meant)
        if error.mean() > 3 if lossy else error.max() > 1:
            wrong.append(case.name)
        else:
            right += 1
    assert not wrong
    assert right > 150
    assert not refused


@pytest.mark.parametrize("kind", ["grey", "rgb"])
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (14, 16383)])
def test_fewer_bits_in_sixteen_are_shown_in_full(
    tmp_path: Path, kind: str, name: str, bits: int, white: int
) -> None:
    from pda_studio.images import read_image

    eight = GREY if kind == "grey" else COLOURS
    values = np.rint(eight / 255.0 * white).astype(np.uint16)
    values[0, 0] = white
    path = tmp_path / name
    if name == "a.tif":
        tifffile.imwrite(path, values, photometric="minisblack" if kind == "grey" else "rgb")
    else:
        import imagecodecs

        path.write_bytes(imagecodecs.png_encode(values))
    read = read_image(path)
    meant = (in_grey(GREY) if kind == "grey" else COLOURS).astype(int)
    assert np.abs(read.pixels.astype(int) - meant)[1:].max() <= 1
    assert len(read.notes) == 1
    assert f"{bits} bits" in read.notes[0]


def test_packed_bits_and_the_largest_value_that_a_file_names(tmp_path: Path) -> None:
    from pda_studio.images import read_image

    path = tmp_path / "a.tif"
    values = GREY.astype(np.uint16) * 16
    tifffile.imwrite(path, values, photometric="minisblack", bitspersample=12)
    packed = read_image(path)
    assert np.abs(packed.pixels[..., 0] - values * (255 / 4095)).max() <= 0.51
    tifffile.imwrite(path, values, photometric="minisblack", extratags=[(281, 3, 1, 5000, True)])
    named = read_image(path)
    assert np.abs(named.pixels[..., 0] - values * (255 / 5000)).max() <= 0.51
    assert named.notes == ("The file says that 5000 is white.",)


def test_pages_are_told(tmp_path: Path) -> None:
    from pda_studio.images import read_image

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack([COLOURS, COLOURS, COLOURS]), photometric="rgb")
    assert read_image(path).notes == ("Page 1 of 3 is read.",)
    frames = [Image.fromarray(np.full((20, 20, 3), value, np.uint8)) for value in (0, 90, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif").notes == ("The first frame of an animation is read.",)


def test_a_truncated_file_is_told_in_one_sentence_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole.tif"
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    tifffile.imwrite(whole, noise, photometric="rgb", compression="lzw", predictor=True)
    path = tmp_path / "a.tif"
    data = whole.read_bytes()
    for part in (0.3, 0.6, 0.9):
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(PdaStudioError, match="damaged or incomplete"):
            load_image(path)
    assert capfd.readouterr() == ("", "")


def test_the_same_file_gives_the_same_image_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    planes = np.ascontiguousarray(np.moveaxis(COLOURS.astype(np.uint16) * 257, 2, 0))
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    first = load_image(path)
    np.testing.assert_array_equal(first, COLOURS)
    for _ in range(3):
        np.testing.assert_array_equal(load_image(path), first)
