"""Image classifiers of Hugging Face's transformers, from the folders that they are saved in."""

import importlib
from pathlib import Path
from typing import Any

from torch import nn

from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError
from pda_studio.reading import json_of, refused_as

_KIND = "ForImageClassification"
_PREPROCESSOR = "preprocessor_config.json"
_RESAMPLING = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # as Pillow counts
_CROPPED_BELOW = 384  # pixels: ConvNeXT's preprocessing cuts only smaller images
_CROP_SHARE = 224 / 256


def transformers_network(
    folder: Path, config: dict[str, Any]
) -> tuple[nn.Module, ClassifierSpec, str]:
    """A network with its weights, what its folder says of input and output, and its class.

    Nothing in the folder is run: code in it is not looked for, and only safetensors are read.

    Raises
    ------
    PdaStudioError
        If it is no image classifier, is damaged, or the extra is not installed.
    """
    (kind,) = (config.get("architectures") or ["unknown"])[:1]
    if not str(kind).endswith(_KIND):
        raise PdaStudioError(
            f"{folder.name} holds {kind}, which is no image classifier: networks that end with"
            f" {_KIND} can be explained."
        )
    try:
        library = importlib.import_module("transformers")
    except ImportError as error:
        raise PdaStudioError(
            "To open networks of transformers', install the extra:"
            " pip install pda-studio[transformers]."
        ) from error
    local = {"local_files_only": True, "trust_remote_code": False}
    library.utils.logging.disable_progress_bar()
    try:
        network, loaded = library.AutoModelForImageClassification.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, dtype="float32", **local
        )
    except Exception as error:  # of a wrong configuration it raises anything
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise PdaStudioError(
            f"{folder.name} cannot be opened by transformers ({lines[0].rstrip('.')[:160]}); fetch"
            " it again, with its model.safetensors."
        ) from error
    for what, name in (("lacks", "missing_keys"), ("has another shape for", "mismatched_keys")):
        if loaded[name]:
            first = min(map(str, loaded[name]))
            raise PdaStudioError(
                f"The weights in {folder.name} are not {kind}'s: the file {what} “{first}”."
            )
    said = preprocessing_said(folder).with_answers(_names(config))
    return network.eval(), said, str(kind).removesuffix(_KIND)


def _names(config: dict[str, Any]) -> ClassifierSpec:
    """Class names, where they are more than numbers."""
    names = config.get("id2label")
    if not isinstance(names, dict) or sorted(names) != sorted(map(str, range(len(names)))):
        return ClassifierSpec()
    listed = tuple(str(names[str(index)]) for index in range(len(names)))
    if all(name == f"LABEL_{index}" for index, name in enumerate(listed)):
        return ClassifierSpec()
    return ClassifierSpec.of(class_names=listed)


def preprocessing_said(folder: Path) -> ClassifierSpec:
    """Size, crop, mean, std and range, as the folder says them."""
    path = folder / _PREPROCESSOR
    if not path.is_file():
        return ClassifierSpec()
    with refused_as(f"{path} is no preprocessing of images; fetch it again.", path):
        said = json_of(path.read_bytes())
        if not isinstance(said, dict):
            raise ValueError("no object")
        return _spec(said)


def _spec(said: dict[str, Any]) -> ClassifierSpec:
    size, cut = said.get("size"), said.get("crop_size")
    shorter = size.get("shortest_edge") if isinstance(size, dict) else None
    side = None if shorter else _side(size)
    values: dict[str, Any] = {"interpolation": _RESAMPLING.get(said.get("resample", 2))}
    if said.get("do_center_crop") and cut is not None:
        values |= {"input_size": _side(cut), "resize": shorter or side}
    elif shorter:  # as ConvNeXT's: a share of it is cut out
        share = float(said.get("crop_pct") or _CROP_SHARE) if shorter < _CROPPED_BELOW else 1.0
        values |= {"input_size": shorter, "resize": round(shorter / share)}
    elif side:
        values |= {"input_size": side, "fit": "stretch"}
    flips = bool(said.get("do_flip_channel_order"))  # as MobileViT's, which are not normalised
    if flips:
        values["channel_order"] = "BGR"
    if said.get("do_normalize", not flips):
        values |= {name: said.get(f"image_{name}") for name in ("mean", "std")}
    else:
        values |= {"mean": (0.0,), "std": (1.0,)}
    factor = 255 * float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", 1) else 255
    low = -1.0 if said.get("rescale_offset") else 0.0
    values["value_range"] = (low, low + factor)
    return ClassifierSpec.of(**values)


def _side(size: Any) -> int | None:
    """The side of a square, in any of the usual forms."""
    if isinstance(size, dict):
        sides = {size.get("height"), size.get("width")}
        if len(sides) != 1:
            raise ValueError("not square")
        (size,) = sides
    return int(size) if size else None
