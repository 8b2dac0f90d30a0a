"""Filters of results, as people type them: words, and conditions on columns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pda_studio.batch.table import HEADINGS, ResultTable
from pda_studio.errors import UsageError

_SEARCHED = ("image", "label", "predicted", "target", "method", "classifier", "error", "note")
"""Columns in which a bare word is looked for."""
_TERM = re.compile(
    r"""(?P<column>[A-Za-z_]+)\s*(?P<sign><=|>=|!=|=|<|>|:)\s*(?P<value>"[^"]*"|[^\s"]+)"""
    r"""|(?P<word>"[^"]*"|\S+)"""
)
_NUMBERS: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.bool_]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
}
_KINDS = {heading.name: heading.kind for heading in HEADINGS}


@dataclass(frozen=True)
class Condition:
    """What a row must be like.

    Attributes
    ----------
    column : str
        Where; "" for any of the columns that are searched.
    sign : str
        How: ``< > <= >= = !=`` or ``:``, which for texts means that they contain the value.
    value : str
        What is compared with.
    """

    column: str
    sign: str
    value: str

    def holds(self, table: ResultTable) -> NDArray[np.bool_]:
        """Which rows (N,) are like that."""
        if self.column and _KINDS[self.column] == "number":
            numbers = table.numbers(self.column)
            holds = _NUMBERS[self.sign](numbers, _number(self.value))
            return np.asarray(holds & ~np.isnan(numbers))
        wanted = self.value.casefold()
        columns = (self.column,) if self.column else _SEARCHED
        found = np.zeros(len(table), np.bool_)
        for name in columns:
            texts = table.column(name)
            if self.sign in ("=", "!="):
                fits = {text for text in set(texts) if text.casefold() == wanted}
            else:
                fits = {text for text in set(texts) if wanted in text.casefold()}
            if fits:
                found |= np.fromiter((text in fits for text in texts), np.bool_, len(texts))
        return ~found if self.sign == "!=" else found


def parse(text: str) -> tuple[Condition, ...]:
    """Read a filter: all its conditions must hold.

    Words are looked for in names, classes, methods, errors and notes. ``probability<0.5``,
    ``predicted="bee eater"``, ``method:pda`` and ``error!=""`` compare a column with a value; the
    name of a column alone, as ``error`` or ``marked``, is a word like others unless a sign follows.

    Raises
    ------
    UsageError
        If there is no such column, or what is compared with a number is none.
    """
    return tuple(_condition(found) for found in _TERM.finditer(text))


def matching(table: ResultTable, text: str) -> NDArray[np.bool_]:
    """Which rows (N,) a filter lets through.

    Raises
    ------
    UsageError
        If the filter cannot be read.
    """
    found = np.ones(len(table), np.bool_)
    for condition in parse(text):
        found &= condition.holds(table)
    return found


def _condition(found: re.Match[str]) -> Condition:
    if found["word"] is not None:
        return Condition("", ":", found["word"].strip('"'))
    column, sign, value = found["column"].lower(), found["sign"], found["value"].strip('"')
    if column not in _KINDS:
        raise UsageError(f"There is no column “{column}”: there are {', '.join(_KINDS)}.")
    if _KINDS[column] == "number":
        _number(value)
    elif sign not in ("=", "!=", ":"):
        raise UsageError(f"“{column}” holds texts: use {column}:{value} or {column}={value}.")
    return Condition(column, sign, value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"“{text}” is no number: compare with one, as confidence<0.5.") from error
