"""A grey, medical-like case from end to end: is the strongest evidence where the lesion is?

Textured images of twelve bits, with a bright lesion or without one; a small classifier of one
channel that is trained to tell them; its files, the images' files, statistics fitted to their
folder, and maps by the program's own command line. Run it with

    python -m tests.lesions FOLDER --images 48
"""

from __future__ import annotations

import argparse
import importlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import tifffile
import torch
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from torch import nn

from pda_studio.cli import main as pda_studio

SIDE = 72  # pixels of an image
INPUT = 48  # of the model input
WHITE = 4095
NAMES = "healthy", "lesion"
ARCHITECTURE = "test_byobnet"  # one of timm's smallest: 0.8 MB
SPACING = 0.7, 0.7  # mm
MEAN, STD = 0.4, 0.15

Values = NDArray[np.uint16]


@dataclass(frozen=True)
class Case:
    """An image and where its lesion lies.

    Attributes
    ----------
    values : (SIDE, SIDE) uint16
        From 0 to 4095.
    lesion : (SIDE, SIDE) bool
        The pixels of the lesion; none of a healthy image.
    """

    values: Values
    lesion: NDArray[np.bool_]


def case(random: np.random.Generator, *, ill: bool) -> Case:
    """Tissue with a texture, vessels through it, and a lesion or none."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE), indexing="ij"))
    spectrum = np.fft.fft2(random.standard_normal((SIDE, SIDE))) / (0.02 + frequency) ** 1.3
    tissue = np.real(np.fft.ifft2(spectrum))
    field = 1500 + 330 * (tissue - tissue.mean()) / tissue.std()
    rows, columns = np.indices((SIDE, SIDE))
    for _ in range(int(random.integers(1, 5))):  # nearly as bright as a lesion, but long
        angle, offset = random.uniform(0, np.pi), random.uniform(-SIDE / 3, SIDE / 3)
        across = (rows - SIDE / 2) * np.cos(angle) + (columns - SIDE / 2) * np.sin(angle) - offset
        field += 700 * np.exp(-((across / 1.5) ** 2))
    lesion = np.zeros((SIDE, SIDE), bool)
    if ill:
        middle, radius = random.uniform(12, SIDE - 12, 2), random.uniform(4, 6.5)
        away = np.hypot(rows - middle[0], columns - middle[1])
        field += 1300 / (1 + np.exp((away - radius) / 0.8))
        lesion = away <= radius + 2
    field += 40 * random.standard_normal(field.shape)
    return Case(np.clip(np.rint(field), 0, WHITE).astype(np.uint16), lesion)


def cases(count: int, seed: int, *, ill: bool | None = None) -> list[Case]:
    """That many; without `ill`, every second one has a lesion."""
    random = np.random.default_rng(seed)
    return [case(random, ill=bool(at % 2) if ill is None else ill) for at in range(count)]


def inputs_of(some: Sequence[Case]) -> torch.Tensor:
    """Model inputs (N, 1, INPUT, INPUT): the middle of each image, normalised."""
    values = np.stack([one.values for one in some]).astype(np.float32) / WHITE
    pixels = torch.from_numpy(values)[:, None]
    scaled = nn.functional.interpolate(
        pixels, INPUT, mode="bilinear", antialias=True, align_corners=False
    )
    return (scaled - MEAN) / STD


def trained(count: int, epochs: int) -> nn.Module:
    """A network of one channel that tells images with a lesion from others."""
    torch.manual_seed(0)
    network: nn.Module = importlib.import_module("timm").create_model(
        ARCHITECTURE, in_chans=1, num_classes=len(NAMES)
    )
    inputs = inputs_of(cases(count, 1))
    wanted = torch.arange(count) % 2
    batch = 32
    optimiser = torch.optim.AdamW(network.parameters(), 1e-2, weight_decay=1e-2)
    steps = epochs * (count // batch)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, steps)
    network.train()
    for _ in range(epochs):
        for part in torch.randperm(count)[: count // batch * batch].view(-1, batch):
            turned = torch.rot90(inputs[part], int(torch.randint(4, ())), (2, 3))
            loss = nn.functional.cross_entropy(network(turned), wanted[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
    return network.eval()


def accuracy(network: nn.Module, count: int = 200) -> float:
    """Share of other images that it tells."""
    with torch.inference_mode():
        said = network(inputs_of(cases(count, 2))).argmax(1)
    return float((said == torch.arange(count) % 2).float().mean())


def save_classifiers(network: nn.Module, folder: Path) -> tuple[Path, Path]:
    """The network as ONNX, and its weights as a trainer's checkpoint."""
    onnx, checkpoint = folder / "lesions.onnx", folder / "lesions.ckpt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        any_batch = {"input": {0: "batch"}, "output": {0: "batch"}}
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, INPUT, INPUT),),
            onnx,
            dynamo=False,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes=any_batch,
        )
    weights = {f"model.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 6, "state_dict": weights}, checkpoint)
    return onnx, checkpoint


def save_image(one: Case, path: Path) -> None:
    """As TIFF or DICOM, by the name; the latter with a window that shows a part of the values."""
    if path.suffix == ".tif":
        tifffile.imwrite(path, one.values)
        return
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    made = pydicom.FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    made.SeriesInstanceUID = generate_uid(entropy_srcs=["series", path.name])
    made.PatientName, made.PatientID = "Made^Up", "0"
    made.Rows, made.Columns = one.values.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.WindowCenter, made.WindowWidth = 1600, 1800
    made.PixelSpacing = list(SPACING)
    made.ImageOrientationPatient, made.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-30, -30, 5]
    made.PixelData = one.values.astype("<u2").tobytes()
    made.save_as(path)


