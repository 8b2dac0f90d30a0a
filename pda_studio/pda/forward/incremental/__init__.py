"""Exact scoring of infilled windows that recomputes only what a window can have changed.

A k×k window changes a small rectangle of the first layers' maps. The maps of the unmodified image
are kept, and the *change* δ alone is carried from layer to layer, in rectangles that grow until
they fill a map: a convolution acts on δ without its bias, relu gives relu(z + δ) − relu(z), and so
on. Nothing is left out, and nothing is a difference of large numbers.

Neighbouring windows are computed together, on the rectangle that holds what any of them changes:
deeper in the network it is hardly larger than for one of them.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import Operation
from pda_studio.pda.forward.base import SampleScores, sample_scores
from pda_studio.pda.forward.incremental.baseline import (
    BaselineActivations,
    baseline_activations,
    forget,
)
from pda_studio.pda.forward.incremental.plan import (
    blocks,
    product_blocks,
    speed_of,
)
from pda_studio.pda.patches import windows_of
from pda_studio.pda.windows import WindowGrid

Precision = Literal["float32", "bfloat16-delta"]
DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16-delta": torch.bfloat16,
}


class IncrementalForward:
    """Scores infilled images exactly, by what their windows change.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.
    precision : {"float32", "bfloat16-delta"}
        Of the differences; what is kept of the unmodified image is float32.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network.
    """

    linearised = False
    images_at_once = 64

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: NDArray[np.int64],
        precision: Precision = "float32",
    ) -> None:
        self.description = f"incremental, {precision}"
        self.note = ""
        self._windows = RemovedWindows(classifier, pixels)
        self._baseline = baseline_activations(classifier, pixels)
        self._classes = classes
        self._dtype = DTYPES[precision]
        self._logits = self._baseline.program.output.value.cpu().double().numpy()
        self.original = sample_scores(self._logits, classes, samples=1)

    def batches(
        self,
        grid: WindowGrid,
        samples: int,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into blocks of neighbouring windows, coarse to fine."""
        return neighbours(self._baseline, grid, samples, (), rows, columns)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2), best near one another, with infills (n, S, C, k, k)."""
        logits = self._logits + self.change(corners, infills)
        return sample_scores(logits, self._classes, infills.shape[1])

    def forget(self) -> None:
        """Free what only this precision needs; it is made again at the next call."""
        self._baseline.forget(self._dtype)

    def change(self, corners: NDArray[np.int64], infills: torch.Tensor) -> NDArray[np.float64]:
        """Change of all logits (n·S, K)."""
        (change,) = self._baseline.changes(
            *self._windows.changed(corners, infills), [self._baseline.program.output], self._dtype
        )
        if change is None:  # the windows are not seen by the unit that is asked about
            return np.zeros((infills.shape[0] * infills.shape[1], self._logits.shape[1]))
        result: NDArray[np.float64] = change.delta.cpu().double().numpy()
        return result


class RemovedWindows:
    """Turns infills into changes of the image as the network takes it.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    """

    def __init__(self, classifier: Classifier, pixels: torch.Tensor) -> None:
        self._pixels = pixels
        self._scale = classifier.preprocessing.scale
        self._device = classifier.device

    def changed(
        self, corners: NDArray[np.int64], infills: torch.Tensor
    ) -> tuple[NDArray[np.int64], torch.Tensor]:
        """Corners (n·S, 2) and changes (n·S, C, k, k), from (n, 2) and (n, S, C, k, k)."""
        samples = infills.shape[1]
        removed = windows_of(self._pixels, corners, *infills.shape[-2:])[:, None]
        delta = self._scale(infills - removed).flatten(0, 1).to(self._device)
        return np.repeat(corners, samples, axis=0), delta


def neighbours(
    image: BaselineActivations,
    grid: WindowGrid,
    samples: int,
    wanted: Sequence[Operation] = (),
    rows: NDArray[np.int64] | None = None,
    columns: NDArray[np.int64] | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Cut a grid into blocks of neighbouring windows of the best size, coarse to fine.

    The best size for computing the changes of the wanted operations, else of the logits. If rows
    and columns are named, only the windows that lie on both, and no single windows first.
    """
    if rows is None or columns is None:
        strides = (grid.stride, grid.stride)
        along, _ = image.block_shape(grid.window, strides, samples, wanted)
        return blocks(grid, along, alone=speed_of(image.program).alone)
    apart = _apart(grid.rows[rows]), _apart(grid.columns[columns])
    shape = image.block_shape(grid.window, apart, samples, wanted)
    return product_blocks(grid, rows, columns, shape)


def _apart(places: NDArray[np.int64]) -> int:
    """The usual distance of neighbours."""
    return int(np.median(np.diff(places))) if len(places) > 1 else 1


__all__ = [
    "IncrementalForward",
    "Precision",
    "RemovedWindows",
    "baseline_activations",
    "forget",
    "neighbours",
]
