"""ONNX: whole networks, made into PyTorch's by onnx2pytorch (the extra `onnx`)."""

import importlib
import importlib.util
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from pda_studio.classifiers.files import FileKind, Opened, file_kind
from pda_studio.classifiers.spec import ClassifierSpec, one_if_square
from pda_studio.errors import PdaStudioError

_LARGEST = 1 << 31  # bytes: what a protobuf may have
_MOST_APART = 1e-3  # of the largest output: rounding is a hundredth of that
_MOST_NODES = 100_000


class OnnxNetwork(nn.Module):
    """A converted network, which takes a batch of any size.

    Parameters
    ----------
    network : torch.nn.Module
        As onnx2pytorch made it.
    channels_last : bool
        Whether it takes batches (N, H, W, C), as Keras writes them.
    """

    def __init__(self, network: nn.Module, channels_last: bool = False) -> None:
        super().__init__()
        self.network, self.channels_last = network, channels_last

    def forward(self, x: torch.Tensor) -> Any:
        """Return its output, or its several outputs by name."""
        if isinstance(x, fx.Proxy):
            raise TypeError("it was converted from ONNX")
        answer = self.network(x.permute(0, 2, 3, 1) if self.channels_last else x)
        if isinstance(answer, list | tuple):
            names: Any = self.network.output_names
            return dict(zip(names, answer, strict=True))
        return answer


@file_kind
class OnnxKind(FileKind):
    """An ONNX graph, with its weights inside or beside it."""

    title = "ONNX"
    suffixes = (".onnx",)

    def recognises(self, path: Path) -> bool:
        """By its name: a protobuf has no mark of its own."""
        return path.is_file() and path.suffix.lower() == ".onnx"

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Convert it, and compare it with onnxruntime."""
        onnx, converter = _library("onnx"), _library("onnx2pytorch")
        model = _read(onnx, path)
        said, channels_last = _said_by(model)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _fold_constants(onnx, model)
                converted = converter.ConvertModel(model, experimental=True)
                _name_layers(converted)
                network = OnnxNetwork(converted, channels_last).eval()
        except Exception as error:  # of an unknown operator the converter raises anything
            raise PdaStudioError(
                f"{path.name} cannot be converted ({_first(error)}): open the network as PyTorch's"
                " own instead."
            ) from error
        runs = importlib.util.find_spec("onnxruntime") is not None
        return Opened(network, said, runtime=partial(_compared, path, network) if runs else None)


def _compared(path: Path, network: OnnxNetwork, prepared: torch.Tensor) -> float:
    """How far it answers from onnxruntime, of its largest output; refused where that is much."""
    prepared = prepared.cpu()
    with torch.inference_mode():
        answer = network(prepared)
    answers = answer.values() if isinstance(answer, dict) else [answer]
    given = prepared.permute(0, 2, 3, 1) if network.channels_last else prepared
    apart = max(difference_from_runtime(path, given, one) for one in answers)
    if not apart <= _MOST_APART:
        raise PdaStudioError(
            f"{path.name} answers otherwise here than in onnxruntime, by {apart:.2g} of its"
            " largest output: one of its operators is converted wrongly; open the network as"
            " PyTorch's own instead."
        )
    return apart


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PdaStudioError(
            "To open ONNX files, install the extra: pip install pda-studio[onnx]."
        ) from error


def _read(onnx: Any, path: Path) -> Any:
    """The graph with its weights; files beside it only where they lie in the same folder."""
    damaged = f"{path.name} is no whole ONNX file; export or fetch it again."
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("too large")
        model = onnx.load(str(path), load_external_data=False)
        if not model.graph.node or len(model.graph.node) > _MOST_NODES:
            raise ValueError("no nodes")
    except MemoryError:
        raise
    except Exception as error:
        raise PdaStudioError(damaged) from error
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                _check_beside(path, entry.value)
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
        onnx.checker.check_model(model)
    except Exception as error:
        raise PdaStudioError(f"{damaged.rstrip('.')} ({_first(error)}).") from error
    return model


def _check_beside(path: Path, location: str) -> None:
    beside = path.parent / location
    if Path(location).name != location or beside.is_symlink():
        raise PdaStudioError(
            f"{path.name} was refused: its weights lead to “{location}”, out of its own folder;"
            " export it anew, with its weights beside it."
        )
    if not beside.is_file():
        raise PdaStudioError(
            f"{path.name} has its weights in {location}, which is not beside it; fetch it as well."
        )


def _fold_constants(onnx: Any, model: Any) -> None:
    """Turn copies of weights, as exporters make them, into weights."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        if node.op_type == "Identity" and node.input[0] in weights:
            copied = onnx.TensorProto()
            copied.CopyFrom(weights[node.input[0]])
            copied.name = node.output[0]
            graph.initializer.append(copied)
            weights[copied.name] = copied
            graph.node.remove(node)


def _name_layers(network: Any) -> None:
    """Give layers names without dots, which stand between a layer and the one that it is in."""
    for name in [name for name in network._modules if "." in name or "/" in name]:
        plain = name.replace(".", "_").replace("/", "_").strip("_")
        while plain in network._modules:
            plain += "_"
        network._modules[plain] = network._modules.pop(name)
        for output, module in network.mapping.items():
            if module == name:
                network.mapping[output] = plain


def _said_by(model: Any) -> tuple[ClassifierSpec, bool]:
    """Input size and channels, where the graph tells them, and whether channels are its last."""
    said: dict[str, Any] = {}
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in weights]
    if len(inputs) != 1:
        raise PdaStudioError(
            f"The network takes {len(inputs)} inputs; networks that take one image can be"
            " explained."
        )
    sides = [one.dim_value for one in inputs[0].type.tensor_type.shape.dim]
    last = len(sides) == 4 and sides[3] in (1, 3) and sides[1] not in (1, 3)
    if len(sides) == 4:
        channels, height, width = (sides[3], *sides[1:3]) if last else sides[1:]
        said["channels"] = channels if channels in (1, 3) else None
        if height and width:
            said["input_size"] = one_if_square((height, width))
    return ClassifierSpec.of(**said), last


def difference_from_runtime(path: Path, prepared: torch.Tensor, answer: torch.Tensor) -> float:
    """How far a converted network's outputs are from onnxruntime's, of the largest output.

    Parameters
    ----------
    path : Path
        The ONNX file.
    prepared : (1, C, H, W) or (1, H, W, C) tensor
        An image as the file's network gets it.
    answer : (1, K) tensor
        What the converted network answered to it.
    """
    runtime = _library("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: prepared.cpu().contiguous().numpy().astype(np.float32)}
    outputs = session.run(None, given)
    found = answer.detach().cpu().numpy()
    same = [one for one in outputs if one.size == found.size]
    if not same:
        return float("inf")
    apart = min(float(np.abs(one.reshape(found.shape) - found).max()) for one in same)
    return apart / max(float(np.abs(found).max()), 1e-30)


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:160]
