"""How infilled pictures are scored: by the whole network, by what changes, or to first order."""

import logging
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.allocator import keep_freed_memory
from pda_studio.pda.forward.base import Forward, SampleScores
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.incremental import IncrementalForward, NotTraceable
from pda_studio.pda.forward.linearised import LinearisedForward

_log = logging.getLogger(__name__)

ForwardName = Literal["full", "incremental", "linearised"]


def make_forward(
    name: ForwardName,
    classifier: Classifier,
    pixels: torch.Tensor,
    classes: NDArray[np.int64],
    target: int,
    window: int,
    batch: int | None = None,
) -> tuple[Forward, NDArray[np.int64]]:
    """Build a forward; returns it with the classes whose scores it keeps.

    A gradient a class would cost more than asking anew, so the linearised forward keeps the
    target alone.
    """
    keep_freed_memory()
    if name == "linearised":
        classes = np.array([target])
        return LinearisedForward(classifier, pixels, classes), classes
    if name == "incremental":
        try:
            return IncrementalForward(classifier, pixels, classes), classes
        except NotTraceable as reason:
            _log.warning(
                "%s cannot be followed operation by operation (%s); the full forward is used.",
                classifier.name,
                reason,
            )
    return FullForward(classifier, pixels, classes, batch), classes


__all__ = ["Forward", "ForwardName", "SampleScores", "make_forward"]
