"""Which levels of a network's scores make up its exact ones."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import NotTraceable, Operation, Program
from pda_studio.pda.forward import Forward, Wanted, make_forward, trial_of
from pda_studio.pda.forward.incremental import Precision, RemovedWindows, baseline_activations
from pda_studio.pda.forward.incremental.plan import CPU, Speed, block_shape, seconds_of
from pda_studio.pda.forward.layers import joints, log_odds_among
from pda_studio.pda.forward.linearised import LinearisedTail, along, gradients_at
from pda_studio.pda.forward.lower_blocks import LowerBlocks, has_gradient, stacked_modules
from pda_studio.pda.forward.memory import measured_once
from pda_studio.pda.infill.base import Filler, now_and_then
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.levelled.fields import log_odds
from pda_studio.pda.levelled.pilot import Pilot, cheapest, pilot_from
from pda_studio.pda.windows import WindowGrid

_PLACES = 8  # windows along each axis that a network is tried on
_APART = 1.3  # how many times dearer each layer is than the one before that is worth trying
_BLOCKS = (0, 1, 2, 5)  # of a stack of modules: behind which a network may be linear
_OF_IMAGE = 0.002  # of the whole network's time: what a window to first order in the image costs
_WHOLE = ""  # among the names of layers
_EACH = 4e-5  # seconds of a window that no layer counts for: its infill, its place in a batch
_SPEEDS: dict[Precision, Speed] = {
    "float32": CPU,
    "bfloat16-delta": Speed(
        2.5e11, values=1e9, weights=7e8, operations=8e3, most_along=16, alone=True
    ),
}
"""Where bfloat16 is multiplied faster, all else is not: cheap layers save less by it. As fitted to
the times of squeezenet1_1's layers with AVX-512."""


@dataclass(frozen=True, eq=False)
class Level:
    """A way to score windows that varies less and costs more than the one below it.

    Attributes
    ----------
    name : str
        For captions: "linear from features.8", "exact".
    forward : Forward
        What scores infilled windows.
    filler : Filler
        What fills them.
    seconds : float
        Estimate for a window. Not a measurement: the same map would come out otherwise each time.
    """

    name: str
    forward: Forward
    filler: Filler
    seconds: float = 1.0


def levels_for(
    classifier: Classifier,
    pixels: torch.Tensor,
    classes: NDArray[np.int64],
    target: int,
    grid: WindowGrid,
    filler: Filler,
    mean_filler: Filler,
    tolerance: float,
    batch: int | None = None,
) -> Generator[Preparation, None, list[Level]]:
    """Choose the levels that reach a tolerance at the least cost, cheapest first.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.
    target : int
        The class whose windows are looked at.
    grid : WindowGrid
        The windows.
    filler, mean_filler : Filler
        The infill, and of a stochastic one the mean, which one forward pass scores; else the same.
    tolerance : float
        rms error of the map over its rms evidence.
    batch : int, optional
        Images per forward pass of the whole network.

    Returns
    -------
    list of Level
        The last is exact; it is alone where no other pays.
    """
    wanted = Wanted(batch=batch)
    trial = yield from trial_of(grid, mean_filler)
    forward, _ = yield from make_forward(
        wanted, classifier, pixels, classes, target, grid, filler.samples, trial
    )
    exact = [Level("exact", forward, filler)]
    if mean_filler is not filler:
        exact.insert(0, Level("exact of the mean infill", forward, mean_filler))
    if classifier.device.type != "cpu":
        # There a window costs what it takes to start the layers: a first order saves a third.
        return exact
    try:
        program = baseline_activations(classifier, pixels).program
    except NotTraceable:
        below = yield from _lower_blocks(
            exact[0].forward, classifier, pixels, classes, target, grid, mean_filler, tolerance
        )
        return below + [replace(one, seconds=float(one.filler.samples)) for one in exact]
    precision: Precision = "bfloat16-delta" if "bfloat16" in forward.description else "float32"
    yield Preparation("layers", 0, 1)
    pilot = yield from now_and_then(
        pilot_of(classifier, pixels, program, target, grid, mean_filler, precision)
    )
    below = [
        Level(
            f"linear from {layer}",
            LinearisedTail(classifier, pixels, classes, layer, precision),
            mean_filler,
            pilot.seconds[pilot.layers.index(layer)],
        )
        for layer in cheapest(pilot, tolerance)
    ]
    whole = pilot.seconds[-1]
    return below + [replace(one, seconds=whole * one.filler.samples) for one in exact]


