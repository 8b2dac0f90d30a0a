import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from pda_studio.errors import PdaStudioError
from pda_studio.images import as_rgb, load_image

HEIGHT, WIDTH = 20, 30
COLOURS = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GREY = COLOURS[:, :, 0]


def smooth() -> np.ndarray:
    """An image that lossy formats keep nearly as it is."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack((rows * 8, columns * 8, rows * 4 + columns * 4), axis=-1).astype(np.uint8)


def in_grey(values: np.ndarray) -> np.ndarray:
    return np.stack((values,) * 3, axis=-1)


def differ_by(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def saved(folder: Path, image: Image.Image, name: str = "image.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, extra: bytes) -> bytes:
    """A PNG by hand, for what the libraries do not write; `extra` becomes its tRNS chunk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    if extra:
        parts.insert(1, chunk(b"tRNS", extra))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.tiff", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_lossless_formats_come_back_exactly(tmp_path, name, options):
    image = load_image(saved(tmp_path, Image.fromarray(COLOURS), name, **options))
    assert np.array_equal(image, COLOURS)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg(tmp_path, options):
    path = saved(tmp_path, Image.fromarray(smooth()), "a.jpg", quality=95, **options)
    assert differ_by(load_image(str(path)), smooth()) < 20


def test_gif_and_multi_image_files_give_their_first_frame(tmp_path):
    first, second = Image.new("RGB", (8, 6), (200, 0, 0)), Image.new("RGB", (8, 6), (0, 0, 200))
    for name in ("a.gif", "a.tif", "a.webp", "a.png"):
        path = saved(tmp_path, first, name, save_all=True, append_images=[second], lossless=True)
        assert np.array_equal(load_image(path), np.asarray(first)), name
    path = saved(tmp_path, first, "a.jpg", format="MPO", save_all=True, append_images=[second])
    assert differ_by(load_image(path), np.asarray(first)) < 4


