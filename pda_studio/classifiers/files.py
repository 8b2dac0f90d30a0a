"""Classifiers in files: what each kind of file holds, declared once each, and opening them.

A kind is one class. It says which files are its own by their content, and makes a network of one.
Nothing from a file is run, but for kinds that hold code, which ask first.
"""

import logging
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from pda_studio.classifiers.answers import kept_answers
from pda_studio.classifiers.architectures import (
    Fits,
    Match,
    architectures_of,
    filled,
    matched,
)
from pda_studio.classifiers.catalogue import class_names_of, preprocessing_of
from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.modules import from_module, own_settings
from pda_studio.classifiers.networks import input_size_of
from pda_studio.classifiers.outlines import TIMM
from pda_studio.classifiers.outputs import Ending, output_named
from pda_studio.classifiers.shards import INDEX, read_shards
from pda_studio.classifiers.spec import ClassifierSpec, one_if_square
from pda_studio.classifiers.weights import Weights, read_about, read_weights
from pda_studio.errors import PdaStudioError

_log = logging.getLogger(__name__)

_IMAGENET = "resnet18"
"""Whose class names all networks of a thousand classes are given."""


@dataclass(frozen=True)
class Opened:
    """What a file holds.

    Attributes
    ----------
    network : torch.nn.Module
        The network with its weights.
    spec : ClassifierSpec
        What the file says of its input and output.
    name : str
        Of the network, for captions; "" for the file's own.
    """

    network: nn.Module
    spec: ClassifierSpec = field(default_factory=ClassifierSpec)
    name: str = ""
    fits: Fits | None = None
    """Of weights: which networks they fit."""
    runtime: Callable[[torch.Tensor], float] | None = None
    """Of a converted network: how far it answers from the runtime that it was made for, over its
    largest output, to a prepared image (1, C, H, W). Refuses a wrong conversion."""


class FileKind(ABC):
    """A kind of file that a classifier may be in.

    Attributes
    ----------
    title : str
        As lists and messages name it.
    suffixes : tuple of str
        How such files' names usually end.
    """

    title: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether a file or folder is of this kind, by what it holds."""

    @abstractmethod
    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Make the network.

        Raises
        ------
        PdaStudioError
            If the file is damaged, or what it holds cannot be explained.
        NeedsTrust
            If it would have to be run, and nobody has said that it may be.
        """


class WeightsKind(FileKind):
    """Weights alone: the architecture is found from names and shapes."""

    title = "state_dict or safetensors"
    suffixes = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar")

    def recognises(self, path: Path) -> bool:
        """Everything that is of no other kind: the reader of weights says what is wrong with it."""
        return path.is_file()

    def open(self, path: Path, spec: ClassifierSpec, trust: bool) -> Opened:
        """Find the architecture, fill it."""
        weights = read_shards(path) if path.name.endswith(INDEX) else read_weights(path)
        match, fits = _match(weights, spec, path)
        network = filled(match, weights, path.name)
        name = match.name.removeprefix(TIMM)
        return Opened(network, _said_by(match, network, path), name, fits=fits)


def _match(weights: Weights, spec: ClassifierSpec, path: Path) -> tuple[Match, Fits]:
    """The network, and which others the weights fit; what is no more than likely is told."""
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if spec.architecture is None:
        fits = architectures_of(shapes, path.name)
        match = matched(fits.names[0], shapes)
        if not fits.sure:
            _log.warning("%s", _likely(fits, path))
        return match, fits
    match = matched(spec.architecture, shapes)
    if match.problem:
        raise PdaStudioError(
            f"The weights in {path.name} are not {match.name}'s: {match.fitting} of its"
            f" {match.tensors} tensors fit, but the file {match.problem}; leave the architecture"
            " out to have it found."
        )
    try:
        names = architectures_of(shapes, path.name).names
    except PdaStudioError:  # it is not in the index
        names = (match.name,)
    others = tuple(name for name in names if name != match.name)
    return match, Fits((match.name, *others), match.tensors, sure=True)


def _likely(fits: Fits, path: Path) -> str:
    best, *others = fits.names
    text = f"{path.name} is taken as {best}: all {fits.tensors} tensors of it fit"
    if others:
        text += f", as do those of {', '.join(others)}"
    return f"{text}; --architecture NAME says otherwise."


