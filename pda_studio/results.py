"""What is explained, and what comes of it: attribution maps and made images, as values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pda_studio.described import Result
from pda_studio.diagnostics import Diagnostics
from pda_studio.errors import UsageError
from pda_studio.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from pda_studio.classifiers import Classifier
    from pda_studio.images import DisplayLimits, Image, View
    from pda_studio.methods.base import Method
    from pda_studio.pda.levelled.known import KnownLevels
    from pda_studio.pda.scores import WindowScores

__all__ = [
    "KEPT_CLASSES",
    "EvidenceMap",
    "MadeImage",
    "Result",
    "Subject",
    "classes_to_keep",
    "map_in",
]

_FIXED_BATCH = {"cpu": 8, "cuda": 128}  # images per forward pass
KEPT_CLASSES = 20  # scores of the most likely classes are kept: changing the target is then free


def classes_to_keep(probabilities: NDArray[np.float64], target: int) -> NDArray[np.int64]:
    """Indices of the 20 most likely classes, and of the target, most likely first."""
    likely = np.argsort(-probabilities, kind="stable")[:KEPT_CLASSES]
    return likely if target in likely else np.append(likely, target)


@dataclass(frozen=True, eq=False)
class Subject:
    """What a method explains: a target of a classifier in an image.

    Attributes
    ----------
    classifier : Classifier
        The network, as it was loaded.
    view : (H, W, 3) uint8, or float32 from 0 to 1
        The image as the network sees it.
    target : Target
        What is explained.
    predictions : (K,) float64
        What the classifier says of the unmodified image: probabilities, or plain values.
    scored : Classifier
        The same network, or one made of it, that has an output for the target: this is what
        methods run.
    index : int
        Of that output.
    probabilities : (K',) float64
        What `scored` says of the unmodified image: probabilities, or plain values.
    batch : int, optional
        Images per forward pass; without it the fastest size is found while working.
    earlier : Result, optional
        A map that the work goes on from, where it can (`Method.goes_on_from`).
    limits : DisplayLimits, optional
        Which of the image's values are 0 and 1 in the view; None of eight bits from 0 to 255.
    measured : bool
        Whether the image's file tells the size of its pixels in millimetres, as medical images do.
    finished : callable, optional
        Finds a map of a method that was finished elsewhere, such as in a folder of results.
    """

    classifier: Classifier
    view: View
    target: Target
    predictions: NDArray[np.float64]
    scored: Classifier
    index: int
    probabilities: NDArray[np.float64]
    batch: int | None = None
    earlier: Result | None = None
    limits: DisplayLimits | None = None
    measured: bool = False
    finished: Callable[[Method, Subject], Result | None] | None = None

    @classmethod
    def of(
        cls,
        image: View | Image,
        classifier: Classifier,
        target: int | str | Target | None = None,
        batch: int | None = None,
    ) -> Subject:
        """Explain RGB (H, W, 3), or an image of any depth; without a target, its likeliest class.

        Raises
        ------
        UsageError
            If the classifier has no such target.
        """
        view = classifier.preprocessing.view(image)
        classifier = classifier.taking((view.shape[0], view.shape[1]))
        subject = cls.of_view(view, classifier, classifier.predict(view), target, batch)
        measured = not isinstance(image, np.ndarray) and image.spacing is not None
        limits = classifier.preprocessing.limits_for(image)
        return replace(subject, limits=limits, measured=measured)

    @classmethod
    def of_view(
        cls,
        view: View,
        classifier: Classifier,
        predictions: NDArray[np.float64],
        target: int | str | Target | None = None,
        batch: int | None = None,
    ) -> Subject:
        """Explain an image as the network sees it, of which the predictions are known."""
        from pda_studio.classifiers.scored import scored

        classifier = classifier.taking((view.shape[0], view.shape[1]))
        wanted = int(predictions.argmax()) if target is None else target
        meant = classifier.target_of(wanted)
        made = scored(classifier, meant)
        same = made.classifier is classifier
        probabilities = predictions if same else made.classifier.predict(view)
        answer = made.classifier, made.index, probabilities, batch
        return cls(classifier, view, meant, predictions, *answer)

    def about(self, target: int | str | Target) -> Subject:
        """The same image and classifier with another target.

        Raises
        ------
        UsageError
            If the classifier has no such target.
        """
        if target == self.target:
            return self
        other = self.of_view(self.view, self.classifier, self.predictions, target, self.batch)
        return replace(other, limits=self.limits, measured=self.measured, finished=self.finished)

    def by(self, classifier: Classifier) -> Subject:
        """The same view and target of another classifier, as one whose weights are others."""
        predictions = classifier.predict(self.view)
        other = self.of_view(self.view, classifier, predictions, self.target, self.batch)
        return replace(other, limits=self.limits, measured=self.measured)

    def with_fixed_batch(self) -> Subject:
        """The same with a batch size that does not depend on the clock; one that was named stays.

        The last digits of maps depend on it.
        """
        if self.batch is not None:
            return self
        return replace(self, batch=_FIXED_BATCH.get(self.classifier.device.type, 8))

    @property
    def target_name(self) -> str:
        """The target in words."""
        return self.scored.class_names[self.index]

    @property
    def unit(self) -> str:
        """In what the target's score is counted before any probability."""
        return self.scored.unit

    @cached_property
    def kept_classes(self) -> NDArray[np.int64]:
        """Indices of the classes whose scores a map of windows keeps: see `classes_to_keep`."""
        return classes_to_keep(self.probabilities, self.index)

    def described(self, method: Method) -> dict[str, Any]:
        """What every result of a method on this subject tells of itself, by its field."""
        return {
            **{name: getattr(self, name) for name in ("view", "limits", "target", "target_name")},
            **{name: getattr(self, name) for name in ("index", "probabilities")},
            "output": self.scored.output,
            "fit": self.classifier.preprocessing.fit,
            "crop": self.classifier.preprocessing.crop,
            "method": method.name,
            "title": method.title,
            "parameters": method.model_dump(mode="json"),
            "classifier": self.classifier.name,
            "weights": self.classifier.weights,
            "fingerprint": self.classifier.fingerprint,
        }

    def map_of(
        self,
        method: Method,
        evidence: NDArray[Any],
        unit: str,
        seconds: float,
        *,
        standard_error: NDArray[Any] | None = None,
        complete: bool = True,
        diagnostics: Diagnostics = (),
    ) -> EvidenceMap:
        """Make a method's map of this subject from evidence (H, W), for methods without windows."""
        return EvidenceMap(
            evidence=np.array(evidence, np.float32),  # a copy: work may go on in the array
            standard_error=None if standard_error is None else standard_error.astype(np.float32),
            covered=None if complete else np.ones(evidence.shape, np.bool_),
            unit=unit,
            seconds=seconds,
            diagnostics=diagnostics,
            **self.described(method),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class EvidenceMap(Result):
    """An attribution map: which pixels speak for (positive) and against (negative) a target.

    Attributes
    ----------
    evidence : (H, W) float32
        In `unit`, for each pixel of the network's input.
    standard_error : (H, W) float32 or None
        Monte-Carlo standard error of `evidence`, where samples were drawn.
    approximation_error : (H, W) float32 or None
        Root mean square error of `evidence` against the exact map, where most windows' scores are
        estimated; a sampling error comes on top.
    covered : (H, W) bool or None
        In an unfinished map, the pixels that have evidence of their own; others show the nearest.
    forward : str
        How infilled images were scored; "" of methods without windows.
    scores : WindowScores or None
        In a finished map of a window method: what the classifier said without each window.
    share : (H, W) float32 or None
        In an unfinished map of a window method, which part of each pixel's windows is scored.
    levels : KnownLevels or None
        Of a levelled map computed just now: what a finer one goes on from; in no file.
    """

    evidence: NDArray[np.float32]
    standard_error: NDArray[np.float32] | None = None
    approximation_error: NDArray[np.float32] | None = None
    covered: NDArray[np.bool_] | None = None
    forward: str = ""
    scores: WindowScores | None = field(default=None, repr=False)
    share: NDArray[np.float32] | None = field(default=None, repr=False)
    levels: KnownLevels | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        errors = self.standard_error, self.approximation_error
        for array in (self.evidence, *errors, self.covered):
            if array is not None:
                array.flags.writeable = False

    @property
    def complete(self) -> bool:
        """Whether the work was carried to its end."""
        return self.covered is None

    @property
    def how(self) -> str:
        """How it came about, as captions tell it."""
        return ", ".join(filter(None, (self.forward, super().how)))

    @cached_property
    def limit(self) -> float:
        """The end of a symmetric colour scale, never 0.

        The largest absolute evidence, or twice what 99.5 % of the pixels stay below if that is
        less: else a few pixels of a gradient leave nothing of the others to see.
        """
        strength = np.abs(self.evidence)
        largest, usual = float(strength.max()), 2 * float(np.quantile(strength, 0.995))
        return (min(largest, usual) if usual > 0 else largest) or 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class MadeImage(Result):
    """An image that a method made for a target, instead of weighing the pixels of one.

    Attributes
    ----------
    image : (H, W, 3) uint8
        What was made, of the size of the network's input.
    finished : bool
        Whether the work was carried to its end.
    """

    image: NDArray[np.uint8]
    finished: bool = True

    def __post_init__(self) -> None:
        self.image.flags.writeable = False

    @property
    def complete(self) -> bool:
        """Whether the work was carried to its end."""
        return self.finished


def map_in(result: Result) -> EvidenceMap:
    """The map itself, where evidence is needed.

    Raises
    ------
    UsageError
        If it is a made image.
    """
    if isinstance(result, EvidenceMap):
        return result
    raise UsageError(f"{result.title} makes an image, which has no evidence: take another method.")
