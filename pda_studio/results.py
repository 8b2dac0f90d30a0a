"""Evidence as a value: a map with everything needed to draw, save, compare and repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.methods.base import Method
    from pda_studio.pda.scores import WindowScores
    from pda_studio.targets import Target

KEPT_CLASSES = 20  # scores of the most likely classes are kept: changing the target is then free


def classes_to_keep(probabilities: NDArray[np.float64], target: int) -> NDArray[np.int64]:
    """Indices of the 20 most likely classes, and of the target, most likely first."""
    likely = np.argsort(-probabilities, kind="stable")[:KEPT_CLASSES]
    return likely if target in likely else np.append(likely, target)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is asked of a method: why this classifier sees this class in this image.

    Attributes
    ----------
    classifier : Classifier
        The network.
    view : (H, W, 3) uint8
        The image as the network sees it.
    target : int
        The class that is asked about.
    probabilities : (K,) float64
        What the classifier says of the unmodified image.
    batch : int, optional
        Images per forward pass; without it the fastest size is found while working.
    """

    classifier: Classifier
    view: NDArray[np.uint8]
    target: int
    probabilities: NDArray[np.float64]
    batch: int | None = None

    @classmethod
    def of(
        cls,
        image: NDArray[np.uint8],
        classifier: Classifier,
        target: int | str | Target | None = None,
        batch: int | None = None,
    ) -> Subject:
        """Ask about any RGB image (H, W, 3); without a target, about the most likely class."""
        view = classifier.preprocessing.view(image)
        if target is None:
            probabilities = classifier.predict(view)
            return cls(classifier, view, int(probabilities.argmax()), probabilities, batch)
        from pda_studio.classifiers.scored import scored

        made = scored(classifier, classifier.target_of(target))
        return cls(made.classifier, view, made.index, made.classifier.predict(view), batch)

    @cached_property
    def kept_classes(self) -> NDArray[np.int64]:
        """Indices of the classes whose scores a map of windows keeps: see `classes_to_keep`."""
        return classes_to_keep(self.probabilities, self.target)

    def map_of(
        self,
        method: Method,
        evidence: NDArray[Any],
        unit: str,
        seconds: float,
        *,
        standard_error: NDArray[Any] | None = None,
        complete: bool = True,
        forward: str = "",
        image: NDArray[np.uint8] | None = None,
    ) -> EvidenceMap:
        """Make a method's map of this subject from evidence (H, W), for methods without windows."""
        return EvidenceMap(
            evidence=np.array(evidence, np.float32),  # a copy: work may go on in the array
            standard_error=None if standard_error is None else standard_error.astype(np.float32),
            covered=None if complete else np.ones(evidence.shape, np.bool_),
            view=self.view,
            target=self.target,
            target_name=self.classifier.class_names[self.target],
            probabilities=self.probabilities,
            method=method.name,
            title=method.title,
            parameters=method.model_dump(mode="json"),
            unit=unit,
            classifier=self.classifier.name,
            weights=self.classifier.weights,
            fingerprint=self.classifier.fingerprint,
            seconds=seconds,
            forward=forward,
            image=image,
        )


@dataclass(frozen=True, eq=False)
class EvidenceMap:
    """Which pixels speak for (positive) and against (negative) a target.

    Attributes
    ----------
    evidence : (H, W) float32
        In `unit`, for each pixel of the network's input.
    standard_error : (H, W) float32 or None
        Monte-Carlo standard error of `evidence`, where samples were drawn.
    covered : (H, W) bool or None
        In an unfinished map, the pixels that have evidence of their own; the others show the
        nearest. None in a finished one.
    view : (H, W, 3) uint8
        The image as the network saw it.
    target : int
        Index of the class.
    target_name : str
        Its name.
    probabilities : (K,) float64
        What the classifier says of the unmodified image.
    method : str
        Name of the method in the registry.
    title : str
        Its name for people.
    parameters : dict
        All its parameters, as JSON values.
    unit : str
        Unit of the evidence: bits, probability, logit …
    classifier, weights, fingerprint : str
        The classifier, where its weights came from, and their SHA-256.
    seconds : float
        How long the work took.
    forward : str
        How the map came about, as captions tell it: how infilled images were scored in the end,
        or how far the evidence adds up.
    scores : WindowScores or None
        In a finished map of a window method: what the classifier said without each window.
    share : (H, W) float32 or None
        In an unfinished map of a window method, which part of the windows over each pixel is
        scored.
    image : (H, W, 3) uint8 or None
        Of a method that makes an image instead of weighing the pixels of one: what it made, to
        be shown in place of the evidence, which is 0 then.
    """

    evidence: NDArray[np.float32]
    standard_error: NDArray[np.float32] | None
    covered: NDArray[np.bool_] | None
    view: NDArray[np.uint8]
    target: int
    target_name: str
    probabilities: NDArray[np.float64]
    method: str
    title: str
    parameters: dict[str, Any]
    unit: str
    classifier: str
    weights: str
    fingerprint: str
    seconds: float
    forward: str = ""
    scores: WindowScores | None = field(default=None, repr=False)
    share: NDArray[np.float32] | None = field(default=None, repr=False)
    image: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        for array in (self.evidence, self.standard_error, self.covered, self.image):
            if array is not None:
                array.flags.writeable = False

    @property
    def complete(self) -> bool:
        """Whether the work was carried to its end."""
        return self.covered is None

    @property
    def is_hidden(self) -> bool:
        """Whether it is about a hidden unit, which has no probability."""
        return len(self.probabilities) == 1

    @cached_property
    def limit(self) -> float:
        """The end of a symmetric colour scale, never 0.

        The largest absolute evidence, or twice what 99.5 % of the pixels stay below if that is
        less: else a few pixels of a gradient leave nothing of the others to see.
        """
        strength = np.abs(self.evidence)
        largest, usual = float(strength.max()), 2 * float(np.quantile(strength, 0.995))
        return (min(largest, usual) if usual > 0 else largest) or 1.0

    def replace(self, **changes: Any) -> EvidenceMap:
        """A copy with other values."""
        return replace(self, **changes)
