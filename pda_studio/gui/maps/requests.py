"""What a panel requests, and what must be predicted before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pda_studio.document.operations import Operation
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.images.fit import CropBox
from pda_studio.methods import Method
from pda_studio.targets import ClassTarget, Target

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.results import Subject


@dataclass(frozen=True)
class Request:
    """Everything that a map depends on, hashable: equal requests have equal maps.

    Attributes
    ----------
    image, classifier : str
        Hashes of the image and of the classifier's weights.
    operations : tuple
        What was done to the image.
    method : Method
        With its parameters; a combined one with the methods that it combines.
    target : Target or None
        What is explained; None stands for any class.
    crop : CropBox, optional
        The rectangle of the opened image that the network gets, if one was chosen.
    """

    image: str
    classifier: str
    operations: tuple[Operation, ...]
    method: Method
    target: Target | None
    crop: CropBox | None = None

    @property
    def subject(self) -> tuple[object, ...]:
        """What the request is about, whatever the method and the class.

        A contrast or a hidden unit makes another classifier of it.
        """
        derived = None if isinstance(self.target, ClassTarget) else self.target
        return self.image, self.operations, self.crop, self.classifier, derived


@dataclass(frozen=True)
class PredictionKey:
    """Who predicts a row, and for what target.

    Attributes
    ----------
    row : int
        The row's key.
    classifier : ClassifierChoice
        Who predicts.
    target : Target or None
        A contrast or a hidden unit, for which the classifier is made into another one; None for
        all classes.
    """

    row: int
    classifier: ClassifierChoice
    target: Target | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """A row as a classifier sees it: the subject (with the likeliest class as its target).

    Attributes
    ----------
    subject : Subject
        The image as the network sees it, and what it says.
    width, height : int
        Of the row's image, in pixels.
    """

    subject: Subject
    width: int
    height: int
