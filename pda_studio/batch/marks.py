"""Marks and notes on results, in a small file beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from pda_studio.batch.claims import alone_with
from pda_studio.errors import PdaStudioError
from pda_studio.files import check_writable, written_whole

FILE = "marks.json"
_LOCK = ".marks.lock"
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

    The file is written whole, by one process at a time. What others wrote into it since stays, but
    for the marks and the notes that were changed here; it is known here once this is saved.

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
        self._changed: dict[str, dict[str, Any]] = {}

    def is_marked(self, job: str) -> bool:
        """Whether a result is marked."""
        return self._marks.get(job, Mark()).marked

    def note(self, job: str) -> str:
        """The note on a result; "" if there is none."""
        return self._marks.get(job, Mark()).note

    @property
    def count(self) -> int:
        """How many are marked."""
        return sum(one.marked for one in list(self._marks.values()))

    def mark(self, job: str, marked: bool) -> None:
        """Mark a result, or take its mark away."""
        self._put(job, marked=marked)

    def set_note(self, job: str, note: str) -> None:
        """Write a note on a result; "" takes it away."""
        self._put(job, note=note)

    def _put(self, job: str, **values: Any) -> None:
        self._marks[job] = self._marks.get(job, Mark())._replace(**values)
        self._changed[job] = {**self._changed.get(job, {}), **values}

    def save(self) -> None:
        """Write what was changed here into the file, and take over what others wrote there.

        Raises
        ------
        PdaStudioError
            If it cannot be written; the changes are kept for the next time.
        """
        changed = dict(self._changed)
        if not changed:
            return
        check_writable(self.path)
        try:
            with alone_with(self.path.with_name(_LOCK)):
                self._marks = self._written(changed)
        except OSError as error:
            raise PdaStudioError(f"Cannot write {self.path}: {error.strerror or error}.") from error
        for job, values in changed.items():
            if self._changed.get(job) is values:  # not changed again meanwhile
                del self._changed[job]
        for job, values in dict(self._changed).items():
            self._marks[job] = self._marks.get(job, Mark())._replace(**values)

    def _written(self, changed: dict[str, dict[str, Any]]) -> dict[str, Mark]:
        """Write changes into what the file holds now; returns what it holds then."""
        marks = _read(self.path)
        for job, values in changed.items():
            marks[job] = marks.get(job, Mark())._replace(**values)
        kept = {job: marks[job] for job in sorted(marks) if any(marks[job])}
        values = {job: one._asdict() for job, one in kept.items()}
        text = json.dumps(values, indent=0, ensure_ascii=False)
        with written_whole(self.path) as file:
            file.write(text.encode("utf-8", "replace") + b"\n")
        return kept


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
