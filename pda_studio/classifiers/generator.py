"""Networks that make images from a code: images like those that they were trained on.

A file holds their weights and nothing else; the architecture is ours, and its sizes follow from
those of the weights.
"""

from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.weights import Weights, read_weights
from pda_studio.errors import UsageError
from pda_studio.reading import refused_as

_MOST_SIDE = 1024


class Generator(nn.Module):
    """A code becomes small maps, which are doubled in size until they are an image.

    Codes of images like those of its training are normally distributed, with mean 0 and
    variance 1.

    Parameters
    ----------
    code : int
        Length D of a code.
    side : int
        Side of the first maps, in pixels.
    widths : tuple of int
        Number of maps at each size, the first ones first.
    channels : int
        1 (grey) or 3 (RGB).
    """

    def __init__(self, code: int, side: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.code, self.channels = code, channels
        self.size = side << (len(widths) - 1)
        self.start = nn.Linear(code, widths[0] * side * side)
        self.unfold = nn.Unflatten(1, (widths[0], side, side))
        self.doublings = nn.ModuleList(
            nn.ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1)
            for before, after in pairwise(widths)
        )
        self.end = nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Make images (N, C, H, W) in [0, 1] from codes (N, D)."""
        return self.logits(codes).sigmoid()

    def logits(self, codes: torch.Tensor) -> torch.Tensor:
        """Make images (N, C, H, W) before the last sigmoid."""
        x = torch.relu(self.unfold(self.start(codes)))
        for doubling in self.doublings:
            x = torch.relu(doubling(x))
        images: torch.Tensor = self.end(x)
        return images


def load_generator(path: Path) -> Generator:
    """Read a generator's weights; its sizes follow from theirs.

    Raises
    ------
    PdaStudioError
        If the file is damaged or holds the weights of something else.
    """
    weights = read_weights(path)
    other = (
        f"{Path(path).name} holds no generator of PDA Studio; make one as"
        " packaging/make_digit_generator.py does."
    )
    with refused_as(other, path):
        generator = _of_sizes(weights)
        generator.load_state_dict({name: value.float() for name, value in weights.items()})
    return generator.eval().requires_grad_(False)


def shipped_generator(classifier: Classifier) -> Generator:
    """The generator that ships for images as a classifier sees them.

    Raises
    ------
    UsageError
        If none does.
    """
    if classifier.settings.statistics != "digits":
        raise UsageError(
            f"No generator ships for the images that {classifier.name} sees: name a file with"
            " --generator."
        )
    with as_file(files("pda_studio.resources") / "digits" / "generator.safetensors") as path:
        return load_generator(path)


def _of_sizes(weights: Weights) -> Generator:
    """A generator with the sizes of these weights.

    Raises
    ------
    Exception
        Of several types, if they are not a generator's.
    """
    doublings = sum(name.startswith("doublings.") and name.endswith(".weight") for name in weights)
    kernels = [weights[f"doublings.{place}.weight"] for place in range(doublings)]
    end = weights["end.weight"]
    widths = (*(kernel.shape[0] for kernel in kernels), end.shape[1])
    cells, code = weights["start.weight"].shape
    side = round((cells / widths[0]) ** 0.5)
    if not 0 < side << doublings <= _MOST_SIDE or end.shape[0] not in (1, 3) or not code:
        raise ValueError("no image's size")
    return Generator(code, side, widths, end.shape[0])
