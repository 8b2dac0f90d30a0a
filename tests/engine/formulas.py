"""Levels whose scores are formulas: what levelled maps of them are, is known beforehand."""

from collections.abc import Callable

import numpy as np
import torch

from pda_studio.pda.forward import SampleScores
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.scores import WindowScores
from pda_studio.pda.windows import WindowGrid


class Nothing(Filler):
    """An infill that is not looked at."""

    def fill(self, corners: np.ndarray, repetition: int = 0) -> torch.Tensor:
        return torch.zeros(len(corners), 1, 1, 1, 1)


class Known:
    """Scores windows by a formula, and notes which."""

    linearised = False
    description, note = "known", ""
    images_at_once = 8

    def __init__(self, logit: Callable[[np.ndarray], np.ndarray]) -> None:
        self._logit = logit
        self.scored: list[tuple[int, int]] = []
        self.original = self._scores(np.zeros((1, 2)))

    def batches(self, grid, samples, rows=None, columns=None):
        return grid.batches(lambda: self.images_at_once, rows, columns)

    def __call__(self, corners: np.ndarray, infills: torch.Tensor) -> SampleScores:
        self.scored += [(int(row), int(column)) for row, column in corners]
        return self._scores(corners)

    def _scores(self, corners: np.ndarray) -> SampleScores:
        logit = self._logit(corners.astype(float))[:, None, None]
        return SampleScores(1 / (1 + np.exp(-logit)), logit)


GRID = WindowGrid(41, 37, 5, 1)


def rough(at: np.ndarray) -> np.ndarray:
    """What changes from window to window."""
    return np.modf(43758.5453 * np.sin(12.9898 * at[:, 0] + 78.233 * at[:, 1]))[0]


def smooth(at: np.ndarray) -> np.ndarray:
    """What changes slowly."""
    return np.sin(at[:, 0] / 16) * np.cos(at[:, 1] / 13)


def logits(scores: WindowScores) -> tuple[np.ndarray, None]:
    return GRID.average(-scores.logit[:, 0]), None
