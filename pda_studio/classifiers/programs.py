"""Files that hold programs: pickled networks, torch.export's, Python files. They ask first."""

import importlib.util
import itertools
import pickletools
import sys
import warnings
import zipfile
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import fx, nn

from pda_studio.classifiers.files import FileKind, Opened, file_kind, names_in_archive
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.classifiers.transforms import spec_of
from pda_studio.classifiers.trust import check_trusted
from pda_studio.errors import PdaStudioError

_LARGEST_PICKLE = 1 << 26  # bytes that are looked through for a network's class
_counter = itertools.count()


@file_kind
class PickledKind(FileKind):
    """A whole network that torch.save wrote."""

    title = "pickled network"
    suffixes = (".pt", ".pth")

    def recognises(self, path: Path) -> bool:
        """By the classes that its pickle names; nothing of it is run."""
        names = names_in_archive(path)
        pickles = [name for name in names if name.endswith("data.pkl")]
        if len(pickles) != 1 or any("/code/" in name for name in names):
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo(pickles[0]).file_size > _LARGEST_PICKLE:
                    return False
                data = archive.read(pickles[0])
            return _holds_module(data)
        except Exception:  # damaged: the reader of weights tells
            return False

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Unpickle it, which is to run it."""
        check_trusted(path, "a pickled network", trust)
        with _failing(path, "its classes must be importable here"):
            loaded = torch.load(path, map_location="cpu", weights_only=False)
        network = _module_in(loaded)
        if network is None:
            raise PdaStudioError(f"{path.name} holds a {type(loaded).__name__}, not a network.")
        return Opened(network)


@file_kind
class ExportedKind(FileKind):
    """What torch.export.save wrote. Its reader unpickles."""

    title = "torch.export"
    suffixes = (".pt2",)

    def recognises(self, path: Path) -> bool:
        """By its archive."""
        return any(
            "exported_program" in name or name.endswith("archive_format")
            for name in names_in_archive(path)
        )

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Load it, which may run it."""
        check_trusted(path, "a program of torch.export", trust)
        with _failing(path, "it may be of another version of PyTorch"):
            network = torch.export.load(path).module()
        return Opened(_Exported(network))


class _Exported(nn.Module):
    """A program of torch.export, which refuses to be put into eval mode: it is in it."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program
        for part in self.modules():
            part.training = False

    def train(self, mode: bool = True) -> "_Exported":
        """Stay in the mode in which it was exported."""
        self.training = False
        return self

    def forward(self, x: torch.Tensor) -> object:
        """Run it."""
        if isinstance(x, fx.Proxy):
            raise TypeError("it is a program of torch.export, compiled to one piece")
        return self.program(x)


@file_kind
class PythonKind(FileKind):
    """A Python file with a function build() that returns the network."""

    title = "Python file with build()"
    suffixes = (".py",)

    def recognises(self, path: Path) -> bool:
        """By its name."""
        return path.is_file() and path.suffix == ".py"

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Run the file and its build(); its `spec`, a dict, says what the network does not."""
        check_trusted(path, "a Python program", trust)
        with _failing(path, "correct it"):
            name = f"pda_studio_own_{next(_counter)}"
            loader = _SourceLoader(name, str(path))
            found = importlib.util.spec_from_file_location(name, path, loader=loader)
            if found is None:
                raise ImportError("no Python file")
            module = importlib.util.module_from_spec(found)
            sys.modules[name] = module
            loader.exec_module(module)
            if not callable(getattr(module, "build", None)):
                raise PdaStudioError(
                    f"{path.name} has no function build(): let it define one that returns the"
                    " network."
                )
            network = module.build()
        if not isinstance(network, nn.Module):
            raise PdaStudioError(
                f"build() in {path.name} returns a {type(network).__name__}: let it return a"
                " torch.nn.Module."
            )
        return Opened(network, spec_of(getattr(module, "spec", None)), type(network).__name__)


class _SourceLoader(SourceFileLoader):
    """Runs the file itself, which is trusted: compiled code beside it may be another's, or old."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _failing:
    """Turns whatever a program raises into one sentence."""

    def __init__(self, path: Path, remedy: str) -> None:
        self._path, self._remedy = path, remedy
        self._quiet = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._quiet.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._quiet.__exit__(None, None, None)
        if isinstance(error, Exception) and not isinstance(error, PdaStudioError):
            lines = str(error).strip().splitlines() or [""]
            why = f"{type(error).__name__}: {lines[0][:200]}".rstrip(": .")
            raise PdaStudioError(
                f"{self._path.name} cannot be opened ({why}): {self._remedy}, or save the network"
                " as ONNX."
            ) from error


def _holds_module(data: bytes) -> bool:
    """Whether a pickle begins with an object of a class of its own, and is no dictionary."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PROTO", "FRAME", "MARK"):
            continue
        return opcode.name == "GLOBAL" and argument != "collections OrderedDict"
    return False


def _module_in(loaded: object) -> nn.Module | None:
    if isinstance(loaded, nn.Module):
        return loaded
    if isinstance(loaded, dict):
        return next((one for one in loaded.values() if isinstance(one, nn.Module)), None)
    return None
