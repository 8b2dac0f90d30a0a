"""Reading weights without ever running what a file contains."""

import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file

from pda_studio.errors import PdaStudioError
from pda_studio.reading import json_of, refused_as
from pda_studio.targets import OutputKind

Weights = dict[str, torch.Tensor]
_OUTPUTS: tuple[OutputKind, ...] = ("softmax", "sigmoid", "scalar")

_NESTED = ("state_dict", "model_state_dict", "model", "network", "net", "weights", "params")
_AVERAGED = ("ema_state_dict", "state_dict_ema", "model_ema", "params_ema", "ema")
_PREFIXES = ("module.", "model.", "net.", "network.", "backbone.", "_orig_mod.")
_DEEPEST = 4  # dictionaries within dictionaries
_MOST_TENSORS = 100_000
_MOST_MARKS = 10_000  # that a pickle may open at once: a real state_dict opens a handful
_WHOLE = "open it as the classifier itself (--classifier FILE)"
_SAVE = "save the network's state_dict, as safetensors or with torch.save, and use that"


def read_weights(path: Path) -> Weights:
    """Read a state_dict from a safetensors file or from one that `torch.save` wrote.

    Parameters
    ----------
    path : Path
        The file. A state_dict nested in a checkpoint (under state_dict, model_state_dict, model,
        net … or, where there is nothing else, an average as under ema) and a prefix that all names
        share (module., model., _orig_mod. …) are understood.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, dense floating-point values and counters, every value finite. Eight-bit floats
        become float32.

    Raises
    ------
    PdaStudioError
        If the file is missing, damaged, holds anything but tensors, or values that cannot be
        weights.
    """
    path = Path(path)
    if path.is_dir():
        raise PdaStudioError(f"{path} is a folder; name a file of weights in it.")
    if not path.is_file():
        raise PdaStudioError(f"There is no file of weights at {path}.")
    damaged = f"{path.name} was refused: it is damaged or holds more than weights; {_SAVE}."
    with refused_as(damaged, path):
        named = _named(path)
        most = path.stat().st_size
        return {name: _checked(tensor, name, most, path) for name, tensor in named.items()}


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a file of weights, as `read_weights` would give them; no value is read.

    Raises
    ------
    PdaStudioError
        If it holds no weights.
    """
    damaged = f"{path.name} was refused: it is damaged or holds more than weights; {_SAVE}."
    with refused_as(damaged, path):
        return {name: tuple(tensor.shape) for name, tensor in _named(path, mapped=True).items()}


@dataclass(frozen=True)
class About:
    """What a file of weights says of the network's outputs, where it says anything.

    Attributes
    ----------
    class_names : tuple of str or None
        Their names.
    output : {"softmax", "sigmoid", "scalar"} or None
        How they are read.
    """

    class_names: tuple[str, ...] | None = None
    output: OutputKind | None = None

    def names_for(self, file: str, outputs: int) -> tuple[str, ...] | None:
        """The class names, if there are any: one for each output.

        Raises
        ------
        PdaStudioError
            If there are more or fewer.
        """
        if self.class_names is not None and len(self.class_names) != outputs:
            has = f"{outputs} outputs" if outputs > 1 else "a single output"
            raise PdaStudioError(
                f"{Path(file).name} names {len(self.class_names)} classes, but its network has"
                f" {has}: correct class_names in the file's metadata, or leave them out."
            )
        return self.class_names


def read_about(path: Path) -> About:
    """What a safetensors file's metadata say: a JSON list “class_names”, and “output”.

    Raises
    ------
    PdaStudioError
        If the output is of no kind that is known, or the class names are no list of texts.
    """
    with refused_as(f"{path.name} is not a whole safetensors file; fetch it again.", path):
        if not _is_safetensors(path):
            return About()
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    output = metadata.get("output")
    if output is not None and output not in _OUTPUTS:
        raise PdaStudioError(
            f"{path.name} says that its output is “{output}”; it must be one of"
            f" {', '.join(_OUTPUTS)}: correct it in the file's metadata, or leave it out."
        )
    names = None
    if "class_names" in metadata:
        wrong = (
            f"{path.name} names its classes in another way than as a JSON list of texts: correct"
            " class_names in the file's metadata, or leave them out."
        )
        with refused_as(wrong, path):
            names = json_of(metadata["class_names"])
            if not isinstance(names, list) or not all(isinstance(n, str | int) for n in names):
                raise ValueError("no list of texts")
    return About(None if names is None else tuple(map(str, names)), output)


def _named(path: Path, *, mapped: bool = False) -> Weights:
    """The names with their tensors, unchecked; mapped into memory where that is possible."""
    return _state_dict(_load(path, mapped and zipfile.is_zipfile(path)), path)


def _load(path: Path, mapped: bool) -> object:
    if _is_safetensors(path):
        try:
            return load_file(path)
        except MemoryError:
            raise
        except Exception as error:
            raise PdaStudioError(
                f"{path.name} is not a whole safetensors file ({error}); fetch it again."
            ) from error
    if other := _other_kind(path):
        raise PdaStudioError(f"{path.name} {other}.")
    _refuse_bombs(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tensors that are refused afterwards
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except MemoryError:
        raise
    except Exception as error:  # of a damaged file torch raises errors of almost any type
        if stranger := re.search(r"GLOBAL (\S+) was not an allowed", str(error)):
            raise PdaStudioError(
                f"{path.name} was refused: besides weights it holds a {stranger[1]}, and nothing"
                f" from a file is ever run; {_SAVE}."
            ) from error
        if path.suffix == ".safetensors":
            raise PdaStudioError(
                f"{path.name} is no safetensors file, or a damaged one; fetch it again."
            ) from error
        raise


def _is_safetensors(path: Path) -> bool:
    """Whether a file starts with the length of a header and an opening brace."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def _other_kind(path: Path) -> str:
    """What a file is that is known and no weights, and what to do; "" for anything else."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"version https://git-lfs"):
        return "is only a pointer of Git LFS to the weights; run git lfs pull to fetch them"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not weights; download the file itself"
    if path.suffix == ".onnx":
        return f"is an ONNX network, not weights; {_WHOLE}, or {_SAVE}"
    if not zipfile.is_zipfile(path):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
    if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
        return f"is a TorchScript program, not weights; {_WHOLE}, or {_SAVE}"
    if any("exported_program" in name or name.endswith("archive_format") for name in names):
        return f"is a program of torch.export, not weights; {_WHOLE}, or {_SAVE}"
    return ""


def _refuse_bombs(path: Path) -> None:
    """Refuse a file that is made to fill memory or to take minutes, before anything unpacks it.

    `torch.save` stores without compressing, and opens a handful of marks in its pickle.
    """
    size = path.stat().st_size
    made_to_harm = False
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                made_to_harm = sum(entry.file_size for entry in entries) > size
                for entry in entries:
                    if not made_to_harm and entry.filename.endswith("data.pkl"):
                        made_to_harm = b"(" * _MOST_MARKS in archive.read(entry)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError):
            return  # damaged: the reader will tell
    else:
        with path.open("rb") as file:
            made_to_harm = b"(" * _MOST_MARKS in file.read(1 << 26)
    if made_to_harm:
        raise PdaStudioError(
            f"{path.name} was refused: it unpacks to more than it holds, as no file of weights"
            " does; fetch it from elsewhere."
        )


def _state_dict(loaded: object, path: Path) -> Weights:
    """Find the names with their tensors in what a checkpoint holds."""
    for _ in range(_DEEPEST):
        if not isinstance(loaded, Mapping):
            break
        inner = [loaded[key] for key in (*_NESTED, *_AVERAGED) if _is_nested(loaded, key)]
        if not inner:
            break
        loaded = inner[0]
    if (
        not isinstance(loaded, Mapping)
        or not 0 < len(loaded) <= _MOST_TENSORS
        or not all(isinstance(value, torch.Tensor) for value in loaded.values())
    ):
        found = ""
        if isinstance(loaded, Mapping) and loaded:
            found = f" It holds {', '.join(f'“{key}”' for key in list(loaded)[:5])}."
        raise PdaStudioError(
            f"{path.name} holds no state_dict (names with tensors); save the network's"
            f" state_dict.{found}"
        )
    named = {str(name): tensor for name, tensor in loaded.items()}
    while prefix := _shared_prefix(named):
        named = {name.removeprefix(prefix): tensor for name, tensor in named.items()}
    return named


def _is_nested(checkpoint: Mapping[Any, Any], key: str) -> bool:
    inner = checkpoint.get(key)
    return isinstance(inner, Mapping) and bool(inner)


def _shared_prefix(named: Weights) -> str:
    """The prefix of a wrapper that all names begin with; "" if there is none."""
    return next((one for one in _PREFIXES if all(name.startswith(one) for name in named)), "")


def _checked(tensor: torch.Tensor, name: str, most: int, path: Path) -> torch.Tensor:
    """A tensor as weights can be used; `most` bytes is what a file of this size can hold."""

    def refused(why: str) -> PdaStudioError:
        return PdaStudioError(f"{path.name} cannot be used: “{name}” {why}")

    if tensor.is_meta:
        raise refused("has no values (it is on the device meta); save the network with its values.")
    if tensor.layout != torch.strided:
        raise refused("is sparse; save it dense, as to_dense() gives it.")
    if tensor.is_quantized:
        raise refused("is quantised; save it dequantised, as dequantize() gives it.")
    if tensor.is_complex():
        raise refused("holds complex numbers; networks here have real weights.")
    if tensor.nbytes > most:
        raise refused("is larger than the whole file; fetch the file again.")
    if tensor.is_floating_point():
        if tensor.element_size() == 1:
            tensor = tensor.to(torch.float32)  # eight bits cannot be computed with, or compared
        if not bool(torch.isfinite(tensor).all()):
            raise PdaStudioError(
                f"{path.name} is damaged: “{name}” holds values that are not finite;"
                " use another file of weights."
            )
    return tensor
