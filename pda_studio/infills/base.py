"""What an infill is: a declaration that knows its traits, and makes what fills an image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from pda_studio.infills.effort import Effort, Windows
from pda_studio.pda.infill.terms import Size
from pda_studio.pda.options import Colour

if TYPE_CHECKING:  # the work loads PyTorch, which takes seconds: declarations are there before
    import torch

    from pda_studio.images import View
    from pda_studio.pda.infill.base import Filler
    from pda_studio.pda.infill.statistics import Statistics

INFILLS: dict[str, Infill] = {}
"""Every infill by its name, in the order in which the modules declare them."""

Taken = Literal["outer", "samples", "colour", "statistics", "reference", "seed"]
"""A parameter of a method that some infills use and others do not."""

Distribution = Literal["conditional", "marginal"]


@dataclass(frozen=True, eq=False)
class InfillSettings:
    """What a method tells its infill; each infill looks at what it `takes`.

    Attributes
    ----------
    outer : int
        l, side of the patch that windows are conditioned on, in pixels.
    samples : int
        S.
    colour : {"joint", "independent"}
        Whether channels are conditioned on one another.
    seed : int
        Of stochastic infills.
    statistics : Statistics, optional
        The distribution of pixels; there for infills that take statistics.
    references : (n, H, W, C) uint8 or float32, optional
        Reference images; there for infills that take a reference folder, if one was given.
    """

    outer: int = 18
    samples: int = 10
    colour: Colour = "joint"
    seed: int = 0
    statistics: Statistics | None = None
    references: View | None = None


class Infill(ABC):
    """What replaces the removed pixels.

    A subclass with a `name` enters the registry by being defined; methods, the window, the command
    line and saved files find it there. It fills the windows of a method and free rectangles alike.

    Attributes
    ----------
    name, title, help : str
        Name in the registry, name for people, and one sentence.
    stochastic : bool
        Whether it is sampled: then it takes a seed, and each map has a standard error.
    conditional : bool
        Whether it is conditioned on the patch around a window.
    gaussian : bool
        Whether it comes from the Gaussian distribution of pixels.
    takes : frozenset of str
        Which of a method's parameters it uses: outer, samples, colour, statistics, reference, seed.
    averaged : bool
        Of a stochastic one: whether the S samples' mean is the infill instead of each of them.
    needs_surroundings : bool
        Whether it is made of pixels around the rectangle, so that it cannot fill a whole image.
    preview : str
        Name of the infill that a quick preview takes instead; "" for the same.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    stochastic: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    gaussian: ClassVar[bool] = False
    takes: ClassVar[frozenset[Taken]] = frozenset()
    averaged: ClassVar[bool] = False
    needs_surroundings: ClassVar[bool] = False
    preview: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if "name" not in vars(cls):
            return  # a base of others
        unknown = cls.takes - set(get_args(Taken))
        if unknown:
            raise TypeError(f"The infill {cls.name} takes {min(unknown)}, which no method has.")
        if cls.stochastic and "seed" not in cls.takes:
            raise TypeError(
                f"The infill {cls.name} is stochastic: it takes a seed, so that two seeds make two"
                " maps in the cache."
            )
        INFILLS[cls.name] = cls()

    @abstractmethod
    def filler(self, pixels: torch.Tensor, size: Size, settings: InfillSettings) -> Filler:
        """Get ready to fill rectangles of one size in one image.

        Parameters
        ----------
        pixels : (C, H, W) float32
            The image, in [0, 1].
        size : (int, int)
            Height and width of the rectangles, in pixels.
        settings : InfillSettings
            The method's parameters, and the files they name.

        Raises
        ------
        UsageError
            If such rectangles cannot be filled.
        """

    def effort(self, windows: Windows, outer: int, channels: int) -> Effort:
        """Time and memory that preparation for the windows takes, known beforehand."""
        return Effort()

    def count(self, samples: int) -> int:
        """How many infilled images each window makes, of S samples."""
        return samples if self.stochastic and not self.averaged else 1

    def under(self, distribution: Distribution) -> Infill:
        """The infill that differs from this one in its distribution alone, if there is one."""
        if not self.gaussian:
            return self
        wanted = (True, distribution == "conditional", self.stochastic, self.averaged)
        for other in INFILLS.values():
            if (other.gaussian, other.conditional, other.stochastic, other.averaged) == wanted:
                return other
        return self
