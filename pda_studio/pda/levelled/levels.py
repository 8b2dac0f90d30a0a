"""Which levels of a network's scores make up its exact ones."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import NotTraceable, Operation, Program
from pda_studio.pda.forward import Forward, Wanted, make_forward, trial_of
from pda_studio.pda.forward.incremental import Precision, RemovedWindows, baseline_activations
from pda_studio.pda.forward.incremental.plan import seconds_of, windows_along
from pda_studio.pda.forward.layers import joints, log_odds_among
from pda_studio.pda.forward.linearised import LinearisedTail, along, gradients_at
from pda_studio.pda.forward.memory import measured_once
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.windows import WindowGrid

_PLACES = 8  # windows along each axis that a network is tried on
_APART = 1.3  # how many times dearer each layer is than the one before that is worth trying
_STEPS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0, 11.3, 16.0)
_LEFT = (0.0, 0.07, 0.10, 0.17, 0.23, 0.35, 0.45, 0.63, 0.77)
"""What share of a level's rms is left as error of the map, where every so many windows carry it;
the median over photographs (tests/benchmarks/levelled.py)."""
_EACH = 2e-5  # seconds of a window that no layer counts for: its infill, its place in a batch
_WORTH = 0.8  # of the exact map's time: what levels have to save


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


@dataclass(frozen=True)
class Pilot:
    """What a few windows say of a network's layers, in the order of the network.

    Attributes
    ----------
    layers : list of str
        Where it may be linear from.
    residuals : list of list of float
        (L + 1, L + 1): rms over the windows of what the log-odds linear from one layer (rows)
        leave, taken off by least squares, of those linear from another; the last is the whole
        network, which is exact.
    rms : list of float
        (L + 1): of their change itself.
    seconds : list of float
        (L + 1): estimate for a window.
    """

    layers: list[str]
    residuals: list[list[float]]
    rms: list[float]
    seconds: list[float]


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
    forward, _ = make_forward(
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
        return exact
    pilot = yield from _pilot_once(classifier, pixels, program, target, grid, mean_filler)
    precision: Precision = "bfloat16-delta" if "bfloat16" in forward.description else "float32"
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


def cheapest(pilot: Pilot, tolerance: float) -> list[str]:
    """The layers from which on scores are linear, of the cheapest levels that reach a tolerance.

    The error of a level's lattice is a share of what the level adds to the one below; the cost is
    that of its windows. All choices of at most two layers and of the lattices are compared.
    """
    last = len(pilot.layers)
    everything = pilot.seconds[last]
    best, least = [], np.inf
    chains = [[], *([one] for one in range(last))]
    chains += [[one, two] for one in range(last) for two in range(one + 1, last)]
    for chain in chains:
        seconds = _seconds(pilot, [*chain, last], tolerance)
        # A level more has to be worth its while: the estimate is rough.
        seconds *= 1.05 ** len(chain)
        if seconds < least:
            best, least = chain, seconds
    if least > _WORTH * everything:
        return []
    return [pilot.layers[one] for one in best]


def _seconds(pilot: Pilot, chain: list[int], tolerance: float) -> float:
    """Of a window of the whole map, with the best lattices of the levels."""
    adds = [pilot.rms[chain[0]]]
    adds += [pilot.residuals[below][above] for below, above in pairwise(chain)]
    whole = pilot.rms[-1]
    if not whole > 0:
        return np.inf
    best = np.inf
    steps = np.array(_STEPS)
    shares = 1 / steps**2
    # Of levels with independent errors the sum of squares counts; each tries all its lattices.
    errors = [np.square(np.array(_LEFT) * added / whole) for added in adds]
    costs = [shares * pilot.seconds[one] for one in chain]
    error, cost = errors[0], costs[0]
    for more, dearer in zip(errors[1:], costs[1:], strict=True):
        error = np.add.outer(error, more).ravel()
        cost = np.add.outer(cost, dearer).ravel()
    allowed = error <= tolerance**2
    if allowed.any():
        best = float(cost[allowed].min())
    return best


def _pilot_once(
    classifier: Classifier,
    pixels: torch.Tensor,
    program: Program,
    target: int,
    grid: WindowGrid,
    filler: Filler,
) -> Generator[Preparation, None, Pilot]:
    key = (
        f"{classifier.name} {classifier.target or ''} {classifier.fingerprint}"
        f" on {classifier.device.type}: window {grid.window} of {grid.width}×{grid.height}"
    )
    yield Preparation("layers", 0, 1)
    known = measured_once(
        "pilot", key, Pilot, lambda: pilot_of(classifier, pixels, program, target, grid, filler)
    )
    if all(layer in program.layers for layer in known.layers):
        return known
    return pilot_of(classifier, pixels, program, target, grid, filler)


def pilot_of(
    classifier: Classifier,
    pixels: torch.Tensor,
    program: Program,
    target: int,
    grid: WindowGrid,
    filler: Filler,
) -> Pilot:
    """Score a few windows all over the image to first order from each layer, and exactly."""
    image = baseline_activations(classifier, pixels)
    layers = dict(candidates(program, grid.window))
    names, sources = list(layers), list(layers.values())
    logits = program.output.value[0].cpu().double()
    windows = RemovedWindows(classifier, pixels)
    gradients: list[torch.Tensor] = []
    if sources:
        _, gradients = gradients_at(program, sources, [target], nested=True)
    before = log_odds_among(logits, target)
    changes = []
    for corner in _places(grid):
        *states, last = image.changes(
            *windows.changed(corner, filler.fill(corner)[:, :1]), [*sources, program.output]
        )
        moved = logits if last is None else logits + last.delta[0].cpu().double()
        linear = [
            0.0 if state is None else -float(np.diff(along(state, gradient)[0])[0])
            for state, gradient in zip(states, gradients, strict=True)
        ]
        changes.append([*linear, log_odds_among(moved, target) - before])
    values = np.array(changes)
    together = values.T @ values / len(values)
    squares = together.diagonal()
    explained = np.square(together) / np.maximum(squares[:, None], np.finfo(np.float64).tiny)
    left = np.sqrt(np.maximum(squares - explained, 0))
    seconds = [
        _EACH + _best_seconds(program, grid.window, [one]) for one in (*sources, program.output)
    ]
    return Pilot(names, left.tolist(), np.sqrt(squares).tolist(), seconds)


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


def _best_seconds(program: Program, window: int, wanted: list[Operation]) -> float:
    return seconds_of(program, window, windows_along(program, window, 1, 1, wanted), wanted)


def _places(grid: WindowGrid) -> Iterator[NDArray[np.int64]]:
    rows, columns = (
        at[np.unique(np.linspace(0, len(at) - 1, _PLACES).round().astype(int))]
        for at in (grid.rows, grid.columns)
    )
    for row in rows:
        for column in columns:
            yield np.array([[row, column]])
