"""Bias shares over images and networks: the share of each layer, of one image after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pda_studio.attribution.affine import bias_shares
from pda_studio.classifiers import Classifier
from pda_studio.experiments.image_work import ImageWork, Pieces
from pda_studio.experiments.map_work import MapStep, SubjectInput, beside
from pda_studio.results import Subject
from pda_studio.store.numbers import KeptNumbers, Numbers


@dataclass(frozen=True, eq=False)
class NetworkShares:
    """The shares of one network.

    Attributes
    ----------
    classifier : str
        Its name.
    layers : tuple of str
        Its input and layers, in order; empty before the first image.
    each : (n, L) float64
        |bias| / |logit| of each image at each layer.
    """

    classifier: str
    layers: tuple[str, ...] = ()
    each: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def mean(self) -> NDArray[np.float64]:
        """(L,): over images."""
        mean: NDArray[np.float64] = self.each.mean(0)
        return mean


@dataclass(frozen=True, eq=False)
class Shares:
    """What has been found so far.

    Attributes
    ----------
    networks : tuple of NetworkShares
        In their order, also those of which nothing is known yet.
    images : tuple of str
        Names of image and target, of the first network's.
    """

    networks: tuple[NetworkShares, ...] = ()
    images: tuple[tuple[str, str], ...] = ()


def shares_over_images(
    classifiers: Sequence[Classifier],
    subjects: Sequence[Sequence[SubjectInput]],
    *,
    branches: bool = False,
) -> Iterator[tuple[MapStep, Shares]]:
    """Take the logit of each image apart, by one network after the other.

    Parameters
    ----------
    classifiers : sequence of Classifier
        The networks.
    subjects : sequence of sequence of SubjectInput
        What is explained, of each network.
    branches : bool
        Whether layers of residual and other branches are told as well.

    Yields
    ------
    MapStep, Shares
        After each image, what has been found so far.

    Raises
    ------
    UsageError
        If a network is not piece-wise linear, or a logit is 0.
    """
    found = Shares(tuple(NetworkShares(one.name) for one in classifiers))
    kept = KeptNumbers("bias-shares", {"branches": branches})
    work = ImageWork(kept, sum(len(images) for images in subjects))
    # Network by network for each image: each takes its own time, and the mean tells what is left.
    for number in range(max(len(images) for images in subjects)):
        for place, images in enumerate(subjects):
            if number >= len(images):
                continue
            image = images[number]
            subject, numbers = yield from beside(
                work.numbers_of(image, lambda one: _of_image(one, branches)), found
            )
            found = _with(found, place, numbers)
            if not place:
                told = image.name, subject.target_name
                found = replace(found, images=(*found.images, told))
            yield MapStep(work.done, work.total, f"{image.name}: {classifiers[place].name}"), found


def _with(found: Shares, place: int, numbers: Numbers) -> Shares:
    """The same with an image more of one network."""
    before = found.networks[place]
    layers = tuple(numbers["layers"].tobytes().decode().split("\n"))
    each = np.array([*before.each, numbers["shares"]], np.float64)
    networks = list(found.networks)
    networks[place] = replace(before, layers=layers, each=each)
    return replace(found, networks=tuple(networks))


def _of_image(subject: Subject, branches: bool) -> Pieces:
    """One forward and one backward pass."""
    yield 0, 1
    shares = bias_shares(subject.scored, subject.view, subject.index, branches=branches)
    names = "\n".join(name for name, _ in shares).encode()
    return {
        "shares": np.array([share for _, share in shares], np.float64),
        "layers": np.frombuffer(names, np.uint8),
    }
