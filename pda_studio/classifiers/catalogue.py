"""Every classifier that can be opened by its name."""

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

import torch
import torchvision
from torch import nn

from pda_studio.classifiers.classifier import Classifier, PdaSettings
from pda_studio.classifiers.digits import CLASS_NAMES, MEAN, STD, DigitsNetwork
from pda_studio.classifiers.downloads import Download, cached_file, download
from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.classifiers.weights import About, Weights, read_about, read_weights
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.targets import OutputKind

Device = Literal["auto", "cpu", "cuda", "mps"]

_DIGITS = PdaSettings(window=4, outer=12, distribution="marginal", statistics="digits")
# Auxiliary heads play no part in a decision.
_EXTRA_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": False, "aux_logits": False, "init_weights": False},
    "inception_v3": {"transform_input": False, "aux_logits": False, "init_weights": False},
}
# Inside, torchvision turns the usual normalisation of these two into this one (transform_input);
# normalising so in the first place is the same and leaves the network plain.
_INCEPTION_NORMALISATION = (0.5, 0.5, 0.5)
_OF_ONE_SIZE = "vit_"  # networks whose layers are made for one size of input
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")


@dataclass(frozen=True)
class CatalogueEntry:
    """What is known of a classifier before it is loaded."""

    name: str
    input_size: int
    classes: int
    parameters: int
    source: str


def classifier_names() -> list[str]:
    """Names of all classifiers, the built-in one first."""
    return ["digits", *torchvision.models.list_models(module=torchvision.models)]


def catalogue() -> list[CatalogueEntry]:
    """Everything that `load_classifier` knows, without loading it."""
    entries = [CatalogueEntry("digits", 28, 10, 3_274_634, "built in")]
    for name in classifier_names()[1:]:
        weights = _weights_entry(name, None)
        meta = weights.meta
        entries.append(
            CatalogueEntry(
                name,
                weights.transforms().crop_size[0],
                len(meta["categories"]),
                meta["num_params"],
                "torchvision",
            )
        )
    return entries


def choose_device(device: Device | str = "auto") -> torch.device:
    """Turn a name into a device that is there; `auto` takes a GPU if there is one.

    Raises
    ------
    UsageError
        If this computer has no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    available = {"cpu": True, "cuda": cuda, "mps": mps}
    if device not in available:
        raise UsageError(f"There is no device “{device}”: choose auto, cpu, cuda or mps.")
    if not available[device]:
        raise UsageError(f"PyTorch finds no {device} device on this computer: use --device cpu.")
    return torch.device(device)


def load_classifier(
    name: str, weights: str | Path | None = None, device: Device | str = "auto"
) -> Classifier:
    """Load a classifier by its name.

    Parameters
    ----------
    name : str
        `digits`, or any classification network of torchvision by its torchvision name.
    weights : str or Path, optional
        A file (safetensors, or a state_dict that `torch.save` wrote); `default` for
        torchvision's own, fetched once; `random` for an untrained network (He initialisation,
        always the same). Without it: the built-in weights of `digits`, else `default`.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it shall run.

    Returns
    -------
    Classifier
        In eval mode.

    Raises
    ------
    UsageError
        If the name or the device is unknown.
    PdaStudioError
        If the weights cannot be read, fetched, or do not belong to the network.
    """
    steps = loading(name, weights, device)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            classifier: Classifier = stop.value
            return classifier


def loading(
    name: str, weights: str | Path | None = None, device: Device | str = "auto"
) -> Generator[Download, None, Classifier]:
    """`load_classifier` in steps: yields the progress of a download, returns the classifier."""
    if name not in classifier_names():
        raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
    place = choose_device(device)
    source = str(weights) if weights else ""
    if name == "digits":
        return _load_digits(None if source in ("", "default") else source, place)
    if source == "random":
        return _torchvision_classifier(name, None, "random", None, place)
    if source in ("", "default"):
        entry = _weights_entry(name, None, default=True)
        yield from download(entry.url, name)
        path = cached_file(entry.url)
        return _torchvision_classifier(name, read_weights(path), path.name, path, place)
    path = Path(source)
    return _torchvision_classifier(name, read_weights(path), path.name, path, place)


def without_weights(name: str) -> Classifier:
    """Build a classifier without any weights: its tensors have shapes, and no values.

    For what is asked of its structure alone, such as its layers; nothing is read or downloaded.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    if name not in classifier_names():
        raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
    place, size = torch.device("meta"), preprocessing_of(name).size
    try:
        with place:
            network = DigitsNetwork() if name == "digits" else _build(name, size)
    except NotImplementedError:  # some compute their layout with tensors, which need values
        network = _build(name, size).to(place)
    classes = CLASS_NAMES
    if name != "digits":
        classes = tuple(_weights_entry(name, None).meta["categories"])
    return Classifier(
        name=name,
        network=network.eval().requires_grad_(False),
        preprocessing=preprocessing_of(name),
        class_names=classes,
        device=place,
        weights="none",
    )