def test_the_content_and_not_the_name_tells_the_format(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOURS), "a.jpg", format="PNG")
    assert np.array_equal(load_image(path), COLOURS)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_exif_orientation_is_applied(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if name == "a.tif" else {"quality": 95}
    path = saved(tmp_path, Image.fromarray(smooth()), name, exif=exif, **options)
    with Image.open(saved(tmp_path, Image.fromarray(smooth()), "plain.png", exif=exif)) as plain:
        upright = np.asarray(ImageOps.exif_transpose(plain))
    image = load_image(path)
    assert image.shape == upright.shape
    assert differ_by(image, upright) < 40
    assert image.flags.c_contiguous


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_of_deep_tiffs_is_applied_once(tmp_path, kind, orientation):
    values = COLOURS.astype(np.uint16) * 257 if kind is np.uint16 else COLOURS / np.float32(255)
    tags = [(0x0112, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extratags=tags, metadata=None)
    turns = {1: 0, 3: 2, 6: -1, 8: 1}[orientation]
    assert np.array_equal(load_image(tmp_path / "a.tif"), np.rot90(COLOURS, turns))


def test_damaged_exif_does_not_spoil_the_image(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOURS), exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert np.array_equal(load_image(path), COLOURS)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_opaque_modes_become_rgb(tmp_path, mode):
    image = Image.fromarray(COLOURS).convert(mode)
    name = "a.tif" if mode in ("CMYK", "YCbCr") else "a.png"
    path = saved(tmp_path, image, name)
    assert np.array_equal(load_image(path), np.asarray(image.convert("RGB")))


def test_lab_tiff(tmp_path):
    path = saved(tmp_path, Image.new("LAB", (8, 8), (255, 128, 128)), "a.tif")
    assert differ_by(load_image(path), np.full((8, 8, 3), 255)) < 4


def test_cmyk_jpeg(tmp_path):
    path = saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "a.jpg", quality=95)
    assert differ_by(load_image(path), np.full((8, 8, 3), (255, 0, 0))) < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_transparency_is_laid_over_white(tmp_path, mode, name):
    colour = (100, 40) if mode == "LA" else (100, 50, 0, 40)
    image = Image.new(mode, (6, 5), colour)
    path = saved(tmp_path, image, name)
    expected = [
        round(c * 40 / 255 + 255 * 215 / 255) for c in image.convert("RGB").getpixel((0, 0))
    ]
    assert np.array_equal(load_image(path), np.full((5, 6, 3), expected))


def test_transparent_palette_entries_turn_white(tmp_path):
    image = Image.new("P", (6, 5), 1)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((2, 3), 0)
    for transparency in (0, b"\x00\xff"):
        for name in ("a.png", "a.gif"):
            if name == "a.gif" and isinstance(transparency, bytes):
                continue  # GIF knows one transparent entry only
            read = load_image(saved(tmp_path, image, name, transparency=transparency))
            assert read[3, 2].tolist() == [255, 255, 255]
            assert read[0, 0].tolist() == [200, 0, 0]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_transparent_colour_of_eight_bit_png_turns_white(tmp_path, mode):
    image = Image.new(mode, (6, 5), "black")
    image.putpixel((2, 3), 7 if mode == "L" else (7, 8, 9))
    transparency = 7 if mode == "L" else (7, 8, 9)
    image = load_image(saved(tmp_path, image, transparency=transparency))
    assert image[3, 2].tolist() == [255, 255, 255]
    assert image.sum() == 3 * 255


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_colour_of_sixteen_bit_png_turns_white(tmp_path, channels):
    values = np.arange(36, dtype=">u2").reshape(6, 6, 1).repeat(channels, axis=2) * np.uint16(1800)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    clear = struct.pack(">H", 7 * 1800) * channels  # the value of the pixel in row 1, column 1
    data = png(6, 6, 16, 0 if channels == 1 else 2, rows, clear)
    (tmp_path / "a.png").write_bytes(data)
    expected = np.rint(values / 257)
    expected[1, 1] = 255
    assert np.array_equal(load_image(tmp_path / "a.png"), np.broadcast_to(expected, (6, 6, 3)))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_divided_by_257(tmp_path, name, channels):
    shape = (HEIGHT, WIDTH, channels) if channels > 1 else (HEIGHT, WIDTH)
    values = np.random.default_rng(2).integers(0, 65536, shape, dtype=np.uint16)
    values[0, 0], values[0, 1] = 0, 65535
    if channels == 4:
        values[:, :, 3] = 65535
    cv2.imwrite(str(tmp_path / name), values)
    eight = np.rint(values / 257).astype(np.uint8)
    expected = in_grey(eight) if channels == 1 else eight[:, :, 2::-1]
    assert np.array_equal(load_image(tmp_path / name), expected)


def test_sixteen_bit_png_is_turned_by_its_exif(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), COLOURS[:, :, ::-1].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + block))
    data = (tmp_path / "deep.png").read_bytes()
    (tmp_path / "turned.png").write_bytes(data[:33] + chunk + data[33:])
    assert np.array_equal(load_image(tmp_path / "turned.png"), np.rot90(COLOURS, -1))


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_grey_in_either_byte_order(tmp_path, order):
    values = GREY.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", values, byteorder=order, metadata=None)
    assert np.array_equal(load_image(tmp_path / "a.tif"), in_grey(GREY))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_tiff_whose_zero_is_white(tmp_path, kind):
    values = GREY if kind is np.uint8 else GREY.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite", metadata=None)
    assert np.array_equal(load_image(tmp_path / "a.tif"), in_grey(255 - GREY))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (GREY / np.float32(255), GREY),
        (GREY.astype(np.float32), GREY),
        (GREY * np.float32(257), GREY),
        (GREY.astype(np.int32), GREY),
        (GREY.astype(np.int32) * 257, GREY),
        (GREY.astype(np.uint32), GREY),
        (GREY.astype(np.float64) / 255, GREY),
        (np.where(GREY > 99, 1e6, -1e6).astype(np.float32), np.where(GREY > 99, 255, 0)),
        (np.where(GREY > 99, 70_000, -5).astype(np.int32), np.where(GREY > 99, 255, 0)),
        (np.full((5, 6), -3, np.float32), np.zeros((5, 6), np.uint8)),
    ],
)
def test_wide_grey_values_follow_the_documented_rule(tmp_path, values, expected):
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None)
    assert np.array_equal(load_image(tmp_path / "a.tif"), in_grey(expected))


@pytest.mark.parametrize("big", [False, True])
def test_float_colours(tmp_path, big):
    values = COLOURS / np.float32(255)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", bigtiff=big, metadata=None)
    assert np.array_equal(load_image(tmp_path / "a.tif"), COLOURS)


def refusal(path: Path) -> str:
    with pytest.raises(PdaStudioError) as caught:
        load_image(path)
    assert caught.value.exit_status == 1
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.png")


def test_folder(tmp_path):
    assert "it is a folder" in refusal(tmp_path)


def test_empty_file(tmp_path):
    (tmp_path / "a.png").touch()
    assert "the file is empty" in refusal(tmp_path / "a.png")


