"""How fast the forwards score windows, measured side by side.

All forwards score the same windows, taking turns: in every round each works for a moment on the
same order of blocks from all over the image, and the median over the rounds counts. Before, each
has had a round that doesn't count: the first use of a shape costs set-up, which a whole map, with
thousands of blocks of few shapes, spreads over its minutes.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from statistics import median

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import NotTraceable
from pda_studio.experiments.accuracy import Reference
from pda_studio.experiments.forwards import (
    Benchmark,
    CaptumForward,
    Corners,
    OwnForward,
    TimedForward,
)
from pda_studio.experiments.memory import peak_memory
from pda_studio.experiments.refined import TOLERANCES, Refined, refined
from pda_studio.pda.allocator import keep_freed_memory, return_freed_memory
from pda_studio.pda.forward.choice import has_bfloat16
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.incremental import (
    IncrementalForward,
    Precision,
    baseline_activations,
    forget,
    neighbours,
)
from pda_studio.pda.forward.incremental.plan import blocks
from pda_studio.pda.forward.layers import earliest_layer
from pda_studio.pda.forward.linearised import LinearisedTail
from pda_studio.results import KEPT_CLASSES

FULL, LINEARISED, CAPTUM = "full", "linearised", "captum-occlusion"
INCREMENTAL: dict[str, Precision] = {
    "incremental-float32": "float32",
    "incremental-bfloat16-delta": "bfloat16-delta",
}
LEVELLED = {f"levelled-{round(100 * tolerance)}": tolerance for tolerance in TOLERANCES}
FORWARDS = (FULL, *INCREMENTAL, LINEARISED, *LEVELLED, CAPTUM)

BATCHES = (2, 4, 8, 16, 32, 64)
ROUNDS = 5
SECONDS = 0.6  # a forward works in each round, or one batch if that takes longer
_TRIAL = 0.3  # seconds for which a batch size is tried
_LONG = 1.5  # seconds: beside such a batch, the set-up of the first one is small
_FINALISTS = 2  # batch sizes that take part in the rounds: one trial alone could be bad luck
_PLACES, _CHECKED = 16, 4  # where the forwards' answers are compared, and how many windows there
_BLOCK = 4  # windows along a block of a network that no block size is known to suit


@dataclass(frozen=True)
class Row:
    """What was measured of one forward.

    Attributes
    ----------
    name : str
        One of `FORWARDS`.
    setting : str
        The batch size that was fastest, or the layer from which on it is linear.
    windows_per_second : float or None
        The median of the rounds; None where the forward cannot be used.
    rounds : tuple of float
        Windows a second of each round.
    ratio : float or None
        Against the full forward.
    error : float or None
        Rms error of all logits over the rms of their change, against the full forward; of a
        levelled map, its rms error over the rms evidence, against the exact map.
    rank_correlation : float or None
        Instead of it, for what is linearised: Spearman's correlation of the windows' log-odds
        with the full forward's.
    map_seconds : float or None
        For all windows at that rate: extrapolated.
    peak_memory : float or None
        Megabytes on top of what was in use before it was set up; None where the system does not
        tell.
    reason : str
        Why the forward cannot be used.
    """

    name: str
    setting: str = ""
    windows_per_second: float | None = None
    rounds: tuple[float, ...] = ()
    ratio: float | None = None
    error: float | None = None
    rank_correlation: float | None = None
    map_seconds: float | None = None
    peak_memory: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a comparison has come.

    Attributes
    ----------
    done, total : int
        Measurements.
    doing : str
        What was measured last.
    rows : tuple of Row
        Of all `FORWARDS`, in the last step; before, none.
    """

    done: int
    total: int
    doing: str
    rows: tuple[Row, ...] = ()


