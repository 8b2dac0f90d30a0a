"""How many neighbouring windows are best computed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers.graph import Operation, Program
from pda_studio.pda.forward.incremental import geometry
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
    """What scoring takes, for windows within blocks of several sides.

    Attributes
    ----------
    products : (sides,) float
        Multiplications and additions, for an image.
    values : (operations, sides) float
        Values that each operation writes, for an image.
    weights : int
        Weights that are read, for a batch of any size.
    operations : int
        How many are started, for a batch of any size.
    """

    products: NDArray[np.float64]
    values: NDArray[np.float64]
    weights: int
    operations: int

    def seconds(self, speed: Speed, images: NDArray[np.int64]) -> NDArray[np.float64]:
        """Estimate the time of an image, where so many go through the network together."""
        seconds: NDArray[np.float64] = (
            self.products / speed.products
            + self.values.sum(0) / speed.values
            + self.weights / speed.weights / images
            + self.operations / speed.operations / images
        )
        return seconds


def work(program: Program, sides: NDArray[np.int64], wanted: Sequence[Operation] = ()) -> Workspace:
    """Estimate what an image takes whose window lies within a block of each side, in pixels.

    The mean over blocks all over the image, up to the wanted operations or the logits.
    """
    needed = program.before(wanted or [program.output])
    # Where the blocks' changes start and stop along rows and columns: (2, sides, places) each.
    spans: dict[Operation, list[NDArray[np.int64]]] = {
        program.image: [
            np.array([starts, starts + sides[:, None]])
            for length in program.image.value.shape[2:]
            for starts in [np.linspace(0, length - sides, _PLACES, axis=-1).astype(int)]
        ]
    }
    filled = {program.image: np.zeros(len(sides), dtype=bool)}
    products, weights = np.zeros(len(sides)), 0
    values: list[NDArray[np.float64]] = []
    for operation in program.operations[1:]:
        changed = [used for used in operation.inputs() if used in filled]
        if operation not in needed or not changed:
            continue
        filled[operation] = np.ones(len(sides), dtype=bool)
        if not isinstance(operation.value, torch.Tensor):
            continue
        whole = operation.value.shape[2:].numel() if operation.value.ndim == 4 else 1
        area = np.full(len(sides), float(whole))
        if geometry.stays_local(operation) and all(used in spans for used in changed):
            slides = geometry.sliding(operation)
            spans[operation] = [
                geometry.reach_of_many(
                    slides,
                    [spans[used][along] for used in changed],
                    along,
                    operation.value.shape[2 + along],
                )
                for along in (0, 1)
            ]
            rows, columns = (stops - starts for starts, stops in spans[operation])
            areas = (rows[:, :, None] * columns[:, None, :]).reshape(len(sides), -1)
            known = ~np.any([filled[used] for used in changed], axis=0)
            mean = np.where(areas < WHOLE_FROM * whole, areas, whole).mean(1)
            area = np.where(known, mean, area)
            filled[operation] = ~known | (areas.mean(1) >= WHOLE_FROM * whole)
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
    along = np.array([one for one in _ALONG if one <= speed.most_along])
    along = along[window + (along - 1) * stride <= length]
    needed = work(program, window + (along - 1) * stride, wanted)
    images = along**2 * samples
    written = (images * needed.values).max(0)
    fits = (along == 1) | (written <= _MOST_VALUES * (speed.products / CPU.products))
    count = int(np.logical_and.accumulate(fits).sum())
    return int(along[needed.seconds(speed, images)[:count].argmin()])


def seconds_of(
    program: Program, window: int, along: int, wanted: Sequence[Operation] = ()
) -> float:
    """Estimate the time of a window in a block of so many windows along each side, stride 1."""
    needed = work(program, np.array([window + along - 1]), wanted)
    return float(needed.seconds(speed_of(program), np.array([along**2]))[0])


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