def _lower_blocks(
    exact: Forward,
    classifier: Classifier,
    pixels: torch.Tensor,
    classes: NDArray[np.int64],
    target: int,
    grid: WindowGrid,
    filler: Filler,
    tolerance: float,
) -> Generator[Preparation, None, list[Level]]:
    """Levels of a network that can only be run as a whole, or up to a block."""
    image = classifier.prepare(pixels[None])
    if classifier.output != "softmax" or not has_gradient(classifier.network, image):
        return []
    stack = stacked_modules(classifier.network, image)
    names = ["", *(stack[place] for place in _BLOCKS if 2 * (place + 1) <= len(stack))]
    seconds = [_OF_IMAGE, *((stack.index(name) + 1) / len(stack) for name in names[1:]), 1.0]

    yield Preparation("layers", 0, 1)
    one = np.array([target])
    forwards = [LowerBlocks(classifier, pixels, one, name) for name in names]
    column = int(np.flatnonzero(classes == target)[0])
    pilot = yield from now_and_then(
        _pilot_of_forwards(names, forwards, exact, column, grid, filler, seconds)
    )
    return [
        Level(
            f"linear from {name or 'the image'}",
            LowerBlocks(classifier, pixels, classes, name),
            filler,
            seconds[names.index(name)],
        )
        for name in cheapest(pilot, tolerance)
    ]


def _pilot_of_forwards(
    names: list[str],
    forwards: list[LowerBlocks],
    exact: Forward,
    column: int,
    grid: WindowGrid,
    filler: Filler,
    seconds: list[float],
) -> Generator[Preparation, None, Pilot]:
    """Score a few windows by each forward, of which the exact one has other classes, too."""
    changes: list[list[float]] = []
    places = grid.spread(_PLACES)
    for corner in places:
        yield Preparation("layers", len(changes), len(places))
        infills = filler.fill(corner)[:, :1]
        scores = [
            *((one(corner, infills), one.original, 0) for one in forwards),
            (exact(corner, infills), exact.original, column),
        ]
        changes.append(
            [
                float(np.diff(log_odds(np.array([was, now])[..., 0, 0, place]))[0])
                for now, was, place in (
                    (now.probability, was.probability, place) for now, was, place in scores
                )
            ]
        )
    return pilot_from(names, np.array(changes), seconds)


def pilot_of(
    classifier: Classifier,
    pixels: torch.Tensor,
    program: Program,
    target: int,
    grid: WindowGrid,
    filler: Filler,
    precision: Precision = "float32",
) -> Generator[Preparation, None, Pilot]:
    """Score a few windows all over the image to first order from each layer, and exactly.

    The time that a window takes depends on the precision, which the map's levels have.
    """
    image = baseline_activations(classifier, pixels)
    costs = _costs_of(classifier, program, grid, precision)
    names = list(costs)[:-1]
    sources = [program.layers[name] for name in names]
    logits = program.output.value[0].cpu().double()
    windows = RemovedWindows(classifier, pixels)
    gradients: list[torch.Tensor] = []
    if sources:
        _, gradients = gradients_at(program, sources, [target], nested=True)
    before = log_odds_among(logits, target)
    changes: list[list[float]] = []
    places = grid.spread(_PLACES)
    for corner in places:
        yield Preparation("layers", len(changes), len(places))
        *states, last = image.changes(
            *windows.changed(corner, filler.fill(corner)[:, :1]), [*sources, program.output]
        )
        moved = logits if last is None else logits + last.delta[0].cpu().double()
        linear = [
            0.0 if state is None else -float(np.diff(along(state, gradient)[0])[0])
            for state, gradient in zip(states, gradients, strict=True)
        ]
        changes.append([*linear, log_odds_among(moved, target) - before])
    return pilot_from(names, np.array(changes), list(costs.values()))


def _costs_of(
    classifier: Classifier, program: Program, grid: WindowGrid, precision: Precision
) -> dict[str, float]:
    """Seconds for a window of the layers that are worth trying, in their order, and of all."""

    def counted() -> dict[str, float]:
        layers = {**dict(candidates(program, grid.window)), _WHOLE: program.output}
        return {
            name: _EACH + _best_seconds(program, grid.window, [one], _SPEEDS[precision])
            for name, one in layers.items()
        }

    key = (
        f"{classifier.name} {classifier.target or ''} {classifier.fingerprint}:"
        f" window {grid.window} of {grid.width}×{grid.height}, {precision}"
    )
    known = measured_once("layer costs", key, dict[str, float], counted)
    return known if known.keys() - {_WHOLE} <= program.layers.keys() else counted()


def candidates(program: Program, window: int) -> Iterator[tuple[str, Operation]]:
    """Joints of a network that differ in cost: of those that cost about the same, the last."""
    everything = _best_seconds(program, window, [program.output])
    waiting: tuple[str, Operation] | None = None
    since = 0.0
    for name, operation in joints(program).items():
        if isinstance(operation.value, list | tuple):
            continue
        seconds = _best_seconds(program, window, [operation])
        if seconds > everything / _APART:
            break
        if waiting is not None and seconds > _APART * since:
            yield waiting
            since = seconds
        waiting = (name, operation)
        since = since or seconds
    if waiting is not None:
        yield waiting


def _best_seconds(
    program: Program, window: int, wanted: list[Operation], speed: Speed = CPU
) -> float:
    along, _ = block_shape(program, window, (1, 1), 1, wanted)
    return seconds_of(program, window, along, wanted, speed)
