"""The contact sheet: one HTML file with all results, which opens from the disk."""

import html
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pda_studio.files import written_whole

_SHOWN = (
    "image",
    "label",
    "classifier",
    "method",
    "title",
    "target",
    "probability",
    "predicted",
    "seconds",
    "largest",
    "smallest",
    "unit",
    "agreement",
    "map",
    "thumbnail",
    "error",
)
"""Columns of the sheet."""


@cache
def page() -> str:
    """The page without title and rows."""
    return files("pda_studio.resources").joinpath("contact_sheet.html").read_text("utf-8")


def write_sheet(rows: Iterable[dict[str, Any]], path: Path, title: str) -> None:
    """Write the contact sheet, whole or not at all.

    Parameters
    ----------
    rows : iterable of dict
        What it shows, one at a time in memory.
    path : Path
        Where it goes, beside the thumbnails.
    title : str
        What stands over it.

    Raises
    ------
    PdaStudioError
        If it cannot be written.
    """
    head, tail = page().replace("TITLE", html.escape(title)).split("ROWS")
    with written_whole(path) as file:
        file.write(head.encode("utf-8", "replace"))
        file.write(json.dumps(_SHOWN).encode())
        for row in rows:
            line = json.dumps([_shown(row.get(name)) for name in _SHOWN], separators=(",", ":"))
            file.write(b",\n" + line.replace("<", "\\u003c").encode())
        file.write(tail.encode())


def _shown(value: object) -> object:
    """Numbers with as many digits as the sheet needs."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
