"""The images of one class: those that a classifier takes for it, or all of a folder."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep, SubjectInput

Members = Literal["predicted", "all"]
MOST_FREQUENT = -1
"""Stands for the class that most of the images are predicted to be."""


@dataclass(frozen=True)
class ClassImages:
    """The images of a class.

    Attributes
    ----------
    index : int
        Of the class.
    name : str
        Of the class.
    images : tuple of SubjectInput
        To be explained for the class.
    probabilities : tuple of float
        What the classifier says of the class, in each.
    likeliest : tuple of bool
        Whether it is the likeliest class, in each.
    """

    index: int
    name: str
    images: tuple[SubjectInput, ...]
    probabilities: tuple[float, ...]
    likeliest: tuple[bool, ...]


def images_of_class(
    classifier: Classifier, subjects: Sequence[SubjectInput], index: int, members: Members
) -> Generator[MapStep, None, ClassImages]:
    """Find the images of a class.

    Parameters
    ----------
    classifier : Classifier
        Predicts what the images are.
    subjects : sequence of SubjectInput
        The images, of any class.
    index : int
        Of the class; −1 for the one that most of the images are predicted to be.
    members : {"predicted", "all"}
        Whether images of other predictions are left out.

    Yields
    ------
    MapStep
        After each image.

    Returns
    -------
    ClassImages
        With one image at least.

    Raises
    ------
    UsageError
        If there is no such class, or no image is predicted to be of it.
    """
    if index != MOST_FREQUENT:
        index = classifier.class_index(index)
    predicted = []
    for number, image in enumerate(subjects, 1):
        predicted.append(image.load().predictions)
        yield MapStep(number, len(subjects), f"predictions: {image.name}")
    likeliest = np.array([one.argmax() for one in predicted])
    if index == MOST_FREQUENT:
        index = int(np.bincount(likeliest).argmax())
    kept = [place for place, one in enumerate(likeliest) if members == "all" or one == index]
    name = classifier.class_names[index]
    if not kept:
        raise UsageError(
            f"None of {len(subjects)} images is predicted to be “{name}”: name another class, or"
            " more images."
        )
    return ClassImages(
        index,
        name,
        tuple(_about(subjects[place], index) for place in kept),
        tuple(float(predicted[place][index]) for place in kept),
        tuple(bool(likeliest[place] == index) for place in kept),
    )


def _about(image: SubjectInput, index: int) -> SubjectInput:
    return SubjectInput(image.name, lambda: image.load().about(index), image.path)
