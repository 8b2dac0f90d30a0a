"""The scores without one rectangle: before, after, and the infills that replaced it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.prediction_difference import ready_infill_of
from pda_studio.classifiers import Classifier
from pda_studio.images import shown_pixels
from pda_studio.infills import AUTO
from pda_studio.infills.ready import ReadyInfill, ready_for_region
from pda_studio.inspection.class_scores import (
    IMAGES_AT_ONCE,
    ClassScores,
    average,
    most_gained,
    scored,
)
from pda_studio.inspection.rectangles import Rectangle
from pda_studio.methods import Method
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.infill.terms import Preparation, Size
from pda_studio.pda.loop import InfillScorer
from pda_studio.pda.options import Difference
from pda_studio.results import Subject


@dataclass(frozen=True, eq=False)
class Removal:
    """A rectangle removed from an image.

    Attributes
    ----------
    rectangle : Rectangle
        The rectangle.
    target : int
        The class that is explained.
    original : (h, w, 3) uint8
        What was there.
    infills : (S, h, w, 3) uint8
        What replaced it.
    image : (H, W, 3) uint8
        The image with the mean of the infills in place.
    kind : str
        Name of the infill.
    before, after : ClassScores
        Of the unmodified image, and on average of the infilled ones.
    of_each : (s,) float64
        The target's probability with each infill, or a hidden unit's activation; as many as are
        scored.
    """

    rectangle: Rectangle
    target: int
    original: NDArray[np.uint8]
    infills: NDArray[np.uint8]
    image: NDArray[np.uint8]
    kind: str
    before: ClassScores
    after: ClassScores
    of_each: NDArray[np.float64]

    @property
    def complete(self) -> bool:
        """Whether all infills have been scored."""
        return len(self.of_each) == len(self.infills)

    @property
    def gained(self) -> int | None:
        """The class whose probability grew most, if any grew."""
        return most_gained(self.before, self.after)

    def evidence(self, difference: Difference) -> float:
        """What the target loses, in the difference's unit: positive if the rectangle is for it.

        The whole network is used; where a map came from a linearised forward, its own evidence
        of the window is an estimate of this.
        """
        return self.before.less(self.after, self.target, difference)


def removal_steps(
    subject: Subject, rectangle: Rectangle, infill: ReadyInfill
) -> Iterator[Removal | Preparation]:
    """Remove a rectangle, a few infills a step; the last step has scored them all.

    It is a single window of the loop that all maps come from, scored by the whole network for all
    of its classes.

    Parameters
    ----------
    subject : Subject
        SourceImage, classifier and target.
    rectangle : Rectangle
        What is removed, in input pixels.
    infill : ReadyInfill
        What replaces it.

    Yields
    ------
    Removal
        With all infills, as far as they are scored.
    Preparation
        Before, while something has to be computed for the infills.

    Raises
    ------
    UsageError
        If the rectangle does not lie within the image or cannot be filled.
    PdaStudioError
        If the network's scores are not finite.
    """
    rectangle.check_within(*subject.view.shape[:2])
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    filler = infill.filler(pixels, (rectangle.height, rectangle.width))
    infills = yield from filler.fill_in_steps(rectangle.corner)
    every_class = np.arange(len(classifier.class_names))
    forward = FullForward(classifier, pixels, every_class, IMAGES_AT_ONCE)
    before = average([scored(forward.original.logit, classifier)])
    seen = shown_pixels(subject.view)
    drawn = shown(infills[0])
    mean = shown(infills.mean(1))[0]
    parts: list[ClassScores] = []
    for scores in InfillScorer(forward).parts(rectangle.corner, infills):
        parts.append(scored(scores.logit, classifier))
        values = np.concatenate([part.values for part in parts])
        yield Removal(
            rectangle=rectangle,
            target=subject.index,
            original=seen[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right],
            infills=drawn,
            image=with_patch(seen, rectangle, mean),
            kind=infill.infill.name,
            before=before,
            after=average(parts),
            of_each=values[:, subject.index],
        )


def infill_of(method: Method, classifier: Classifier, size: Size) -> ReadyInfill:
    """The infill of a method's windows; of a method without windows, one for such a region."""
    if isinstance(method, PredictionDifference):
        return ready_infill_of(method, classifier)
    return ready_for_region(AUTO, classifier, size)


def remove(subject: Subject, rectangle: Rectangle, infill: ReadyInfill) -> Removal:
    """Remove a rectangle, as `removal_steps`, to the end."""
    (last,) = deque(removal_steps(subject, rectangle, infill), maxlen=1)
    assert isinstance(last, Removal), "the last step has scored all infills"
    return last


def shown(pixels: torch.Tensor) -> NDArray[np.uint8]:
    """Pixels (n, C, h, w) in [0, 1] as colours (n, h, w, 3) uint8; grey in all three channels."""
    rows = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    rows = rows.expand(-1, -1, -1, 3) if rows.shape[-1] < 3 else rows[..., :3]
    colours: NDArray[np.uint8] = rows.numpy()
    return np.ascontiguousarray(colours)


def with_patch(
    view: NDArray[np.uint8], rectangle: Rectangle, patch: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A copy of an image (H, W, 3) with a patch (h, w, 3) in place."""
    image = view.copy()
    image[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right] = patch
    return image
