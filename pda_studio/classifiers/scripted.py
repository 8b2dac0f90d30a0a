"""TorchScript: whole networks, compiled. They cannot be traced or hooked, but run and derived."""

import warnings
from pathlib import Path

import torch
from torch import nn

from pda_studio.classifiers.files import FileKind, Opened, file_kind, names_in_archive
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError


class Scripted(nn.Module):
    """A TorchScript network; every attribution that needs its layers refuses it by this name."""

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.script = script

    def forward(self, x: torch.Tensor) -> object:
        """Run it."""
        return self.script(x)


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
