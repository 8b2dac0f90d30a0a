"""Linear models of a score in which segments of an image are shown: masks, weights, and the fit."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def lime_masks(segments: int, count: int, seed: int) -> Array:
    """The whole image, then masks that show each segment with probability ½ (count, segments)."""
    drawn = np.random.default_rng(seed).random((count, segments)) < 0.5
    drawn[0] = True
    return drawn.astype(np.float64)


def lime_weights(masks: Array, width: float) -> Array:
    """√exp(−d²/width²) with the cosine distance d of each mask to the whole image (N,)."""
    distances = 1 - np.sqrt(masks.mean(1))
    weights: Array = np.exp(-0.5 * (distances / width) ** 2)
    return weights


def shapley_masks(segments: int, count: int, seed: int) -> tuple[Array, Array, bool]:
    """Masks between nothing and all (N, segments), their weights (N,), and whether that is all."""
    if segments < 30 and 2**segments - 2 <= count:
        masks = np.array(list(product((0.0, 1.0), repeat=segments)))[1:-1]
        shown = masks.sum(1)
        sizes = np.bincount(shown.astype(int), minlength=segments + 1)
        return masks, 1 / (shown * (segments - shown) * sizes[shown.astype(int)]), True
    random = np.random.default_rng(seed)
    sizes = np.arange(1, segments)
    kernel = 1 / (sizes * (segments - sizes))
    drawn = random.choice(sizes, -(-count // 2), p=kernel / kernel.sum())
    ranks = random.random((len(drawn), segments)).argsort(1).argsort(1)
    half = (ranks < drawn[:, None]).astype(np.float64)
    masks = np.stack([half, 1 - half], 1).reshape(-1, segments)[:count]
    return masks, np.ones(len(masks)), False


def ridge(masks: Array, scores: Array, weights: Array, penalty: float) -> tuple[Array, Array]:
    """Coefficients (M,) of weighted ridge regression with a free constant; standard errors."""
    design = masks - np.average(masks, 0, weights)
    target = scores - np.average(scores, 0, weights)
    return _fitted(design, target, weights, penalty, 1)[:2]


def shapley(
    masks: Array, scores: Array, weights: Array, nothing: float, everything: float
) -> tuple[Array, Array]:
    """Coefficients (M,) whose sum is the whole change of the score; standard errors.

    Parameters
    ----------
    masks, scores, weights : arrays (N, M), (N,), (N,)
        Masks in pairs with their complements.
    nothing, everything : float
        Scores of the baseline and of the whole image.
    """
    change = everything - nothing
    design = masks[:, :-1] - masks[:, -1:]
    target = scores - nothing - masks[:, -1] * change
    found, error, covariance = _fitted(design, target, weights, 0.0, 2)
    last = change - found.sum()
    return np.append(found, last), np.append(error, np.sqrt(max(covariance.sum(), 0.0)))


def _fitted(
    design: Array, target: Array, weights: Array, penalty: float, together: int
) -> tuple[Array, Array, Array]:
    """Weighted least squares; errors from the residuals, whose variance may differ.

    `together` rows that follow one another are one draw.
    """
    weighted = design * weights[:, None]
    inverse = np.linalg.pinv(weighted.T @ design + penalty * np.eye(design.shape[1]))
    found = inverse @ (weighted.T @ target)
    parts = weighted * (target - design @ found)[:, None]
    whole = len(parts) - len(parts) % together
    parts = parts[:whole].reshape(-1, together, design.shape[1]).sum(1)
    covariance = inverse @ (parts.T @ parts) @ inverse
    return found, np.sqrt(np.diag(covariance).clip(min=0)), covariance
