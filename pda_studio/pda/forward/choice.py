"""Which forward is fastest here, and whether bfloat16 differences are exact enough for an image.

The first question depends on the network and the device: it is answered by a short probe, whose
answer is remembered from one start to the next. The second depends on the image: it is answered
on the image itself, every time.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.incremental import IncrementalForward, Precision
from pda_studio.pda.forward.memory import measured_once
from pda_studio.pda.forward.processor import processor_of
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.windows import WindowGrid

LARGEST_ERROR = 0.018
"""Of bfloat16 differences, rms over the rms change: what a map may lose is 0.02."""
_PLAIN_BATCH = {"cpu": 4, "cuda": 128}  # images a pass: near the fastest
_SMALL_BATCH = 4  # where there is no room for that many, and on other devices
_TRIALS = 2
_WORTH = 0.8  # of float32's time: what bfloat16 must save to be worth any error
_CHECKED = 5  # windows along each axis on which bfloat16 differences are compared


@dataclass(frozen=True)
class Speeds:
    """Seconds for an image."""

    full: float
    float32: float
    bfloat16: float

    @property
    def bfloat16_pays(self) -> bool:
        """Whether bfloat16 differences save more than what one measurement differs from another."""
        return self.bfloat16 < _WORTH * min(self.float32, self.full)


@dataclass(frozen=True)
class Multiplying:
    """Seconds for a convolution."""

    float32: float
    bfloat16: float


def speeds(classifier: Classifier, pixels: torch.Tensor, grid: WindowGrid, samples: int) -> Speeds:
    """How long each forward takes for an image: remembered, or measured on a few.

    Raises
    ------
    NotTraceable
        If the network can only be run as a whole.
    """
    key = (
        f"{classifier.name} {classifier.target or ''} {classifier.input_size}"
        f" on {processor_of(classifier.device)}, {torch.get_num_threads()} threads,"
        f" torch {torch.__version__}: window {grid.window}, stride {grid.stride},"
        f" {samples} infills"
    )
    return measured_once(
        "speeds", key, Speeds, lambda: _measured(classifier, pixels, grid, samples)
    )


@dataclass(frozen=True)
class Trial:
    """One infill for each of a few windows from all over an image, to try a precision on.

    Attributes
    ----------
    corners : list of (1, 2) int
        Where the windows lie.
    infills : list of (1, 1, C, k, k) float32
        Their infills.
    """

    corners: list[NDArray[np.int64]]
    infills: list[torch.Tensor]


def trial_of(grid: WindowGrid, filler: Filler) -> Generator[Preparation, None, Trial]:
    """Fill a few windows from all over the image; covariances may have to be computed first."""
    corners = grid.spread(_CHECKED)
    infills: list[torch.Tensor] = []
    for corner in corners:
        infill = yield from filler.fill_in_steps(corner)
        infills.append(infill[:, :1])
        yield Preparation("infills", len(infills), len(corners))
    return Trial(corners, infills)


def precision_for(
    classifier: Classifier, pixels: torch.Tensor, trial: Trial
) -> Generator[Preparation, None, tuple[Precision, float]]:
    """bfloat16 differences where they are exact enough for this image, with their error.

    The rms error of all logits over the rms of their change, on windows from all over the image.
    """
    changes: list[list[NDArray[np.float64]]] = []
    precisions: tuple[Precision, ...] = ("float32", "bfloat16-delta")
    for precision in precisions:
        forward = IncrementalForward(classifier, pixels, np.arange(1), precision)
        changes.append([])
        for one in zip(trial.corners, trial.infills, strict=True):
            changes[-1].append(forward.change(*one))
            yield Preparation("precisions", len(changes) - 1, len(precisions))
        if precision == "float32":
            forward.forget()  # of large networks there is no room for both
    wanted, got = np.array(changes)
    change = np.square(wanted).mean()
    share = float(np.sqrt(np.square(got - wanted).mean() / change)) if change > 0 else 0.0
    return ("bfloat16-delta" if share <= LARGEST_ERROR else "float32"), share


def has_bfloat16(classifier: Classifier) -> bool:
    """Whether the device multiplies bfloat16 faster than float32: remembered, or tried once."""
    device = classifier.device
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    if device.type != "cpu" or not supported():
        return False
    key = f"{processor_of(device)}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    taken = measured_once("multiplying", key, Multiplying, _multiplied)
    return taken.bfloat16 < _WORTH * taken.float32


def _multiplied() -> Multiplying:
    """How long a convolution of a usual size takes in either precision."""
    taken = []
    for kind in (torch.float32, torch.bfloat16):
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay
            layer = torch.nn.Conv2d(64, 64, 3, bias=False).to(kind)
            image = torch.rand(8, 64, 28, 28).to(kind)
        layer = layer.to(memory_format=torch.channels_last)
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            taken.append(_seconds(lambda: layer(image)))  # noqa: B023
    return Multiplying(*taken)


def _measured(
    classifier: Classifier, pixels: torch.Tensor, grid: WindowGrid, samples: int
) -> Speeds:
    classes = np.arange(1)
    taken = []
    precisions: tuple[Precision, ...] = ("float32", "bfloat16-delta")
    for precision in precisions:
        forward = IncrementalForward(classifier, pixels, classes, precision)
        corners = grid.corners[max(forward.batches(grid, samples), key=len)]
        shape = len(corners), samples, *pixels.shape[:1], grid.window, grid.window
        infills = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        seconds = _seconds(lambda: forward.change(corners, infills))  # noqa: B023
        taken.append(seconds / (len(corners) * samples))
        forward.forget()
    return Speeds(full=_plain(classifier, pixels), float32=taken[0], bfloat16=taken[1])


def _plain(classifier: Classifier, pixels: torch.Tensor) -> float:
    """Seconds for an image of a batch that goes through the whole network."""

    def seconds(count: int) -> float:
        batch = classifier.prepare(pixels[None]).repeat(count, 1, 1, 1)
        batch = batch.contiguous(memory_format=torch.channels_last)
        return _seconds(lambda: classifier.logits(batch).cpu()) / count

    try:
        return seconds(_PLAIN_BATCH.get(classifier.device.type, _SMALL_BATCH))
    except (torch.OutOfMemoryError, MemoryError):
        return seconds(_SMALL_BATCH)


def _seconds(work: Callable[[], object]) -> float:
    """The median time of a few runs; the first pays for set-up and does not count."""
    taken = []
    for _ in range(1 + _TRIALS):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return median(taken[1:])
