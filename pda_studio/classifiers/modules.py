"""A classifier from any `nn.Module`, which stays as it is: mode, weights, gradients and hooks."""

import logging
import warnings
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.outputs import OUTPUTS, Ending, Output, output_named, with_ending
from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.classifiers.settings import PdaSettings
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.classifiers.transforms import TIMM_SETTINGS, spec_of
from pda_studio.errors import PdaStudioError, UsageError

_log = logging.getLogger(__name__)

_SIZES = (224, 32, 28, 64, 96, 128, 48, 160, 192, 256, 299, 384, 448, 512, 16)
"""Sides of inputs that are tried where nobody says one, in pixels; the first that works counts."""

_SMALL = 64  # pixels: below, windows and surroundings are smaller, too
_PROBES = 4  # images of noise by which the kind of output is told


def from_module(
    network: nn.Module,
    spec: ClassifierSpec | None = None,
    *,
    name: str = "",
    weights: str = "a module",
    device: torch.device | None = None,
) -> Classifier:
    """Make a classifier of a network.

    Parameters
    ----------
    network : torch.nn.Module
        Takes a batch (N, C, H, W), on any device, in any mode. The classifier holds a copy in eval
        mode, which shares its weights; the network itself stays as it is.
    spec : ClassifierSpec, optional
        What is known of its input and output. What is not said is found out where that can be, and
        told in a warning where it is a guess.
    name : str
        Its name; without it, its class's.
    weights : str
        Where its weights came from, for captions and metadata.
    device : torch.device, optional
        Where to run; without it, where its weights are.

    Raises
    ------
    UsageError
        If something has to be said that is not.
    PdaStudioError
        If it cannot be run on an image, or answers with something else than rows of outputs.
    """
    name = name or type(network).__name__
    said = (spec or ClassifierSpec()).said()
    known = own_settings(network).with_answers(ClassifierSpec.of(**said))
    ready = _shared_copy(name, network)
    tensors = [*ready.parameters(), *ready.buffers()]
    place = device or (tensors[0].device if tensors else torch.device("cpu"))
    ready = ready.to(place) if device else ready
    preprocessing, answer = _first_answer(name, ready, known, place)
    output = output_named(known.output) if known.output else None
    ended = with_ending(ready, answer, output or OUTPUTS["logits"], known.select, name)
    if output is None:
        output = _likely_output(name, ended, preprocessing, place)
        ended = with_ending(ready, answer, output, known.select, name)
    with torch.inference_mode():
        count = int(_noise(preprocessing, place, 1, ended).shape[1])
    if not _takes_batches(ended, preprocessing, place):
        _log.warning("%s takes one image at a time, as it was exported: maps take longer.", name)
        ended = OneByOne(ended).train(False)
    made = Classifier(
        name=name,
        network=ended,
        preprocessing=preprocessing,
        class_names=_class_names(name, known.class_names, count, output),
        device=place,
        weights=weights,
        settings=_settings(preprocessing),
        output=output.kind,
        about=_about(preprocessing) + output.name + str(known.select or ""),
    )
    if preprocessing.fit == "full":  # tried only now that its outputs are known
        return made.with_fit("crop").with_fit("full")
    return made


def _about(preprocessing: Preprocessing) -> str:
    """What of the preprocessing makes it another classifier."""
    left_out = {"crop", "multiple", "usual"}
    if preprocessing.channel_order is None:  # fingerprints stay what they were without this field
        left_out.add("channel_order")
    return preprocessing.model_dump_json(exclude=left_out)


class OneByOne(nn.Module):
    """A network that was made for one image at a time, run on one after the other."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits, or plain values, (N, K)."""
        return torch.cat([self.network(one) for one in torch.split(x, 1)])


def _takes_batches(network: nn.Module, preprocessing: Preprocessing, device: torch.device) -> bool:
    """Whether it answers to two images with two rows."""
    try:
        with torch.inference_mode():
            return len(_noise(preprocessing, device, 2, network)) == 2
    except Exception:  # whatever its own code raises
        return False


def _shared_copy(name: str, network: nn.Module) -> nn.Module:
    """A copy in eval mode with the same memory for its weights, which asks for no gradients."""
    memo: dict[int, Any] = {}
    for parameter in network.parameters():
        shared = parameter.detach()
        if shared.dtype in (torch.float16, torch.bfloat16, torch.float64):
            shared = shared.float()  # evidence is a small difference of large scores
        memo[id(parameter)] = nn.Parameter(shared, requires_grad=False)
    for buffer in network.buffers():
        half = buffer.dtype in (torch.float16, torch.bfloat16, torch.float64)
        memo[id(buffer)] = buffer.float() if half else buffer
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript's own copy touches gradients
            return deepcopy(network, memo).eval()
    except Exception as error:  # a network of somebody else's may refuse in its own way
        if any(module.training for module in network.modules()):
            raise UsageError(
                f"{name} is in train mode, and a copy in eval mode cannot be made of it: call"
                " network.eval() first."
            ) from error
        return network