def test_impossible_name(tmp_path):
    assert "check the name" in refusal(tmp_path / ("a" * 5000))
    assert "check the name" in refusal(tmp_path / "a\0b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert "it is not a file" in refusal(tmp_path / "a.png")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX access rights")
def test_no_permission(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOURS))
    path.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)  # the superuser may read everything
    try:
        assert "no permission" in refusal(path)
    finally:
        os.seteuid(was)


@pytest.mark.parametrize(
    "content", [b"just some text\n", b"%PDF-1.7\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0" * 64, b"B"]
)
def test_what_is_no_image(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    message = refusal(tmp_path / "a.png")
    assert (
        "it is not a JPEG, PNG, TIFF, BMP, WebP, GIF, JPEG 2000, AVIF, HEIC, DICOM or NIfTI image"
        in message
    )


@pytest.mark.parametrize("name", ["a.tga", "a.ppm", "a.eps", "a.ico"])
def test_unsupported_formats(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(COLOURS), name)
    assert "convert it to one of these" in refusal(path)


@pytest.mark.parametrize("name", ["a.jpg", "p.jpg", "a.png", "a.gif", "a.bmp", "a.tif", "a.webp"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, name, part):
    path = saved(tmp_path, Image.fromarray(COLOURS).resize((300, 200)), name, progressive=True)
    assert load_image(path).shape == (200, 300, 3)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert "damaged or incomplete" in refusal(path)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "float.tif"])
def test_truncated_deep_files_are_refused(tmp_path, name):
    values = COLOURS.astype(np.uint16) if name.startswith("deep") else COLOURS / np.float32(255)
    cv2.imwrite(str(tmp_path / name), values)
    content = (tmp_path / name).read_bytes()
    for part in (0.3, 0.8):
        (tmp_path / name).write_bytes(content[: int(len(content) * part)])
        assert "damaged" in refusal(tmp_path / name)


def test_a_gif_that_is_damaged_behind_its_first_frame(tmp_path):
    path = tmp_path / "a.gif"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-1] + b",\x00")  # a frame begins, and there it ends
    with pytest.raises(PdaStudioError, match="damaged or incomplete"):
        load_image(path)


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a"])
def test_bare_signatures_are_called_damaged(tmp_path, start):
    (tmp_path / "a").write_bytes(start)
    assert "damaged or incomplete" in refusal(tmp_path / "a")


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_001, 10_000), (2**31 - 1, 5)])
def test_too_many_pixels_are_refused_from_the_header(tmp_path, size):
    data = png(*size, 8, 2, b"never decoded", b"")
    (tmp_path / "a.png").write_bytes(data)
    assert "100 million" in refusal(tmp_path / "a.png")


def test_too_many_pixels_in_a_tiff_that_pillow_cannot_read(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 8, 3), np.float32), photometric="rgb", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["ImageWidth"].overwrite(20_000)
        file.pages[0].tags["ImageLength"].overwrite(20_000)
    assert "20,000×20,000" in refusal(tmp_path / "a.tif")


def test_just_under_the_limit_no_warning_is_shown(tmp_path, recwarn):
    path = saved(tmp_path, Image.new("1", (10_000, 9_500)))
    assert load_image(path).shape == (9_500, 10_000, 3)
    assert not recwarn.list


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 400), (400, 3)])
def test_too_few_pixels_are_refused(tmp_path, width, height):
    path = saved(tmp_path, Image.new("RGB", (width, height)))
    message = refusal(path)
    assert f"has only {width}×{height} pixels; at least 4×4 are needed." in message


def test_values_that_are_not_finite_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((5, 6), np.nan, np.float32), metadata=None)
    assert "not finite" in refusal(tmp_path / "a.tif")


sides = st.integers(4, 40)


@settings(deadline=None)  # other programs may slow it down
@given(
    st.one_of(
        hnp.arrays(np.uint8, st.tuples(sides, sides)),
        hnp.arrays(np.uint8, st.tuples(sides, sides, st.sampled_from([3, 4]))),
        hnp.arrays(np.uint16, st.tuples(sides, sides)),
        hnp.arrays(np.bool_, st.tuples(sides, sides)),
    )
)
def test_png_files_and_arrays_give_the_same_image(tmp_path_factory, array):
    path = tmp_path_factory.getbasetemp() / "any.png"
    Image.fromarray(array).save(path)
    image = load_image(path)
    assert np.array_equal(image, as_rgb(array))
    if array.dtype == np.uint8 and array.shape[2:] == (3,):
        assert np.array_equal(image, array)
    if array.dtype == np.uint8 and array.ndim == 2:
        assert np.array_equal(image, in_grey(array))


