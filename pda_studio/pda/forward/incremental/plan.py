"""How many neighbouring windows are best computed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers.graph import Operation, Program
from pda_studio.pda.forward.incremental import geometry
from pda_studio.pda.forward.incremental.changes import Span
from pda_studio.pda.forward.incremental.rules import WHOLE_FROM
from pda_studio.pda.windows import WindowGrid

_ALONG = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)  # windows along a side of a block
_MOST_VALUES = 2e7  # of a batch in one map: what memory they may take
_PLACES = 24  # blocks along an axis that are looked at for an estimate


@dataclass(frozen=True)
class Speed:
    """What a device does in a second, roughly: enough to weigh one block size against another.

    Attributes
    ----------
    products, values, weights, operations : float
        Multiplications and additions; values written; weights read; operations started.
    most_along : int
        Windows along a side of the largest block: on a processor a step must stay short.
    alone : bool
        Whether a window by itself is worth while, so that a rough map of single windows may come
        first; a GPU takes hardly longer for a hundred windows than for one.
    """

    products: float
    values: float
    weights: float
    operations: float
    most_along: int
    alone: bool


CPU = Speed(1.5e11, values=2e9, weights=5e9, operations=2e4, most_along=16, alone=True)
GPU = Speed(1.5e13, values=1e11, weights=5e11, operations=1e4, most_along=32, alone=False)


def speed_of(program: Program) -> Speed:
    """What the device does on which a network was run."""
    return CPU if program.image.value.device.type == "cpu" else GPU


@dataclass(frozen=True)
class Workspace:
    """What scoring takes.

    Attributes
    ----------
    products : float
        Multiplications and additions, for an image.
    values : (operations,) float
        Values that each operation writes, for an image.
    weights : int
        Weights that are read, for a batch of any size.
    operations : int
        How many are started, for a batch of any size.
    """

    products: float
    values: NDArray[np.float64]
    weights: int
    operations: int


def work(program: Program, window: int, wanted: Sequence[Operation] = ()) -> Workspace:
    """Estimate what an image takes whose window lies within a block of this side, in pixels.

    The mean over blocks all over the image, up to the wanted operations or the logits.
    """
    needed = program.before(wanted or [program.output])
    spans: dict[Operation, list[list[Span]]] = {
        program.image: [
            [
                Span(int(start), int(start) + window)
                for start in np.linspace(0, length - window, _PLACES)
            ]
            for length in program.image.value.shape[2:]
        ]
    }
    changed = {program.image}
    products, weights = 0.0, 0
    values: list[float] = []
    for operation in program.operations[1:]:
        inputs = operation.inputs()
        if operation not in needed or not any(used in changed for used in inputs):
            continue
        changed.add(operation)
        if not isinstance(operation.value, torch.Tensor):
            continue
        area = operation.value.shape[2:].numel() if operation.value.ndim == 4 else 1
        moved = [used for used in inputs if used in spans]
        known = all(used in spans for used in inputs if used in changed)
        if moved and known and geometry.stays_local(operation):
            slides = geometry.sliding(operation)
            here = [
                [
                    geometry.reach(slides, list(each), along, operation.value.shape[2 + along])
                    for each in zip(*(spans[used][along] for used in moved), strict=True)
                ]
                for along in (0, 1)
            ]
            rows, columns = (np.array([span.size for span in axis]) for axis in here)
            areas = rows[:, None] * columns
            if areas.mean() < WHOLE_FROM * area:
                spans[operation] = here
            area = np.where(areas < WHOLE_FROM * area, areas, area).mean()
        each = operation.value.numel() / max(1, operation.value.shape[2:].numel())
        values.append(each * area)
        layer = operation.module
        if isinstance(layer, nn.Conv2d | nn.Linear):
            products += layer.weight.numel() * area
            weights += layer.weight.numel()
    return Workspace(products, np.array(values), weights, len(needed))


def windows_along(
    program: Program,
    window: int,
    stride: int,
    samples: int,
    wanted: Sequence[Operation] = (),
) -> int:
    """How many windows along a side of a block are fastest, by what an estimate says.

    More of them share the cost of starting an operation, and what they share grows with them.
    Where only the changes of some wanted operations are computed, blocks are as large as suits
    what lies below these.
    """
    speed = speed_of(program)
    length = min(program.image.value.shape[2:])
    best, least = 1, float("inf")
    for along in _ALONG:
        side = window + (along - 1) * stride
        if side > length or along > speed.most_along:
            break
        needed = work(program, side, wanted)
        images = along**2 * samples
        written = images * needed.values
        if along > 1 and written.max() > _MOST_VALUES * (speed.products / CPU.products):
            break
        seconds = _seconds(needed, speed, images)
        if seconds < least:
            best, least = along, seconds
    return best


def seconds_of(
    program: Program, window: int, along: int, wanted: Sequence[Operation] = ()
) -> float:
    """Estimate the time of a window in a block of so many windows along each side, stride 1."""
    needed = work(program, window + along - 1, wanted)
    return _seconds(needed, speed_of(program), along**2)


def _seconds(needed: Workspace, speed: Speed, images: int) -> float:
    """Of an image, where so many go through the network together."""
    return (
        needed.products / speed.products
        + float(needed.values.sum()) / speed.values
        + needed.weights / speed.weights / images
        + needed.operations / speed.operations / images
    )


def blocks(grid: WindowGrid, along: int, *, alone: bool = True) -> Iterator[NDArray[np.int64]]:
    """Cut a grid into blocks of neighbouring windows, coarse to fine.

    A rough lattice of single windows first (if they may come `alone`), then blocks of
    `along` × `along`, in an order that spans the image again and again; all together hold every
    window once.
    """
    rough = grid.passes()[0] if along > 1 and alone else np.array([], dtype=np.int64)
    yield from rough[:, None]
    seen = np.zeros(len(grid), dtype=bool)
    seen[rough] = True
    everything = np.arange(len(grid.rows)), np.arange(len(grid.columns))
    for block in product_blocks(grid, *everything, along):
        left = block[~seen[block]]
        if len(left):
            yield left


def product_blocks(
    grid: WindowGrid, rows: NDArray[np.int64], columns: NDArray[np.int64], along: int
) -> Iterator[NDArray[np.int64]]:
    """Cut the windows on some rows and columns into blocks of `along` × `along`.

    They come in an order that spans the image again and again.
    """
    all_blocks = [
        (down[:, None] * len(grid.columns) + across).ravel()
        for down in (rows[cut] for cut in _cut(len(rows), along))
        for across in (columns[cut] for cut in _cut(len(columns), along))
    ]
    shape = (-(-len(rows) // along), -(-len(columns) // along))
    for place in np.concatenate(WindowGrid(*shape, 1, 1).passes()):
        yield all_blocks[place]


def _cut(length: int, most: int) -> list[NDArray[np.int64]]:
    """Cut indices into runs of nearly equal length, at most so long."""
    return np.array_split(np.arange(length), -(-length // most))
