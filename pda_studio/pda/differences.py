"""In what unit the change of a decision is told, with its sampling error."""

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.options import Difference
from pda_studio.pda.scores import WindowScores

_LAPLACE = 100_000  # N of Zintgraf's correction, the size of the training set it was made for


def corrected(probability: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """Zintgraf's Laplace correction p ← (pN + 1)/(N + K), which keeps the odds finite."""
    return (probability * _LAPLACE + 1) / (_LAPLACE + classes)


def log_odds(probability: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """log2 p/(1−p) in bits, of the corrected probability of one of K classes."""
    p = corrected(probability, classes)
    bits: NDArray[np.float64] = np.log2(p) - np.log2(1 - p)
    return bits


def log_odds_slope(probability: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """Derivative of `log_odds` by the uncorrected probability, in bits."""
    p = corrected(probability, classes)
    slope: NDArray[np.float64] = _LAPLACE / (_LAPLACE + classes) / (np.log(2) * p * (1 - p))
    return slope


def differences(
    scores: WindowScores, target: int, unit: Difference
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """What each window's removal takes from the target: original minus infilled.

    Parameters
    ----------
    scores : WindowScores
        What the classifier said without each window.
    target : int
        Class index; one of `scores.classes`.
    unit : {"log-odds", "probability", "logit"}
        Bits, probability, or the logit before the softmax.

    Returns
    -------
    values : (n,) float64
        Positive where the window speaks for the target.
    variances : (n,) float64 or None
        Their sampling variance where the infill was sampled; for log-odds as half the way that
        they go over one standard deviation of the probability to both sides.
    """
    at = scores.column(target)
    if unit == "logit":
        values = scores.original_logit[at] - scores.logit[:, at]
        return values, _column(scores.logit_variance, at)
    before, after = scores.original_probability[at], scores.probability[:, at]
    variances = _column(scores.probability_variance, at)
    if unit == "probability":
        return before - after, variances
    if scores.linearised:
        # A linearised probability may leave [0, 1]; its log-odds are linearised likewise.
        slope = log_odds_slope(before, scores.class_count)
        return slope * (before - after), None if variances is None else slope**2 * variances
    values = log_odds(before, scores.class_count) - log_odds(after, scores.class_count)
    if variances is not None:
        # The slope over one standard deviation to both sides: the tangent alone would claim
        # thousands of bits where one of two draws tips the decision.
        deviation = np.sqrt(variances)
        above = log_odds(np.minimum(after + deviation, 1), scores.class_count)
        below = log_odds(np.maximum(after - deviation, 0), scores.class_count)
        variances = ((above - below) / 2) ** 2
    return values, variances


def _column(values: NDArray[np.float64] | None, at: int) -> NDArray[np.float64] | None:
    return None if values is None else values[:, at]
