"""Cyclopts' complaints about a command line, in our words: one sentence each."""

import difflib
import types
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)
from cyclopts.validators import Number

from pda_studio.cli.explain import DEFAULT_METHOD
from pda_studio.cli.parameters import named_on
from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from cyclopts.argument import Argument


def sentence(error: CycloptsError, verbs: Iterable[str]) -> UsageError:
    """Say what is wrong with a command line in one sentence."""
    if isinstance(error, UnusedCliTokensError):
        surplus = (error.unused_tokens or [""])[0]
        first = (error.root_input_tokens or [""])[0]
        near = difflib.get_close_matches(first, verbs, n=1)
        if near and first not in verbs:
            return UsageError(f"There is no verb “{first}”: did you mean {near[0]}?")
        return UsageError(f"“{surplus}” is one argument too many: see pda-studio --help.")
    if isinstance(error, MissingArgumentError) and error.argument and not error.argument.tokens:
        verb = " ".join(error.command_chain or [])
        if verb and not error.keyword:
            return UsageError(f"{verb} needs {error.argument.name}: see pda-studio {verb} --help.")
    if isinstance(error, UnknownOptionError) and (text := _of_another_method(error)):
        return UsageError(text)
    if isinstance(error, CoercionError | ValidationError) and error.argument is not None:
        wanted = _wanted(error.argument)
        if wanted and error.argument.tokens:
            token = error.argument.tokens[-1]
            name = token.keyword or error.argument.name
            return UsageError(f"{name} must be {wanted}, not “{token.value}”.")
    return UsageError(str(error) or type(error).__name__)


def _of_another_method(error: UnknownOptionError) -> str:
    """Say that the method on the line lacks a parameter which others have; "" if none has it."""
    word = (error.token.keyword or error.token.value).partition("=")[0]
    name = word.removeprefix("--").replace("-", "_")
    words = error.root_input_tokens or []
    if words[:1] not in (["explain"], ["screenshot"]):
        return ""
    from pda_studio.methods import METHODS, method_named

    if not any(name in kind.model_fields for kind in METHODS.values()):
        return ""
    kind = method_named(named_on(words, "--method") or DEFAULT_METHOD)
    has = ", ".join(kind.model_fields) or "none"
    return f"{kind.name} has no parameter “{name}”; it has {has}."


def _wanted(argument: "Argument") -> str:
    """What an argument can be, in words; "" if its type does not say."""
    validators: Any = argument.parameter.validator  # always a tuple, once it was declared
    bounds = next((v for v in validators if isinstance(v, Number)), None)
    parts = [text for part in _alternatives(argument.hint) if (text := _in_words(part, bounds))]
    return " or ".join(parts)


def _alternatives(hint: Any) -> list[Any]:
    """The types that a hint allows, without None, words before numbers."""
    if get_origin(hint) is Annotated:
        return _alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        found = [one for part in get_args(hint) for one in _alternatives(part)]
        return sorted(found, key=lambda part: not _is_choice(part))
    return [] if hint is type(None) else [hint]


def _is_choice(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _in_words(kind: Any, bounds: Number | None) -> str:
    if _is_choice(kind):
        choices = get_args(kind)
        return f"one of {', '.join(map(str, choices))}" if len(choices) > 1 else str(choices[0])
    number = {int: "a whole number", float: "a number"}.get(kind)
    if number is None or bounds is None:
        return number or ""
    if bounds.gte is not None and bounds.lte is not None:
        return f"{number} from {bounds.gte:.10g} to {bounds.lte:.10g}"
    if bounds.gte is not None:
        return f"{number} of at least {bounds.gte:.10g}"
    return f"{number} of at most {bounds.lte:.10g}" if bounds.lte is not None else number
