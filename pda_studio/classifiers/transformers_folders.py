"""Image classifiers of Hugging Face's transformers, from the folders that they are saved in."""

import importlib
from pathlib import Path
from typing import Any

from PIL import Image
from torch import nn

from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError
from pda_studio.reading import json_of, refused_as

_KIND = "ForImageClassification"
_PREPROCESSOR = "preprocessor_config.json"
_RESAMPLING = {one.value: one.name.lower() for one in Image.Resampling}
_CROPPED_BELOW = 384  # pixels
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
    values = {"interpolation": _RESAMPLING.get(said.get("resample", 2)), **_sizes(said)}
    flips = bool(said.get("do_flip_channel_order"))  # as MobileViT's, which are not normalised
    if flips:
        values["channel_order"] = "BGR"
    if said.get("do_normalize", not flips):
        values |= {name: said.get(f"image_{name}") for name in ("mean", "std")}
    else:
        values |= {"mean": (0.0,), "std": (1.0,)}
    if said.get("include_top") and "std" in values:  # as EfficientNet's, divided by std twice
        values["std"] = [float(value) ** 2 for value in values["std"]]
    factor = 255 * float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", 1) else 255
    low = -1.0 if said.get("rescale_offset") else 0.0
    values["value_range"] = (low, low + factor)
    return ClassifierSpec.of(**values)


def _sizes(said: dict[str, Any]) -> dict[str, Any]:
    """How an image becomes an input: what is cut out of what, or stretched."""
    size, cut = said.get("size"), said.get("crop_size")
    shorter = size.get("shortest_edge") if isinstance(size, dict) else None
    sides = None if shorter else _sides(size)
    kind = str(said.get("image_processor_type") or said.get("feature_extractor_type"))
    if said.get("do_center_crop") and cut is not None:
        resize = shorter or (min(sides) if sides else None)
        if shorter and said.get("crop_pct"):  # as PoolFormer's
            resize = int(shorter / float(said["crop_pct"]))
        elif shorter and kind.startswith("Levit"):
            resize = int(shorter / _CROP_SHARE)
        return {"input_size": _sides(cut), "resize": resize}
    if shorter and shorter >= _CROPPED_BELOW:  # as ConvNeXT's, which cuts only smaller images
        return {"input_size": shorter, "fit": "stretch"}
    if shorter:
        share = float(said.get("crop_pct") or _CROP_SHARE)
        return {"input_size": shorter, "resize": int(shorter / share)}
    return {"input_size": sides, "fit": "stretch"} if sides else {}


def _sides(size: Any) -> tuple[int, int] | None:
    """Height and width, said in any of the usual forms."""
    if isinstance(size, dict):
        return int(size["height"]), int(size["width"])
    if isinstance(size, list | tuple):
        height, width = size
        return int(height), int(width)
    return (int(size), int(size)) if size else None
