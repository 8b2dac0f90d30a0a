"""TorchScript: whole networks, compiled. They cannot be traced or hooked, but run and derived."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

from pda_studio.classifiers.files import FileKind, Opened, file_kind, names_in_archive
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError


class Scripted(nn.Module):
    """A TorchScript network: one piece, whose tensors are known and whose layers are not.

    Hooks cannot be put on its layers, nor can it be traced. Methods that need either refuse it,
    as they refuse any network of one piece.
    """

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        super().__init__()
        self._held = (script,)  # no submodule: nobody shall look for layers in it
        self._note_tensors()

    def _note_tensors(self) -> None:
        """Know its tensors, by which one network is told from another."""
        for name, tensor in self._held[0].state_dict().items():
            self.register_buffer(name.replace(".", "_"), tensor)

    def _apply(self, fn: Any, recurse: bool = True) -> "Scripted":
        self._held[0]._apply(fn)  # type: ignore[no-untyped-call]
        self._note_tensors()
        return self

    def forward(self, x: torch.Tensor) -> object:
        """Run it."""
        if isinstance(x, fx.Proxy):
            raise TypeError("it is TorchScript, compiled to one piece")
        return self._held[0](x)


@file_kind
class TorchScriptKind(FileKind):
    """What torch.jit.save wrote."""

    title = "TorchScript"
    suffixes = (".pt", ".pth", ".ts", ".torchscript")

    def recognises(self, path: Path) -> bool:
        """By its archive: constants beside code."""
        return any("/code/" in name for name in names_in_archive(path))

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Load it on the processor."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that TorchScript is deprecated
                script = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        except Exception as error:  # of a damaged file torch raises errors of almost any type
            raise PdaStudioError(
                f"{path.name} is a damaged TorchScript file; save or fetch it again."
            ) from error
        return Opened(Scripted(script.eval()))
