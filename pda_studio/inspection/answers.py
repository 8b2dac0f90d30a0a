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
from pda_studio.targets import UNITS, OutputKind

_AT_ONCE = 8  # images per forward pass: a tenth of a second between two answers


@dataclass(frozen=True, eq=False)
class Answer:
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

    def less(self, other: Answer, target: int, difference: Difference) -> float:
        """What a target loses from this answer to another: in bits, as probability, as logit."""
        if difference == "logit" or not self.has_probabilities:
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
    return Answer(classifier.read(logits).numpy(), logits.numpy(), classifier.output)


def average(answers: Sequence[Answer]) -> Answer:
    """The mean over all images of some answers, as prediction difference analysis takes it."""
    return Answer(
        np.concatenate([answer.probabilities for answer in answers]).mean(0),
        np.concatenate([answer.logits for answer in answers]).mean(0),
        answers[0].output,
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
    """The class whose probability grew most; None if none grew, and of plain values."""
    gains = after.probabilities - before.probabilities
    index = int(gains.argmax())
    return index if before.has_probabilities and gains[index] > 0 else None
