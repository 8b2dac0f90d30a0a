"""Files of every kind that holds a classifier, made as their owners make them; and bad ones."""

import importlib
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

SIZE = 32
HALF = torch.float16


class Small(nn.Module):
    """A network that is in no catalogue."""

    def __init__(self, channels: int = 3, outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
        self.head = nn.Linear(8, outputs)
        self.head.weight.data.mul_(8)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.body(x))


class Answering(nn.Module):
    """A network that answers with something else than logits."""

    def __init__(self, network: nn.Module, kind: str) -> None:
        super().__init__()
        self.network, self.kind = network, kind

    def forward(self, x: torch.Tensor) -> Any:
        z = self.network(x)
        if self.kind == "probabilities":
            return torch.softmax(z, 1)
        if self.kind == "log-probabilities":
            return torch.log_softmax(z, 1)
        if self.kind == "sigmoid":
            return torch.sigmoid(z)
        return 0 * z[:, :2], z


def efficientnet(outputs: int = 2, channels: int = 3) -> nn.Module:
    """A network of timm's of 0.4 MB."""
    timm = importlib.import_module("timm")
    torch.manual_seed(0)
    made: nn.Module = timm.create_model(
        "test_efficientnet", num_classes=outputs, in_chans=channels
    ).eval()
    return _lively(made, channels)


def shufflenet(outputs: int = 2, channels: int = 3) -> nn.Module:
    """A network of torchvision's; its weights are 0.7 MB in half precision, and lose nothing."""
    torch.manual_seed(0)
    made = torchvision.models.shufflenet_v2_x0_5(num_classes=outputs)
    if channels != 3:
        made.conv1[0] = nn.Conv2d(channels, 24, 3, 2, 1, bias=False)
    return _lively(made, channels).half().float()


def _lively(network: nn.Module, channels: int) -> nn.Module:
    """The network with statistics of noise in its normalisations, as training leaves them."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(4, channels, SIZE, SIZE))
    return network.eval()


def _onnx(network: nn.Module, path: Path, channels: int = 3, **more: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.rand(1, channels, SIZE, SIZE)
        torch.onnx.export(network.eval(), (example,), path, dynamo=False, **more)


def _any_batch() -> dict[str, Any]:
    return {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "n"}}}


def _scripted(network: nn.Module, path: Path, channels: int = 3, script: bool = False) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.rand(1, channels, SIZE, SIZE)
        made = torch.jit.script(network) if script else torch.jit.trace(network.eval(), example)
        torch.jit.save(made, path)


def _exported(network: nn.Module, path: Path) -> None:
    shapes = ({0: torch.export.Dim("n", min=1, max=512)},)
    example = (torch.rand(2, 3, SIZE, SIZE),)
    torch.export.save(torch.export.export(network.eval(), example, dynamic_shapes=shapes), path)


def _sharded(network: nn.Module, path: Path) -> None:
    state = network.state_dict()
    names = sorted(state)
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    where = {}
    for at, some in enumerate(halves, 1):
        shard = f"{path.name.split('.')[0]}-{at}-of-2.safetensors"
        save_file({name: state[name].contiguous() for name in some}, path.with_name(shard))
        where |= dict.fromkeys(some, shard)
    path.write_text(json.dumps({"metadata": {}, "weight_map": where}))


def _python(network: nn.Module, path: Path) -> None:
    path.write_text(
        "import torch\nfrom engine.network_files import Small\n\n"
        "spec = {'input_size': 32, 'class_names': ('a', 'b', 'c')}\n\n"
        "def build():\n    return Small().eval()\n"
    )


class ChannelsLast(nn.Module):
    """A network that takes (N, H, W, C), as Keras's do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> Any:
        return self.network(x.permute(0, 3, 1, 2))


