"""Tables as text: aligned by rich, plain where they are piped."""

import io
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pda_studio.studies import StudyResult

WIDTH = 80
_WIDEST = 100  # columns of a study's table, where no terminal says how many it has


def table(
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    width: int = WIDTH,
) -> str:
    """Align rows below their heading.

    Parameters
    ----------
    heading : sequence of str
        The columns' names; none for a table without them.
    rows : sequence of sequence of str
        Their cells.
    right : sequence of int
        Columns whose cells end below one another.
    width : int
        Most characters of a line.
    """
    made = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
        show_header=bool(heading),
    )
    names = heading or [""] * len(rows[0])
    for index, name in enumerate(names):
        made.add_column(Text(name), justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    return _rendered(made, width)


def study(result: "StudyResult") -> str:
    """What a study found: its table, what must be known to read it, and what it means."""
    found = result.table
    shown = [column for column in found.columns if column.key != found.group]
    places = [found.columns.index(column) for column in shown]
    right = [index for index, column in enumerate(shown) if column.format != "text"]
    groups: dict[str, list[list[str]]] = {}
    head = next((i for i, c in enumerate(found.columns) if c.key == found.group), None)
    for row in found.rows:
        title = "" if head is None else str(row[head])
        cells = [found.columns[place].text(row[place]) for place in places]
        groups.setdefault(title, []).append(cells)
    parts = []
    for title, rows in groups.items():
        text = table([column.title for column in shown], rows, right=right, width=_WIDEST)
        parts.append(f"{title}\n{text}" if title else text)
    notes = "\n".join(textwrap.fill(note, WIDTH, subsequent_indent="    ") for note in result.notes)
    parts += [notes, textwrap.fill(result.sentence, WIDTH)]
    return "\n\n".join(part for part in parts if part)


def _rendered(made: Any, width: int) -> str:
    """A table as text, with bold headings on a terminal only."""
    on_terminal = bool(sys.stdout.isatty())
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=on_terminal,
        color_system="standard" if on_terminal else None,
        highlight=False,
    )
    with console.capture() as captured:
        console.print(made)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))
