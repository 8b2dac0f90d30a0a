"""Folders as timm and Hugging Face have them: config.json with the weights beside it."""

from pathlib import Path
from typing import Any

from torch import nn

from pda_studio.classifiers.files import FileKind, Opened, file_kind
from pda_studio.classifiers.networks import fill
from pda_studio.classifiers.outlines import timm_library
from pda_studio.classifiers.shards import INDEX, read_shards
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.classifiers.transformers_folders import transformers_network
from pda_studio.classifiers.transforms import TIMM_SETTINGS, spec_of
from pda_studio.classifiers.weights import Weights, read_weights
from pda_studio.errors import PdaStudioError
from pda_studio.reading import json_of, refused_as

CONFIG = "config.json"
_WEIGHTS = (
    "model.safetensors", f"model.safetensors{INDEX}", "pytorch_model.bin",
    f"pytorch_model.bin{INDEX}",
)  # fmt: skip


@file_kind
class FolderKind(FileKind):
    """A folder, or a file in it, that names a network of timm's or of transformers'."""

    title = "timm or transformers folder"
    suffixes = (CONFIG,)

    def recognises(self, path: Path) -> bool:
        """By its config.json; weights that lie beside one belong to it."""
        if path.is_dir():
            return (path / CONFIG).is_file()
        beside = path.name in _WEIGHTS and (path.parent / CONFIG).is_file()
        return path.name == CONFIG or beside

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Build the network that the configuration names, and fill it."""
        config = (path if path.is_dir() else path.parent) / CONFIG
        wrong = f"{config} is no configuration of a network; fetch it again."
        with refused_as(wrong, config):
            config_values = json_of(config.read_bytes())
            if not isinstance(config_values, dict):
                raise ValueError("no object")
        weights = _weights(config.parent)
        name = config_values.get("architecture")
        if not isinstance(name, str):
            return Opened(*transformers_network(config.parent, config_values))
        with refused_as(wrong, config):
            network, said = _built(name, config_values)
        fill(name, network, weights, config.parent.name)
        return Opened(network.eval(), said, name)


def _weights(folder: Path) -> Weights:
    found = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if found is None:
        raise PdaStudioError(
            f"{folder} has a {CONFIG}, but no {_WEIGHTS[0]} beside it; fetch it as well."
        )
    return read_shards(found) if found.name.endswith(INDEX) else read_weights(found)


def _built(name: str, config_values: dict[str, Any]) -> tuple[nn.Module, ClassifierSpec]:
    """The network without weights, and what its configuration says of input and output."""
    timm = timm_library()
    if not timm.is_model(name):
        raise PdaStudioError(f"This version of timm has no network “{name}”: update it.")
    settings = {**config_values, **(config_values.get("pretrained_cfg") or {})}
    arguments = config_values.get("model_args") or {}
    size = settings.get("input_size") or (3, 224, 224)
    classes = config_values.get("num_classes") or settings.get("num_classes") or 1000
    network: nn.Module = timm.create_model(
        name, pretrained=False, num_classes=classes, in_chans=size[0], **arguments
    )
    names: Any = settings.get("label_names")
    said = spec_of({key: settings.get(key) for key in TIMM_SETTINGS} | {"input_size": tuple(size)})
    named = isinstance(names, list) and len(names) == classes
    return network, said.with_answers(
        ClassifierSpec.of(class_names=tuple(map(str, names)) if named else None)
    )
