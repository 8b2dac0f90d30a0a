"""One way in for whatever somebody calls a classifier: a name, a file, a module."""

from collections.abc import Generator, Sequence
from pathlib import Path

from torch import nn

from pda_studio.classifiers import folders, foreign, onnx, programs, scripted
from pda_studio.classifiers.catalogue import Device, choose_device, is_known
from pda_studio.classifiers.catalogue import loading as loading_by_name
from pda_studio.classifiers.catalogue import preprocessing_of as preprocessing_by_name
from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.downloads import Download
from pda_studio.classifiers.files import WeightsKind, kind_of, open_file
from pda_studio.classifiers.modules import from_module
from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.classifiers.transforms import spec_of
from pda_studio.errors import UsageError

FILE_KINDS = (
    folders.FolderKind, foreign.ForeignKind, onnx.OnnxKind, scripted.TorchScriptKind,
    programs.PickledKind,
)  # fmt: skip
"""Kinds of files are found once their modules are imported."""

_opened: dict[str, Preprocessing] = {}
"""How files that were opened see images, by the names that they were opened by."""

_given: dict[str, Classifier] = {}
"""Modules that Python has given names, for the window."""


def give_name(classifier: Classifier) -> str:
    """Let a classifier of Python's be loaded by its name, or by that with a number behind it."""
    name, number = classifier.name, 1
    while _given.get(name, classifier) is not classifier or is_known(name):
        number += 1
        name = f"{classifier.name} {number}"
    _given[name] = classifier
    return name


def is_file(name: str) -> bool:
    """Whether what somebody calls a classifier is a file, rather than a name in the catalogue."""
    if name in _given:
        return False
    if Path(name).suffix != "" or Path(name).name != name:  # as no name in the catalogue is
        return True
    return Path(name).exists() and not is_known(name)


def holds_weights(path: Path) -> bool:
    """Whether a file holds weights alone, whose network is to be found."""
    return isinstance(kind_of(path), WeightsKind)


def loading(
    name: str,
    weights: str | Path | None = None,
    device: Device | str = "auto",
    answers: ClassifierSpec | None = None,
    trust: bool = False,
) -> Generator[Download, None, Classifier]:
    """Load by a name or from a file, in steps, as `load_classifier` does.

    Yields the progress of a download, and returns the classifier.
    """
    if name in _given:
        return _given[name]
    if is_file(name):
        if weights is not None:
            raise UsageError(f"{name} is a file with its own weights: leave --weights out.")
        opened = open_file(Path(name), answers, choose_device(device), trust)
        _opened[name] = opened.preprocessing
        return opened
    if answers is not None and answers.said():
        raise UsageError(
            f"{name} is in the catalogue, and known: the input and output of a file can be told."
        )
    return (yield from loading_by_name(name, weights, device))


def preprocessing_of(name: str, weights: str = "") -> Preprocessing:
    """How a classifier sees images; of one in the catalogue, without loading it.

    Parameters
    ----------
    name : str
        The classifier, or its file.
    weights : str
        Where its weights came from, as `Classifier.weights` tells.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    if name in _given:
        return _given[name].preprocessing
    if not is_file(name):
        return preprocessing_by_name(name, weights)
    if name not in _opened:
        _opened[name] = open_file(Path(name)).preprocessing
    return _opened[name]


def load_classifier(
    source: str | Path | nn.Module,
    weights: str | Path | None = None,
    device: Device | str = "auto",
    *,
    preprocessing: object = None,
    class_names: Sequence[str] | None = None,
    output: str | None = None,
    select: str | int | None = None,
    trust: bool = False,
) -> Classifier:
    """Load a classifier.

    Parameters
    ----------
    source : str or torch.nn.Module
        `digits`, or any classification network of torchvision by its torchvision name; any network
        of your own, in any mode, of which nothing is changed; or a file that holds one.
    weights : str or Path, optional
        Of a network in the catalogue: a file (safetensors, or a state_dict that `torch.save`
        wrote); `default` for torchvision's own, fetched once; `random` for an untrained network
        (He initialisation, always the same). Without it: the built-in weights of `digits`, else
        `default`.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it shall run; `auto` leaves a module where it is.
    preprocessing : object, optional
        From an image to the input of a network of your own: torchvision's `weights.transforms()`,
        a `Compose` that resizes, cuts out the middle and normalises, timm's settings, a
        `Preprocessing`, or a dictionary with `input_size`, `mean`, `std` …
        (`pda_studio.classifiers.spec.ClassifierSpec`).
    class_names : sequence of str, optional
        One for each output.
    output : str, optional
        What its outputs are: logits, probabilities, log-probabilities, sigmoid-logits,
        sigmoid-probabilities or values.
    select : str or int, optional
        Which of several outputs: a key, a place, or several joined by dots.

    trust : bool
        Whether a file that holds code (a pickled network, torch.export's, a Python file) may be
        run, now and from now on.

    Returns
    -------
    Classifier
        In eval mode.

    Raises
    ------
    UsageError
        If the name or the device is unknown, or something has to be said that is not.
    PdaStudioError
        If the weights cannot be read, fetched, or do not belong to the network.
    """
    answers = _answers(preprocessing, class_names, output, select)
    if isinstance(source, nn.Module):
        if weights is not None:
            raise UsageError("A module has its weights already: load them into it.")
        return from_module(
            source, answers, device=None if device == "auto" else choose_device(device)
        )
    steps = loading(str(source), weights, device, answers, trust)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            classifier: Classifier = stop.value
            return classifier


def as_classifier(
    given: Classifier | nn.Module,
    *,
    preprocessing: object = None,
    class_names: Sequence[str] | None = None,
    output: str | None = None,
    select: str | int | None = None,
) -> Classifier:
    """The classifier itself, or one of a module, as `load_classifier` makes it.

    Raises
    ------
    UsageError
        If it is neither, or a classifier is told what it knows.
    """
    if isinstance(given, nn.Module):
        return load_classifier(
            given,
            preprocessing=preprocessing,
            class_names=class_names,
            output=output,
            select=select,
        )
    if not isinstance(given, Classifier):
        raise UsageError(
            f"A {type(given).__name__} is no classifier: give a torch.nn.Module, or what"
            " load_classifier returns."
        )
    if _answers(preprocessing, class_names, output, select).said():
        raise UsageError(
            "A loaded classifier knows its preprocessing and output: give them to load_classifier."
        )
    return given


def _answers(
    preprocessing: object,
    class_names: Sequence[str] | None,
    output: str | None,
    select: str | int | None,
) -> ClassifierSpec:
    more = ClassifierSpec.of(
        class_names=None if class_names is None else tuple(map(str, class_names)),
        output=output,
        select=None if select is None else str(select),
    )
    return spec_of(preprocessing).with_answers(more)
