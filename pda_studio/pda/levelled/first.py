"""A first estimate of a map, before its levels are chosen: what to look at until then."""

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import NotTraceable, Program
from pda_studio.pda.forward.incremental import baseline_activations
from pda_studio.pda.forward.incremental.plan import seconds_of
from pda_studio.pda.forward.layers import joints
from pda_studio.pda.forward.linearised import LinearisedTail
from pda_studio.pda.forward.memory import measured_once
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.levelled.levels import Level
from pda_studio.pda.levelled.refinement import score_lattice
from pda_studio.pda.levelled.state import LevelledScores
from pda_studio.pda.windows import WindowGrid

_STEP = 8  # pixels: of the lattice
_FEW = 0.1  # of all windows: with more in it the levels are there about as soon
_BLOCK = 8  # windows along a side: a usual number
_PART = 0.15  # of the whole network's time: what a window may cost


def first_estimate(
    classifier: Classifier,
    pixels: torch.Tensor,
    target: int,
    grid: WindowGrid,
    filler: Filler,
) -> Generator[Preparation, None, LevelledScores | None]:
    """Score a coarse lattice of windows to first order, for the target alone.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    target : int
        The class whose map is wanted.
    grid : WindowGrid
        The windows.
    filler : Filler
        The infill; of a stochastic one the mean.

    Returns
    -------
    LevelledScores or None
        One level; None of few windows, of networks that cannot be followed, and of those that have
        no layer that is cheap enough.
    """
    try:
        program = baseline_activations(classifier, pixels).program
    except NotTraceable:
        return None
    layer = _latest_cheap(classifier, program, grid)
    if not layer or layer not in program.layers:
        return None
    classes: NDArray[np.int64] = np.array([target])
    level = Level(
        f"linear from {layer}", LinearisedTail(classifier, pixels, classes, layer), filler
    )
    state = LevelledScores(grid, [level], classes, len(classifier.class_names))
    (only,), lattice = state.computed, state.first_lattice(_STEP)
    if len(lattice) > _FEW * len(grid):
        return None
    for scored in score_lattice(state, only, lattice):
        yield scored if isinstance(scored, Preparation) else Preparation("first windows", 0, 1)
    return state


def _latest_cheap(classifier: Classifier, program: Program, grid: WindowGrid) -> str:
    """The last layer up to which a window takes a small part of the whole network's time, or "".

    Found once: finding it takes a tenth of the time until the estimate is there.
    """
    key = (
        f"{classifier.name} {classifier.target or ''} {classifier.fingerprint}:"
        f" window {grid.window} of {grid.width}×{grid.height}"
    )
    return measured_once("first layers", key, str, lambda: _counted(program, grid.window))


def _counted(program: Program, window: int) -> str:
    along = min(_BLOCK, *(length - window + 1 for length in program.image.value.shape[2:]))
    most = _PART * seconds_of(program, window, along)
    found = ""
    for name, operation in joints(program).items():
        if isinstance(operation.value, list | tuple):
            continue
        if seconds_of(program, window, along, [operation]) > most:
            break
        found = name
    return found
