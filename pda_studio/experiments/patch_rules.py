"""Which kinds of patches occur together, and which one counts where another one is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, fisher_exact, mannwhitneyu

_FEWEST = 2  # images with and without a kind, of which means are compared


@dataclass(frozen=True)
class Together:
    """How often two kinds occur in one image.

    Attributes
    ----------
    first, other : str
        The kinds.
    images : int
        How many images have both.
    lift : float
        Their share, over what it would be if the kinds were independent.
    p : float
        Of Fisher's exact test, two-sided, adjusted over all pairs by Benjamini & Hochberg.
    """

    first: str
    other: str
    images: int
    lift: float
    p: float


@dataclass(frozen=True)
class Without:
    """How much a kind counts where another one is missing.

    Attributes
    ----------
    kind, missing : str
        The kinds.
    images : int
        How many images lack the other one.
    absent, present : float
        Mean evidence of the kind in an image without the other one and with it, 0 where it has none
        itself.
    p : float
        Of the Mann–Whitney test, two-sided, adjusted over all ordered pairs by Benjamini &
        Hochberg.
    """

    kind: str
    missing: str
    images: int
    absent: float
    present: float
    p: float


def rules_together(names: Sequence[str], present: NDArray[np.bool_]) -> list[Together]:
    """Each pair of kinds, of which it is known in which images (n, K) they are.

    Pairs with a kind that all images have tell nothing, and are left out; the smallest p first.
    """
    found = []
    for one, two in combinations(range(len(names)), 2):
        first, other = present[:, one], present[:, two]
        if first.all() or other.all():
            continue
        both = int((first & other).sum())
        table = [
            [both, int((first & ~other).sum())],
            [int((~first & other).sum()), int((~first & ~other).sum())],
        ]
        lift = both * len(present) / (int(first.sum()) * int(other.sum()))
        found.append((one, two, both, lift, float(fisher_exact(table)[1])))
    adjusted = _adjusted([one[-1] for one in found])
    made = [
        Together(names[one], names[two], both, float(lift), p)
        for (one, two, both, lift, _), p in zip(found, adjusted, strict=True)
    ]
    return sorted(made, key=lambda one: one.p)


def rules_without(names: Sequence[str], evidence: NDArray[np.float64]) -> list[Without]:
    """Each ordered pair of kinds, of which the evidence in each image (n, K) is known.

    Pairs of which the other kind is in nearly all images or nearly none are left out; the smallest
    p first.
    """
    found = []
    for kind, missing in permutations(range(len(names)), 2):
        has = evidence[:, missing] > 0
        absent, present = evidence[~has, kind], evidence[has, kind]
        if min(len(absent), len(present)) < _FEWEST:
            continue
        p = float(mannwhitneyu(absent, present).pvalue)
        found.append((kind, missing, len(absent), absent.mean(), present.mean(), p))
    adjusted = _adjusted([one[-1] for one in found])
    made = [
        Without(names[kind], names[missing], count, float(absent), float(present), p)
        for (kind, missing, count, absent, present, _), p in zip(found, adjusted, strict=True)
    ]
    return sorted(made, key=lambda one: one.p)


def _adjusted(values: Sequence[float]) -> list[float]:
    return [float(one) for one in false_discovery_control(values)] if values else []
