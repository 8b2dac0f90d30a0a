"""Scores as fields that may be added and interpolated: log-odds and logits have no bounds."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from pda_studio.pda.forward.base import SampleScores

_SMALLEST = 1e-12  # of probabilities; evidence in bits ends at 1e-5 (Zintgraf's correction)


def fields(scores: SampleScores) -> NDArray[np.float64]:
    """(n, 2C): log-odds of the mean probability over S infills, and the mean logit."""
    return np.concatenate([log_odds(scores.probability.mean(1)), scores.logit.mean(1)], axis=1)


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural log-odds of probabilities, which may be 0 or 1."""
    odds: NDArray[np.float64] = logit(np.clip(probability, _SMALLEST, 1 - _SMALLEST))
    return odds


def scores_of(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities and logits (n, C) each, from fields (n, 2C)."""
    odds, logits = np.split(values, 2, axis=-1)
    return expit(odds), logits


def joined(parts: list[SampleScores]) -> SampleScores:
    """Scores of n windows whose S infills were scored in parts."""
    if len(parts) == 1:
        return parts[0]
    return SampleScores(
        np.concatenate([part.probability for part in parts], 1),
        np.concatenate([part.logit for part in parts], 1),
    )
