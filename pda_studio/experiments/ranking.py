"""Which of several things measured on the same cases is better, and which differences are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_RESAMPLES = 9999
_NONE = 0.05  # from which corrected p on a difference is none


@dataclass(frozen=True)
class Standing:
    """Where one of the things that are compared stands.

    Attributes
    ----------
    place : int
        Which column of the values it is.
    count : int
        In how many cases it was measured.
    mean, low, high : float
        Its mean over them, and the 95 % interval by bootstrap; not a number where it is not known.
    lead, lead_low, lead_high : float
        By how much the mean of the next one is worse, over the cases that both have, with its
        paired interval; not a number of the last one.
    p : float
        Of that lead, corrected for all pairs.
    tied : tuple of int
        Columns of those that differ from it by no more than chance.
    """

    place: int
    count: int
    mean: float
    low: float
    high: float
    lead: float
    lead_low: float
    lead_high: float
    p: float
    tied: tuple[int, ...]


def ranked(
    values: NDArray[np.float64], *, higher_is_better: bool = True, seed: int = 0
) -> list[Standing]:
    """Rank things by their means, the best first.

    Parameters
    ----------
    values : (cases, things) float64
        What is not a number is left out, with all pairs that it is part of.
    higher_is_better : bool
        Whether the best has the highest mean.
    seed : int
        Of the bootstrap, and of permutations where there are too many to try all.

    Returns
    -------
    list of Standing
        Differences are tested by exchanging the two of each case (a paired permutation test);
        p is corrected for all pairs after Benjamini and Hochberg. Things without any value come
        last.
    """
    sign = 1.0 if higher_is_better else -1.0
    known = np.isfinite(values)
    count = known.sum(0)
    means = np.where(known, values, 0).sum(0) / np.maximum(count, 1)
    means = np.where(count > 0, means, np.nan)
    order = [int(i) for i in np.argsort(-sign * np.where(count > 0, means, -sign * np.inf))]
    p_values = _corrected(values, seed)
    made = []
    for rank, place in enumerate(order):
        low, high = interval(values[known[:, place], place], seed)
        lead, lead_low, lead_high, p = (float("nan"),) * 4
        if rank + 1 < len(order) and count[order[rank + 1]]:
            other = order[rank + 1]
            more = sign * (values[:, place] - values[:, other])
            more = more[np.isfinite(more)]
            lead = float(more.mean()) if len(more) else float("nan")
            lead_low, lead_high = interval(more, seed)
            p = p_values.get(_pair(place, other), float("nan"))
        tied = tuple(
            other
            for other in order
            if other != place
            and count[place]
            and count[other]
            and not p_values.get(_pair(place, other), 1.0) < _NONE
        )
        made.append(
            Standing(
                place,
                int(count[place]),
                float(means[place]),
                *(low, high, lead, lead_low, lead_high, p),
                tied,
            )
        )
    return made


def interval(values: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a mean by bootstrap; not a number with fewer than two values."""
    if len(values) < 2:
        return float("nan"), float("nan")
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=_RESAMPLES,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def _corrected(values: NDArray[np.float64], seed: int) -> dict[tuple[int, int], float]:
    """For each pair of columns, how likely chance alone makes such a difference."""
    p_values: dict[tuple[int, int], float] = {}
    for pair in combinations(range(values.shape[1]), 2):
        more = values[:, pair[0]] - values[:, pair[1]]
        more = more[np.isfinite(more)]
        if len(more) < 2:
            continue
        p_values[pair] = 1.0
        if np.any(more):
            found = stats.permutation_test(
                (more,),
                np.mean,
                permutation_type="samples",
                n_resamples=_RESAMPLES,
                random_state=np.random.default_rng(seed),
            )
            p_values[pair] = float(found.pvalue)
    if not p_values:
        return {}
    found_all: Sequence[float] = stats.false_discovery_control(list(p_values.values()))
    return dict(zip(p_values, map(float, found_all), strict=True))


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
