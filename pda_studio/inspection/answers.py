"""What a classifier says of an image, or on average of several."""

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

_AT_ONCE = 8  # images per forward pass: a tenth of a second between two answers


@dataclass(frozen=True, eq=False)
class Answer:
    """Scores of all K classes, of one image or of several.

    Attributes
    ----------
    probabilities : (..., K) float64
        After the softmax.
    logits : (..., K) float64
        Before it; of a hidden unit, its activation.
    """

    probabilities: NDArray[np.float64]
    logits: NDArray[np.float64]

    @property
    def is_hidden(self) -> bool:
        """Whether it is that of a hidden unit, which has no probability."""
        return bool(self.logits.shape[-1] == 1)

    @property
    def values(self) -> NDArray[np.float64]:
        """(..., K): probabilities; of a hidden unit, its activation."""
        return self.logits if self.is_hidden else self.probabilities

    def less(self, other: Answer, target: int, difference: Difference) -> float:
        """What a target loses from this answer to another: in bits, as probability, as logit."""
        if difference == "logit" or self.is_hidden:
            return float(self.logits[target] - other.logits[target])
        pair = np.array([self.probabilities[target], other.probabilities[target]])
        if difference == "log-odds":
            pair = log_odds(pair, len(self.probabilities))
        return float(pair[0] - pair[1])


def ask(classifier: Classifier, images: torch.Tensor) -> Answer:
    """Ask about images (N, C, H, W) in [0, 1]; scores are (N, K).

    Raises
    ------
    PdaStudioError
        If the network's answer is not finite.
    """
    answers = [
        classifier.logits(classifier.prepare(some)).cpu().double()
        for some in torch.split(images, _AT_ONCE)
    ]
    logits = torch.cat(answers)
    if not bool(torch.isfinite(logits).all()):
        raise PdaStudioError(
            f"{classifier.name} answers with values that are not finite to an image without this"
            " region: choose another region or another infill."
        )
    return Answer(torch.softmax(logits, 1).numpy(), logits.numpy())


def average(answers: Sequence[Answer]) -> Answer:
    """The mean over all images of some answers, as prediction difference analysis takes it."""
    return Answer(
        np.concatenate([answer.probabilities for answer in answers]).mean(0),
        np.concatenate([answer.logits for answer in answers]).mean(0),
    )


def likeliest(before: Answer, after: Answer, target: int, count: int = 5) -> list[int]:
    """Indices of the classes to show: the likeliest before and after, the target, what gained.

    At most `count` of them, and no fewer than there are; the likeliest before come first.
    """
    wanted = [target, most_gained(before, after)]
    ranked = [np.argsort(-answer.values, kind="stable").tolist() for answer in (before, after)]
    for first, second in zip(*ranked, strict=True):
        wanted += [first, second]
    chosen = list(dict.fromkeys(index for index in wanted if index is not None))[:count]
    return sorted(chosen, key=lambda index: -before.values[index])


def most_gained(before: Answer, after: Answer) -> int | None:
    """The class whose probability grew most; None if none grew, or of a hidden unit."""
    gains = after.probabilities - before.probabilities
    index = int(gains.argmax())
    return index if not before.is_hidden and gains[index] > 0 else None
