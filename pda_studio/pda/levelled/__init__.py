"""A map from cheap scores of every window and exact scores of a few, with its error.

The exact score of a window is the telescoping sum of levels: a score that is linear from an early
layer on, what a later layer adds to it, and what the whole network adds to that. Each level varies
less from window to window than the one before and costs more, so it is computed on a coarser
lattice of windows and interpolated in between. This is the control variate of multilevel Monte
Carlo (Giles, Operations Research 2008), with interpolation in the place of sampling.
"""

from pda_studio.pda.levelled.error import approximation_error, relative, with_coarser
from pda_studio.pda.levelled.first import first_estimate
from pda_studio.pda.levelled.known import KnownLevels
from pda_studio.pda.levelled.levels import Level, levels_for
from pda_studio.pda.levelled.refinement import Refinement, refine
from pda_studio.pda.levelled.state import LevelledScores

__all__ = [
    "KnownLevels",
    "Level",
    "LevelledScores",
    "Refinement",
    "approximation_error",
    "first_estimate",
    "levels_for",
    "refine",
    "relative",
    "with_coarser",
]
