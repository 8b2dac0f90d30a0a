"""DICOM: the values of pydicom's own files against what their bytes say, series, bad files."""

import io
import logging
import shutil
import warnings
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import read_image

Array = NDArray[Any]

GREY = {
    # name: display limits (window as the standard has it, or the bits in use)
    "CT_small.dcm": (-896, 1167),
    "MR_small.dcm": (-200, 1399),
    "MR_small_bigendian.dcm": (-200, 1399),
    "MR_small_expb.dcm": (-200, 1399),
    "MR_small_implicit.dcm": (-200, 1399),
    "MR_small_RLE.dcm": (-200, 1399),
    "MR_small_jp2klossless.dcm": (-200, 1399),
    "MR_small_jpeg_ls_lossless.dcm": (-200, 1399),
    "MR_small_padded.dcm": (-200, 1399),
    "693_J2KI.dcm": (-10, 89),
    "JPEG2000.dcm": (-30, 245),
    "JPEGLSNearLossless_08.dcm": (0, 255),
    "JPEGLSNearLossless_16.dcm": (0, 65535),
    "JPGExtended.dcm": (0, 140),
    "examples_overlay.dcm": (55, 844),
    "image_dfl.dcm": (0, 255),
    "liver_1frame.dcm": (0, 1),
    "rtdose.dcm": None,
    "rtdose_expb.dcm": None,
    "rtdose_rle.dcm": None,
    "dicomdirtests/77654033/CR1/6154": (2999, 200),  # MONOCHROME1: inverted
    "dicomdirtests/98892003/MR700/4648": (-30.5, 327.5),
}
COLOUR = [
    *("ExplVR_BigEnd.dcm", "examples_rgb_color.dcm", "examples_palette.dcm"),
    *("SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_rle_32bit.dcm"),
    *("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+n1.dcm"),
    *("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm"),
    *("SC_ybr_full_422_uncompressed.dcm", "examples_ybr_color.dcm", "GDCMJ2K_TextGBR.dcm"),
    "examples_jpeg2k.dcm",
]
REFUSED = {
    "MR_truncated.dcm": "damaged or incomplete",
    "badVR.dcm": "damaged or incomplete",
    "JPEG2000-embedded-sequence-delimiter.dcm": "damaged or incomplete",
    "SC_rgb_small_odd.dcm": "at least 4×4 are needed",
    "rtplan.dcm": r"without an image \(RT Plan Storage\); choose a file with pixels",
    "rtplan_truncated.dcm": "without an image",
    "reportsi.dcm": r"without an image \(Basic Text SR Storage\)",
    "waveform_ecg.dcm": "without an image",
    "UN_sequence.dcm": "without an image",
    "dicomdirtests/DICOMDIR": r"without an image \(Media Storage Directory Storage\)",
}


def shipped(name: str) -> Path:
    """A file that pydicom's wheel holds; nothing is downloaded."""
    folder = Path(str(get_testdata_file("CT_small.dcm", download=False))).parent
    return folder / name


def alone(name: str, folder: Path) -> Path:
    """A copy of it without neighbours."""
    return Path(shutil.copy(shipped(name), folder / Path(name).name))


def unpacked(data: bytes, dataset: pydicom.Dataset) -> Array:
    """A frame of RLE, by its header and PackBits."""
    starts = [int(at) for at in np.frombuffer(data, "<u4", 16)[1:] if at]
    planes = [
        imagecodecs.packbits_decode(data[start:end])[: dataset.Rows * dataset.Columns]
        for start, end in zip(starts, [*starts[1:], len(data)], strict=True)
    ]
    bytes_each = dataset.BitsAllocated // 8  # the most significant comes first
    stacked = np.stack([np.frombuffer(one, np.uint8) for one in planes], -1)
    kind = f">{'i' if dataset.PixelRepresentation else 'u'}{bytes_each}"
    return np.ascontiguousarray(stacked).view(kind)


