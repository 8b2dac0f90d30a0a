"""One way in for whatever somebody calls a classifier: a name, a file, a module."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from pda_studio.classifiers.catalogue import Device, choose_device, loading
from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.modules import from_module
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.classifiers.transforms import spec_of
from pda_studio.errors import UsageError


def load_classifier(
    source: str | Path | nn.Module,
    weights: str | Path | None = None,
    device: Device | str = "auto",
    *,
    preprocessing: object = None,
    class_names: Sequence[str] | None = None,
    output: str | None = None,
    select: str | int | None = None,
) -> Classifier:
    """Load a classifier.

    Parameters
    ----------
    source : str or torch.nn.Module
        `digits`, or any classification network of torchvision by its torchvision name; or any
        network of your own, in any mode, of which nothing is changed.
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
    if answers.said():
        raise UsageError(f"{source} says itself how its input is made and its output is read.")
    steps = loading(str(source), weights, device)
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