def own_settings(network: nn.Module) -> ClassifierSpec:
    """What timm's and Hugging Face's networks say of themselves."""
    settings = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None)
    if isinstance(settings, dict) and settings.get("input_size"):
        return spec_of({name: settings.get(name) for name in TIMM_SETTINGS})
    config = getattr(network, "config", None)
    size, names = getattr(config, "image_size", None), getattr(config, "id2label", None)
    said: dict[str, Any] = {}
    if isinstance(size, int):
        said["input_size"] = size
    if getattr(config, "num_channels", None) in (1, 3):
        said["channels"] = config.num_channels  # type: ignore[union-attr]
    if isinstance(names, dict) and list(names) == list(range(len(names))):
        said["class_names"] = tuple(map(str, names.values()))
    return ClassifierSpec.of(**said)


def _channels(network: nn.Module) -> int:
    """Channels of its input, as its first convolution tells; 3 where there is none."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return int(module.in_channels)
    return 3


def _first_answer(
    name: str, network: nn.Module, spec: ClassifierSpec, device: torch.device
) -> tuple[Preprocessing, Any]:
    """The preprocessing, and what the network answers to an image of noise."""
    channels = spec.channels or _channels(network)
    failed: Exception | None = None
    for size in (spec.input_size,) if spec.input_size else _SIZES:
        preprocessing = spec.preprocessing(size, channels)
        try:
            with torch.inference_mode():
                answer = _noise(preprocessing, device, 1, network)
        except Exception as error:  # whatever its own code raises
            failed = failed or error
            continue
        _warn_of_guesses(name, spec, preprocessing)
        return preprocessing, answer
    shown = spec.preprocessing(spec.input_size or _SIZES[0], channels)
    lines = str(failed).strip().splitlines() or [type(failed).__name__]
    raise PdaStudioError(
        f"{name} cannot be run on images of {shown.channels} × {shown.size[0]} × {shown.size[1]}"
        f" ({lines[0].rstrip('.')[:200]}): give its input_size and channels."
    ) from failed


def _warn_of_guesses(name: str, spec: ClassifierSpec, preprocessing: Preprocessing) -> None:
    guessed = []
    if spec.input_size is None:
        height, width = preprocessing.size
        guessed.append(f"an input of {width} × {height} pixels")
    if spec.mean is None and spec.std is None and spec.value_range is None:
        guessed.append("values from 0 to 1 without normalisation")
    if guessed:
        _log.warning(
            "%s does not say how it wants its images: %s are taken; give preprocessing= (Python),"
            " --input-size, --mean and --std (command line) if that is wrong.",
            name,
            " and ".join(guessed),
        )


def _noise(
    preprocessing: Preprocessing, device: torch.device, count: int, network: nn.Module
) -> Any:
    """What a network answers to images of noise, the same at every call."""
    pixels = torch.rand(
        (count, *preprocessing.input_shape),
        generator=torch.Generator().manual_seed(0),
    )
    return network(preprocessing.normalise(pixels.to(device)))


def _likely_output(
    name: str, network: nn.Module, preprocessing: Preprocessing, device: torch.device
) -> Output:
    """What kind the outputs are by their values; a warning tells what is no plain logit."""
    with torch.inference_mode():
        raw = [
            network.raw(one) if isinstance(network, Ending) else network(one)
            for one in torch.split(_noise(preprocessing, device, _PROBES, nn.Identity()), 1)
        ]
    outputs = torch.cat(raw).float()
    if outputs.shape[1] == 1:
        inside = bool(((outputs > 0) & (outputs < 1)).all()) and float(outputs.std()) > 0
        found = "sigmoid-probabilities" if inside else "sigmoid-logits"
    else:
        fitting = [
            kind
            for kind in ("probabilities", "log-probabilities")
            if not any(OUTPUTS[kind].problem(outputs[at : at + 1]) for at in range(_PROBES))
        ]
        if not fitting:
            return OUTPUTS["logits"]
        found = fitting[0]
    _log.warning(
        "The outputs of %s are taken as %s, by their values; say output= (Python) or"
        " --output-kind (command line) if that is wrong.",
        name,
        found,
    )
    return OUTPUTS[found]


def _class_names(
    name: str, given: tuple[str, ...] | None, count: int, output: Output
) -> tuple[str, ...]:
    if given is None:
        if count > 1:
            return tuple(f"class {index}" for index in range(count))
        return ("positive class",) if output.kind == "sigmoid" else ("output",)
    if len(given) != count:
        has = f"{count} outputs" if count > 1 else "a single output"
        raise UsageError(f"{name} has {has}, but {len(given)} class names: give one for each.")
    return given


def _settings(preprocessing: Preprocessing) -> PdaSettings:
    """Windows in proportion to the input, as 10 and 18 of 224 pixels are, but no smaller than 2."""
    shorter = min(preprocessing.size)
    if shorter >= _SMALL:
        return PdaSettings()
    window = max(2, shorter // 7)
    outer = min(3 * window, max(window + 1, shorter - 1))
    return PdaSettings(window=window, outer=outer)