def stored(dataset: pydicom.Dataset) -> Array:
    """The first frame's stored values, (H, W) or (H, W, C), from the bytes alone."""
    rows, columns, samples = dataset.Rows, dataset.Columns, dataset.SamplesPerPixel
    syntax = dataset.file_meta.TransferSyntaxUID
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    if not syntax.is_encapsulated:
        if dataset.BitsAllocated == 1:
            return np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")[
                : rows * columns
            ].reshape(shape)
        sign = "i" if dataset.PixelRepresentation else "u"
        order = "<" if syntax.is_little_endian else ">"
        kind = f"{order}{sign}{dataset.BitsAllocated // 8}"
        if dataset.PhotometricInterpretation == "YBR_FULL_422":
            pairs = np.frombuffer(dataset.PixelData, kind)[: rows * columns * 2].reshape(-1, 4)
            whole = pairs[:, [0, 2, 3, 1, 2, 3]]
            return whole.reshape(shape)
        flat = np.frombuffer(dataset.PixelData, kind)[: rows * columns * samples]
        if samples > 1 and dataset.PlanarConfiguration == 1:
            return np.moveaxis(flat.reshape(samples, rows, columns), 0, 2)
        return flat.reshape(shape)
    frames = int(dataset.get("NumberOfFrames") or 1)
    data = next(generate_frames(dataset.PixelData, number_of_frames=frames))
    if syntax == RLELossless:
        return unpacked(data, dataset).reshape(shape)
    if "2000" in syntax.name:
        found = np.asarray(imagecodecs.jpeg2k_decode(data))
    elif "JPEG-LS" in syntax.name:
        found = np.asarray(imagecodecs.jpegls_decode(data))
        if found.shape[0] == samples > 1:
            found = np.moveaxis(found, 0, 2)
    else:
        rgb = dataset.PhotometricInterpretation == "RGB"
        spaces = {"colorspace": "rgb", "outcolorspace": "rgb"} if rgb else {}
        found = np.asarray(imagecodecs.jpeg_decode(data, **spaces))
    if dataset.PixelRepresentation and found.dtype.kind == "u":
        # The bits are those of signed values.
        spare = 8 * found.dtype.itemsize - dataset.BitsStored
        found = (found << spare).astype(found.dtype.str.replace("u", "i")) >> spare
    return found


def in_rgb(values: Array) -> Array:
    """YBR_FULL as RGB, by the formula of the standard."""
    y, blue, red = np.moveaxis(values.astype(float), -1, 0)
    blue, red = blue - 128, red - 128
    green = y - 0.344136 * blue - 0.714136 * red
    return np.clip(np.rint(np.stack([y + 1.402 * red, green, y + 1.772 * blue], -1)), 0, 255)


@pytest.mark.parametrize("name", GREY)
def test_grey_values_are_those_of_the_bytes(name: str, tmp_path: Path) -> None:
    path = alone(name, tmp_path)
    image = read_image(path)
    dataset = pydicom.dcmread(path)
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    expected = stored(dataset).astype(float) * float(slope) + float(intercept)
    assert image.values.shape == (*expected.shape, 1)
    np.testing.assert_allclose(image.values[..., 0], expected, rtol=1e-6)
    assert image.pages == int(dataset.get("NumberOfFrames") or 1)
    if (limits := GREY[name]) is not None:
        assert (image.limits.black, image.limits.white) == limits
    if spacing := dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing"):
        assert image.spacing == tuple(map(float, spacing))
    assert np.ptp(image.pixels.astype(int)) > 50  # neither black nor white


