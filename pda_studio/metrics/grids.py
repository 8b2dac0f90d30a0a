"""Grids of images, in which it is known where evidence for a class can be.

Rao, Böhle & Schiele, Towards better understanding attribution methods, CVPR 2022: GridPG puts
images of different classes into a grid; in DiFull each classification head sees its own cell alone.
Here a head gets the grid with all other cells at the mean colour, so that also methods that look at
layers have a map of the whole grid.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers import Classifier
from pda_studio.errors import PdaStudioError
from pda_studio.images import View
from pda_studio.results import Subject


class SeesOneCell(nn.Module):
    """Sets a prepared image (N, C, H, W) to the mean colour, 0, everywhere but in one cell.

    Parameters
    ----------
    cell : (H, W) bool
        The pixels of the cell.
    """

    shown: torch.Tensor

    def __init__(self, cell: NDArray[np.bool_]) -> None:
        super().__init__()
        self.register_buffer("shown", torch.from_numpy(cell.astype(np.float32))[None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What is left: (N, C, H, W)."""
        return x * self.shown


def grid_of(
    subjects: Sequence[Subject], cells: int, *, disconnected: bool = False
) -> list[Subject]:
    """Put images into a grid, and explain the class of each cell in it.

    Parameters
    ----------
    subjects : sequence of Subject
        As many as there are cells, row by row, each of another class; each gives its target.
    cells : int
        Along a side.
    disconnected : bool
        Whether each class's network sees its own cell alone.

    Returns
    -------
    list of Subject
        The same image with each of the targets. Cells keep their size where the network takes
        images of any size; else the grid is resized to the size that it takes.
    """
    first = subjects[0]
    view = _tiled([subject.view for subject in subjects], cells)
    classifier, view = _taking(first.classifier, view)
    made = []
    for cell, subject in enumerate(subjects):
        seeing = classifier
        if disconnected:
            shown = cell_of(view.shape[0], view.shape[1], cells, cell)
            network = nn.Sequential(SeesOneCell(shown).to(classifier.device), classifier.network)
            name = f"{classifier.name}, cell {cell + 1} of {cells}×{cells}"
            changes = {"name": name, "network": network.eval(), "fits": None, "runtime": None}
            seeing = replace(classifier, **changes, batch_sizes={}, measured={})  # type: ignore[arg-type]
        made.append(Subject.of_view(view, seeing, seeing.predict(view), subject.target))
    return made


def cell_of(height: int, width: int, cells: int, cell: int) -> NDArray[np.bool_]:
    """The pixels (H, W) of a cell, counted row by row."""
    rows, columns = (np.arange(side) * cells // side for side in (height, width))
    inside: NDArray[np.bool_] = rows[:, None] * cells + columns == cell
    return inside


def share_in(evidence: NDArray[np.floating], cell: NDArray[np.bool_]) -> float:
    """Share of the positive evidence (H, W) that lies in a cell; 0 if there is none at all."""
    positive = np.maximum(evidence.astype(np.float64), 0)
    total = float(positive.sum())
    return float(positive[cell].sum()) / total if total > 0 else 0.0


def _tiled(views: Sequence[View], cells: int) -> View:
    if len({view.dtype for view in views}) > 1:
        views = [view / np.float32(255) if view.dtype == np.uint8 else view for view in views]
    rows = [np.concatenate(views[i : i + cells], 1) for i in range(0, len(views), cells)]
    return np.concatenate(rows, 0)


def _taking(classifier: Classifier, view: View) -> tuple[Classifier, View]:
    """The classifier for an image of this size, or the image resized to what the network takes."""
    height, width = view.shape[:2]
    try:
        whole = classifier.with_fit("full").taking((height, width))
        whole.predict(view)
    except PdaStudioError:
        height, width = classifier.input_size
        small = cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA)
        return classifier, small.reshape(height, width, view.shape[2]).astype(view.dtype)
    return whole, view
