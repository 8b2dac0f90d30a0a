"""The methods' parameters as options: whatever a method declares, the command line takes."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts

if TYPE_CHECKING:
    from pda_studio.methods import Method, Parameter

_GROUP = cyclopts.Group(
    "Method parameters",
    help="Without one, the value that suits the classifier, or else the default.",
    sort_key=2,
)
_PLACES = {"integer": "N", "number": "X", "choice": "NAME", "path": "PATH", "layer": "LAYER"}


def with_method_parameters(verb: Callable[..., int]) -> Callable[..., int]:
    """Replace a verb's `**parameters` by one option for each parameter of any method.

    The verb gets those that were given, as text.
    """
    from pda_studio.methods import METHODS

    kinds = list(METHODS.values())
    signature = inspect.signature(verb)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {p.name for p in own}
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                cyclopts.Parameter(
                    name=option(name),
                    help=_help(variants, len(kinds)),
                    group=_GROUP,
                    metavar=_PLACES[next(iter(variants.values())).kind],
                ),
            ],
        )
        for name, variants in variants_of(kinds).items()
        if name not in taken
    ]

    @wraps(verb)
    def with_options(*arguments: Any, **values: Any) -> int:
        return verb(*arguments, **{k: v for k, v in values.items() if k in taken or v is not None})

    full = signature.replace(parameters=[*own, *options])
    with_options.__signature__ = full  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in full.parameters.values()}
    return with_options


def option(name: str) -> str:
    """Name of a parameter on the command line."""
    return f"--{name.replace('_', '-')}"


def variants_of(kinds: "list[type[Method]]") -> "dict[str, dict[str, Parameter]]":
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


def told(variants: "Mapping[str, Parameter]", tell: "Callable[[Parameter], str]") -> list[str]:
    """What is to be told of a parameter, each text once; where methods differ, with their names."""
    users: dict[str, list[str]] = {}
    for method, parameter in variants.items():
        users.setdefault(tell(parameter), []).append(method)
    if len(users) == 1:
        return list(users)
    return [f"{text} ({', '.join(names)})" for text, names in users.items() if text]


def defaults(variants: "Mapping[str, Parameter]") -> str:
    """What a parameter is if nothing is said; where the methods differ, with their names."""
    users: dict[str, list[str]] = {}
    for method, parameter in variants.items():
        if parameter.default is not None:
            users.setdefault(str(parameter.default), []).append(method)
    if len(users) == 1:
        return next(iter(users))
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in users.items())


def _help(variants: "Mapping[str, Parameter]", count: int) -> str:
    """Help of an option: what it is, what it can be, its defaults, which methods have it."""
    helps = " ".join(told(variants, lambda parameter: parameter.help))
    default = defaults(variants)
    parts = [
        "; ".join(told(variants, allowed)),
        f"default {default}" if default else "",
        f"only {', '.join(variants)}" if len(variants) < count else "",
    ]
    details = "; ".join(part for part in parts if part)
    return f"{helps} [{details}]" if details else helps


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"
