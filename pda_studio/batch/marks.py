"""Marks and notes on results, in a small file beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole

FILE = "marks.json"
_MOST = 64 << 20  # bytes


class Mark(NamedTuple):
    """What somebody said of a result.

    Attributes
    ----------
    marked : bool
        Whether it is marked.
    note : str
        What stands beside it.
    """

    marked: bool = False
    note: str = ""


class Marks:
    """Marks of results, by their jobs' names.

    The file is written whole. What other processes wrote into it since stays, but for the results
    that were marked or noted on here.

    Parameters
    ----------
    folder : Path
        Where the results, or the images, lie.

    Raises
    ------
    PdaStudioError
        If there is a file of marks that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._marks = _read(self.path)
        self._changed: dict[str, Mark] = {}

    def is_marked(self, job: str) -> bool:
        """Whether a result is marked."""
        return self._marks.get(job, Mark()).marked

    def note(self, job: str) -> str:
        """The note on a result; "" if there is none."""
        return self._marks.get(job, Mark()).note

    @property
    def count(self) -> int:
        """How many are marked."""
        return sum(one.marked for one in self._marks.values())

    def mark(self, job: str, marked: bool) -> None:
        """Mark a result, or take its mark away."""
        self._put(job, self._marks.get(job, Mark())._replace(marked=marked))

    def set_note(self, job: str, note: str) -> None:
        """Write a note on a result; "" takes it away."""
        self._put(job, self._marks.get(job, Mark())._replace(note=note))

    def _put(self, job: str, mark: Mark) -> None:
        self._marks[job] = self._changed[job] = mark

    def save(self) -> None:
        """Write what was changed here into the file.

        Raises
        ------
        PdaStudioError
            If it cannot be written; the changes are kept for the next time.
        """
        changed = dict(self._changed)
        if not changed:
            return
        marks = {job: one for job, one in {**_read(self.path), **changed}.items() if any(one)}
        values = {job: marks[job]._asdict() for job in sorted(marks)}
        text = json.dumps(values, indent=0, ensure_ascii=False)
        with written_whole(self.path) as file:
            file.write(text.encode("utf-8", "replace") + b"\n")
        for job, mark in changed.items():
            if self._changed.get(job) is mark:  # not changed again meanwhile
                del self._changed[job]


def _read(path: Path) -> dict[str, Mark]:
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MOST))
        return {
            str(job): Mark(bool(one["marked"]), str(one["note"])) for job, one in values.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PdaStudioError(
            f"Cannot read the marks in {path}: the file is damaged; move it away to begin anew."
        ) from error
