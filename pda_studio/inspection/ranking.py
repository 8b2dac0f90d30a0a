"""The windows of a map by their own evidence: over a pixel, or over the whole image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from pda_studio.attribution.prediction_difference import ready_infill_of
from pda_studio.errors import UsageError
from pda_studio.inspection.class_scores import IMAGES_AT_ONCE
from pda_studio.inspection.rectangles import Rectangle
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.differences import differences
from pda_studio.pda.forward import Wanted, make_forward
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.loop import score_windows
from pda_studio.pda.options import UNITS, Difference
from pda_studio.pda.scores import WindowScores
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, Subject

Sign = Literal["for", "against"]
"""Which windows come first: those that speak for the target, or those against it."""

_STEPS_A_BLOCK = 4  # places of a block along each side, for methods without windows


@dataclass(frozen=True, eq=False)
class RankedWindows:
    """Windows with what each of them says by itself.

    Attributes
    ----------
    grid : WindowGrid
        The n windows.
    values : (n,) float64
        Evidence of each, in `unit`; not a number where it is not known.
    unit : str
        Unit of the values.
    summed : bool
        Whether a value is the sum of a map's evidence in the window, of a method without windows.
    """

    grid: WindowGrid
    values: NDArray[np.float64]
    unit: str
    summed: bool = False

    @property
    def complete(self) -> bool:
        """Whether every window has a value."""
        return bool(np.isfinite(self.values).all())

    def rectangle(self, index: int) -> Rectangle:
        """Where a window lies."""
        top, left = self.grid.corners[index].tolist()
        return Rectangle(top, left, self.grid.window, self.grid.window)

    def over(self, column: int, row: int) -> list[int]:
        """Windows over a pixel that have a value, the strongest (for or against) first.

        Raises
        ------
        UsageError
            If there is no such pixel.
        """
        covering = windows_over(self.grid, column, row)
        known = covering[np.isfinite(self.values[covering])]
        order = np.argsort(-np.abs(self.values[known]), kind="stable")
        strongest: list[int] = known[order].tolist()
        return strongest

    def strongest(self, sign: Sign = "for") -> list[int]:
        """Windows that do not overlap, the strongest first, as long as they speak that way.

        The strongest of all, then the strongest of those that share no pixel with it, and so on.

        Raises
        ------
        UsageError
            If some windows have no value yet: the strongest may be among them.
        """
        if not self.complete:
            raise UsageError(
                "The strongest windows are known when the map is finished: let it run to its end."
            )
        strength = self.values if sign == "for" else -self.values
        rows, columns = self.grid.corners.T
        free = strength > 0
        chosen = []
        for index in np.argsort(-strength, kind="stable").tolist():
            if strength[index] <= 0:
                break
            if free[index]:
                chosen.append(index)
                near = np.abs(rows - rows[index]) < self.grid.window
                free &= ~(near & (np.abs(columns - columns[index]) < self.grid.window))
        return chosen


def windows_over(grid: WindowGrid, column: int, row: int) -> NDArray[np.int64]:
    """Indices of the windows that cover a pixel, row by row."""
    if not (0 <= column < grid.width and 0 <= row < grid.height):
        raise UsageError(
            f"There is no pixel at x {column}, y {row} in the classifier's input of"
            f" {grid.width}×{grid.height}."
        )
    first, last = (at - grid.window + 1 for at in (row, column))
    rows = np.flatnonzero((grid.rows >= first) & (grid.rows <= row))
    columns = np.flatnonzero((grid.columns >= last) & (grid.columns <= column))
    indices: NDArray[np.int64] = (rows[:, None] * len(grid.columns) + columns).ravel()
    return indices


def ranked_windows(evidence_map: EvidenceMap, side: int = 16) -> RankedWindows:
    """Rank the windows of a finished map.

    Parameters
    ----------
    evidence_map : EvidenceMap
        Where it kept the scores of its windows, each window has the evidence that it had by
        itself. Any other map is cut into blocks, each with the sum of the evidence in it.
    side : int
        Side of such a block, in pixels; blocks lie a quarter of it apart.

    Raises
    ------
    UsageError
        If the map is unfinished, or a block is larger than it.
    """
    if not evidence_map.complete:
        raise UsageError(
            f"The map of {evidence_map.title} is unfinished: let it run to its end first."
        )
    if evidence_map.scores is not None:
        compared = evidence_map.parameters["difference"]
        difference = cast(Difference, compared if evidence_map.has_probability else "logit")
        values, _ = differences(evidence_map.scores, evidence_map.index, difference)
        return RankedWindows(evidence_map.scores.grid, values, evidence_map.unit)
    height, width = evidence_map.evidence.shape
    grid = WindowGrid(height, width, side, max(1, side // _STEPS_A_BLOCK))
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = evidence_map.evidence.astype(np.float64).cumsum(0).cumsum(1)
    top, left = grid.corners.T
    values = (
        sums[top + side, left + side]
        - sums[top, left + side]
        - sums[top + side, left]
        + sums[top, left]
    )
    return RankedWindows(grid, values, evidence_map.unit, summed=True)


def ranked_over(
    method: PredictionDifference, subject: Subject, column: int, row: int
) -> Iterator[RankedWindows | Preparation]:
    """Score the windows over a pixel alone, a few a step: for a map that is not there yet.

    The whole network is used, unless the method is linearised: then windows are scored as the
    method does, so that values are those that the map will have.

    Parameters
    ----------
    method : PredictionDifference
        Says which windows there are, what replaces them and how they are scored.
    subject : Subject
        SourceImage, classifier and target.
    column, row : int
        The pixel.

    Yields
    ------
    RankedWindows
        As far as they are scored.
    Preparation
        In between, while something has to be computed for the infills.
    """
    height, width = subject.view.shape[:2]
    grid = WindowGrid(height, width, method.window, method.stride)
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    filler = ready_infill_of(method, classifier).filler(pixels, (method.window, method.window))
    linearised = method.forward == "linearised"
    forward, classes = yield from make_forward(
        Wanted(
            method.forward if linearised else "full", method.precision, method.at, IMAGES_AT_ONCE
        ),
        classifier,
        pixels,
        subject.kept_classes,
        subject.index,
        grid,
        filler.samples,
    )
    difference: Difference = method.difference if classifier.has_probabilities else "logit"
    unit = UNITS[method.difference] if classifier.has_probabilities else classifier.unit
    count = len(classifier.class_names)
    over = windows_over(grid, column, row)
    for scores in score_windows(grid, filler, forward, classes, count, over):
        if isinstance(scores, Preparation):
            yield scores
        else:
            yield _ranked(scores, subject.index, difference, unit)


def _ranked(scores: WindowScores, target: int, difference: Difference, unit: str) -> RankedWindows:
    values, _ = differences(scores, target, difference)
    return RankedWindows(scores.grid, np.where(scores.scored, values, np.nan), unit)
