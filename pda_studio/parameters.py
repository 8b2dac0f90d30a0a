"""Declared parameters of methods and studies: one source for slider, option and help."""

from __future__ import annotations

import types
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

ParameterKind = Literal["integer", "number", "choice", "path", "layer"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method or study, as sliders, options and help need it.

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
    group : str
        Under which heading it stands, "" if under none.
    required : bool
        Whether it has no default.
    registry : mapping, optional
        What the choices are the names of, where they come from a registry.
    symbol : str or None
        What stands before its value in a heading, "" for nothing; None if headings leave it out.
    files : str
        Which files a folder's place takes, too, as a pattern; "" if none.
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
    group: str = ""
    required: bool = False
    registry: Mapping[str, object] | None = field(default=None, repr=False, compare=False)
    symbol: str | None = None
    files: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it takes numbers, which have bounds."""
        return self.kind in ("integer", "number")


@dataclass(frozen=True)
class OneOf:
    """Annotates a parameter that takes the name of something in a registry, as it is by then.

    Attributes
    ----------
    registry : mapping
        What there is, by name.
    """

    registry: Mapping[str, object]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Refuse names that are not in the registry."""
        from pydantic_core import core_schema  # slow to load: when a declaration is first made

        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def _known(self, name: str) -> str:
        if name not in self.registry:
            raise ValueError(f"There is no “{name}”: choose one of {', '.join(self.registry)}.")
        return name


def parameter(
    default: object,
    label: str,
    help: str,
    *,
    unit: str = "",
    step: float | None = None,
    group: str = "",
    symbol: str | None = None,
    files: str = "",
    **bounds: Any,
) -> Any:
    """Declare a parameter: a pydantic field with what sliders and help need.

    The default `...` stands for none: a value must be given.
    """
    extra: JsonDict = {
        "label": label,
        "unit": unit,
        "step": step,
        "group": group,
        "symbol": symbol,
        "files": files,
    }
    return Field(default, description=help, json_schema_extra=extra, **bounds)


def same_but(base: type[BaseModel], name: str, default: object) -> Any:
    """Declare a parameter of a base class anew, with another default."""
    info = copy(base.model_fields[name])
    info.default = default
    return info


class Declaration(BaseModel):
    """What is declared once, in one class: its fields are its parameters.

    Attributes
    ----------
    name, title, summary, citation : str
        Name in the registry, name for people, one sentence, and where it was published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    citation: ClassVar[str] = ""

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Self:
        """Make one with these values, and the defaults elsewhere.

        Raises
        ------
        UsageError
            If a value is missing or out of its bounds, or there is no such parameter.
        """
        unknown = sorted(set(values) - set(cls.model_fields))
        if unknown:
            has = ", ".join(cls.model_fields) or "none"
            raise UsageError(f"{cls.name} has no parameter “{unknown[0]}”; it has {has}.")
        try:
            return cls(**values)
        except ValidationError as error:
            raise UsageError(_sentence(cls, error)) from error

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """All parameters, in the order of their declaration."""
        found = []
        for one in _parameters(cls):
            choices = one.choices if one.registry is None else tuple(one.registry)
            found.append(one if choices == one.choices else replace(one, choices=choices))
        return tuple(found)


@cache
def _parameters(kind: type[Declaration]) -> tuple[Parameter, ...]:
    fields = kind.model_fields.items()
    return tuple(_parameter(name, info) for name, info in fields if info.json_schema_extra)


def _parameter(name: str, info: FieldInfo) -> Parameter:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    kind, choices = _kind(info.annotation)
    registry = next((mark.registry for mark in info.metadata if isinstance(mark, OneOf)), None)
    if registry is not None:
        kind, choices = "choice", tuple(registry)
    step, symbol = extra.get("step"), extra.get("symbol")
    return Parameter(
        name=name,
        label=str(extra.get("label", name)),
        help=info.description or "",
        unit=str(extra.get("unit", "")),
        kind=kind,
        default=None if info.is_required() else info.default,
        minimum=next((float(str(m.ge)) for m in info.metadata if isinstance(m, Ge)), None),
        maximum=next((float(str(m.le)) for m in info.metadata if isinstance(m, Le)), None),
        step=float(step) if isinstance(step, int | float) else (1.0 if kind == "integer" else None),
        choices=choices,
        group=str(extra.get("group", "")),
        files=str(extra.get("files", "")),
        required=info.is_required(),
        registry=registry,
        symbol=symbol if isinstance(symbol, str) else None,
    )


def _kind(annotation: Any) -> tuple[ParameterKind, tuple[str, ...]]:
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


def _sentence(kind: type[Declaration], error: ValidationError) -> str:
    """The first thing wrong with a declaration's values, in one sentence."""
    first = error.errors()[0]
    if not first["loc"]:  # from a validator of ours: its text is the sentence
        return str(first["ctx"]["error"]) if "ctx" in first else first["msg"]
    name = str(first["loc"][0])
    known = next(p for p in kind.parameters() if p.name == name)
    if known.required and first["type"] == "missing":
        return f"{kind.name} needs a value for the parameter {name}."
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