@pytest.mark.parametrize("name", COLOUR)
def test_colours_are_those_of_the_bytes(name: str, tmp_path: Path) -> None:
    path = alone(name, tmp_path)
    image = read_image(path)
    dataset = pydicom.dcmread(path)
    expected, slack = stored(dataset).astype(float), 0
    native = not dataset.file_meta.TransferSyntaxUID.is_encapsulated
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        tables = [
            np.frombuffer(dataset[f"{one}PaletteColorLookupTableData"].value, "<u2")
            for one in ("Red", "Green", "Blue")
        ]
        first = dataset.RedPaletteColorLookupTableDescriptor[1]
        indices = stored(dataset).astype(int) - first
        expected = np.stack([table[indices] for table in tables], -1).astype(float)
    elif native and dataset.PhotometricInterpretation.startswith("YBR_FULL"):
        expected, slack = in_rgb(expected), 1  # of a rounding
    elif not native:
        slack = 2 if "JPEG" in dataset.file_meta.TransferSyntaxUID.name else 0  # two decoders
    assert image.values.shape == expected.shape
    assert (np.abs(image.values.astype(float) - expected) <= slack + expected * 1e-7).all()
    assert image.limits.black == 0


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused(name: str, tmp_path: Path) -> None:
    path = alone(name, tmp_path)
    with pytest.raises(PdaStudioError, match=REFUSED[name]) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"Cannot read {path}: ")
    assert str(caught.value).count("\n") == 0


