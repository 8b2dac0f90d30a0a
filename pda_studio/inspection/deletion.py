"""The strongest windows removed one after the other: how the scores fall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pda_studio.images import shown_pixels
from pda_studio.infills.ready import ReadyInfill
from pda_studio.inspection.class_scores import ClassScores, average, score
from pda_studio.inspection.rectangles import Rectangle
from pda_studio.inspection.removal import shown
from pda_studio.pda.infill.terms import Preparation
from pda_studio.results import Subject

_MOST_CHAINS = 10  # images side by side, of stochastic infills: a step stays short


@dataclass(frozen=True, eq=False)
class Stage:
    """The image without its first k windows.

    Attributes
    ----------
    rectangles : tuple of Rectangle
        The k windows, in the order in which they went.
    image : (H, W, 3) uint8
        What is left, with the first of the samples if infills are stochastic.
    scores : ClassScores
        Its scores, on average if infills are stochastic.
    """

    rectangles: tuple[Rectangle, ...]
    image: NDArray[np.uint8]
    scores: ClassScores


def deletion_curve(
    subject: Subject, rectangles: Sequence[Rectangle], infill: ReadyInfill
) -> Iterator[Stage | Preparation]:
    """Remove rectangles one after the other; the first stage is the unmodified image.

    Each is filled from what is left when its turn comes, so that nothing of an earlier one comes
    back through its neighbours. Of stochastic infills, up to ten images go side by side,
    the s-th filled with the s-th sample throughout, and the scores are averaged.

    Parameters
    ----------
    subject : Subject
        SourceImage, classifier and target.
    rectangles : sequence of Rectangle
        What is removed, in this order.
    infill : ReadyInfill
        What replaces them.

    Yields
    ------
    Stage
        The image without one more of them.
    Preparation
        In between, while something has to be computed for the infills.

    Raises
    ------
    UsageError
        If a rectangle does not lie within the image or cannot be filled.
    PdaStudioError
        If the network's scores are not finite.
    """
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    yield Stage((), shown_pixels(subject.view), average([score(classifier, pixels[None])]))
    images = pixels.repeat(min(infill.samples, _MOST_CHAINS), 1, 1, 1)
    for count, rectangle in enumerate(rectangles, 1):
        rectangle.check_within(*pixels.shape[1:])
        for at in range(len(images)):
            filler = infill.filler(images[at], (rectangle.height, rectangle.width))
            infills = yield from filler.fill_in_steps(rectangle.corner)
            images[at][rectangle.inside] = infills[0, at]
        scores = average([score(classifier, images)])
        yield Stage(tuple(rectangles[:count]), shown(images[:1])[0], scores)
