"""Refine the lattices of the levels, one after the other, until the map's error is small enough."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.allocator import return_freed_memory
from pda_studio.pda.forward import SampleScores
from pda_studio.pda.forward.incremental import IncrementalForward
from pda_studio.pda.forward.linearised import LinearisedTail
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
_MOST_KNOWN = 0.3  # of a lattice: with more of it in a block, its few others share too little
_SHORT = 1.25  # times the tolerance: up to there, lattices are refined without looking at the map
_FURTHEST = 3.0  # by which the error falls, at most, until the map is looked at


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

    Each step makes those lattices finer where the error, by what thinning a lattice does to the
    map, falls most for its cost: several at once while the tolerance is far. Where nothing is
    tolerated, it is that of the exact level alone. No window of a level is scored twice.

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
                plan, expected = _planned(state, column, drawn, error, tolerance)
            else:
                last = state.computed[-1]
                assert last.lattice is not None
                plan = {len(state.computed) - 1: last.lattice.finer(_wider(last))}
                expected = np.inf
            start = max(furthest, _share(error, tolerance, state))
            yield Refinement(state, min(start, 0.999), drawable=True, error=error)
            missing = {place: _missing(state, place, finer) for place, finer in plan.items()}
            work = sum(missing[place] * state.computed[place].level.seconds for place in plan)
            end = max(start, min(_share(expected, tolerance, state), 0.98))
            if tolerance == 0:
                end = start + sum(missing.values()) / len(state.grid)
            spent = 0.0
            # A level is known on its finer lattice before those above it.
            for place, finer in sorted(plan.items()):
                one = state.computed[place]
                for made in score_lattice(state, one, finer):
                    if isinstance(made, Preparation):
                        yield made
                        continue
                    spent += made * one.level.seconds
                    part = min(1.0, spent / work) if work else 1.0
                    furthest = max(furthest, start + (end - start) * part)
                    yield Refinement(state, min(furthest, 0.999), drawable=True, error=error)
        yield Refinement(state, 1.0, drawable=True, error=error)
    finally:
        return_freed_memory()


def _share(error: float, tolerance: float, state: LevelledScores) -> float:
    """About which part of the work is done at an error."""
    if tolerance > 0:
        return float((tolerance / max(error, tolerance)) ** _POWER)
    return float(state.computed[-1].known.mean())


def _error(state: LevelledScores, column: int, drawn: Drawn) -> float:
    """The map's claimed error over its rms evidence."""
    coarser, step = state.thinned()
    now, sampling = drawn(state.of_class(column, {}))
    then, _ = drawn(state.of_class(column, coarser))
    return relative(approximation_error(now, then, step, state.grid.window, sampling), now)


def _planned(
    state: LevelledScores, column: int, drawn: Drawn, error: float, tolerance: float
) -> tuple[dict[int, Lattice], float]:
    """The levels to refine, each with its lattice, and the error that is expected then.

    One lattice after the other is made finer in thought: of those that are expected to meet the
    tolerance, the cheapest; while there is none, that where the error falls most for its cost. It
    ends a little short of the tolerance, as the expectation is rough; then the map is looked at
    anew. Windows that are scored at once lie nearer to one another than those of one lattice after
    the other, and share more.
    """
    now, sampling = drawn(state.of_class(column, {}))
    square = float(np.square(now).mean())
    # What half of the sampled windows differ by, because they are sampled, is no gain.
    noise = 0.0 if sampling is None else float(np.square(sampling).mean())
    lattices: list[Lattice] = []
    left: dict[tuple[int, int], float] = {}
    for place, one in enumerate(state.computed):
        assert one.lattice is not None
        lattices.append(one.lattice)
        for axis in one.lattice.partial_axes:
            then, _ = drawn(state.of_class(column, {place: one.lattice.thinned(axis)}))
            moved = float(np.square(now - then).mean())
            moved -= noise if one is state.computed[-1] else 0.0
            step = ceil(one.lattice.steps[axis]) * state.grid.stride
            left[place, axis] = factor(step) ** 2 * max(0.0, moved)
    # Thinned all at once they tell more than one by one.
    whole = error**2 * square
    together = sum(left.values())
    left = {key: part * whole / together if together > 0 else 0.0 for key, part in left.items()}
    allowed = tolerance**2 * square
    enough = max((_SHORT * tolerance) ** 2, (error / _FURTHEST) ** 2) * square
    plan: dict[int, Lattice] = {}
    while not plan or (left and sum(left.values()) > enough):
        missing = sum(left.values()) - allowed
        choices: list[tuple[bool, float, tuple[int, int], tuple[int, int]]] = []
        for (place, axis), part in left.items():
            refined = _within_below(lattices, place, axis)
            falls = (1 - _remains(lattices[place], axis)) * part
            cost = max(_cost(state, lattices[refined], refined, axis), 1e-12)
            meets = falls >= missing and refined == place
            choices.append((meets, (1 if meets else falls) / cost, (refined, axis), (place, axis)))
        _, _, (place, axis), wanted = max(choices)
        if (place, axis) == wanted:
            left[wanted] *= _remains(lattices[place], axis)
        lattices[place] = plan[place] = lattices[place].finer(axis)
        if axis not in lattices[place].partial_axes:
            left.pop((place, axis), None)
    return plan, float(np.sqrt(sum(left.values()) / square)) if square > 0 else 0.0


def _wider(one: Computed) -> int:
    """Along which axis a level's lattice has the larger step."""
    assert one.lattice is not None
    return 0 if one.lattice.down >= one.lattice.across else 1


def _within_below(lattices: list[Lattice], place: int, axis: int) -> int:
    """The level itself, or one below that has to be known on its finer lattice first."""
    lattice = lattices[place]
    while place:
        below = lattices[place - 1]
        if below.holds(lattice.finer(axis)):
            break
        place -= 1
        lattice = below
    return place


def _remains(lattice: Lattice, axis: int) -> float:
    """What part of the squared error along an axis the next finer lattice has, roughly."""
    return _REMAINS if lattice.finer(axis).partial_axes.count(axis) else 0.0


def _cost(state: LevelledScores, lattice: Lattice, place: int, axis: int) -> float:
    # Whatever an earlier map knows, the lattices are those of a map from the beginning.
    return (len(lattice.finer(axis)) - len(lattice)) * state.computed[place].level.seconds


def _missing(state: LevelledScores, place: int, lattice: Lattice) -> int:
    return int((~state.computed[place].known[lattice.indices]).sum())


def score_lattice(
    state: LevelledScores, one: Computed, lattice: Lattice
) -> Generator[int | Preparation, None, None]:
    """Score those windows of a lattice that are not known; yields how many, a batch a step."""
    grid, level = state.grid, one.level
    scorer = InfillScorer(level.forward)
    is_exact = one is state.computed[-1]
    for batch in _batches(state, one, lattice):
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


def _batches(state: LevelledScores, one: Computed, lattice: Lattice) -> Iterator[NDArray[np.int64]]:
    """Cut the windows of a lattice that are not known into batches."""
    forward, samples = one.level.forward, one.level.filler.samples
    known = one.known[lattice.indices]
    if isinstance(forward, IncrementalForward | LinearisedTail) and known.mean() <= _MOST_KNOWN:
        # Of blocks of all windows those are left out that are known: the others lie nearer to one
        # another than where these alone are cut into blocks.
        for batch in forward.batches(
            state.grid, samples, lattice.taken_rows, lattice.taken_columns
        ):
            left = batch[~one.known[batch]]
            if len(left):
                yield left
        return
    for rows, columns in lattice.missing(one.known):
        yield from forward.batches(state.grid, samples, rows, columns)