def made(values: Array, **elements: Any) -> pydicom.FileDataset:
    """A small file of 12-bit grey, with whatever elements."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    one = pydicom.FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    one.SOPClassUID, one.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    one.PatientName, one.PatientID = "Doe^Jane", "SECRET-77"
    one.Rows, one.Columns = values.shape[-2:]
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.PixelData = values.astype("<u2").tobytes()
    for name, value in elements.items():
        setattr(one, name, value)
    return one


def ramp(first: int = 0) -> Array:
    return (np.arange(20 * 24).reshape(20, 24) * 8 + first).astype(np.uint16)


def test_lossless_jpeg_is_read(tmp_path: Path) -> None:
    one = made(ramp())
    one.PixelData = encapsulate([imagecodecs.ljpeg_encode(ramp(), bitspersample=12)])
    one.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    one.save_as(tmp_path / "one.dcm")
    assert np.array_equal(read_image(tmp_path / "one.dcm").values[..., 0], ramp())


def test_a_lookup_table_is_applied_where_there_is_no_window(tmp_path: Path) -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor, table.LUTData = (
        [4096, 0, 16],
        (np.arange(4096)[::-1] // 16).astype("<u2").tobytes(),
    )
    made(ramp(), VOILUTSequence=[table]).save_as(tmp_path / "one.dcm")
    image = read_image(tmp_path / "one.dcm")
    assert np.array_equal(image.values[..., 0], (4095 - ramp()) // 16)
    assert (image.limits.black, image.limits.white) == (0, 65535)
    assert "Its VOI LUT is applied." in image.notes


@pytest.mark.parametrize(
    ("function", "limits"), [("LINEAR", (100, 299)), ("LINEAR_EXACT", (99.5, 299.5))]
)
def test_the_window_is_that_of_the_standard(
    function: str, limits: tuple[float, float], tmp_path: Path
) -> None:
    window = {"WindowCenter": [199.5 + (function == "LINEAR") / 2, 50], "WindowWidth": [200, 10]}
    made(ramp(), VOILUTFunction=function, **window).save_as(tmp_path / "one.dcm")
    image = read_image(tmp_path / "one.dcm")
    assert (image.limits.black, image.limits.white) == limits


def test_twelve_bits_are_shown_in_full_and_padding_is_left_out(tmp_path: Path) -> None:
    made(ramp()).save_as(tmp_path / "one.dcm")
    assert read_image(tmp_path / "one.dcm").limits.white == 4095
    padded = ramp(1000) // 4
    padded[:, :3] = 4000
    made(padded, PixelPaddingValue=4000).save_as(tmp_path / "two.dcm")
    assert read_image(tmp_path / "two.dcm").limits.white < 1300


def series(folder: Path) -> list[Path]:
    """Five slices whose names, numbers and positions have three orders; and a stranger."""
    series_uid = generate_uid()
    paths = []
    for at, place in enumerate((4, 1, 3, 0, 2)):
        path = folder / f"{at}"  # without an ending, as on the discs of hospitals
        where = {
            "SeriesInstanceUID": series_uid,
            "ImagePositionPatient": [10, 20, 2.5 * place],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.75],
            "InstanceNumber": at,
        }
        made(ramp(place), **where).save_as(path)
        paths.append(path)
    made(ramp(9), SeriesInstanceUID=generate_uid()).save_as(folder / "stranger.dcm")
    (folder / "notes.txt").write_text("no image")
    return paths


def test_a_series_is_slices_by_position(tmp_path: Path) -> None:
    paths = series(tmp_path)
    own = read_image(paths[0])
    assert (own.page, own.pages) == (5, 5)
    firsts = [int(read_image(paths[0], page).values[0, 0, 0]) for page in range(1, 6)]
    assert firsts == [0, 1, 2, 3, 4]
    assert read_image(tmp_path).page == 3  # of a folder, the middle one
    assert int(read_image(tmp_path, 5).values[0, 0, 0]) == 4
    assert read_image(tmp_path / "stranger.dcm").pages == 1
    with pytest.raises(UsageError, match="has 5 slices; there is no slice 6"):
        read_image(paths[0], 6)
    assert own.geometry is not None
    assert own.spacing == own.geometry.spacing == (0.5, 0.75)
    # Row 2 and column 4 lie at x = 10 + 4 * 0.75, y = 20 + 2 * 0.5 towards left and back.
    np.testing.assert_allclose(own.geometry.affine @ [2, 4, 0, 1], [-13, -21, 10, 1])
    assert "shown as squares" in " ".join(own.notes)


def test_bombs_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = made(ramp(), Rows=60_000, Columns=60_000)
    large.save_as(tmp_path / "large.dcm")
    with pytest.raises(PdaStudioError, match="60,000×60,000 pixels; scale it down"):
        read_image(tmp_path / "large.dcm")

    stream = bytearray(imagecodecs.jpeg2k_encode(ramp(), codecformat="j2k"))
    stream[8:16] = (50_000).to_bytes(4, "big") * 2  # a size that its header does not tell
    packed = made(ramp())
    packed.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    packed.PixelData = encapsulate([bytes(stream)])
    packed.save_as(tmp_path / "stream.dcm")
    with pytest.raises(PdaStudioError, match="damaged or incomplete"):
        read_image(tmp_path / "stream.dcm")

    whole = shipped("image_dfl.dcm").read_bytes()
    start = 128 + 16 + int.from_bytes(whole[140:144], "little")
    monkeypatch.setattr("pda_studio.images.dicom._MOST_INFLATED", 1 << 24)
    deflating = zlib.compressobj(1, wbits=-15)
    zeros = deflating.compress(bytes(1 << 25)) + deflating.flush()
    (tmp_path / "deflated.dcm").write_bytes(whole[:start] + zeros)
    with pytest.raises(PdaStudioError, match="damaged or incomplete"):
        read_image(tmp_path / "deflated.dcm")


def test_what_pydicom_says_of_a_file_is_not_told(tmp_path: Path) -> None:
    one = made(ramp())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one.SeriesInstanceUID = "Doe^Jane"  # no such identifier: pydicom warns of it by its value
        one.save_as(tmp_path / "one.dcm", enforce_file_format=False)
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            image = read_image(tmp_path / "one.dcm")
    finally:
        logging.getLogger().removeHandler(handler)
    texts = [told.getvalue(), *(str(one.message) for one in caught), repr(image)]
    assert not any("Doe" in text or "SECRET" in text for text in texts)


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pda_studio.images.medical.find_spec", lambda module: None)
    path = shipped("CT_small.dcm")
    with pytest.raises(PdaStudioError) as caught:
        read_image(path)
    assert str(caught.value) == (
        f"Cannot read {path}: DICOM needs an extra; run pip install pda-studio[medical]."
    )
    with pytest.raises(PdaStudioError, match="it is a folder; name an image in it"):
        read_image(path.parent)