@dataclass(frozen=True)
class Hit:
    """Where one map is strongest.

    Attributes
    ----------
    image, classifier : str
        Names of the files.
    inside : bool
        Whether the strongest evidence for a lesion lies in it.
    """

    image: str
    classifier: str
    inside: bool


def maps(network: nn.Module, folder: Path, count: int, figures: int, stride: int) -> Iterator[Hit]:
    """Write everything, and a map of each ill image by its own of both files.

    Images are TIFF and DICOM in turn; so are both kinds of files of the network, with each.
    """
    images, names = folder / "images", folder / "names.txt"
    images.mkdir()
    names.write_text("\n".join(NAMES))
    ill = cases(count, 3, ill=True)
    paths = [images / f"{at:03}{('.tif', '.dcm')[at % 2]}" for at in range(count)]
    for one, path in zip(ill, paths, strict=True):
        save_image(one, path)
    said = ["--input-size", str(INPUT), "--channels", "1", "--mean", str(MEAN), "--std", str(STD)]
    said += ["--image-values", f"0,{WHITE}", "--class-names", str(names), "--output-kind", "logits"]
    classifiers = save_classifiers(network, folder)
    fitted = []
    for classifier in classifiers:
        known = ["--classifier", str(classifier)]
        more = [] if classifier.suffix == ".onnx" else ["--architecture", f"timm/{ARCHITECTURE}"]
        run("predict", str(paths[0]), *known, *said, *more, "--save-answers")
        fitted.append(classifier.with_suffix(f"{classifier.suffix}.safetensors"))
        run("fit-statistics", str(images), *known, "--output", str(fitted[-1]))
    for at, (one, path) in enumerate(zip(ill, paths, strict=True)):
        which = at // 2 % 2
        output = folder / f"{path.name}.nii"
        command = ["explain", str(path), "--classifier", str(classifiers[which])]
        command += ["--statistics", str(fitted[which]), "--target", NAMES[1], "--no-cache"]
        command += ["--window", "8", "--outer", "18", "--stride", str(stride)]
        if at < figures:
            command += ["--figure", str(output.with_suffix(".png"))]
        run(*command, "--output", str(output))
        evidence = np.asarray(nib.load(output).dataobj)[:, :, 0]
        place = np.unravel_index(evidence.argmax(), evidence.shape)
        yield Hit(path.name, classifiers[which].name, bool(one.lesion[place]))


def run(*command: str) -> None:
    """Run the program as from the command line; it must say that all went well."""
    assert pda_studio([*command]) == 0, command


def measured() -> None:
    """Train, explain, and print the share of maps whose strongest pixel lies in the lesion."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="Where everything is written; a new one.")
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--figures", type=int, default=8, help="How many maps are drawn.")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    network = trained(2048, 8)
    hits = list(maps(network, options.folder, options.images, options.figures, 1))
    print(f"Tells {accuracy(network, 400):.1%} of 400 other images.")
    for classifier in sorted({hit.classifier for hit in hits}):
        for suffix in (".tif", ".dcm"):
            some = [h.inside for h in hits if (h.classifier, h.image[-4:]) == (classifier, suffix)]
            print(f"{classifier}, {suffix}: {sum(some)} of {len(some)} maps are strongest there.")
    print(f"All: {np.mean([hit.inside for hit in hits]):.1%} of {len(hits)}.")


if __name__ == "__main__":
    measured()
