"""Declared parameters as options: whatever a method or study declares, the command line takes."""

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cyclopts
from cyclopts.validators import Number

from pda_studio.cli.options import whole

if TYPE_CHECKING:
    from pda_studio.methods import Method
    from pda_studio.parameters import Parameter

_WIDTH = 80
_SUITED = "What is not given suits the classifier, or is the default."
_PLACES = {"integer": "N", "number": "X", "choice": "NAME", "path": "PATH", "layer": "LAYER"}
_TYPES: dict[str, Any] = {"integer": int, "number": float, "path": Path, "layer": str}


def with_method_parameters(
    verb: Callable[..., int], method: str | None, *, alone: bool = False
) -> Callable[..., int]:
    """Replace a verb's `**parameters` by one option for each parameter of a method, or by none.

    The verb gets those that were given.

    Parameters
    ----------
    verb : callable
        The verb.
    method : str or None
        The method's name.
    alone : bool
        Whether the verb's help shows the method's parameters alone, without the verb's own.

    Raises
    ------
    UsageError
        If there is no such method.
    """
    from pda_studio.methods import method_named

    if method is None:
        return with_options(verb, [])
    kind = method_named(method)
    made = with_options(verb, options_of(kind.parameters(), kind.title, _SUITED), hidden=alone)
    if alone:
        made.__doc__ = _about(verb.__name__, kind)
    return made


def _about(verb: str, kind: "type[Method]") -> str:
    parts = [kind.title, kind.summary, kind.citation]
    if not kind.model_fields:
        parts.append("It has no parameters.")
    parts.append(f"pda-studio {verb} --help shows the options that all methods share.")
    return "\n\n".join(textwrap.fill(part, _WIDTH, break_on_hyphens=False) for part in parts)


def options_of(
    parameters: "Sequence[Parameter]", title: str, note: str = ""
) -> list[inspect.Parameter]:
    """Make options of declared parameters: in groups, with their types, bounds and help.

    The note stands at the top of the first group.
    """
    groups: dict[str, cyclopts.Group] = {}
    made = []
    for parameter in parameters:
        heading = parameter.group or title
        group = groups.setdefault(
            heading,
            cyclopts.Group(
                heading,
                help="" if groups else note,
                sort_key=2 + len(groups),
            ),
        )
        made.append(_option(parameter, group))
    return made


def _option(parameter: "Parameter", group: cyclopts.Group) -> inspect.Parameter:
    kind = _TYPES.get(parameter.kind) or Literal[parameter.choices]
    bounded = parameter.minimum is not None or parameter.maximum is not None
    declared = cyclopts.Parameter(
        name=option(parameter.name),
        help=_help(parameter),
        group=group,
        metavar=_PLACES[parameter.kind],
        converter=whole if parameter.kind == "integer" else None,
        validator=Number(gte=parameter.minimum, lte=parameter.maximum) if bounded else None,
        show_choices=False,
        show_default=False,
    )
    if parameter.required:
        named = cyclopts.Parameter(help=_help(parameter))
        return inspect.Parameter(
            parameter.name,
            inspect.Parameter.POSITIONAL_ONLY,
            annotation=Annotated[kind, named],
        )
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, declared],
    )


def with_options(
    verb: Callable[..., int], options: list[inspect.Parameter], *, hidden: bool = False
) -> Callable[..., int]:
    """Replace a verb's `**parameters` by options; those that it has itself stay as they are.

    If these are to be hidden, the help does not show them.
    """
    signature = inspect.signature(verb)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {p.name for p in own}
    added = [one for one in options if one.name not in taken]
    if hidden:
        unseen = cyclopts.Parameter(show=False)
        own = [p.replace(annotation=Annotated[p.annotation, unseen]) for p in own]

    @wraps(verb)
    def with_them(*arguments: Any, **values: Any) -> int:
        return verb(*arguments, **{k: v for k, v in values.items() if k in taken or v is not None})

    full = signature.replace(parameters=[*own, *added])
    with_them.__signature__ = full  # type: ignore[attr-defined]
    with_them.__annotations__ = {p.name: p.annotation for p in full.parameters.values()}
    return with_them


def named_on(words: list[str], option: str) -> str | None:
    """What a command line gives for an option; None if it does not name it."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--":
            return None
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def option(name: str) -> str:
    """Name of a parameter on the command line."""
    return f"--{name.replace('_', '-')}"


def parameters_by_name(kinds: "list[type[Method]]") -> "dict[str, dict[str, Parameter]]":
    """All parameters by their name: how each method that has it declares it, by its name."""
    found: dict[str, dict[str, Parameter]] = {}
    for kind in kinds:
        for parameter in kind.parameters():
            found.setdefault(parameter.name, {})[kind.name] = parameter
    return found


def allowed(parameter: "Parameter") -> str:
    """What a parameter can be: its choices, or its bounds with the unit."""
    if parameter.kind == "choice":
        return ", ".join(parameter.choices)
    low, high = parameter.minimum, parameter.maximum
    unit = f" {parameter.unit}" if parameter.unit else ""
    if low is not None and high is not None:
        return f"{_plain(low)} to {_plain(high)}{unit}"
    if low is not None:
        return f"at least {_plain(low)}{unit}"
    if high is not None:
        return f"at most {_plain(high)}{unit}"
    return parameter.unit


def merged(by_method: "Mapping[str, Parameter]", text: "Callable[[Parameter], str]") -> list[str]:
    """Each text about a parameter once; where methods differ, with their names."""
    users: dict[str, list[str]] = {}
    for method, parameter in by_method.items():
        users.setdefault(text(parameter), []).append(method)
    if len(users) == 1:
        return list(users)
    return [f"{one} ({', '.join(names)})" for one, names in users.items() if one]


def defaults(by_method: "Mapping[str, Parameter]") -> str:
    """What a parameter is if nothing is said; where the methods differ, with their names."""
    users: dict[str, list[str]] = {}
    for method, parameter in by_method.items():
        if parameter.default is not None:
            users.setdefault(str(parameter.default), []).append(method)
    if len(users) == 1:
        return next(iter(users))
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in users.items())


def _help(parameter: "Parameter") -> str:
    """Help of an option: what it is, what it can be, and its default."""
    default = "" if parameter.default is None else f"default {parameter.default}"
    details = "; ".join(part for part in (allowed(parameter), default) if part)
    return f"{parameter.help} [{details}]" if details else parameter.help


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"
