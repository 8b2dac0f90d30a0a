"""What a method is: a declaration whose fields are its parameters, and its work in steps."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

from pda_studio.parameters import Declaration
from pda_studio.targets import as_json

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.results import EvidenceMap, Subject

one_at_a_time = RLock()
"""Held by whoever runs a network: methods put hooks and rules on it for a while."""

METHODS: dict[str, type[Method]] = {}
"""Every method by its name, in the order in which the modules declare them."""


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


@dataclass(frozen=True)
class Progress:
    """How far the work has come.

    Attributes
    ----------
    done, total : int
        Units of work: windows, samples, steps.
    evidence : callable
        Draws the map as it is now; call it before the next step, as often as it is shown.
    stage : str
        What is prepared before the first unit of work, and how far that has come, as in
        "covariances 3 of 12"; there is no map to be drawn then, and `evidence` is not called.
    drawn_for : callable, optional
        Draws the map as it is now for a method and a subject that differ only in what is read
        from the scores, as in the target; KeyError if the scores of that class are not kept.
    """

    done: int
    total: int
    evidence: Callable[[], EvidenceMap]
    stage: str = ""
    drawn_for: Callable[[Any, Subject], EvidenceMap] | None = None


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
    """

    family: ClassVar[Family] = "Others"
    has_evidence: ClassVar[bool] = True

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Enter the registry."""
        if cls.name:
            METHODS[cls.name] = cls

    @abstractmethod
    def steps(self, subject: Subject) -> Iterator[Progress]:
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

    def inactive(self) -> frozenset[str]:
        """Names of the parameters that play no part beside the values of the others."""
        return frozenset()

    def cost(self, subject: Subject) -> int:
        """About how many forward passes the work takes."""
        return 1

    def warning(self, subject: Subject) -> str:
        """A sentence if the work first takes minutes or gigabytes to prepare; else ""."""
        return ""

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

    def redrawn(self, kept: EvidenceMap, subject: Subject) -> EvidenceMap:
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
        return cls.of_values({**suited, **values})


def by_family(kinds: Iterable[type[Method]]) -> dict[Family, list[type[Method]]]:
    """Methods under the headings of their families; within one, in the order given."""
    places = {family: place for place, family in enumerate(get_args(Family))}
    groups: dict[Family, list[type[Method]]] = {}
    for kind in sorted(kinds, key=lambda kind: places[kind.family]):
        groups.setdefault(kind.family, []).append(kind)
    return groups


def run(steps: Iterator[Progress]) -> EvidenceMap:
    """Carry work to its end and return the finished map.

    Threads take turns: methods put hooks and rules on a network that threads may share, and each
    one's work takes all processors anyway.
    """
    with one_at_a_time:
        (last,) = deque(steps, maxlen=1)
        return last.evidence()
