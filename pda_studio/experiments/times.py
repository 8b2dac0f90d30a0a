"""Where the time of prediction difference analysis goes: infills, and forward passes.

Zhou & Kainz, Efficient image evidence analysis, Table 1 and Fig. 12. What a map takes is told from
what some of its windows and one batch take; covariances are computed once for all images, and are
not counted, as in the paper.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pda_studio.attribution.prediction_difference import ready_infill_of
from pda_studio.classifiers import Classifier
from pda_studio.experiments.machine import kept_here
from pda_studio.methods import method_named
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.windows import WindowGrid

METHODS = ("original-pda", "efficient-pda")
_WINDOWS = 256  # from all over the image, of which the infills are timed
_ROUNDS = 3


@dataclass(frozen=True)
class MapTime:
    """How long a map takes, for one batch size.

    Attributes
    ----------
    method : str
        Its name for people.
    batch : int
        Images of a forward pass.
    batch_seconds : float or None
        How long one takes; None where it does not fit into memory.
    passes : int
        How many images of infills a map takes.
    infill_seconds : float
        For the infills of all windows.
    """

    method: str
    batch: int
    batch_seconds: float | None
    passes: int
    infill_seconds: float

    @property
    def forward_seconds(self) -> float | None:
        """For all forward passes."""
        if self.batch_seconds is None:
            return None
        return self.batch_seconds * self.passes / self.batch

    @property
    def seconds(self) -> float | None:
        """For the whole map."""
        return None if self.forward_seconds is None else self.infill_seconds + self.forward_seconds


@dataclass(frozen=True)
class Times:
    """What was measured of a classifier so far.

    Attributes
    ----------
    classifier : str
        Its name.
    windows : int
        How many windows its input has.
    maps : tuple of MapTime
        For each batch size, of both methods.
    """

    classifier: str
    windows: int
    maps: tuple[MapTime, ...] = ()


@dataclass(frozen=True)
class TimeStep:
    """How far the measurement has come.

    Attributes
    ----------
    done, total : int
        Images that went through the network.
    doing : str
        What was measured last.
    times : Times
        What is known.
    seconds_left : float or None
        How long the rest takes; None as long as that is not known.
    """

    done: int
    total: int
    doing: str
    times: Times
    seconds_left: float | None = None


def batch_sizes(largest: int) -> list[int]:
    """The largest batch, and smaller ones, each a quarter of the next."""
    found = [largest]
    while found[0] > 1 and len(found) < 4:
        found.insert(0, max(1, found[0] // 4))
    return found


def times_of(
    classifier: Classifier, *, window: int, stride: int, samples: int, batches: Sequence[int]
) -> Iterator[TimeStep]:
    """Time the infills and the forward passes of original and efficient PDA.

    What was timed before a stop is found again, until `forget_times`.

    Parameters
    ----------
    classifier : Classifier
        The network.
    window, stride : int
        In pixels; a window of 0 suits the classifier.
    samples : int
        S of the original.
    batches : sequence of int
        From the smallest to the largest.

    Raises
    ------
    UsageError
        If the windows do not fit.
    """
    sizes = {"window": window} if window else {}
    made = [
        method_named(name).create(classifier, **sizes, stride=stride, samples=samples)
        for name in METHODS
    ]
    methods = [one for one in made if isinstance(one, PredictionDifference)]
    height, width = classifier.input_size
    grid = WindowGrid(height, width, methods[0].window, stride)
    times = Times(classifier.name, len(grid))
    total = (_ROUNDS + 1) * sum(batches)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels = classifier.preprocessing.pixels(noise)
    timed = _Timed(classifier, [window, stride, samples, *batches])
    each: list[float] = []
    for method in methods:
        yield TimeStep(0, total, f"infills of {method.title}", times)
        infill = partial(_infill_seconds, method, classifier, pixels, grid)
        each.append(timed.once(method.name, infill) or 0.0)
    done, rate = 0, None
    for batch in batches:
        left = None if rate is None else rate * (total - done)
        yield TimeStep(done, total, f"a batch of {batch}", times, left)
        seconds = timed.once(batch, partial(_batch_seconds, classifier, pixels, batch))
        done += (_ROUNDS + 1) * batch
        rate = seconds / batch if seconds is not None else rate
        found = [
            MapTime(
                method.title,
                batch,
                seconds,
                len(grid) * (samples if place == 0 else 1),
                each[place] * len(grid),
            )
            for place, method in enumerate(methods)
        ]
        times = replace(times, maps=(*times.maps, *found))
        left = None if rate is None else rate * (total - done)
        yield TimeStep(done, total, f"a batch of {batch}", times, left)


def forget_times(
    classifier: Classifier, *, window: int, stride: int, samples: int, batches: Sequence[int]
) -> None:
    """Let `times_of` time everything anew: whoever asks again once all is known wants that."""
    timed = _Timed(classifier, [window, stride, samples, *batches])
    parts: list[int | str] = [*METHODS, *batches]
    for part in parts:
        timed.forget(part)


class _Timed:
    """What was timed of a classifier on this machine before a stop.

    Parameters
    ----------
    classifier : Classifier
        The network.
    values : list
        On what else the whole measurement depends.
    """

    def __init__(self, classifier: Classifier, values: list[Any]) -> None:
        self._kept = kept_here("time", classifier, values)

    def once(self, part: int | str, work: Callable[[], float | None]) -> float | None:
        """The seconds of a part: found, or timed now and kept; None where it cannot be timed."""
        found = self._kept.find(None, timed=part)
        if found is not None:
            seconds = found["seconds"].item()
            return None if np.isnan(seconds) else seconds
        told = work()
        self._kept.keep(None, {"seconds": np.array(np.nan if told is None else told)}, timed=part)
        return told

    def forget(self, part: int | str) -> None:
        """Let a part be timed anew."""
        self._kept.forget(None, timed=part)


def _infill_seconds(
    method: PredictionDifference, classifier: Classifier, pixels: torch.Tensor, grid: WindowGrid
) -> float:
    """Seconds for the infills of one window, once the covariances are known."""
    ready = ready_infill_of(method, classifier)
    filler = ready.filler(pixels.cpu(), (method.window, method.window))
    places = np.linspace(0, len(grid) - 1, min(_WINDOWS, len(grid))).astype(int)
    corners = grid.corners[places]
    filler.fill(corners)
    return median(_timed(lambda: filler.fill(corners)) for _ in range(_ROUNDS)) / len(corners)


def _batch_seconds(classifier: Classifier, pixels: torch.Tensor, batch: int) -> float | None:
    """Seconds of a forward pass; None where the batch does not fit into memory."""
    try:
        with torch.inference_mode():
            prepared = classifier.prepare(pixels[None].expand(batch, -1, -1, -1).contiguous())

            def forward() -> None:
                classifier.logits(prepared).cpu()

            forward()
            return median(_timed(forward) for _ in range(_ROUNDS))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error):
            return None
        raise


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began
