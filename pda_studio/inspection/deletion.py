"""The strongest windows taken out one after the other: how the decision goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pda_studio.inspection.answers import Answer, ask, average
from pda_studio.inspection.boxes import Box
from pda_studio.inspection.filling import Filling
from pda_studio.inspection.removal import shown
from pda_studio.results import Subject

_MOST_CHAINS = 10  # images side by side where samples are drawn: a step stays short


@dataclass(frozen=True, eq=False)
class Stage:
    """The image without its first k windows.

    Attributes
    ----------
    boxes : tuple of Box
        The k windows, in the order in which they went.
    image : (H, W, 3) uint8
        What is left, with the first of the samples where infills are drawn.
    answer : Answer
        What the classifier says of it, on average where infills are drawn.
    """

    boxes: tuple[Box, ...]
    image: NDArray[np.uint8]
    answer: Answer


def deletion_curve(subject: Subject, boxes: Sequence[Box], filling: Filling) -> Iterator[Stage]:
    """Take rectangles out one after the other; the first stage is the unmodified image.

    Each is filled from what is left when its turn comes, so that nothing of an earlier one comes
    back through its neighbours. Where S samples are drawn, up to ten images go side by side,
    the s-th filled with the s-th sample throughout, and the answers are averaged.

    Parameters
    ----------
    subject : Subject
        SourceImage, classifier and target.
    boxes : sequence of Box
        What goes, in this order.
    filling : Filling
        What stands in.

    Raises
    ------
    UsageError
        If a rectangle does not lie within the image or the filling cannot fill it.
    PdaStudioError
        If the network's answer is not finite.
    """
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    yield Stage((), subject.view, average([ask(classifier, pixels[None])]))
    images = pixels.repeat(min(filling.samples, _MOST_CHAINS), 1, 1, 1)
    for count, box in enumerate(boxes, 1):
        box.check_within(*pixels.shape[1:])
        for at in range(len(images)):
            images[at][box.inside] = filling(images[at], box)[at]
        answer = average([ask(classifier, images)])
        yield Stage(tuple(boxes[:count]), shown(images[:1])[0], answer)
