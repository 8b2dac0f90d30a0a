"""Generators of any architecture: networks from files that make images from a code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.files import WeightsKind, kind_of
from pda_studio.classifiers.generator import Generator, load_generator
from pda_studio.classifiers.onnx import OnnxNetwork
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError, UsageError

_NAMES = ("code", "latent_dim", "z_dim", "nz")  # what networks call the length of their code
_LONGEST = 65_536
_PROBES = 8  # codes from which the range of the images is found out
_BELOW_ZERO = -0.05  # an image that goes below it runs from −1 to 1
_MUCH = 2.0  # and one that goes beyond it, from 0 to 255


class OwnGenerator(nn.Module):
    """A network that makes images, fitted to what a classifier takes.

    What it says nothing of is found out: the shape of its code, by what it takes; the range of its
    images, by what it makes of a few codes. Images of another size are resized.

    Parameters
    ----------
    network : torch.nn.Module
        Makes images (N, C, H, W), with 1 or 3 channels, from codes.
    name : str
        Of its file.
    classifier : Classifier
        What the images are shown to.

    Raises
    ------
    UsageError
        If it takes no code, or makes no images.
    """

    def __init__(self, network: nn.Module, name: str, classifier: Classifier) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False).to(classifier.device)
        self.size: tuple[int, int] = classifier.input_size
        self.channels = classifier.preprocessing.channels
        self.code, images = self._found_out(name, classifier.device)
        low, high = float(images.min()), float(images.max())
        if high > _MUCH:
            self._shift, self._scale = 0.0, 255.0
        elif low < _BELOW_ZERO:
            self._shift, self._scale = 1.0, 2.0
        else:
            self._shift, self._scale = 0.0, 1.0

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Make images (N, C, H, W) in [0, 1], of the classifier's size, from codes."""
        images = self._images(codes)
        if images is None:
            raise PdaStudioError("The generator made no image of a code that it took before.")
        images = ((images + self._shift) / self._scale).clamp(0, 1)
        if images.shape[1] != self.channels:
            images = images.mean(1, keepdim=True).expand(-1, self.channels, -1, -1)
        if tuple(images.shape[2:]) != self.size:
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)
        return images

    def _found_out(self, name: str, device: torch.device) -> tuple[tuple[int, ...], torch.Tensor]:
        random = torch.Generator().manual_seed(0)
        for shape in _shapes(self.network):
            try:
                with torch.inference_mode():
                    codes = torch.randn(_PROBES, *shape, generator=random).to(device)
                    made = self._images(codes)
            except Exception:  # of a code of a wrong shape a network raises anything
                continue
            if made is not None and len(made) == _PROBES:
                return shape, made
        raise UsageError(
            f"{name} makes no images (N, C, H, W) with 1 or 3 channels from a code (N, D) or (N, D,"
            " 1, 1) of any length that its weights tell: let the network have an attribute code,"
            " the length."
        )

    def _images(self, codes: torch.Tensor) -> torch.Tensor | None:
        answer: Any = self.network(codes)
        if isinstance(answer, dict):
            answer = next(iter(answer.values()), None)
        if isinstance(answer, list | tuple):
            answer = answer[0]
        is_image = isinstance(answer, torch.Tensor) and answer.ndim == 4
        return answer.float() if is_image and answer.shape[1] in (1, 3) else None


def generator_of(path: Path, classifier: Classifier) -> Generator | OwnGenerator:
    """The generator in a file: weights of our architecture, or a whole network of any other.

    Raises
    ------
    NeedsTrust
        If the file holds code that nobody has said to be trusted.
    PdaStudioError
        If it is missing, damaged or no generator.
    """
    kind = kind_of(path) if path.is_file() else None
    if kind is None or isinstance(kind, WeightsKind):
        return load_generator(path)
    network = kind.open(path, ClassifierSpec(), False).network
    if isinstance(network, OnnxNetwork):
        network.channels_last = False  # which was guessed of a code, as if that were an image
    return OwnGenerator(network, path.name, classifier)


def _shapes(network: nn.Module) -> Iterator[tuple[int, ...]]:
    """Shapes that a code may have, the likeliest first."""
    lengths = [getattr(network, name, None) for name in _NAMES]
    told = [one for one in lengths if isinstance(one, int)]
    for value in network.state_dict().values():
        if isinstance(value, torch.Tensor) and value.ndim in (2, 4):
            # a linear layer (out, in), a transposed convolution (in, out, …), or a convolution
            told += [int(value.shape[1]), int(value.shape[0])]
    for length in dict.fromkeys(told):
        if 0 < length <= _LONGEST:
            yield (length,)
            yield (length, 1, 1)
