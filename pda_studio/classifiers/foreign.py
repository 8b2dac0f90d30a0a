"""Networks that other programs wrote: known by what they hold, and the way from there to ONNX."""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pda_studio.classifiers.files import FileKind, file_kind, names_in_archive
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_START = 64  # bytes: marks stand at the beginning
_BY_SUFFIX = {
    ".pb": "tensorflow",
    ".tflite": "tensorflow",
    ".msgpack": "flax",
    ".mlmodel": "coreml",
    ".mlpackage": "coreml",
    ".caffemodel": "caffe",
    ".pdmodel": "paddle",
    ".pdparams": "paddle",
}


@dataclass(frozen=True)
class _Program:
    """Who wrote such files, and how it writes ONNX."""

    name: str
    way: str


_PROGRAMS = {
    "keras": _Program(
        "Keras",
        "load it there with keras.models.load_model, and write it with"
        ' model.export("net.onnx", format="onnx")',
    ),
    "tensorflow": _Program("TensorFlow", "write it with python -m tf2onnx.convert"),
    "flax": _Program("Flax", "write it with jax2onnx"),
    "coreml": _Program("Core ML", "write the network that it was made from as ONNX"),
    "caffe": _Program("Caffe", "write it with caffe2onnx"),
    "paddle": _Program("PaddlePaddle", "write it with paddle2onnx"),
}


@file_kind
class ForeignKind(FileKind):
    """A network of another program than PyTorch."""

    title = "Keras, TensorFlow and others"
    suffixes = (".keras", ".h5", ".hdf5", *_BY_SUFFIX)

    def recognises(self, path: Path) -> bool:
        """By its mark, its archive, or how its name ends."""
        return _program_of(path) is not None

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> NoReturn:
        """Refuse it, with the way to ONNX."""
        program = _program_of(path) or _PROGRAMS["keras"]
        raise PdaStudioError(
            f"{path.name} is a network of {program.name}'s, which cannot be opened here: "
            f"{program.way}, and open that file."
        )


def _program_of(path: Path) -> _Program | None:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return _PROGRAMS["tensorflow"]
        return _PROGRAMS["coreml"] if path.suffix == ".mlpackage" else None
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(_START)
    if start.startswith(_HDF5):
        return _PROGRAMS["keras"]
    if start[4:8] == b"TFL3":
        return _PROGRAMS["tensorflow"]
    inside = set(names_in_archive(path))
    if "config.json" in inside and inside & {"model.weights.h5", "metadata.json"}:
        return _PROGRAMS["keras"]
    suffix = path.suffix.lower()
    if suffix in (".keras", ".h5", ".hdf5"):  # damaged, or of Keras's older archives
        return _PROGRAMS["keras"]
    return _PROGRAMS.get(_BY_SUFFIX.get(suffix, ""))
