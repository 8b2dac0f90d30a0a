"""Refine the lattices of the levels, one after the other, until the map's error is small enough."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.allocator import return_freed_memory
from pda_studio.pda.forward import SampleScores
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.levelled.error import approximation_error, factor, relative
from pda_studio.pda.levelled.fields import fields, joined
from pda_studio.pda.levelled.lattice import Lattice
from pda_studio.pda.levelled.state import Computed, LevelledScores
from pda_studio.pda.loop import InfillScorer, enter
from pda_studio.pda.scores import WindowScores

Drawn = Callable[[WindowScores], tuple[NDArray[np.float64], NDArray[np.float64] | None]]
"""Turns scores into the evidence (H, W) of the target, and its standard error if it has one."""

_FIRST, _FIRST_ABOVE = 8, 16  # pixels: steps of the first lattices, of the lowest and the others
_POWER = 1.8  # the work goes with this power of one over the error, roughly: for the time left
_REMAINS = 0.5  # of a squared error once a lattice is the next finer one, roughly


@dataclass(frozen=True)
class Refinement:
    """How far a map has come.

    Attributes
    ----------
    state : LevelledScores
        What is known.
    done : float
        Part of the work, from 0 to 1.
    drawable : bool
        Whether there is a map of the state yet.
    error : float
        Its claimed error over its rms evidence, as far as that is known.
    """

    state: LevelledScores
    done: float
    drawable: bool
    error: float = np.inf


def refine(
    state: LevelledScores, target: int, tolerance: float, drawn: Drawn
) -> Iterator[Refinement | Preparation]:
    """Refine what is known of the levels until a map meets a tolerance.

    Each step halves that lattice along that axis where the error, by what thinning the lattice does
    to the map, falls most for its cost. Where nothing is tolerated, it is that of the exact level
    alone. No window of a level is scored twice.

    Parameters
    ----------
    state : LevelledScores
        What is known already, if anything; it is taken further.
    target : int
        Whose map is looked at; one of the classes that are kept.
    tolerance : float
        rms error over rms evidence; 0 scores every window exactly.
    drawn : callable
        Turns scores of the target into its map, with the standard error where it is sampled.

    Yields
    ------
    Refinement
        After each batch of windows.
    Preparation
        In between, while a batch's infills need something computed first.
    """
    column = state.exact.column(target)
    furthest, error = 0.0, np.inf
    try:
        for place, one in enumerate(state.computed):
            if one.lattice is not None or state.complete:
                continue
            step = _FIRST_ABOVE if place else _FIRST
            for scored in score_lattice(state, one, state.first_lattice(step)):
                if isinstance(scored, Preparation):
                    yield scored
                else:
                    yield Refinement(state, 0.0, drawable=place > 0)
        while not state.complete:
            if tolerance > 0:
                error = _error(state, column, drawn)
                if error <= tolerance:
                    break
                place, axis = _next(state, column, drawn, error, tolerance)
            else:
                place, axis = len(state.computed) - 1, _wider(state.computed[-1])
            one = state.computed[place]
            assert one.lattice is not None
            finer = one.lattice.finer(axis)
            start = max(furthest, _share(error, tolerance, state))
            yield Refinement(state, min(start, 0.999), drawable=True, error=error)
            missing = max(1, int((~one.known[finer.indices]).sum()))
            scored, end = 0, max(start, min(1.0, start * 2**_POWER / 2, 0.98))
            if tolerance == 0:
                end = start + missing / len(state.grid)
            for made in score_lattice(state, one, finer):
                if isinstance(made, Preparation):
                    yield made
                    continue
                scored += made
                furthest = max(furthest, start + (end - start) * min(1.0, scored / missing))
                yield Refinement(state, min(furthest, 0.999), drawable=True, error=error)
        yield Refinement(state, 1.0, drawable=True, error=error)
    finally:
        return_freed_memory()


def _share(error: float, tolerance: float, state: LevelledScores) -> float:
    """About which part of the work is done at an error."""
    if tolerance > 0:
        return float(min(1.0, (tolerance / error) ** _POWER))
    return float(state.computed[-1].known.mean())


def _error(state: LevelledScores, column: int, drawn: Drawn) -> float:
    """The map's claimed error over its rms evidence."""
    coarser, step = state.thinned()
    now, sampling = drawn(state.of_class(column, {}))
    then, _ = drawn(state.of_class(column, coarser))
    return relative(approximation_error(now, then, step, state.grid.window, sampling), now)


