"""Scores of all classes, for an image or on average over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.errors import PdaStudioError
from pda_studio.pda.differences import log_odds
from pda_studio.pda.options import Difference
from pda_studio.targets import UNITS, OutputKind

IMAGES_AT_ONCE = 8  # per forward pass: a tenth of a second from one step to the next


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Scores of all K classes, of one image or of several.

    Attributes
    ----------
    probabilities : (..., K) float64
        After the softmax or sigmoid.
    logits : (..., K) float64
        Before it; plain values, such as a hidden unit's activation, as they are.
    output : {"softmax", "sigmoid", "scalar", "activation"}
        Whether there are probabilities, or plain values.
    """

    probabilities: NDArray[np.float64]
    logits: NDArray[np.float64]
    output: OutputKind = "softmax"

    @property
    def has_probabilities(self) -> bool:
        """Whether the outputs have probabilities, rather than being plain values."""
        return self.output in ("softmax", "sigmoid")

    @property
    def unit(self) -> str:
        """In what the outputs are counted before any probability."""
        return UNITS[self.output]

    @property
    def values(self) -> NDArray[np.float64]:
        """(..., K): probabilities, or plain values."""
        return self.probabilities if self.has_probabilities else self.logits

    def less(self, other: ClassScores, target: int, difference: Difference) -> float:
        """What a target loses from these scores to others: in bits, as probability, as logit."""
        if difference == "logit" or not self.has_probabilities:
            return float(self.logits[target] - other.logits[target])
        pair = np.array([self.probabilities[target], other.probabilities[target]])
        if difference == "log-odds":
            # A sigmoid has two classes, itself and its opposite, whatever stands beside it.
            pair = log_odds(pair, 2 if self.output == "sigmoid" else len(self.probabilities))
        return float(pair[0] - pair[1])


def scored(logits: NDArray[np.float64], classifier: Classifier) -> ClassScores:
    """Scores (N, K) of images from a classifier's outputs (..., K) for them.

    Raises
    ------
    PdaStudioError
        If they are not finite.
    """
    outputs = torch.from_numpy(logits.reshape(-1, logits.shape[-1]))
    if not bool(torch.isfinite(outputs).all()):
        raise PdaStudioError(
            f"{classifier.name} gives scores that are not finite to an image without this"
            " region: choose another region or another infill."
        )
    return ClassScores(classifier.read(outputs).numpy(), outputs.numpy(), classifier.output)


def score(classifier: Classifier, images: torch.Tensor) -> ClassScores:
    """Scores of images (N, C, H, W) in [0, 1]: those of each, (N, K).

    Raises
    ------
    PdaStudioError
        If they are not finite.
    """
    outputs = [
        classifier.logits(classifier.prepare(some)).cpu().double()
        for some in torch.split(images, IMAGES_AT_ONCE)
    ]
    return scored(torch.cat(outputs).numpy(), classifier)


def average(each: Sequence[ClassScores]) -> ClassScores:
    """The mean over all images, as prediction difference analysis takes it."""
    return ClassScores(
        np.concatenate([scores.probabilities for scores in each]).mean(0),
        np.concatenate([scores.logits for scores in each]).mean(0),
        each[0].output,
    )


def likeliest(before: ClassScores, after: ClassScores, target: int, count: int = 5) -> list[int]:
    """Indices of the classes to show: the likeliest before and after, the target, what gained.

    At most `count` of them, and no fewer than there are; the likeliest before come first.
    """
    wanted = [target, most_gained(before, after)]
    ranked = [np.argsort(-scores.values, kind="stable").tolist() for scores in (before, after)]
    for first, second in zip(*ranked, strict=True):
        wanted += [first, second]
    chosen = list(dict.fromkeys(index for index in wanted if index is not None))[:count]
    return sorted(chosen, key=lambda index: -before.values[index])


def most_gained(before: ClassScores, after: ClassScores) -> int | None:
    """The class whose probability grew most; None if none grew, and of plain values."""
    gains = after.probabilities - before.probabilities
    index = int(gains.argmax())
    return index if before.has_probabilities and gains[index] > 0 else None
