"""How infilled images are scored: by the whole network, by what changes, or to first order."""

import logging
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import NotTraceable
from pda_studio.pda.allocator import keep_freed_memory
from pda_studio.pda.forward.base import Forward, SampleScores
from pda_studio.pda.forward.choice import Trial, has_bfloat16, precision_for, speeds, trial_of
from pda_studio.pda.forward.devices import SharedForward, replicas
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.incremental import IncrementalForward, baseline_activations
from pda_studio.pda.forward.incremental import Precision as IncrementalPrecision
from pda_studio.pda.forward.layers import earliest_layer
from pda_studio.pda.forward.linearised import LinearisedInput, LinearisedTail
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.options import AUTO, INPUT, ForwardName, Precision
from pda_studio.pda.windows import WindowGrid

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """How infilled images are to be scored, as a user says it.

    Attributes
    ----------
    forward : {"auto", "full", "incremental", "linearised"}
        By the whole network, by what a window changes, or to first order; auto takes the faster
        of the first two. A levelled map is made of several of these.
    precision : {"auto", "float32", "bfloat16-delta"}
        Of what a window changes; auto takes bfloat16 where it is faster and exact enough.
    layer : str
        From where on a linearised forward is linear: a layer's name, "input", or "auto".
    batch : int, optional
        Images per forward pass of the full forward.
    """

    forward: ForwardName = "auto"
    precision: Precision = "auto"
    layer: str = AUTO
    batch: int | None = None

    @property
    def needs_trial(self) -> bool:
        """Whether precisions may have to be compared on a few infilled windows."""
        return self.precision == "auto" and self.forward in ("auto", "incremental")


def make_forward(
    wanted: Wanted,
    classifier: Classifier,
    pixels: torch.Tensor,
    classes: NDArray[np.int64],
    target: int,
    grid: WindowGrid,
    samples: int,
    trial: Trial | None = None,
) -> Generator[Preparation, None, tuple[Forward, NDArray[np.int64]]]:
    """Build a forward for windows with S samples; returns it with the classes that it scores.

    Where `wanted.needs_trial`, `trial_of` fills a few windows beforehand, on which precisions are
    compared; without a trial, float32 is taken.

    A gradient a class would cost more than asking anew, so the linearised forward keeps the
    target alone.
    """
    keep_freed_memory()
    if wanted.forward == "linearised":
        classes = np.array([target])
    everywhere = replicas(classifier)
    forwards = []
    for one in everywhere:
        forward = yield from _forward(wanted, one, pixels, classes, target, grid, samples, trial)
        forwards.append(forward)
    return (forwards[0] if len(forwards) == 1 else SharedForward(forwards)), classes


def _forward(
    wanted: Wanted,
    classifier: Classifier,
    pixels: torch.Tensor,
    classes: NDArray[np.int64],
    target: int,
    grid: WindowGrid,
    samples: int,
    trial: Trial | None = None,
) -> Generator[Preparation, None, Forward]:
    if wanted.forward == "linearised" and wanted.layer == INPUT:
        return LinearisedInput(classifier, pixels, classes)
    try:
        if wanted.forward == "linearised":
            layer = wanted.layer
            if layer == AUTO:
                layer = earliest_layer(classifier, pixels)
            quick: IncrementalPrecision = (
                "bfloat16-delta" if has_bfloat16(classifier) else "float32"
            )
            precision = quick if wanted.precision == "auto" else wanted.precision
            return LinearisedTail(classifier, pixels, classes, layer, precision)
        if wanted.forward != "full":
            fastest = yield from _precision(wanted, classifier, pixels, grid, samples, trial)
            if fastest is not None:
                return IncrementalForward(classifier, pixels, classes, fastest)
    except NotTraceable as reason:
        note = f"{classifier.name} cannot be followed operation by operation: {reason}"
        _log.warning("%s; the full forward is used.", note)
        return FullForward(classifier, pixels, classes, wanted.batch, note)
    return FullForward(classifier, pixels, classes, wanted.batch)


def _precision(
    wanted: Wanted,
    classifier: Classifier,
    pixels: torch.Tensor,
    grid: WindowGrid,
    samples: int,
    trial: Trial | None = None,
) -> Generator[Preparation, None, IncrementalPrecision | None]:
    """The precision of an incremental forward; None where the full one is faster."""
    baseline_activations(classifier, pixels)  # a network that cannot be followed is told of at once
    if wanted.forward == "incremental" and wanted.precision != "auto":
        return wanted.precision
    taken = speeds(classifier, pixels, grid, samples)
    precision: IncrementalPrecision = "float32"
    if wanted.precision != "auto":
        precision = wanted.precision
    elif trial is not None and taken.bfloat16_pays:
        precision, _ = yield from precision_for(classifier, pixels, trial)
    seconds = taken.float32 if precision == "float32" else taken.bfloat16
    return None if wanted.forward == "auto" and taken.full < seconds else precision


__all__ = ["Forward", "SampleScores", "Trial", "Wanted", "make_forward", "trial_of"]
