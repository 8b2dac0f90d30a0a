"""What a method is: a declaration whose fields are its parameters, and its work in steps."""

from __future__ import annotations

import types
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.results import EvidenceMap, Subject

METHODS: dict[str, type[Method]] = {}
"""Every method by its name, in the order in which the modules declare them."""


ParameterKind = Literal["integer", "number", "choice", "path", "layer"]

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
    """

    done: int
    total: int
    evidence: Callable[[], EvidenceMap]
    stage: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method, as sliders, options and help need it.

    Attributes
    ----------
    name, label, help, unit : str
        Its field, its name for people, one sentence, and the unit ("" if none).
    kind : {"integer", "number", "choice", "path", "layer"}
        What it takes.
    default : object
        Its value if nothing is said.
    minimum, maximum, step : float or None
        Bounds and step of numbers.
    choices : tuple of str
        What a choice can be.
    """

    name: str
    label: str
    help: str
    unit: str
    kind: ParameterKind
    default: object
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()


def parameter(
    default: object,
    label: str,
    help: str,
    *,
    unit: str = "",
    step: float | None = None,
    **bounds: Any,
) -> Any:
    """Declare a parameter: a pydantic field with what sliders and help need."""
    extra: JsonDict = {"label": label, "unit": unit, "step": step}
    return Field(default, description=help, json_schema_extra=extra, **bounds)


def same_but(base: type[BaseModel], name: str, default: object) -> Any:
    """Declare a parameter of a base class anew, with another default."""
    info = copy(base.model_fields[name])
    info.default = default
    return info


class Method(BaseModel):
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

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    citation: ClassVar[str] = ""
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
        active = {name: value for name, value in self if name not in self.inactive()}
        return [{**active, "target": subject.target}]

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
            view=subject.view,
            target_name=subject.classifier.class_names[subject.target],
            probabilities=subject.probabilities,
            parameters=self.model_dump(mode="json"),
            classifier=subject.classifier.name,
            weights=subject.classifier.weights,
        )

    @classmethod
    def create(cls, classifier: Classifier | None = None, **values: Any) -> Self:
        """Make the method with these values, and with what suits the classifier elsewhere.

        Raises
        ------
        UsageError
            If a value is out of its bounds or there is no such parameter.
        """
        unknown = sorted(set(values) - set(cls.model_fields))
        if unknown:
            raise UsageError(
                f"{cls.name} has no parameter “{unknown[0]}”; it has {', '.join(cls.model_fields)}."
            )
        suited = cls.suited_to(classifier) if classifier else {}
        try:
            return cls(**{**suited, **values})
        except ValidationError as error:
            raise UsageError(_sentence(cls, error)) from error

    @classmethod
    def parameters(cls) -> list[Parameter]:
        """All parameters, in the order of their declaration."""
        return [_parameter(name, info) for name, info in cls.model_fields.items()]


def by_family(kinds: Iterable[type[Method]]) -> dict[Family, list[type[Method]]]:
    """Methods under the headings of their families; within one, in the order given."""
    places = {family: place for place, family in enumerate(get_args(Family))}
    groups: dict[Family, list[type[Method]]] = {}
    for kind in sorted(kinds, key=lambda kind: places[kind.family]):
        groups.setdefault(kind.family, []).append(kind)
    return groups


def run(steps: Iterator[Progress]) -> EvidenceMap:
    """Carry work to its end and return the finished map."""
    (last,) = deque(steps, maxlen=1)
    return last.evidence()


def _parameter(name: str, info: FieldInfo) -> Parameter:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    kind, choices = _kind(info.annotation)
    step = extra.get("step")
    return Parameter(
        name=name,
        label=str(extra.get("label", name)),
        help=info.description or "",
        unit=str(extra.get("unit", "")),
        kind=kind,
        default=info.default,
        minimum=next((float(str(m.ge)) for m in info.metadata if isinstance(m, Ge)), None),
        maximum=next((float(str(m.le)) for m in info.metadata if isinstance(m, Le)), None),
        step=float(step) if isinstance(step, int | float) else (1.0 if kind == "integer" else None),
        choices=choices,
    )


def _kind(
    annotation: Any,
) -> tuple[ParameterKind, tuple[str, ...]]:
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    kinds: dict[Any, ParameterKind] = {
        int: "integer",
        float: "number",
        Path: "path",
        str: "layer",
    }
    return kinds[annotation], ()


def _sentence(method: type[Method], error: ValidationError) -> str:
    """The first thing wrong with a method's values, in one sentence."""
    first = error.errors()[0]
    if not first["loc"]:  # from a validator of ours: its text is the sentence
        return str(first["ctx"]["error"]) if "ctx" in first else first["msg"]
    name = str(first["loc"][0])
    known = next(p for p in method.parameters() if p.name == name)
    if known.kind == "choice":
        wanted = f"one of {', '.join(known.choices)}"
    elif known.minimum is not None and known.maximum is not None:
        what = "a whole number" if known.kind == "integer" else "a number"
        wanted = f"{what} from {known.minimum:.10g} to {known.maximum:.10g}"
    else:
        wanted = {
            "integer": "a whole number",
            "number": "a number",
            "path": "a path",
            "layer": "the name of a layer",
        }[known.kind]
    return f"The parameter {name} must be {wanted}, not {first['input']!r}."
