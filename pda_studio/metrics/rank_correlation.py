"""Spearman's correlation of two maps."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr


def rank_correlation(one: NDArray[np.floating], two: NDArray[np.floating]) -> float:
    """Spearman's correlation of two maps (H, W); not a number where one is the same everywhere."""
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return float("nan")
    return float(spearmanr(one, two, axis=None).statistic)
