"""Methods on a line of a study: their names, with values of their parameters."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pda_studio.methods import Method

_TYPES: dict[str, Any] = {"integer": int, "number": float, "path": Path}


def method_with_values(text: str) -> "tuple[type[Method], dict[str, Any]]":
    """The method that a text such as `efficient-pda:stride=4,window=12` names, and its values.

    Raises
    ------
    UsageError
        If there is no such method or parameter, or a value is none.
    """
    from pda_studio.methods import method_named

    name, _, rest = text.partition(":")
    kind = method_named(name)
    known = {one.name: one for one in kind.parameters()}
    values: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, is_set, value = (word.strip() for word in part.partition("="))
        key = key.replace("-", "_")
        if not is_set or not value:
            raise UsageError(f"“{part}” sets nothing: write {name}:PARAMETER=VALUE,…")
        if key not in known:
            has = ", ".join(known) or "none"
            raise UsageError(f"{name} has no parameter “{key}”; it has {has}.")
        try:
            values[key] = _TYPES.get(known[key].kind, str)(value)
        except ValueError as error:
            what = "a whole number" if known[key].kind == "integer" else "a number"
            raise UsageError(f"{key} of {name} must be {what}, not “{value}”.") from error
    return kind, values
