"""Maps as NIfTI and DICOM: in the place of the image, and without a word of the patient."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from test_dicom import made, shipped
from test_maps import make_map
from test_nifti import OBLIQUE, orders

from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.cli import main
from pda_studio.document.model_input import preprocessing_of_row
from pda_studio.document.operations import Crop, Flip, Operation, Rotate, changed
from pda_studio.document.turning import seen
from pda_studio.document.workspace import Row
from pda_studio.images import Image, image_of, read_image
from pda_studio.images.fit import CropBox
from pda_studio.store.map_formats import write_map
from pda_studio.store.placed import Placed

QUICK = ["--method", "saliency", "--no-cache"]
SECRETS = (b"SECRET", b"Doe", b"Jane")


@pytest.mark.parametrize("name", orders())
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_map_lies_on_the_voxels_of_its_slice(name: str, plane: str, tmp_path: Path) -> None:
    affine = orders()[name]
    values = np.random.default_rng(0).integers(0, 900, (30, 34, 38)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "volume.nii")
    image = read_image(tmp_path / "volume.nii", 7, plane)  # type: ignore[arg-type]
    # The input is the image itself, and its map the values: so these must lie on the voxels.
    evidence = image.values[..., 0].astype(np.float32)
    write_map(make_map(evidence=evidence), tmp_path / "map.nii", Placed.through(np.eye(3), image))
    written = nib.load(tmp_path / "map.nii")
    assert nib.aff2axcodes(written.affine) == nib.aff2axcodes(affine)
    first = np.linalg.inv(affine) @ written.affine @ [0, 0, 0, 1]
    np.testing.assert_allclose(np.linalg.inv(affine) @ written.affine, _shift(first), atol=1e-4)
    at = tuple(
        slice(start, start + size)
        for start, size in zip(np.rint(first[:3]).astype(int), written.shape, strict=True)
    )
    np.testing.assert_array_equal(np.asarray(written.dataobj), values[at])


def _shift(by: np.ndarray) -> np.ndarray:
    shifted = np.eye(4)
    shifted[:3, 3] = by[:3]
    return shifted


def _empty(width: int, height: int) -> Image:
    return image_of(np.zeros((height, width, 1), np.uint8))


def test_a_crop_covers_the_middle_alone() -> None:
    crop = Preprocessing(resize=8, size=8, mean=(0.0,), std=(1.0,))
    on_image = Placed.of(_empty(32, 16), crop).on_image(np.ones((8, 8), np.float32))
    assert on_image.shape == (16, 32)
    assert (on_image[:, 8:24] == 1).all()
    assert on_image.sum() == 16 * 16
    pad = crop.model_copy(update={"fit": "pad"})
    whole = Placed.of(_empty(32, 16), pad).on_image(np.ones((8, 8), np.float32))
    assert (whole == 1).all()


def test_a_map_finer_than_the_image_loses_nothing() -> None:
    fine = Preprocessing(resize=64, size=64, mean=(0.0,), std=(1.0,))
    evidence = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    on_image = Placed.of(_empty(16, 16), fine).on_image(evidence)
    means = evidence.reshape(16, 4, 16, 4).mean((1, 3))
    np.testing.assert_allclose(on_image, means, atol=1e-6)


TURNS: dict[str, tuple[Operation, ...]] = {
    "as it is": (),
    "quarter turn": (Rotate(90),),
    "flipped": (Flip("horizontal"),),
    "cropped and turned": (Crop(4, 12, 44, 52), Rotate(-90), Flip("vertical")),
    "turned a little": (Rotate(15),),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("fit", ["crop", "chosen crop", "stretch", "pad", "full"])
def test_what_is_found_lies_where_it_was_planted(turn: str, fit: str, tmp_path: Path) -> None:
    """A bright ball in a volume; the model input itself is the map."""
    centre, affine = np.array([40, 31, 24]), orders()["PIL"]
    away = np.linalg.norm(np.indices((70, 62, 50)).T - centre, axis=-1).T
    path = tmp_path / "volume.nii"
    nib.save(nib.Nifti1Image((900 * np.exp(-(away**2) / 18)).astype(np.int16), affine), path)
    image = read_image(path, None, "axial")
    planes = [read_image(path, page, "axial") for page in range(1, image.pages + 1)]
    image = max(planes, key=lambda one: int(one.values.max()))
    size = (image.height - image.height % 8, image.width - image.width % 8)
    kind = {"fit": "crop" if fit == "chosen crop" else fit, "multiple": 8}
    box = CropBox(7, 14, 40, 40) if fit == "chosen crop" else None
    shape = (size if fit == "full" else (48, 64)) if fit != "chosen crop" else (48, 48)
    preprocessing = Preprocessing(resize=50, size=shape, mean=(0.0,), std=(1.0,), crop=box, **kind)
    row = Row(1, TURNS[turn])
    of_row = preprocessing_of_row(preprocessing, row, image.width, image.height)
    view = of_row.view(changed(image, row.operations))
    evidence = view[..., 0].astype(np.float32)
    matrix = seen(preprocessing, row, image.width, image.height)
    write_map(make_map(evidence=evidence), tmp_path / "m.nii", Placed.through(matrix, image))
    written = nib.load(tmp_path / "m.nii")
    values = np.asarray(written.dataobj)
    peak = np.unravel_index(values.argmax(), values.shape)
    found = written.affine @ [*peak, 1]
    voxels = np.linalg.inv(affine) @ found
    np.testing.assert_allclose(voxels[:3], centre, atol=1.01)
    centroid = np.average(np.indices(values.shape).reshape(3, -1), axis=1, weights=values.ravel())
    middle = np.linalg.inv(affine) @ written.affine @ [*centroid, 1]
    np.testing.assert_allclose(middle[:3], centre, atol=0.2)


def test_maps_of_both_kinds_come_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "volume.nii.gz"
    values = np.random.default_rng(0).integers(0, 900, (30, 34, 38)).astype(np.int16)
    image = nib.Nifti1Image(values, OBLIQUE)
    image.header["descrip"] = b"SECRET Doe"
    image.header["db_name"] = b"Jane"
    image.to_filename(path)
    for name in ("map.nii", "map.nii.gz", "map.dcm", "map.npz"):
        command = ["explain", str(path), "--plane", "coronal", "--page", "5", *QUICK]
        assert main([*command, "--output", str(tmp_path / name)]) == 0
    written = nib.load(tmp_path / "map.nii.gz")
    assert written.shape == (30, 1, 38)
    np.testing.assert_allclose(written.affine, OBLIQUE @ _shift(np.array([0, 4, 0, 0])), atol=1e-4)
    assert np.ptp(np.asarray(written.dataobj)) > 0
    assert (tmp_path / "map.nii").stat().st_size > 30 * 38 * 4
    drawn = pydicom.dcmread(tmp_path / "map.dcm")
    assert drawn.SOPClassUID.name == "Secondary Capture Image Storage"
    assert (drawn.Rows, drawn.PhotometricInterpretation) == (532, "RGB")
    assert np.ptp(drawn.pixel_array.astype(int), axis=2).max() > 60  # in colours
    assert read_image(tmp_path / "map.dcm").is_eight_bit


def test_nothing_that_is_written_names_the_patient(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.dcm"
    where = {
        "ImagePositionPatient": [10, 20, 30],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.75],
        "SeriesInstanceUID": "1.2.3",
        "InstitutionName": "SECRET hospital",
        "PatientComments": "SECRET",
    }
    pixels = np.random.default_rng(1).integers(0, 4096, (40, 40)).astype(np.uint16)
    made(pixels, **where).save_as(path)
    outputs = ["map.npz", "map.nii", "map.dcm"]
    for name in outputs:
        figures = ["--figure", str(tmp_path / f"{name}.pdf")]
        assert main(["explain", str(path), *QUICK, "--output", str(tmp_path / name), *figures]) == 0
    with np.load(tmp_path / "map.npz", allow_pickle=False) as arrays:
        held = (
            b"".join(arrays[name].tobytes() for name in arrays.files)
            + str(arrays["metadata"]).encode()
        )
    others = [(tmp_path / name).read_bytes() for name in outputs[1:]]
    drawn = [(tmp_path / f"{name}.pdf").read_bytes() for name in outputs]
    told = "".join(capsys.readouterr()).encode()
    for data in (held, told, *others, *drawn):
        assert not any(secret in data for secret in SECRETS)
    assert any(secret in path.read_bytes() for secret in SECRETS)
    spacing = pydicom.dcmread(tmp_path / "map.dcm").PixelSpacing
    assert spacing == pytest.approx([0.5 * 40 / 28 / 19, 0.75 * 40 / 28 / 19])
    np.testing.assert_allclose(
        nib.load(tmp_path / "map.nii").affine @ [0, 0, 0, 1], [-10, -20, 30, 1]
    )


def test_a_map_takes_no_other_name_and_never_the_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(shipped("CT_small.dcm")), *QUICK, "--output", "map.txt"]) == 2
    assert "must end in .npz, .nii, .nii.gz or .dcm" in capsys.readouterr().err
    path = tmp_path / "scan.dcm"
    made(np.zeros((40, 40), np.uint16)).save_as(path)
    before = path.read_bytes()
    assert main(["explain", str(path), *QUICK, "--output", str(path)]) == 2
    assert "would replace the image" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_patient_is_named_where_that_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.dcm"
    study = {"StudyInstanceUID": "1.2.840.77", "StudyDate": "20200102", "AccessionNumber": "A7"}
    pixels = np.random.default_rng(1).integers(0, 4096, (40, 40)).astype(np.uint16)
    made(pixels, **study).save_as(path)
    asked = ["explain", str(path), *QUICK, "--name-patient", "--output"]
    assert main([*asked, str(tmp_path / "map.dcm")]) == 0
    written = pydicom.dcmread(tmp_path / "map.dcm")
    assert (written.PatientName, written.PatientID) == ("Doe^Jane", "SECRET-77")
    assert {name: written[name].value for name in study} == study
    assert written.SOPInstanceUID != pydicom.dcmread(path).SOPInstanceUID
    assert "Doe" not in "".join(capsys.readouterr())
    for name in ("map.nii", "map.npz"):
        assert main([*asked, str(tmp_path / name)]) == 2
        assert "only DICOM maps do" in capsys.readouterr().err
        assert not (tmp_path / name).exists()
    Pillow.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photograph.png")
    asked[1] = str(tmp_path / "photograph.png")
    assert main([*asked, str(tmp_path / "other.dcm")]) == 2
    assert "is no DICOM file that names a patient" in capsys.readouterr().err
