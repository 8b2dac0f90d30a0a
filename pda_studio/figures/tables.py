"""The parts of a layout: tables, the places of their columns, letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pda_studio.figures.composition import INPUT, Composition
from pda_studio.figures.grid import Row

T = TypeVar("T")


@dataclass(frozen=True)
class Arrangement:
    """Into how many tables a figure is divided.

    Attributes
    ----------
    lines : int
        Parts of the columns, one below the other.
    blocks : int
        Parts of the rows, side by side.
    """

    lines: int = 1
    blocks: int = 1


@dataclass(frozen=True)
class Place:
    """Where a column stands in its table.

    Attributes
    ----------
    key : int
        The column's, or `INPUT`.
    x, width : int
        In dots, from the table's left edge.
    title : tuple of str
        Its lines, in bold.
    details : tuple of str
        Lines below that say how it differs from the others.
    """

    key: int
    x: int
    width: int
    title: tuple[str, ...]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Some rows and columns of a figure.

    Attributes
    ----------
    x, y : int
        Its upper left corner, in dots.
    rows : tuple of Row
        From top to bottom.
    places : tuple of Place
        From left to right.
    titles_height : int
        What stands over the first row takes so much, in dots.
    """

    x: int
    y: int
    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    titles_height: int


def parts(whole: Sequence[T], count: int) -> list[list[T]]:
    """Split evenly into so many parts, the longer ones first."""
    each = -(-len(whole) // count)
    return [list(whole[start : start + each]) for start in range(0, len(whole), each)]


def letter(at: int, composition: Composition) -> str:
    """The letter of what comes at this place: after z comes aa."""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        text = chr(ord("a") + rest) + text
    style = composition.letter_style
    return style.replace("a", text).replace("A", text.upper())


def letters(
    rows: Sequence[Row], lines: Sequence[Sequence[int]], composition: Composition
) -> dict[tuple[int, int], str]:
    """The letter of each panel by the keys of its row and column, in the order of reading.

    Parameters
    ----------
    rows : sequence of Row
        All rows.
    lines : sequence of sequence of int
        The keys of the columns in each line of tables.
    composition : Composition
        Says what has letters; those of columns stand under a row of key −1.
    """
    if composition.letters == "columns":
        keys = dict.fromkeys(key for line in lines for key in line)
        return {(-1, key): letter(at, composition) for at, key in enumerate(keys)}
    if composition.letters != "panels":
        return {}
    panels = dict.fromkeys(  # an image that stands in every line is one panel
        (row.key, key)
        for line in lines
        for row in rows
        for key in line
        if key == INPUT or key in row.maps
    )
    return {panel: letter(at, composition) for at, panel in enumerate(panels)}
