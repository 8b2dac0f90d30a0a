"""One panel of the grid: what is asked there, and how far the answer has come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pda_studio.document.operations import Operation
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.targets import ClassTarget, Target

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.results import EvidenceMap, Subject

State = Literal["empty", "waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Request:
    """Everything that a map depends on, hashable: equal requests have equal maps.

    Attributes
    ----------
    image, classifier : str
        Hashes of the image and of the classifier's weights.
    operations : tuple
        What was done to the image.
    method, parameters : str
        The method's name, and its parameters as JSON.
    target : Target or None
        What is asked about; None stands for any class.
    """

    image: str
    classifier: str
    operations: tuple[Operation, ...]
    method: str
    parameters: str
    target: Target | None

    @property
    def values(self) -> dict[str, Any]:
        """The parameters, by name."""
        values: dict[str, Any] = json.loads(self.parameters)
        return values

    def without(self, *names: str) -> Request:
        """The same request whatever the class and the parameters of these names."""
        kept = {name: value for name, value in self.values.items() if name not in names}
        target = None if isinstance(self.target, ClassTarget) else self.target
        return replace(self, parameters=as_text(kept), target=target)


def as_text(parameters: Mapping[str, Any]) -> str:
    """Write parameters as JSON, in a fixed order; a path becomes its text."""
    return json.dumps(dict(parameters), sort_keys=True, default=str)


@dataclass(frozen=True)
class PredictionKey:
    """Of whom a row is asked, and what.

    Attributes
    ----------
    row : int
        The row's key.
    classifier : ClassifierChoice
        Who is asked.
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


@dataclass(frozen=True, eq=False)
class PanelState:
    """State of one panel.

    Attributes
    ----------
    state : str
        Where the work stands.
    request : Request or None
        What is asked.
    evidence : EvidenceMap or None
        The newest map, partial while running; an older request's until the new one arrives.
    answers : Request or None
        The request that `evidence` belongs to.
    done, total : int
        Progress in the method's units of work.
    elapsed : float
        Seconds since the work began.
    message, details : str
        Why it failed, and the traceback if there is one.
    preview : EvidenceMap or None
        A rough map of what is asked, to look at until there is an exact one; what it covers is
        exact already. It is no result: nothing but the grid knows it.
    """

    state: State = "empty"
    request: Request | None = None
    evidence: EvidenceMap | None = None
    answers: Request | None = None
    done: int = 0
    total: int = 0
    elapsed: float = 0.0
    message: str = ""
    details: str = ""
    preview: EvidenceMap | None = None

    @property
    def previewed(self) -> bool:
        """Whether the preview is what to look at."""
        return self.preview is not None and self.state not in ("done", "failed")

    @property
    def shown(self) -> EvidenceMap | None:
        """The map to look at: the preview, or the newest exact one."""
        return self.preview if self.previewed else self.evidence

    @property
    def stale(self) -> bool:
        """Whether the map shown answers an earlier request."""
        return self.evidence is not None and self.answers != self.request

    def replace(self, **changes: Any) -> PanelState:
        """A copy with other values."""
        return replace(self, **changes)
