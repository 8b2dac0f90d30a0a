"""NIfTI: slices in three planes, where they lie, and what is refused."""

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import read_image
from pda_studio.images.geometry import PLANES, Plane

SHAPE = 11, 13, 9
VALUES = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16) * 7 - 900
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([1.5, 2.0, 3.0]), [-20, 30, 4]
)


def saved(path: Path, values: NDArray[Any] = VALUES, affine: Any = OBLIQUE) -> Path:
    nib.save(nib.Nifti1Image(values, affine), path)
    return path


def orders() -> dict[str, NDArray[np.float64]]:
    """Affines of files whose axes run in several directions and orders."""
    swapped = OBLIQUE[:, [1, 2, 0, 3]]
    return {
        "RAS": OBLIQUE,
        "LAS": OBLIQUE @ np.diag([-1, 1, 1, 1]),
        "LPI": OBLIQUE @ np.diag([-1, -1, -1, 1]),
        "ASR": swapped,
        "PIL": swapped @ np.diag([-1, -1, -1, 1]),
    }


@pytest.mark.parametrize("name", orders())
@pytest.mark.parametrize("plane", PLANES)
def test_every_pixel_lies_where_its_voxel_lies(name: str, plane: Plane, tmp_path: Path) -> None:
    affine = orders()[name]
    path = saved(tmp_path / "volume.nii", affine=affine)
    first = read_image(path, 1, plane)
    assert first.plane == plane
    assert first.planes == PLANES
    for page in (1, first.pages // 2, first.pages):
        image = read_image(path, page, plane)
        assert image.geometry is not None
        rows, columns = np.mgrid[: image.height, : image.width]
        points = np.stack([rows, columns, 0 * rows, 1 + 0 * rows], -1) @ image.geometry.affine.T
        voxels = points @ np.linalg.inv(affine).T
        nearest = np.rint(voxels[..., :3]).astype(int)
        np.testing.assert_allclose(voxels[..., :3], nearest, atol=1e-6)
        assert np.array_equal(image.values[..., 0], VALUES[tuple(np.moveaxis(nearest, -1, 0))])
        assert image.geometry.axes == "".join(nib.aff2axcodes(affine))
        assert image.spacing == pytest.approx(image.geometry.spacing)
    # As radiology has it: to the right of the image lies the patient's left, above the head.
    right, down = first.geometry.affine[:3, 1], first.geometry.affine[:3, 0]
    assert np.argmax(np.abs(right)) == (1 if plane == "sagittal" else 0)
    assert right[np.argmax(np.abs(right))] < 0
    assert np.argmax(np.abs(down)) == (1 if plane == "axial" else 2)
    assert down[np.argmax(np.abs(down))] < 0
    step = first.geometry.affine[:3, 2]
    assert step[np.argmax(np.abs(step))] > 0


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_scaled_values_and_the_middle_slice(ending: str, kind: Any, tmp_path: Path) -> None:
    path = tmp_path / f"volume{ending}"
    image = kind(VALUES, OBLIQUE)
    image.header.set_slope_inter(0.5, -3)
    image.to_filename(path)
    read = read_image(path)
    assert (read.plane, read.page, read.pages) == ("axial", 5, 9)
    assert read.values.dtype == np.float32
    expected = nib.load(path).get_fdata()[::-1, ::-1, 4].T
    np.testing.assert_allclose(read.values[..., 0], expected, rtol=1e-6)
    assert "The axial slice 5 of 9 is read." in read.notes
    with pytest.raises(UsageError, match="has 9 slices; there is no slice 10"):
        read_image(path, 10)


def test_more_volumes_colours_and_values_that_are_no_numbers(tmp_path: Path) -> None:
    several = saved(tmp_path / "several.nii.gz", np.stack([VALUES, VALUES + 5], -1))
    image = read_image(several)
    assert "It holds 2 volumes: the first is read." in image.notes
    assert np.array_equal(image.values[..., 0], VALUES[::-1, ::-1, 4].T)

    rgb = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    rgb["G"], rgb["B"] = VALUES % 256, VALUES % 99
    colours = read_image(saved(tmp_path / "colours.nii", rgb))
    assert colours.is_eight_bit
    assert np.array_equal(colours.values[..., 1], (VALUES % 256)[::-1, ::-1, 4].T)

    lacking = VALUES.astype(np.float32)
    lacking[:3] = np.nan
    masked = read_image(saved(tmp_path / "masked.nii", lacking))
    assert masked.values.min() == 0 == masked.values[0, -1, 0]
    assert "Values that are no numbers are read as 0." in masked.notes


def test_a_single_slice_needs_no_plane(tmp_path: Path) -> None:
    flat = read_image(saved(tmp_path / "flat.nii", VALUES[:, 3:4]))
    assert (flat.plane, flat.pages) == ("coronal", 1)
    assert np.array_equal(flat.values[..., 0], VALUES[::-1, 3, ::-1].T)


def test_what_is_refused_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = saved(tmp_path / "volume.nii")
    whole = path.read_bytes()

    def refused(data: bytes, words: str, name: str = "bad.nii") -> None:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PdaStudioError, match=words) as caught:
            read_image(tmp_path / name)
        assert str(caught.value).startswith(f"Cannot read {tmp_path / name}: ")
        assert "\n" not in str(caught.value)

    refused(whole[:900], "damaged or incomplete")
    refused(gzip.compress(whole)[:400], "damaged or incomplete", "bad.nii.gz")
    refused(whole[:344] + b"ni1\0" + whole[348:], "second file; save it as one file")
    far = whole[:108] + struct.pack("<f", 1e12) + whole[112:]
    refused(far, "damaged or incomplete")
    large = whole[:40] + struct.pack("<4h", 3, 30_000, 30_000, 30_000) + whole[48:]
    refused(gzip.compress(large), "larger than 4 GB", "large.nii.gz")
    wide = whole[:40] + struct.pack("<4h", 3, 30_000, 30_000, 1) + whole[48:]
    refused(gzip.compress(wide), "scale it down", "wide.nii.gz")
    refused(whole[:70] + struct.pack("<2h", 32, 64) + whole[74:], "complex numbers")
    refused(whole[:70] + struct.pack("<2h", 9999, 64) + whole[74:], "damaged or incomplete")


def test_planes_and_the_extra_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    png = tmp_path / "flat.png"
    from PIL import Image

    Image.fromarray(np.zeros((9, 9), np.uint8)).save(png)
    with pytest.raises(UsageError, match="is no NIfTI volume: leave the axial plane out"):
        read_image(png, plane="axial")
    path = saved(tmp_path / "volume.nii.gz")
    monkeypatch.setattr("pda_studio.images.medical.find_spec", lambda module: None)
    with pytest.raises(PdaStudioError) as caught:
        read_image(path)
    assert str(caught.value) == (
        f"Cannot read {path}: NIfTI needs an extra; run pip install pda-studio[medical]."
    )
