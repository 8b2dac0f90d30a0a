"""Scores of images with masked parts, which RISE, LIME and KernelSHAP share."""

import torch

from pda_studio.methods.rise import Score
from pda_studio.results import Subject


def scores_of(images: torch.Tensor, subject: Subject, score: Score) -> torch.Tensor:
    """The target's scores (N,) float64 of prepared images (N, C, H, W): probabilities or logits."""
    logits = subject.scored.logits(images).cpu().double()
    if score == "probability" and subject.scored.has_probabilities:
        logits = logits.softmax(1)
    return logits[:, subject.index]


def unit_of(subject: Subject, score: Score) -> str:
    """The unit of evidence that is made of such scores."""
    return score if subject.scored.has_probabilities else subject.unit
