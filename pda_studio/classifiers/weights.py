"""Reading weights without ever running what a file contains, and fetching torchvision's."""

import hashlib
import json
import pickle
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file

from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.targets import OutputKind

Weights = dict[str, torch.Tensor]
_OUTPUTS: tuple[OutputKind, ...] = ("softmax", "sigmoid", "scalar")


@dataclass(frozen=True)
class Download:
    """How far a download has come, in bytes; the total is 0 where the server does not say."""

    name: str
    done: int
    total: int


def read_weights(path: Path) -> Weights:
    """Read a state_dict from a safetensors file or from one that `torch.save` wrote.

    Parameters
    ----------
    path : Path
        The file. A state_dict nested under "state_dict" or "model", and the prefix "module."
        of data-parallel training, are understood.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, every value finite.

    Raises
    ------
    PdaStudioError
        If the file is missing, damaged, holds anything but tensors, or values that aren't finite.
    """
    path = Path(path)
    if path.is_dir():
        raise PdaStudioError(f"{path} is a folder; name a file of weights in it.")
    if not path.is_file():
        raise PdaStudioError(f"There is no file of weights at {path}.")
    try:
        loaded = _load(path)
    except OSError as error:
        raise PdaStudioError(f"Cannot read {path}: {error.strerror or error}.") from error
    weights = _state_dict(loaded, path)
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise PdaStudioError(
                f"{path.name} is damaged: “{name}” holds values that are not finite;"
                " use another file of weights."
            )
    return weights


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
        If the output is of no kind that is known.
    """
    if path.suffix != ".safetensors":
        return About()
    with safetensors.safe_open(path, "pt") as file:
        told = file.metadata() or {}
    output = told.get("output")
    if output is not None and output not in _OUTPUTS:
        raise PdaStudioError(
            f"{path.name} says that its output is “{output}”; it must be one of"
            f" {', '.join(_OUTPUTS)}: correct it in the file's metadata, or leave it out."
        )
    try:
        names = json.loads(told.get("class_names", "null"))
    except (json.JSONDecodeError, RecursionError):
        names = None
    return About(tuple(map(str, names)) if isinstance(names, list) else None, output)


def _load(path: Path) -> object:
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file starts with the length of its header and an opening brace.
    if path.suffix == ".safetensors" or start[8:9] == b"{":
        try:
            return load_file(path)
        except safetensors.SafetensorError as error:
            raise PdaStudioError(
                f"{path.name} is not a whole safetensors file ({error}); fetch it again."
            ) from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise PdaStudioError(
            f"{path.name} was refused: it holds more than weights, or none at all, and nothing"
            " from a file is ever run; save the network's state_dict and use that."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise PdaStudioError(
            f"{path.name} is damaged or not a file of weights; use safetensors or a state_dict."
        ) from error


def _state_dict(loaded: object, path: Path) -> Weights:
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if (
        not isinstance(loaded, dict)
        or not loaded
        or not all(isinstance(value, torch.Tensor) for value in loaded.values())
    ):
        raise PdaStudioError(
            f"{path.name} holds no state_dict (names with tensors); save the network's state_dict."
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in loaded.items()}


def cached_file(url: str) -> Path:
    """Where torchvision keeps the weights from this address."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]


def download(url: str, network: str) -> Iterator[Download]:
    """Fetch weights to where torchvision would keep them, in steps; close the iterator to stop.

    The file appears only when it is whole and its SHA-256 starts as its name says
    (`name-xxxxxxxx.pth`, torchvision's convention).

    Raises
    ------
    PdaStudioError
        If the address cannot be reached or the file is not what its name says.
    """
    path = cached_file(url)
    if path.is_file():
        return
    advice = f"put {path.name} into {path.parent}, or name a file of weights"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=20) as response, written_whole(path) as file:
            total, done, digest = (
                int(response.headers.get("Content-Length") or 0),
                0,
                hashlib.sha256(),
            )
            yield Download(path.name, 0, total)
            while block := response.read(1 << 18):
                file.write(block)
                digest.update(block)
                done += len(block)
                yield Download(path.name, done, total)
            expected = path.stem.rsplit("-", 1)[-1]
            if (total and done != total) or not digest.hexdigest().startswith(expected):
                raise PdaStudioError(
                    f"The download of {path.name} is damaged; try again or {advice}."
                )
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise PdaStudioError(
            f"Cannot download the weights of {network} ({reason}); {advice}."
        ) from error
    except OSError as error:
        raise PdaStudioError(f"Cannot keep {path}: {error.strerror or error}.") from error