@settings(deadline=None)  # other programs may slow it down
@given(st.binary(min_size=1, max_size=200), st.sampled_from(["png", "jpeg", "tiff", "gif", "webp"]))
def test_damage_never_shows_as_another_error(tmp_path_factory, noise, kind):
    path = tmp_path_factory.getbasetemp() / "noise"
    Image.fromarray(COLOURS).save(path, format=kind)
    content = bytearray(path.read_bytes())
    where = 8 + sum(noise) % (len(content) - 8)
    content[where : where + len(noise)] = noise
    path.write_bytes(bytes(content))
    try:
        image = load_image(path)
    except PdaStudioError:
        return
    assert image.dtype == np.uint8
    assert image.shape[2:] == (3,)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (COLOURS, COLOURS),
        (GREY, in_grey(GREY)),
        (GREY[:, :, None], in_grey(GREY)),
        (GREY.tolist(), in_grey(GREY)),
        (COLOURS / 255, COLOURS),
        ((COLOURS / 255).astype(np.float32), COLOURS),
        (COLOURS.astype(np.uint16) * 257, COLOURS),
        (COLOURS.astype(np.int64), COLOURS),
        (GREY > 99, in_grey(np.where(GREY > 99, 255, 0))),
        (np.full((4, 4, 4), (0, 0, 0, 51), np.uint8), np.full((4, 4, 3), 204)),
        (np.full((4, 4, 4), (0, 0, 0, 0.2)), np.full((4, 4, 3), 204)),
        (COLOURS.transpose(1, 0, 2), COLOURS.transpose(1, 0, 2)),
        (np.full((4, 4), 1.0000001), np.full((4, 4, 3), 255)),
    ],
)
def test_arrays_become_images(array, expected):
    image = as_rgb(array)
    assert np.array_equal(image, expected)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_the_image_of_an_array_is_its_own():
    array = COLOURS.copy()
    as_rgb(array)[:] = 0
    assert np.array_equal(array, COLOURS)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 20, 30)), "no image"),
        (np.zeros((20, 30, 2)), "no image"),
        (np.zeros(20), "no image"),
        (np.zeros((1, 20, 30, 3)), "no image"),
        (np.full((5, 5), "a"), "no image"),
        (np.full((5, 5), 1j), "no image"),
        (np.full((5, 5), None), "no image"),
        (np.full((5, 5), 2.0), "0–1"),
        (np.full((5, 5), -0.1), "0–1"),
        (np.full((5, 5), np.nan), "0–1"),
        (np.full((5, 5), 256), "0–255"),
        (np.zeros((1, 1, 3)), "has only 1×1 pixels; at least 4×4 are needed"),
        (np.zeros((0, 5, 3)), "has only 5×0 pixels"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), "100 million"),
    ],
)
def test_other_arrays_are_refused(array, message):
    with pytest.raises(PdaStudioError, match=message):
        as_rgb(array)


# WebP


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_still_webp_is_what_pillow_makes_of_it(tmp_path, mode, lossless):
    path = tmp_path / "image.webp"
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, len(mode)), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(noise).save(path, lossless=lossless, quality=60, exif=exif)
    with Image.open(path) as image:
        shown = Image.alpha_composite(
            Image.new("RGBA", image.size, "white"), image.convert("RGBA")
        ).convert("RGB")
    expected = np.rot90(np.asarray(shown), -1).astype(int)
    found = load_image(path)
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= (1 if mode == "RGBA" else 0)  # of a rounding


PEAK = """if True:
    import resource, sys
    from pda_studio.images import load_image

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    load_image(sys.argv[1])
    before = peak()
    image = load_image(sys.argv[2])
    print((peak() - before) / (image.size // 3))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_large_webp_takes_no_more_memory_than_other_images(tmp_path):
    small, large = tmp_path / "small.webp", tmp_path / "large.webp"
    Image.new("RGB", (8, 8), "red").save(small)
    Image.new("RGB", (5000, 5000), "red").save(large, quality=10, method=0)
    run = [sys.executable, "-c", PEAK, small, large]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    assert float(said) < 12, "bytes for each pixel: of Pillow's image, and of ours"


def test_a_large_animation_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "moves.webp"
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert (load_image(path)[10, 10] > (200, -1, -1)).all()
    monkeypatch.setattr("pda_studio.images.reading._MOST_ANIMATED", 399)
    with pytest.raises(PdaStudioError, match="animation of more than 25 million pixels"):
        load_image(path)