class _Order:
    """The order in which the windows are scored, another in each round, the same for all forwards.

    Parameters
    ----------
    cut : sequence of (n, 2) int
        Corners of all windows, a block of neighbours each, coarse to fine.
    """

    def __init__(self, cut: Sequence[Corners]) -> None:
        self._blocks = cut

    def of_round(self, number: int) -> Iterator[Corners]:
        """All blocks, mixed, again and again."""
        mixed = np.random.default_rng(number).permutation(len(self._blocks))
        return cycle(self._blocks[index] for index in mixed)

    def some(self) -> list[Corners]:
        """Some windows of some large blocks from all over the image."""
        largest = max(map(len, self._blocks))
        large = [block for block in self._blocks if 2 * len(block) > largest]
        return [block[:: -(-len(block) // _CHECKED)] for block in large[:_PLACES]]


@dataclass
class _Candidate:
    """A forward with one setting, and what is measured of it."""

    name: str
    setting: str
    make: Callable[[], TimedForward]
    timed: TimedForward | None = None
    peak_memory: float | None = None
    rates: list[float] = field(default_factory=list)

    def set_up(self, order: _Order, seconds: float) -> None:
        """Make the forward, and let it warm up."""
        self.timed = self.make()
        self.timed.rate(order.of_round(0), seconds)

    def take_turn(self, order: _Order, number: int, seconds: float) -> None:
        """Workspace for one round."""
        assert self.timed is not None, "it was set up before"
        self.rates.append(self.timed.rate(order.of_round(number), seconds))


def compare(
    classifier: Classifier,
    window: int = 10,
    stride: int = 1,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
) -> Generator[Progress, None, None]:
    """Measure how fast all forwards score an image's windows.

    Parameters
    ----------
    classifier : Classifier
        The network; its image is noise, and its windows are filled with grey.
    window, stride : int
        Of the windows, in pixels.
    rounds : int
        In how many each forward takes a turn.
    seconds : float
        How long a turn is.

    Yields
    ------
    Progress
        After each measurement; the last holds the rows.

    Raises
    ------
    UsageError
        If the windows do not fit the network's input.
    """
    keep_freed_memory()  # for all forwards, as it makes them all faster
    benchmark = Benchmark.of(classifier, window, stride)
    try:
        yield from _measure(benchmark, rounds, seconds)
    finally:
        forget()
        return_freed_memory()


def _measure(benchmark: Benchmark, rounds: int, seconds: float) -> Iterator[Progress]:
    followed, order, reason = _followed(benchmark)
    forget()  # so that each forward takes memory of its own
    batched: dict[str, Callable[[int], TimedForward]] = {
        FULL: partial(_full, benchmark),
        CAPTUM: partial(CaptumForward, benchmark),
    }
    total = len(batched) * len(BATCHES) + 1
    total += (len(batched) * _FINALISTS + len(followed)) * (1 + rounds)
    total += (len(LEVELLED) + 1) * (not reason)
    steps = count(1)

    candidates = followed
    for name, make in batched.items():
        trials = {}
        for size in BATCHES:
            trials[size] = _tried(make(size), order, size)
            yield Progress(next(steps), total, f"{name}, batch {size}")
        for size in sorted(trials, key=lambda size: -trials[size])[:_FINALISTS]:
            candidates.append(_Candidate(name, f"batch {size}", partial(make, size)))
    for candidate in candidates:
        forget()
        work = partial(candidate.set_up, order, seconds)
        candidate.peak_memory = peak_memory(work, benchmark.classifier.device)
        yield Progress(next(steps), total, f"{candidate.name}, warming up")
    for number in range(1, rounds + 1):
        turns = np.random.default_rng(number).permutation(len(candidates))  # nobody is always last
        for index in turns:
            candidates[index].take_turn(order, number, seconds)
            yield Progress(next(steps), total, f"round {number} of {rounds}")
    forget()
    levelled: list[Refined] = []
    if not reason:
        for made in refined(benchmark.classifier, benchmark.grid.window, benchmark.grid.stride):
            if isinstance(made, str):
                yield Progress(next(steps), total, made)
            else:
                levelled = made
    rows = _rows(benchmark, candidates, order, reason, levelled)
    yield Progress(total, total, "accuracy", rows)


def _full(benchmark: Benchmark, batch: int) -> OwnForward:
    classes = np.arange(min(KEPT_CLASSES, len(benchmark.classifier.class_names)))
    return OwnForward(
        FullForward(benchmark.classifier, benchmark.pixels, classes, batch), benchmark, batch
    )


def _followed(benchmark: Benchmark) -> tuple[list[_Candidate], _Order, str]:
    """The forwards that follow the network operation by operation, or why there are none."""
    classifier, pixels, grid = benchmark.classifier, benchmark.pixels, benchmark.grid
    classes = np.arange(min(KEPT_CLASSES, len(classifier.class_names)))
    try:
        cut = neighbours(baseline_activations(classifier, pixels), grid, 1)
        layer = earliest_layer(classifier, pixels, remember=False)  # noise is no one's image
    except NotTraceable as error:
        order = _Order([grid.corners[block] for block in blocks(grid, _BLOCK)])
        return [], order, f"its operations cannot be followed: {error}"

    def incremental(precision: Precision) -> TimedForward:
        return OwnForward(IncrementalForward(classifier, pixels, classes, precision), benchmark)

    def linearised() -> TimedForward:
        precision: Precision = "bfloat16-delta" if has_bfloat16(classifier) else "float32"
        tail = LinearisedTail(classifier, pixels, [benchmark.target], layer, precision)
        return OwnForward(tail, benchmark)

    candidates = [
        _Candidate(name, "", partial(incremental, precision))
        for name, precision in INCREMENTAL.items()
    ]
    candidates.append(_Candidate(LINEARISED, f"from {layer}", linearised))
    return candidates, _Order([grid.corners[block] for block in cut]), ""


def _tried(timed: TimedForward, order: _Order, batch: int) -> float:
    """Windows a second; the first batch does not count, unless it takes so long already."""
    first = timed.rate(order.of_round(0), 0)
    return first if batch / first > _LONG else timed.rate(order.of_round(0), _TRIAL)


def _rows(
    benchmark: Benchmark,
    candidates: Sequence[_Candidate],
    order: _Order,
    reason: str,
    levelled: Sequence[Refined],
) -> tuple[Row, ...]:
    """The best candidate of each forward, and the levelled maps."""
    best: dict[str, _Candidate] = {}
    for candidate in sorted(candidates, key=lambda candidate: median(candidate.rates)):
        best[candidate.name] = candidate
    full = median(best[FULL].rates)
    reference = None if reason else Reference(benchmark, order.some())
    rows = []
    by_tolerance = {made.tolerance: made for made in levelled}
    for name in FORWARDS:
        if made := by_tolerance.get(LEVELLED.get(name, -1.0)):
            rows.append(_levelled(name, made, full))
            continue
        if name not in best:
            rows.append(Row(name, reason=reason))
            continue
        candidate = best[name]
        rate = median(candidate.rates)
        error = rank_correlation = None
        forward = candidate.timed.forward if isinstance(candidate.timed, OwnForward) else None
        if reference and isinstance(forward, IncrementalForward):
            error = reference.error(forward)
        if reference and isinstance(forward, LinearisedTail):
            rank_correlation = reference.rank_correlation(forward)
        rows.append(
            Row(
                name,
                setting=candidate.setting,
                windows_per_second=rate,
                rounds=tuple(candidate.rates),
                ratio=rate / full,
                error=error,
                rank_correlation=rank_correlation,
                map_seconds=len(benchmark.grid) / rate,
                peak_memory=candidate.peak_memory,
            )
        )
    return tuple(rows)


def _levelled(name: str, made: Refined, full: float) -> Row:
    rate = made.windows / made.seconds
    return Row(
        name,
        windows_per_second=rate,
        ratio=rate / full,
        error=made.error,
        map_seconds=made.seconds,
    )
