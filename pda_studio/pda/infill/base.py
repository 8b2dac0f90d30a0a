"""What every infill offers to the loop: filling windows or free rectangles of one image."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.infill.terms import Preparation

Result = TypeVar("Result")

_MOMENT = 0.1  # seconds after which whoever iterates hears of the work again


class Filler(ABC):
    """Fills rectangles of one size in one image.

    Attributes
    ----------
    samples : int
        S, how many infills each rectangle gets.
    stochastic : bool
        Whether they are sampled from a distribution.
    """

    samples: int = 1
    stochastic: bool = False

    @abstractmethod
    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        """Fill rectangles.

        Parameters
        ----------
        corners : (n, 2) int
            Top row and left column of each rectangle, in pixels.
        repetition : int
            Of a stochastic infill: which of many independent sets of S samples.

        Returns
        -------
        (n, S, C, h, w) float32
            Pixels in [0, 1].
        """

    def fill_in_steps(
        self, corners: NDArray[np.int64], repetition: int = 0
    ) -> Generator[Preparation, None, torch.Tensor]:
        """Fill rectangles as `fill`, in steps of well under 0.3 s: whoever iterates can stop.

        An infill that needs no preparation takes a single step.
        """
        return self.fill(corners, repetition)
        yield  # makes it a generator


def to_the_end(work: Generator[object, None, Result]) -> Result:
    """Carry work in steps to its end, and return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def under_the_name(
    step: Preparation, work: Generator[None, None, Result]
) -> Generator[Preparation, None, Result]:
    """Yield a preparation for each step of the work, and return what the work returns."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        yield step


def now_and_then(
    work: Generator[Preparation, None, Result],
) -> Generator[Preparation, None, Result]:
    """Yield some of the work's steps, a moment apart: what is done in a moment has none."""
    since = perf_counter()
    while True:
        try:
            step = next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        if perf_counter() - since > _MOMENT:
            yield step
            since = perf_counter()


def generator(seed: int, corner: list[int], repetition: int) -> np.random.Generator:
    """Random numbers that depend on the seed, a window's place and the repetition alone."""
    top, left = corner
    key = np.array([seed, (top << 32) | left], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, repetition]))
