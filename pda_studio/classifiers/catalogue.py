"""Every classifier that can be opened by its name."""

from collections.abc import Generator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.digits import CLASS_NAMES, MEAN, STD, DigitsNetwork
from pda_studio.classifiers.downloads import Download, cached_file, download
from pda_studio.classifiers.networks import (
    EXTRA_ARGUMENTS,
    ToBeFilled,
    build,
    count_classes,
    fill,
    he_initialised,
    input_size_of,
    names,
    weights_entries,
)
from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.classifiers.settings import PdaSettings
from pda_studio.classifiers.weights import About, Weights, read_about, read_weights
from pda_studio.errors import UsageError
from pda_studio.reading import refused_as
from pda_studio.targets import OutputKind

Device = Literal["auto", "cpu", "cuda", "mps"]

_DIGITS = PdaSettings(window=4, outer=12, distribution="marginal", statistics="digits")
# Inside, torchvision turns the usual normalisation of these two into this one (transform_input);
# normalising so in the first place is the same and leaves the network plain.
_INCEPTION_NORMALISATION = (0.5, 0.5, 0.5)
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
    return ["digits", *names()]


def is_known(name: str) -> bool:
    """Whether a classifier of the catalogue has this name."""
    return name == "digits" or name in names()


def catalogue() -> list[CatalogueEntry]:
    """Everything that `load_classifier` knows, without loading it."""
    entries = [CatalogueEntry("digits", 28, 10, 3_274_634, "built in")]
    for name in names():
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


def loading(
    name: str, weights: str | Path | None = None, device: Device | str = "auto"
) -> Generator[Download, None, Classifier]:
    """Load by a name, in steps: yields the progress of a download, returns the classifier."""
    if not is_known(name):
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
    if not is_known(name):
        raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
    place, size = torch.device("meta"), preprocessing_of(name).size[0]
    try:
        with place:
            network = DigitsNetwork() if name == "digits" else build(name, size)
    except NotImplementedError:  # some compute their layout with tensors, which need values
        network = build(name, size).to(place)
    return Classifier(
        name=name,
        network=network.eval().requires_grad_(False),
        preprocessing=preprocessing_of(name),
        class_names=class_names_of(name),
        device=place,
        weights="none",
    )


def class_names_of(name: str) -> tuple[str, ...]:
    """What a network of the catalogue calls its classes, as it was trained first."""
    if name == "digits":
        return CLASS_NAMES
    return tuple(_weights_entry(name, None).meta["categories"])


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
    if not is_known(name):
        raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
    if name == "digits":
        return Preprocessing(resize=28, size=(28, 28), mean=(MEAN,), std=(STD,))
    transforms = _weights_entry(name, weights).transforms()
    mean, std = tuple(transforms.mean), tuple(transforms.std)
    if name in EXTRA_ARGUMENTS:
        mean = std = _INCEPTION_NORMALISATION
    return Preprocessing(
        resize=transforms.resize_size[0],
        size=(transforms.crop_size[0], transforms.crop_size[0]),
        mean=mean,
        std=std,
        interpolation=transforms.interpolation.value,
    )


def _load_digits(source: str | None, device: torch.device) -> Classifier:
    if source == "random":
        network = he_initialised(DigitsNetwork)
    else:
        with ToBeFilled():
            network = DigitsNetwork()
        shipped = files("pda_studio.resources") / "digits" / "weights.safetensors"
        with as_file(shipped) as built_in:
            fill("digits", network, read_weights(Path(source or built_in)), source or "built in")
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
        network = he_initialised(lambda: build(name, preprocessing.size[0]))
    else:
        weights = {k: v for k, v in weights.items() if not k.startswith(_AUXILIARY)}
        others = f"These weights ({source}) are not {name}'s; choose the network they are from."
        with refused_as(others, source):  # torchvision may refuse sizes that it cannot build
            preprocessing = _of_size(preprocessing, input_size_of(weights))
            with ToBeFilled():
                network = build(name, preprocessing.size[0])
            classes = count_classes(network, weights)
            if classes != len(class_names):
                # Somebody's own training: the same network with another number of classes.
                with ToBeFilled():
                    network = build(name, preprocessing.size[0], classes)
                class_names = tuple(f"class {index}" for index in range(classes))
            fill(name, network, weights, source)
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
    entries = weights_entries(name)
    if default:
        return entries.DEFAULT
    for entry in entries:
        if source and cached_file(entry.url).name == source:
            return entry
    return next(iter(entries))


def _of_size(preprocessing: Preprocessing, size: int | None) -> Preprocessing:
    """The preprocessing for another input size, with the same share of the image cut off."""
    if size is None or (size, size) == preprocessing.size:
        return preprocessing
    resize = round(preprocessing.resize * size / preprocessing.size[0])
    return preprocessing.model_copy(update={"size": (size, size), "resize": resize})


def _ready(network: nn.Module, device: torch.device) -> nn.Module:
    network = network.eval().requires_grad_(False)
    # Evidence is a small difference of large scores: TensorFloat's 10 bits would drown it.
    torch.backends.cudnn.allow_tf32 = False
    # Channels-last convolutions are 1.1 to 2 times as fast on CPUs, and on GPUs never slower.
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
