"""How many neighbouring windows are best computed together."""

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
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


@dataclass
class Foretaste:
    """What whoever only asks how long a map takes wants of its windows, and is told of them.

    Attributes
    ----------
    rough : int
        How many single windows come before the blocks; 0 as long as nothing is cut.
    some : int
        How many of these come now: blocks follow at once, by which the time of a map is told.
    """

    rough: int = 0
    some: int = 8


foretaste: ContextVar[Foretaste | None] = ContextVar("foretaste", default=None)
"""Set while only the beginning of a map is computed, to tell the time of all of it."""


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


def work(
    program: Program,
    heights: NDArray[np.int64],
    widths: NDArray[np.int64],
    wanted: Sequence[Operation] = (),
) -> Workspace:
    """Estimate what an image takes whose window lies within a block of each size, in pixels.

    The mean over blocks all over the image, up to the wanted operations or the logits.
    """
    sizes = len(heights)
    needed = program.before(wanted or [program.output])
    # Where the blocks' changes start and stop along rows and columns: (2, sizes, places) each.
    spans: dict[Operation, list[NDArray[np.int64]]] = {
        program.image: [
            np.array([starts, starts + sides[:, None]])
            for length, sides in zip(program.image.value.shape[2:], (heights, widths), strict=True)
            for starts in [np.linspace(0, length - sides, _PLACES, axis=-1).astype(int)]
        ]
    }
    filled = {program.image: np.zeros(sizes, dtype=bool)}
    products, weights = np.zeros(sizes), 0
    values: list[NDArray[np.float64]] = []
    for operation in program.operations[1:]:
        changed = [used for used in operation.inputs() if used in filled]
        if operation not in needed or not changed:
            continue
        filled[operation] = np.ones(sizes, dtype=bool)
        if not isinstance(operation.value, torch.Tensor):
            continue
        whole = operation.value.shape[2:].numel() if operation.value.ndim == 4 else 1
        area = np.full(sizes, float(whole))
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
            areas = (rows[:, :, None] * columns[:, None, :]).reshape(sizes, -1)
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


def block_shape(
    program: Program,
    window: int,
    strides: tuple[int, int],
    samples: int,
    wanted: Sequence[Operation] = (),
) -> tuple[int, int]:
    """How many windows down and across a block are fastest, by what an estimate says.

    More of them share the cost of starting an operation, and what they share grows with them.
    Blocks are square, but where windows are closer together along one axis, there they are more.
    Where only the changes of some wanted operations are computed, blocks are as large as suits
    what lies below these.
    """
    speed = speed_of(program)
    one = np.array([each for each in _ALONG if each <= speed.most_along])
    down, across = (each.ravel() for each in np.meshgrid(one, one, indexing="ij"))
    closer = np.sign(strides[0] - strides[1])  # 1 where they are closer together across
    usual = (np.sign(across - down) == closer) | (across == down)
    heights, widths = window + (down - 1) * strides[0], window + (across - 1) * strides[1]
    rows, columns = program.image.value.shape[2:]
    usual &= (heights <= rows) & (widths <= columns)
    down, across, heights, widths = (each[usual] for each in (down, across, heights, widths))
    needed = work(program, heights, widths, wanted)
    images = down * across * samples
    written = (images * needed.values).max(0)
    fits = (images == samples) | (written <= _MOST_VALUES * (speed.products / CPU.products))
    seconds = np.where(fits, needed.seconds(speed, images), np.inf)
    best = int(seconds.argmin())
    return int(down[best]), int(across[best])


def seconds_of(
    program: Program,
    window: int,
    along: int,
    wanted: Sequence[Operation] = (),
    speed: Speed | None = None,
) -> float:
    """Estimate the time of a window in a block of so many windows along each side, stride 1."""
    side = np.array([window + along - 1])
    needed = work(program, side, side, wanted)
    return float(needed.seconds(speed or speed_of(program), np.array([along**2]))[0])


def blocks(grid: WindowGrid, along: int, *, alone: bool = True) -> Iterator[NDArray[np.int64]]:
    """Cut a grid into blocks of neighbouring windows, coarse to fine.

    A rough lattice of single windows first (if they may come `alone`), then blocks of
    `along` × `along`, in an order that spans the image again and again; all together hold every
    window once.
    """
    rough = grid.passes()[0] if along > 1 and alone else np.array([], dtype=np.int64)
    asked = foretaste.get()
    if asked is not None:
        asked.rough = len(rough)
        rough = rough[: asked.some]
    yield from rough[:, None]
    seen = np.zeros(len(grid), dtype=bool)
    seen[rough] = True
    everything = np.arange(len(grid.rows)), np.arange(len(grid.columns))
    for block in product_blocks(grid, *everything, (along, along)):
        left = block[~seen[block]]
        if len(left):
            yield left


def product_blocks(
    grid: WindowGrid, rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
) -> Iterator[NDArray[np.int64]]:
    """Cut the windows on some rows and columns into blocks of so many down and across.

    They come in an order that spans the image again and again.
    """
    all_blocks = [
        (down[:, None] * len(grid.columns) + across).ravel()
        for down in (rows[cut] for cut in _cut(len(rows), shape[0]))
        for across in (columns[cut] for cut in _cut(len(columns), shape[1]))
    ]
    counts = (-(-len(rows) // shape[0]), -(-len(columns) // shape[1]))
    for place in np.concatenate(WindowGrid(*counts, 1, 1).passes()):
        yield all_blocks[place]


def _cut(length: int, most: int) -> list[NDArray[np.int64]]:
    """Cut indices into runs of nearly equal length, at most so long."""
    return np.array_split(np.arange(length), -(-length // most))