def _channels_last(network: nn.Module, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.rand(1, SIZE, SIZE, 3)
        torch.onnx.export(ChannelsLast(network).eval(), (example,), path, dynamo=False)


def _wrapped(
    key: str, prefix: str = "", dtype: torch.dtype = torch.float32, **more: Any
) -> Callable[[nn.Module, Path], None]:
    def save(network: nn.Module, path: Path) -> None:
        state = {prefix + name: one for name, one in as_stored(network, dtype).items()}
        torch.save({key: state, **more} if key else {**state, **more}, path)

    return save


def as_stored(network: nn.Module, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    return {
        name: tensor.to(dtype).contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }


def _in(dtype: torch.dtype) -> Callable[[nn.Module, Path], None]:
    return lambda network, path: save_file(as_stored(network, dtype), path)


def _with_names(network: nn.Module, path: Path) -> None:
    names = {"class_names": '["benign", "malignant"]'}
    save_file(as_stored(network, torch.float16), path, metadata=names)


def _deep_head(network: nn.Module, path: Path) -> None:
    state = as_stored(network, torch.float16)
    weight, bias = state.pop("fc.weight"), state.pop("fc.bias")
    torch.save({**state, "fc.1.weight": weight, "fc.1.bias": bias}, path)


def _external(network: nn.Module, path: Path) -> None:
    import onnx

    inside = path.with_name("inside.onnx")
    _onnx(network, inside)
    model = onnx.load(inside)
    onnx.save(
        model, path, save_as_external_data=True, size_threshold=0, location=f"{path.stem}.data"
    )


Saved = tuple[str, Callable[[], nn.Module], Callable[[nn.Module, Path], None], dict[str, Any]]

FILES: dict[str, Saved] = {
    "state_dict": ("a.pth", shufflenet, _wrapped("", dtype=HALF), {}),
    "named otherwise": ("resnet18.pth", shufflenet, _wrapped("", dtype=HALF), {}),
    "state_dict in state_dict": ("b.pt", efficientnet, _wrapped("state_dict", epoch=3), {}),
    "Lightning": (
        "c.ckpt", efficientnet, _wrapped("state_dict", "model.", global_step=9, loops={}), {},
    ),
    "model": ("d.pth", shufflenet, _wrapped("model", dtype=HALF, optimizer={"lr": 1.0}), {}),
    "model_state_dict": ("e.tar", efficientnet, _wrapped("model_state_dict", loss=0.1), {}),
    "net": ("f.pth", efficientnet, _wrapped("net", "net."), {}),
    "ema": ("g.pth", efficientnet, _wrapped("ema", "module."), {}),
    "DataParallel": ("h.pth", shufflenet, _wrapped("", "module.", HALF), {}),
    "backbone": ("i.bin", efficientnet, _wrapped("", "backbone."), {}),
    "beside a loss": (
        "j.ckpt", efficientnet,
        lambda n, p: torch.save({"state_dict": {
            **{f"model.{k}": v for k, v in n.state_dict().items()},
            "criterion.weight": torch.ones(2)}}, p), {},
    ),
    "head in a Sequential": ("k.pth", shufflenet, _deep_head, {}),
    "one output": ("l.pth", lambda: shufflenet(1), _wrapped("", dtype=HALF), {}),
    "grey input": (
        "m.pth", lambda: shufflenet(2, 1), _wrapped("", dtype=HALF), {"channels": 1}),
    "timm, grey input": (
        "ak.pth", lambda: efficientnet(3, 1), _wrapped(""), {"channels": 1}),
    "safetensors": ("n.safetensors", efficientnet, _in(torch.float32), {}),
    "half precision": ("o.safetensors", shufflenet, _in(HALF), {}),
    "bfloat16": ("p.safetensors", efficientnet, _in(torch.bfloat16), {}),
    "safetensors with names": ("q.safetensors", shufflenet, _with_names, {}),
    "shards": ("r.safetensors.index.json", efficientnet, _sharded, {}),
    "TorchScript, traced": ("s.pt", Small, _scripted, {}),
    "TorchScript, scripted": (
        "t.ts", Small, lambda n, p: _scripted(n.eval(), p, script=True), {}),
    "TorchScript, grey": (
        "u.pt", lambda: Small(1), lambda n, p: _scripted(n, p, 1), {"channels": 1}),
    "ONNX of one batch": ("v.onnx", Small, _onnx, {}),
    "ONNX of any batch": ("w.onnx", Small, lambda n, p: _onnx(n, p, **_any_batch()), {}),
    "ONNX, opset 11": ("x.onnx", Small, lambda n, p: _onnx(n, p, opset_version=11), {}),
    "ONNX, probabilities": (
        "y.onnx", lambda: Answering(Small(), "probabilities"), _onnx,
        {"output": "probabilities"}),
    "ONNX, log-probabilities": (
        "z.onnx", lambda: Answering(Small(), "log-probabilities"), _onnx,
        {"output": "log-probabilities"}),
    "ONNX, many labels": (
        "aa.onnx", lambda: Answering(Small(), "sigmoid"), _onnx,
        {"output": "sigmoid-probabilities"}),
    "ONNX, regression": ("ab.onnx", lambda: Small(3, 1), _onnx, {"output": "values"}),
    "ONNX of timm's": ("ac.onnx", efficientnet, _onnx, {}),
    "ONNX, grey": ("ad.onnx", lambda: Small(1), lambda n, p: _onnx(n, p, 1), {"channels": 1}),
    "ONNX, channels last": ("aj.onnx", Small, _channels_last, {}),
    "ONNX, weights beside it": ("ae.onnx", Small, _external, {}),
    "TorchScript, several outputs": (
        "af.pt", lambda: Answering(Small(), "several"), _scripted, {"select": "1"}),
    "pickled network": ("ag.pth", Small, lambda n, p: torch.save(n, p), {"trust": True}),
    "torch.export": ("ah.pt2", Small, _exported, {"trust": True}),
    "Python file": ("ai.py", Small, _python, {"trust": True}),
}  # fmt: skip
"""By what they are: the file's name, its network, how it is saved, and what has to be said."""


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def bad_files(folder: Path, mark: Path) -> dict[str, tuple[Path, str]]:
    """Bad files by what is wrong with them, each with words of its sentence.

    Whatever is run of one leaves a file at `mark`.
    """
    made: dict[str, tuple[Path, str]] = {}

    def add(what: str, name: str, content: bytes, words: str) -> Path:
        path = folder / name
        path.write_bytes(content)
        made[what] = path, words
        return path

    good = folder / "good.onnx"
    _onnx(Small(), good)
    whole = good.read_bytes()
    add("truncated ONNX", "1.onnx", whole[: len(whole) // 2], "no whole ONNX file")
    add("empty ONNX", "2.onnx", b"", "no whole ONNX file")
    add("noise as ONNX", "3.onnx", bytes(range(256)) * 40, "no whole ONNX file")
    add("text as ONNX", "4.onnx", b"hello", "no whole ONNX file")
    import onnx

    def of_onnx(what: str, name: str, words: str, change: Callable[[Any], None]) -> None:
        model = onnx.load(good)
        change(model)
        add(what, name, model.SerializeToString(), words)

    def outside(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../secret.bin")

    def linked(model: Any) -> None:
        outside(model)
        model.graph.initializer[0].external_data[0].value = "link.bin"

    def missing(model: Any) -> None:
        outside(model)
        model.graph.initializer[0].external_data[0].value = "absent.bin"

    secret = folder / "secret.txt"
    secret.write_bytes(b"\0" * 4096)
    (folder / "link.bin").symlink_to(secret)
    of_onnx("weights outside", "5.onnx", "out of its own folder; ", outside)
    of_onnx("weights behind a link", "6.onnx", "out of its own folder; ", linked)
    of_onnx("weights missing", "7.onnx", "not beside it", missing)

    def cyclic(model: Any) -> None:
        model.graph.node[0].input[0] = model.graph.node[-1].output[0]

    def unknown(model: Any) -> None:
        model.graph.node[2].op_type = "Frobnicate"

    def two_inputs(model: Any) -> None:
        model.graph.input.append(
            onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1, 3])
        )

    of_onnx("cyclic graph", "8.onnx", "no whole ONNX file", cyclic)
    of_onnx("unknown operator", "9.onnx", "ONNX file|cannot be converted", unknown)
    of_onnx("two inputs", "10.onnx", "takes 2 inputs", two_inputs)

    def wrong_shape(model: Any) -> None:
        model.graph.initializer[0].dims[0] += 1

    of_onnx("wrong shapes", "11.onnx", "11.onnx", wrong_shape)

    torch.save(Small(), folder / "12.pth")
    made["pickled network"] = folder / "12.pth", "holds a pickled network"
    torch.save(Harmful(mark), folder / "13.pth")
    made["pickle with code"] = folder / "13.pth", "13.pth"
    torch.save({"state_dict": {"a": torch.ones(2)}, "x": Harmful(mark)}, folder / "14.pth")
    made["checkpoint with code"] = folder / "14.pth", "14.pth"
    add("bare pickle with code", "15.pt", pickle.dumps(Harmful(mark)), "15.pt")
    _exported(Small(), folder / "16.pt2")
    made["torch.export"] = folder / "16.pt2", "holds a program of torch.export"
    program = f"open({str(mark)!r}, 'w').close()\ndef build(): pass\n"
    add("Python file", "17.py", program.encode(), "holds a Python program")
    with zipfile.ZipFile(folder / "18.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * (1 << 24))
    made["zip bomb"] = folder / "18.pth", "unpacks to more than it holds"
    header = json.dumps({"a": {"dtype": "F32", "shape": [9, 9], "data_offsets": [0, 324]}}).encode()
    add("truncated safetensors", "19.safetensors", struct.pack("<Q", len(header)) + header,
        "not a whole safetensors file")  # fmt: skip
    state = as_stored(shufflenet(), HALF)
    state["conv1.0.weight"] = torch.ones(7, 7)
    torch.save(state, folder / "20.pth")
    made["weights of wrong shapes"] = (
        folder / "20.pth",
        "nearest is shufflenet_v2_x0_5, of whose 282 tensors 281 fit, but the file has another",
    )
    torch.save({"x": torch.ones(3)}, folder / "21.pth")
    made["tensors of no network"] = folder / "21.pth", "belong to no network"
    index = json.dumps({"weight_map": {"a": "../secret.safetensors"}}).encode()
    add("shards outside", "22.safetensors.index.json", index, "out of its own folder; ")
    add("no index", "23.safetensors.index.json", b"[]", "no index of weights")
    _scripted(Small(), folder / "24.pt")
    cut = (folder / "24.pt").read_bytes()
    with zipfile.ZipFile(folder / "24.pt") as archive, zipfile.ZipFile(folder / "25.pt", "w") as to:
        for entry in archive.infolist():
            data = archive.read(entry)
            to.writestr(entry.filename, data[:20] if entry.filename.endswith(".py") else data)
    made["damaged TorchScript"] = folder / "25.pt", "damaged TorchScript"
    add("truncated archive", "26.pt", cut[: len(cut) // 2],
        r"26\.pt was refused: it is damaged .*; save the network's state_dict")  # fmt: skip
    add("a web page", "27.pth", b"<!DOCTYPE html><html></html>", "web page")
    (folder / "28").mkdir()
    made["a folder"] = folder / "28", "folder without a config.json"
    with zipfile.ZipFile(folder / "30.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"")
    made["Keras"] = folder / "30.keras", r"network of Keras's.*model\.export"
    add("Keras, HDF5", "31.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "network of Keras's")
    add("HDF5 under another name", "32.pth", b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "Keras's")
    add("TensorFlow Lite", "33.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 64, "TensorFlow's.*tf2onnx")
    (folder / "34").mkdir()
    (folder / "34" / "saved_model.pb").touch()
    made["TensorFlow's folder"] = folder / "34", "TensorFlow's.*tf2onnx"
    add("Flax", "35.msgpack", b"\x81", "Flax's")
    made["nothing there"] = folder / "29.onnx", "There is no file"
    return made