def _next(
    state: LevelledScores, column: int, drawn: Drawn, error: float, tolerance: float
) -> tuple[int, int]:
    """Which level to refine along which axis.

    The cheapest of those that are expected to meet the tolerance; while there is none, that where
    the error falls most for its cost.
    """
    now, sampling = drawn(state.of_class(column, {}))
    missing = float(np.square(now).mean()) * (error**2 - tolerance**2)
    # What half of the sampled windows differ by, because they are sampled, is no gain.
    noise = 0.0 if sampling is None else float(np.square(sampling).mean())
    choices: list[tuple[float, bool, tuple[int, int]]] = []
    for place, one in enumerate(state.computed):
        assert one.lattice is not None
        for axis in one.lattice.partial_axes:
            then, _ = drawn(state.of_class(column, {place: one.lattice.thinned(axis)}))
            moved = float(np.square(now - then).mean())
            moved -= noise if one is state.computed[-1] else 0.0
            step = ceil(one.lattice.steps[axis]) * state.grid.stride
            falls = (1 - _REMAINS) * factor(step) ** 2 * max(0.0, moved)
            refined = _within_below(state, place, axis)
            cost = max(_cost(state, refined, axis), 1e-12)
            enough = falls >= missing and refined == place
            choices.append((1 / cost if enough else falls / cost, enough, (refined, axis)))
    if any(enough for _, enough, _ in choices):
        choices = [choice for choice in choices if choice[1]]
    return max(choices)[2]


def _wider(one: Computed) -> int:
    """Along which axis a level's lattice has the larger step."""
    assert one.lattice is not None
    return 0 if one.lattice.down >= one.lattice.across else 1


def _within_below(state: LevelledScores, place: int, axis: int) -> int:
    """The level itself, or one below that has to be known on its finer lattice first."""
    lattice = state.computed[place].lattice
    assert lattice is not None
    while place:
        below = state.computed[place - 1].lattice
        assert below is not None
        if below.holds(lattice.finer(axis)):
            break
        place -= 1
        lattice = below
    return place


def _cost(state: LevelledScores, place: int, axis: int) -> float:
    one = state.computed[place]
    assert one.lattice is not None
    # Whatever an earlier map knows, the lattices are those of a map from the beginning.
    return (len(one.lattice.finer(axis)) - len(one.lattice)) * one.level.seconds


def score_lattice(
    state: LevelledScores, one: Computed, lattice: Lattice
) -> Generator[int | Preparation, None, None]:
    """Score those windows of a lattice that are not known; yields how many, a batch a step."""
    grid, level = state.grid, one.level
    scorer = InfillScorer(level.forward)
    is_exact = one is state.computed[-1]
    batches = chain.from_iterable(
        level.forward.batches(grid, level.filler.samples, rows, columns)
        for rows, columns in lattice.missing(one.known)
    )
    for batch in batches:
        corners = grid.corners[batch]
        infills = yield from level.filler.fill_in_steps(corners)
        parts: list[SampleScores] = []
        for part in scorer.parts(corners, infills):
            if parts:
                yield 0
            parts.append(part)
        if is_exact:
            enter(state.exact, batch, parts)
        one.values[batch] = fields(joined(parts)) - state.original
        one.known[batch] = True
        yield len(batch)
    one.lattice = lattice