def preprocessing_of(name: str, weights: str = "") -> Preprocessing:
    """How a classifier sees images, without loading it.

    Parameters
    ----------
    name : str
        The classifier.
    weights : str
        Where its weights came from, as `Classifier.weights` tells.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    if name not in classifier_names():
        raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
    if name == "digits":
        return Preprocessing(resize=28, size=28, mean=(MEAN,), std=(STD,))
    transforms = _weights_entry(name, weights).transforms()
    mean, std = tuple(transforms.mean), tuple(transforms.std)
    if name in _EXTRA_ARGUMENTS:
        mean = std = _INCEPTION_NORMALISATION
    return Preprocessing(
        resize=transforms.resize_size[0],
        size=transforms.crop_size[0],
        mean=mean,
        std=std,
        interpolation=transforms.interpolation.value,
    )


def _load_digits(source: str | None, device: torch.device) -> Classifier:
    if source == "random":
        network = _he_initialised(DigitsNetwork)
    else:
        network = DigitsNetwork()
        shipped = files("pda_studio.resources") / "digits" / "weights.safetensors"
        with as_file(shipped) as built_in:
            _fill("digits", network, read_weights(Path(source or built_in)), source or "built in")
    return Classifier(
        name="digits",
        network=_ready(network, device),
        preprocessing=preprocessing_of("digits"),
        class_names=CLASS_NAMES,
        device=device,
        weights=Path(source).name if source else "built in",
        settings=_DIGITS,
    )


def _torchvision_classifier(
    name: str, weights: Weights | None, source: str, path: Path | None, device: torch.device
) -> Classifier:
    entry = _weights_entry(name, source)
    class_names = tuple(entry.meta["categories"])
    output: OutputKind = "softmax"
    preprocessing = preprocessing_of(name, source)
    if weights is None:
        network = _he_initialised(lambda: _build(name, preprocessing.size))
    else:
        preprocessing = _of_size(preprocessing, _input_size(weights))
        weights = {k: v for k, v in weights.items() if not k.startswith(_AUXILIARY)}
        network = _build(name, preprocessing.size)
        classes = _count_classes(network, weights)
        if classes != len(class_names):
            # Somebody's own training: the same network with another number of classes.
            network = _build(name, preprocessing.size, classes)
            class_names = tuple(f"class {index}" for index in range(classes))
        _fill(name, network, weights, source)
        about = read_about(path) if path else About()
        # A single logit is a yes or no, unless its file says otherwise.
        output = about.output or ("sigmoid" if classes == 1 else "softmax")
        if classes == 1:
            class_names = ("positive class" if output == "sigmoid" else "output",)
        class_names = about.names_for(source, classes) or class_names
    return Classifier(
        name=name,
        network=_ready(network, device),
        preprocessing=preprocessing,
        class_names=class_names,
        device=device,
        weights=source,
        output=output,
    )


def _weights_entry(name: str, source: str | None, *, default: bool = False) -> Any:
    """Torchvision's metadata of a network's weights: those of the file's name, else the first.

    A file of unknown origin gets the first entry, the classical preprocessing (shorter side to
    256); torchvision's newer recipes resize otherwise and come under names of their own.
    """
    entries = torchvision.models.get_model_weights(name)
    if default:
        return entries.DEFAULT
    for entry in entries:
        if source and cached_file(entry.url).name == source:
            return entry
    return next(iter(entries))


def _build(name: str, size: int, num_classes: int = 1000) -> nn.Module:
    """Build a network without weights for an input of this side, in pixels."""
    extra = dict(_EXTRA_ARGUMENTS.get(name, {}))
    if name.startswith(_OF_ONE_SIZE):
        extra["image_size"] = size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about initialisation, overwritten anyway
        network: nn.Module = torchvision.models.get_model(
            name, weights=None, num_classes=num_classes, **extra
        )
    return network


def _input_size(weights: Weights) -> int | None:
    """The input's side that a vision transformer was trained for; its weights have a place each.

    Returns
    -------
    int or None
        In pixels; None where weights do not depend on it.
    """
    places, patches = weights.get("encoder.pos_embedding"), weights.get("conv_proj.weight")
    if places is None or patches is None or places.ndim != 3 or patches.ndim != 4:
        return None
    along = round((places.shape[1] - 1) ** 0.5)
    return int(along * patches.shape[-1])


def _of_size(preprocessing: Preprocessing, size: int | None) -> Preprocessing:
    """The preprocessing for another input size, with the same share of the image cut off."""
    if size is None or size == preprocessing.size:
        return preprocessing
    resize = round(preprocessing.resize * size / preprocessing.size)
    return preprocessing.model_copy(update={"size": size, "resize": resize})


def _count_classes(network: nn.Module, weights: Weights) -> int:
    """Number of classes of the network that these weights were saved from."""
    counts = {
        weights[name].shape[0]
        for name, tensor in network.state_dict().items()
        if name in weights and weights[name].ndim > 0 and weights[name].shape != tensor.shape
        if tensor.shape[0] == 1000 and weights[name].shape[1:] == tensor.shape[1:]
    }
    return counts.pop() if len(counts) == 1 else 1000


def _fill(name: str, network: nn.Module, weights: Weights, source: str) -> None:
    """Put weights into a network, all of them or none.

    Raises
    ------
    PdaStudioError
        If the names or shapes are another network's.
    """
    own = network.state_dict()
    # Files from before BatchNorm counted its batches lack the counter, which eval mode ignores.
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    surplus = [key for key in weights if key not in own]
    differing = [key for key in own if key in weights and weights[key].shape != own[key].shape]
    for what, keys in (("lacks", missing), ("has another shape for", differing), ("adds", surplus)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise PdaStudioError(
                f"These weights ({Path(source).name}) are not {name}'s: the file {what}"
                f" “{keys[0]}”{more}; choose the network they were saved from."
            )
    for key, tensor in weights.items():
        if own[key].is_floating_point() and not tensor.is_floating_point():
            raise PdaStudioError(
                f"These weights ({Path(source).name}) are not real numbers: “{key}” holds integers,"
                " as quantised networks do; save them dequantised, as floats."
            )
    network.load_state_dict({k: v.to(own[k].dtype) for k, v in weights.items()}, strict=False)


def _he_initialised(build: Any) -> nn.Module:
    """An untrained network whose signals neither vanish nor explode, the same at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: nn.Module = build()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return network


def _ready(network: nn.Module, device: torch.device) -> nn.Module:
    network = network.eval().requires_grad_(False)
    # Evidence is a small difference of large scores: TensorFloat's 10 bits would drown it.
    torch.backends.cudnn.allow_tf32 = False
    # Channels-last convolutions are 1.1 to 2 times as fast on CPUs, and on GPUs never slower.
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
