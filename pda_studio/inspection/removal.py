"""What a decision is without one rectangle: before, after, and what stood in for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.inspection.answers import Answer, ask, average, most_gained
from pda_studio.inspection.boxes import Box
from pda_studio.inspection.filling import Filling
from pda_studio.pda.options import Difference
from pda_studio.results import Subject

_AT_ONCE = 8  # infilled images a step


@dataclass(frozen=True, eq=False)
class Removal:
    """A rectangle taken out of an image.

    Attributes
    ----------
    box : Box
        The rectangle.
    target : int
        The class that is asked about.
    original : (h, w, 3) uint8
        What was there.
    infills : (S, h, w, 3) uint8
        What stood in for it.
    image : (H, W, 3) uint8
        The image with the mean of the infills in place.
    kind : str
        What filled it, by an infill's name.
    before, after : Answer
        Of the unmodified image, and on average of the infilled ones.
    of_each : (s,) float64
        The target's probability with each infill, or a hidden unit's activation; as many as are
        scored.
    """

    box: Box
    target: int
    original: NDArray[np.uint8]
    infills: NDArray[np.uint8]
    image: NDArray[np.uint8]
    kind: str
    before: Answer
    after: Answer
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
        """What the target loses, in the difference's unit: positive if the rectangle spoke for it.

        The network itself is asked; where a map came from a linearised forward, its own evidence
        of the window is an estimate of this.
        """
        return self.before.less(self.after, self.target, difference)


def removal_steps(subject: Subject, box: Box, filling: Filling) -> Iterator[Removal]:
    """Take a rectangle out, a few infills a step; the last step has scored them all.

    Parameters
    ----------
    subject : Subject
        SourceImage, classifier and target.
    box : Box
        What is taken out, in input pixels.
    filling : Filling
        What stands in for it.

    Raises
    ------
    UsageError
        If the rectangle does not lie within the image or the filling cannot fill it.
    PdaStudioError
        If the network's answer is not finite.
    """
    height, width = subject.view.shape[:2]
    box.check_within(height, width)
    classifier = subject.scored
    pixels = classifier.preprocessing.pixels(subject.view)
    infills = filling(pixels, box)
    before = average([ask(classifier, pixels[None])])
    parts: list[Answer] = []
    for some in torch.split(infills, _AT_ONCE):
        images = pixels.expand(len(some), -1, -1, -1).clone()
        images[box.inside] = some
        parts.append(ask(classifier, images))
        scored = np.concatenate([part.values for part in parts])
        yield Removal(
            box=box,
            target=subject.index,
            original=subject.view[box.top : box.bottom, box.left : box.right],
            infills=shown(infills),
            image=with_patch(subject.view, box, shown(infills.mean(0, keepdim=True))[0]),
            kind=filling.kind(box, height, width),
            before=before,
            after=average(parts),
            of_each=scored[:, subject.index],
        )


def remove(subject: Subject, box: Box, filling: Filling) -> Removal:
    """Take a rectangle out, as `removal_steps`, to the end."""
    (last,) = deque(removal_steps(subject, box, filling), maxlen=1)
    return last


def shown(pixels: torch.Tensor) -> NDArray[np.uint8]:
    """Pixels (n, C, h, w) in [0, 1] as colours (n, h, w, 3) uint8; grey in all three channels."""
    rows = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    colours: NDArray[np.uint8] = rows.expand(-1, -1, -1, 3).numpy()
    return np.ascontiguousarray(colours)


def with_patch(view: NDArray[np.uint8], box: Box, patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of an image (H, W, 3) with a patch (h, w, 3) in place."""
    image = view.copy()
    image[box.top : box.bottom, box.left : box.right] = patch
    return image