def _said_by(match: Match, network: nn.Module, path: Path) -> ClassifierSpec:
    """The library's preprocessing for this size and number of channels, and the file's names."""
    if match.name.startswith(TIMM):
        usual = own_settings(network).preprocessing(224, 3)
        known = class_names_of(_IMAGENET)
    else:
        usual, known = preprocessing_of(match.name), class_names_of(match.name)
    side = input_size_of(network.state_dict())
    size = usual.size if side is None else (side, side)
    mean, std = usual.mean, usual.std
    if len(mean) != match.channels:  # the colours' mean
        mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
    about = read_about(path)
    names = about.names_for(path.name, match.classes)
    return ClassifierSpec.of(
        architecture=match.name,
        input_size=one_if_square(size),
        resize=round(usual.resize * min(size) / min(usual.size)),
        channels=match.channels,
        mean=mean,
        std=std,
        interpolation=usual.interpolation,
        output=output_named(about.output or _usual_output(match)).name,
        class_names=names or (known if len(known) == match.classes else None),
    )


def _usual_output(match: Match) -> str:
    return "sigmoid-logits" if match.classes == 1 else "logits"


def open_file(
    path: Path,
    answers: ClassifierSpec | None = None,
    device: torch.device | None = None,
    trust: bool = False,
) -> Classifier:
    """Open the classifier that a file holds.

    Parameters
    ----------
    path : Path
        Weights in any usual form, a whole network, or a folder with config.json.
    answers : ClassifierSpec, optional
        What the file does not say; answers beside the file and its own words come after these.
    device : torch.device, optional
        Where to run.
    trust : bool
        Whether a file that holds code may be run, now and from now on.

    Raises
    ------
    PdaStudioError
        If there is no such file, or it cannot be opened.
    """
    if not path.exists():
        raise PdaStudioError(f"There is no file at {path}; check the name.")
    said = kept_answers(path).with_answers(answers or ClassifierSpec())
    kind = kind_of(path)
    if kind is None:
        raise PdaStudioError(f"{path} is a folder without a config.json; name a file in it.")
    opened = kind.open(path, said, trust)
    known = _suited(opened.spec, said).with_answers(said)
    classifier = from_module(
        opened.network, known, name=opened.name or path.name, weights=path.name, device=device
    )
    if opened.fits is not None:
        classifier = replace(classifier, fits=opened.fits)
    if opened.runtime is not None:
        noise = torch.rand(
            (1, classifier.preprocessing.channels, *classifier.preprocessing.usual_size),
            generator=torch.Generator().manual_seed(1),
        )
        opened.runtime(classifier.preprocessing.normalise(noise))
        classifier = replace(classifier, runtime=opened.runtime)
    return classifier


def spec_of_classifier(classifier: Classifier) -> ClassifierSpec:
    """All that is known of an opened file's input and output, as a form shows it."""
    parts = (classifier.network, getattr(classifier.network, "network", None))
    ending = next((part for part in parts if isinstance(part, Ending)), None)
    usual = {"softmax": "logits", "sigmoid": "sigmoid-logits"}.get(classifier.output, "values")
    path = () if ending is None else ending.path
    return ClassifierSpec.of_preprocessing(classifier.preprocessing).with_answers(
        ClassifierSpec.of(
            output=usual if ending is None else ending.output.name,
            select=".".join(map(str, path)) or None,
            class_names=classifier.class_names,
        )
    )


def _suited(own: ClassifierSpec, said: ClassifierSpec) -> ClassifierSpec:
    """What a file says, without what an answer makes meaningless."""
    left_out = set()
    if said.channels is not None or said.mean is not None or said.std is not None:
        left_out |= {"channels"} if said.channels is None else {"channels", "mean", "std"}
        if said.mean is not None or said.std is not None:
            left_out |= {"mean", "std"}
    values = {name: value for name, value in own.said().items() if name not in left_out}
    return ClassifierSpec.of(**values)


def kinds() -> tuple[FileKind, ...]:
    """All kinds of files, the one that takes what is left last."""
    return (*(kind() for kind in _SPECIAL), WeightsKind())


def kind_of(path: Path) -> FileKind | None:
    """The kind of a file; None of a folder that is of none."""
    return next((one for one in kinds() if one.recognises(path)), None)


def names_in_archive(path: Path) -> list[str]:
    """The names of a zip archive's entries; none if it is no archive, or a damaged one."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []


_SPECIAL: list[type[FileKind]] = []


def file_kind(kind: type[FileKind]) -> type[FileKind]:
    """Enter a kind into the registry."""
    _SPECIAL.append(kind)
    return kind
