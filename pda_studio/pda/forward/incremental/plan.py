"""Which operations follow rectangles, and which windows share their geometry."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pda_studio.pda.forward.incremental.changes import Axis
from pda_studio.pda.forward.incremental.graph import Operation, Program
from pda_studio.pda.forward.incremental.rules import reach, stays_local
from pda_studio.pda.windows import WindowGrid

_WHOLE_FROM = 0.85  # of a map's area, on average: from there on rectangles cost more than they save
_LOOKED_AT = 3  # every so many pixels a window is looked at to find how large rectangles get


@dataclass(frozen=True)
class Plan:
    """How windows of one size go through a program.

    Attributes
    ----------
    local : frozenset of Operation
        Operations that follow rectangles; all others work on whole values.
    period : int
        Windows this many pixels apart have the same geometry in every local operation.
    """

    local: frozenset[Operation]
    period: int


def make_plan(program: Program, window: int) -> Plan:
    """Decide how far windows of this side (pixels) are followed as rectangles."""
    local: set[Operation] = {program.picture}
    # How large rectangles get in each operation, along both axes, for windows at many places.
    axes = {
        program.picture: [
            [Axis(at, 2**20, 1, window) for at in range(0, length - window + 1, _LOOKED_AT)]
            for length in program.picture.value.shape[2:]
        ]
    }
    for operation in program.operations:
        used = [source for source in operation.inputs() if source.value is not None]
        moved = [source for source in used if source in axes]
        if not moved or not stays_local(operation):
            continue
        if any(source not in axes and _depends(source, axes, program) for source in used):
            continue
        here = [
            [
                reach(operation, list(inputs), along)
                for inputs in zip(*(axes[source][along] for source in moved), strict=True)
            ]
            for along in (0, 1)
        ]
        if _share(operation, here) < _WHOLE_FROM:
            axes[operation] = here
            local.add(operation)
    steps = [axis.step for pair in axes.values() for axes_along in pair for axis in axes_along[:1]]
    period = math.lcm(*(2**20 // step if step else 1 for step in steps))
    return Plan(frozenset(local), period)


def _depends(
    operation: Operation, axes: dict[Operation, list[list[Axis]]], program: Program
) -> bool:
    """Whether an operation's result changes with the picture, though not as a rectangle."""
    if operation in axes or operation is program.picture:
        return True
    return any(_depends(source, axes, program) for source in operation.inputs())


def _share(operation: Operation, here: list[list[Axis]]) -> float:
    """The part of its map that a rectangle takes on average."""
    value = operation.value
    if not hasattr(value, "shape"):
        return 0.0
    share = 1.0
    for axis_along, length in zip(here, value.shape[2:], strict=True):
        inside = [axis.trimmed(length).size for axis in axis_along]
        share *= sum(inside) / len(inside) / length
    return share


def lattice(corners: NDArray[np.int64], window: int) -> tuple[Axis, Axis]:
    """Rows and columns of windows (n, 2) that form a lattice, given row by row."""
    rows, columns = np.unique(corners[:, 0]), np.unique(corners[:, 1])
    assert len(corners) == len(rows) * len(columns), "windows of a batch form a lattice"
    return _axis(rows, window), _axis(columns, window)


def batches(grid: WindowGrid, period: int, most: int) -> list[NDArray[np.int64]]:
    """Cut a grid into lattices, coarse to fine, of at most so many windows along each side.

    The windows of a lattice share their geometry in every layer that follows rectangles.

    Small ones keep their maps in the processor's caches, and the rectangles of windows near an
    edge are trimmed for all at once.

    Each lattice of the first ones spans the picture; all together hold every window once.
    """
    spacing = period // math.gcd(period, grid.stride)
    rows, columns = _lattices(grid.rows, grid, spacing), _lattices(grid.columns, grid, spacing)
    index = np.arange(len(grid)).reshape(len(grid.rows), len(grid.columns))
    found: list[tuple[int, int, NDArray[np.int64]]] = []
    for row_rank, row_indices in rows:
        for column_rank, column_indices in columns:
            for a in _cut(row_indices, most):
                for b in _cut(column_indices, most):
                    rank = max(row_rank, column_rank)
                    found.append((rank, len(found), index[np.ix_(a, b)].ravel()))
    return [batch for _, _, batch in sorted(found, key=lambda entry: entry[:2])]


def _cut(indices: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """Cut into runs of nearly equal length, at most so long."""
    return np.array_split(indices, -(-len(indices) // most))


def _lattices(
    positions: NDArray[np.int64], grid: WindowGrid, spacing: int
) -> list[tuple[int, NDArray[np.int64]]]:
    """Indices of window positions with the same phase, each set with its rank, coarse first."""
    regular = len(positions)
    if positions[-1] % grid.stride:
        regular -= 1  # the last one, flush with the edge, has a phase of its own
    lattices = [
        (_rank(phase, spacing), np.arange(phase, regular, spacing))
        for phase in range(min(spacing, regular))
    ]
    if regular < len(positions):
        lattices.append((0, np.array([regular])))
    return lattices


def _rank(phase: int, spacing: int) -> int:
    """How late a phase comes when the distance between windows is halved again and again."""
    rank, step = 0, spacing
    while phase % step and step > 1:
        step = max(1, step // 2)
        rank += 1
    return rank


def _axis(positions: NDArray[np.int64], window: int) -> Axis:
    step = int(positions[1] - positions[0]) if len(positions) > 1 else 0
    return Axis(int(positions[0]), step, len(positions), window)
