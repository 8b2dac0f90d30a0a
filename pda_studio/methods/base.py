"""What a method is: a declaration whose fields are its parameters, and its work in steps."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from sys import maxsize
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, get_args

from pydantic import ValidationError

from pda_studio.errors import UsageError
from pda_studio.parameters import Declaration
from pda_studio.targets import as_json

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.results import Result, Subject

one_at_a_time = RLock()
"""Held by whoever runs a network: methods put hooks and rules on it for a while."""

METHODS: dict[str, type[Method]] = {}
"""Every method that explains a subject by its name, in the order in which modules declare them."""

COMBINING: dict[str, type[Method]] = {}
"""Every method that is made from the finished maps of others, by its name."""


Family = Literal[
    "Prediction difference analysis",
    "Gradients",
    "Relevance",
    "Attention and masks",
    "Neurons",
    "Several methods",
    "Others",
]
"""Under which heading a method is listed; the headings come in this order."""


Need = Literal[
    "gradients",
    "maps",
    "relus",
    "convolutions",
    "linear pieces",
    "attention",
    "class token",
    "patches",
]
"""What a method may need of a network besides its answers:

- gradients: those of its outputs with respect to the image
- maps: a layer that hooks can be put on, whose result has rows and columns
- relus: each ReLU can be found, and there are no other activations
- convolutions: some, and ReLUs, and it can be followed operation by operation
- linear pieces: it can be followed operation by operation, and each is piece-wise linear
- attention: some, and only operations for which AttnLRP has a rule
- class token: layers of attention, and a token that the class is read from
- patches: a convolution that cuts the image into them comes first
"""


Bounds = tuple[float | None, float | None]
"""The smallest and the largest value of a number, as far as there are any."""

Made = TypeVar("Made", bound="Result", covariant=True)
"""What work makes: a map, or an image."""


@dataclass(frozen=True)
class Progress(Generic[Made]):
    """How far the work has come.

    Attributes
    ----------
    done, total : int
        Units of work: windows, samples, steps.
    evidence : callable
        Draws the map, or the made image, as it is now; call it before the next step, as often as it
        is shown.
    stage : str
        What is prepared before the first unit of work, and how far that has come, as in
        "covariances 3 of 12"; there is no map to be drawn then, and `evidence` is not called.
    drawn_for : callable, optional
        Draws the map as it is now for a method and a subject that differ only in what is read
        from the scores, as in the target; KeyError if the scores of that class are not kept.
    """

    done: int
    total: int
    evidence: Callable[[], Made]
    stage: str = ""
    drawn_for: Callable[[Any, Subject], Made] | None = None


class Method(Declaration):
    """A way to explain a decision.

    A subclass with a `name` enters the registry by being defined; the window, the command line
    and batch find it there. Its fields are its parameters.

    Attributes
    ----------
    name, title, summary, citation : str
        Name in the registry, name for people, one sentence, and where it was published.
    family : str
        Under which heading it is listed.
    has_evidence : bool
        Whether it weighs the pixels of the image, rather than making one of its own.
    combines : bool
        Whether it is made from the finished maps of other methods, instead of a subject.
    needs : tuple of str
        What it needs of a network besides its answers, the most usual first.
    optimises : tuple of str
        Names of the metrics of fidelity that it optimises, or was chosen by: they flatter it.
    may_hold_code : tuple of str
        Parameters that name files with code, which are opened once they are trusted.
    """

    family: ClassVar[Family] = "Others"
    has_evidence: ClassVar[bool] = True
    combines: ClassVar[bool] = False
    needs: ClassVar[tuple[Need, ...]] = ()
    optimises: ClassVar[tuple[str, ...]] = ()
    may_hold_code: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Enter the registry."""
        if cls.name:
            (COMBINING if cls.combines else METHODS)[cls.name] = cls

    @abstractmethod
    def steps(self, subject: Subject) -> Iterator[Progress[Result]]:
        """Do the work in steps; the last one's evidence is complete.

        Raises
        ------
        UsageError
            If the parameters do not fit the subject.
        """

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, Any]:
        """Values of the parameters that suit a classifier better than the defaults."""
        return {}

    @classmethod
    def starting_values(cls, classifier: Classifier) -> dict[str, Any]:
        """What the window starts with instead of the defaults: what suits, and answers soon."""
        return cls.suited_to(classifier)

    def bounds(self, shorter_side: int) -> dict[str, Bounds]:
        """Bounds of each number beside the values of the others, in an input of this side (pixels).

        A lower bound above the upper one says that there is no room for the parameter.
        """
        return dict(_declared_bounds(type(self)))

    def following(self, changes: Mapping[str, Any], input_size: int) -> dict[str, Any]:
        """What other parameters become where some are changed: partners keep their distance."""
        return {}

    def inactive(self) -> frozenset[str]:
        """Names of the parameters that play no part beside the values of the others."""
        return frozenset()

    def cost(self, subject: Subject) -> int:
        """About how many forward passes the work takes."""
        return 1

    def warning(self, subject: Subject) -> str:
        """A sentence if the work first takes minutes or gigabytes to prepare; else ""."""
        return ""

    def changed_in(self, other: Method) -> list[str]:
        """Tell the parameters that have other values in another method, as people know them."""
        return [
            f"{known.label} {getattr(other, known.name)}"
            for known in other.parameters()
            if getattr(self, known.name, None) != getattr(other, known.name)
        ]

    def finer(self, made: Result) -> Self | None:
        """What goes on from its finished map; None if nothing does."""
        return None

    def finest(self) -> Self | None:
        """The same without what makes it coarse; None if nothing does."""
        return None

    def preview(self, subject: Subject) -> Method | None:
        """A far quicker way to nearly the same map; None if there is none.

        It may still turn out in its steps that it cannot be gone.
        """
        return None

    def sources(self, subject: Subject) -> list[dict[str, Any]]:
        """List the finished maps that this one can be had from without computing, itself first.

        Each is told by all that its work depends on, besides the image, the classifier and the
        method's name: by the parameters that play a part, and by the target. Equal values, equal
        maps; a cache keeps a map under the first and looks for it under all.
        """
        inactive = self.inactive()
        active = {name: value for name, value in self if name not in inactive}
        return [{**active, "target": as_json(subject.target)}]

    def goes_on_from(self, earlier: Result, subject: Subject) -> bool:
        """Whether the work on the subject's map can go on from another map, finished or not."""
        return False

    def redrawn(self, kept: Result, subject: Subject) -> Result:
        """Turn a finished map from one of the `sources` into the subject's.

        Raises
        ------
        KeyError
            If that map does not hold what this one needs.
        """
        if kept.target != subject.target:
            raise KeyError(subject.target)
        return kept.replace(
            **subject.described(self),
        )

    @classmethod
    def create(cls, classifier: Classifier | None = None, **values: Any) -> Self:
        """Make the method with these values, and with what suits the classifier elsewhere.

        Raises
        ------
        UsageError
            If a value is out of its bounds or there is no such parameter.
        """
        suited = cls.suited_to(classifier) if classifier else {}
        size = classifier.shorter_side if classifier else maxsize
        partners = cls.model_construct(**suited).following(values, size)
        draft = cls.model_construct(**{**suited, **values})
        for name, value in partners.items():  # which were not named: they give way
            low, high = draft.bounds(size)[name]
            if not (low or 0) <= getattr(draft, name) <= (high or maxsize):
                suited[name] = min(value, high or maxsize)
        return cls.of_values({**suited, **values})

    @classmethod
    def check_values(cls, values: Mapping[str, Any]) -> None:
        """Refuse unknown parameters and values out of their bounds before a classifier is loaded.

        Whether values fit each other is not known before, as the classifier has a say in the
        others.

        Raises
        ------
        UsageError
            If a parameter is unknown or its value is out of its bounds.
        """
        try:
            cls.create(None, **values)
        except UsageError as error:
            cause = error.__cause__
            if not isinstance(cause, ValidationError) or any(e["loc"] for e in cause.errors()):
                raise

    @classmethod
    def start_for(cls, classifier: Classifier) -> Self:
        """What the window starts with for a classifier."""
        return cls._fitted(cls.starting_values(classifier), classifier.shorter_side)

    @classmethod
    def adopting(
        cls, earlier: Method | None, classifier: Classifier, *, new_classifier: bool = False
    ) -> Self:
        """Start with what was set in an earlier method, as far as it means the same here.

        A method declares its own choices and what it does at which layer, and a classifier its own
        sizes; everything else that the user has set stays.
        """
        start = cls.starting_values(classifier)
        own = {known.name for known in cls.parameters() if known.kind == "layer"}
        if new_classifier:
            own |= set(start)
        else:
            own |= {known.name for known in cls.parameters() if known.kind == "choice"}
        kept = {name: value for name, value in earlier or () if name in cls.model_fields}
        kept = {name: value for name, value in kept.items() if name not in own}
        return cls._fitted({**start, **kept}, classifier.shorter_side)

    def with_changes(self, input_size: int, **changes: Any) -> Self:
        """The same with other values, for an input of this side (pixels).

        Numbers are moved into their bounds, and their partners follow.

        Raises
        ------
        UsageError
            If a value is none of its parameter.
        """
        values = {**dict(self), **self.following(changes, input_size), **changes}
        return self._fitted(values, input_size)

    @classmethod
    def _fitted(cls, values: Mapping[str, Any], input_size: int) -> Self:
        """Move every number into its bounds, in the order of their declaration."""
        draft = cls.model_construct(**values)
        fitted = dict(draft)
        bounds = draft.bounds(input_size)
        for known in cls.parameters():
            value = fitted[known.name]
            if known.name not in bounds or value is None:
                continue
            low, high = bounds[known.name]
            bounded = value if low is None else max(value, low)
            bounded = bounded if high is None else min(bounded, high)  # also where there is no room
            fitted[known.name] = int(bounded) if known.kind == "integer" else float(bounded)
            if fitted[known.name] != value:  # which may move the bounds of others
                bounds = cls.model_construct(**fitted).bounds(input_size)
        return cls.of_values(fitted)


@cache
def _declared_bounds(kind: type[Method]) -> Mapping[str, Bounds]:
    return {one.name: (one.minimum, one.maximum) for one in kind.parameters() if one.is_number}


def by_family(kinds: Iterable[type[Method]]) -> dict[Family, list[type[Method]]]:
    """Methods under the headings of their families; within one, in the order given."""
    places = {family: place for place, family in enumerate(get_args(Family))}
    groups: dict[Family, list[type[Method]]] = {}
    for kind in sorted(kinds, key=lambda kind: places[kind.family]):
        groups.setdefault(kind.family, []).append(kind)
    return groups


def run(steps: Iterator[Progress[Made]]) -> Made:
    """Carry work to its end and return the finished map or image.

    Threads take turns: methods put hooks and rules on a network that threads may share, and each
    one's work takes all processors anyway.
    """
    with one_at_a_time:
        (last,) = deque(steps, maxlen=1)
        return last.evidence()
