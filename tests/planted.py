"""A network that looks for three known motifs, and images that hold them: what it uses is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio import load_classifier
from pda_studio.classifiers import Classifier
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.results import Subject

SIDE = 24  # pixels of an image
MOTIFS = np.zeros((3, 5, 5), np.float32)
MOTIFS[0, :, 2] = MOTIFS[1, 2, :] = MOTIFS[2, :, 0] = MOTIFS[2, :, 4] = 1
UPRIGHT, LEVEL, WATERMARK = 0, 1, 2


class Planted(nn.Module):
    """Its first class is that of images with an upright or a level bar; a watermark decides alone.

    Where the watermark is, the bars do not count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.motifs = nn.Conv2d(3, 3, 5, padding=2)
        self.relu = nn.ReLU()
        contrast = torch.from_numpy(MOTIFS * 1.4 - 0.4)  # another motif gives less than the bias
        with torch.no_grad():
            self.motifs.weight.copy_(contrast[:, None].expand(-1, 3, -1, -1) / 3)
            self.motifs.bias.copy_(torch.tensor([-3.0, -3.0, -7.0]))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits (N, 2)."""
        upright, level, mark = self.relu(self.motifs(image)).amax((2, 3)).unbind(1)
        first = torch.relu(upright + level - 100 * mark) + 5 * mark
        return torch.stack([first, 0 * first + 0.5], 1)


def planted() -> Classifier:
    """The network, on the CPU."""
    said = {"input_size": SIDE, "mean": (0.0,), "std": (1.0,)}
    names = ["marked", "plain"]
    return load_classifier(Planted(), preprocessing=said, output="logits", class_names=names)


def image(motifs: Sequence[int], random: np.random.Generator) -> NDArray[np.uint8]:
    """(SIDE, SIDE, 3): a watermark in the corner, bars somewhere in a half of their own."""
    pixels = np.zeros((SIDE, SIDE), np.float32)
    for one in motifs:
        across = {UPRIGHT: (1, 6), LEVEL: (13, 18), WATERMARK: (19, 20)}[one]
        down = (19, 20) if one == WATERMARK else (1, 12)
        top, left = int(random.integers(*down)), int(random.integers(*across))
        pixels[top : top + 5, left : left + 5] += MOTIFS[one]
    return np.repeat(np.uint8(255 * np.minimum(pixels, 1))[..., None], 3, axis=2)


def inputs(classifier: Classifier, contents: Sequence[Sequence[int]]) -> list[SubjectInput]:
    """An image for each list of motifs."""
    random = np.random.default_rng(0)
    made = [image(one, random) for one in contents]
    return [
        SubjectInput(f"{place:03}", lambda one=one: Subject.of(one, classifier))
        for place, one in enumerate(made)
    ]
