"""A folder of results: maps, thumbnails, and a row about each; whole or not at all.

    maps/SETTING/IMAGE.npz         as `explain` writes them
    thumbnails/SETTING/IMAGE.jpg   small overlays
    rows/HOST-PROCESS.jsonl        what each process finished, a line each
    index.parquet, index.html      all rows as a table, and as a contact sheet
    claims                         its bytes are locked by those who work
    plan.toml                      what was last to be done

A map is written before its row, and a result is there once its row is. Each process writes rows to
a file of its own, so that none waits for another and a torn last line harms nobody.
"""

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pda_studio.batch.claims import Claims, claims_in
from pda_studio.errors import PdaStudioError


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the index tells of a job.

    Attributes
    ----------
    job : str
        Its name: the setting and the image.
    setting, image, path, label : str
        The setting, the image's name and file, and the class it belongs to, if that is known.
    sha256, size, modified : str, int, int
        Content hash, bytes, and time of change (ns) of the image's file.
    classifier, weights, fingerprint : str
        What is explained.
    method, title, parameters : str, str, dict
        What explains.
    target, target_index, unit : str, int, str
        What is explained, and in what evidence counts.
    probability : float or None
        Of the target, where it has one.
    predicted, top_classes, top_probabilities
        The likeliest class; the likeliest five, with probabilities or plain values.
    seconds : float or None
        How long the map took.
    largest, smallest, total, mean_absolute : float or None
        Of the evidence.
    row, column : int or None
        Where the evidence is largest.
    standard_error, approximation_error : float or None
        The largest standard error, and the root mean square approximation error, where there are.
    compared : dict
        By setting, how far the image's other maps agree that lay there as this one was written:
        correlation (None where a map is the same everywhere) and overlap, see `Agreement`.
    agreement, overlap : float or None
        Their means over all other maps of the image that are compared; in the index alone.
    notes : str
        What was left out or decided when the image was read.
    map, thumbnail : str
        Files below the folder of results; "" if there are none.
    error : str
        Why there is no map; "" if there is.
    finished : float
        When, in seconds since 1970.
    process : str
        Machine and process that did it.
    """

    job: str
    setting: str
    image: str
    path: str
    label: str = ""
    sha256: str = ""
    size: int = -1
    modified: int = -1
    classifier: str = ""
    weights: str = ""
    fingerprint: str = ""
    method: str = ""
    title: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    target: str = ""
    target_index: int | None = None
    unit: str = ""
    probability: float | None = None
    predicted: str = ""
    top_classes: list[str] = field(default_factory=list)
    top_probabilities: list[float] = field(default_factory=list)
    seconds: float | None = None
    largest: float | None = None
    smallest: float | None = None
    total: float | None = None
    mean_absolute: float | None = None
    row: int | None = None
    column: int | None = None
    standard_error: float | None = None
    approximation_error: float | None = None
    compared: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    agreement: float | None = None
    overlap: float | None = None
    notes: str = ""
    map: str = ""
    thumbnail: str = ""
    error: str = ""
    finished: float = 0.0
    process: str = ""


COLUMNS = tuple(one.name for one in fields(Row))


class FileState(NamedTuple):
    """What tells an image's file from a later one of the same name.

    Attributes
    ----------
    size, modified : int
        Bytes, and time of change (ns); -1 if there is no file.
    sha256 : str
        Hash of its content; "" if it is not known.
    """

    size: int = -1
    modified: int = -1
    sha256: str = ""

    @classmethod
    def of(cls, path: str) -> "FileState":
        """The state of a file as it is now, without its hash."""
        try:
            status = os.stat(path)
        except OSError:
            return cls()
        return cls(status.st_size, status.st_mtime_ns)

    def may_be(self, earlier: "FileState", path: str) -> bool:
        """Whether a file is what it was: its content is read only where the rest does not tell."""
        if self.size < 0 or self[:2] == earlier[:2]:
            return True  # the result of a file that is gone stays
        if self.size != earlier.size:
            return False
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == earlier.sha256


_KNOWN = np.dtype(
    [("size", "i8"), ("modified", "i8"), ("sha256", "S64"), ("failed", "?"), ("finished", "f8")]
)
"""A row of `KnownRows`; one that is not known was finished at 0."""


class Known(NamedTuple):
    """As much of a row as tells whether its job is done."""

    state: FileState
    failed: bool
    finished: float


class ResultFolder:
    """A folder of results.

    Parameters
    ----------
    folder : Path
        Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.index = self.folder / "index.parquet"
        self.sheet = self.folder / "index.html"
        self.plan = self.folder / "plan.toml"

    def make(self) -> None:
        """Make the folder.

        Raises
        ------
        PdaStudioError
            If it cannot be made or written.
        """
        try:
            for name in ("maps", "thumbnails", "rows"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            claims_in(self.folder)
        except OSError as error:
            reason = error.strerror or str(error)
            raise PdaStudioError(
                f"Cannot write to {self.folder}: {reason}; name another folder."
            ) from error

    @property
    def claims(self) -> Claims:
        """Who works on what."""
        return claims_in(self.folder)

    def map_of(self, job: str) -> Path:
        """Where the map of a job lies."""
        return self.folder / "maps" / f"{job}.npz"

    def thumbnail_of(self, job: str) -> Path:
        """Where the small overlay of a job lies."""
        return self.folder / "thumbnails" / f"{job}.jpg"

    def row_files(self) -> list[Path]:
        """The files of rows, of all processes that ever worked here."""
        return sorted((self.folder / "rows").glob("*.jsonl"))


def holds_results(folder: Path) -> bool:
    """Whether a folder is one that a batch writes its results into."""
    results = ResultFolder(folder)
    return results.index.is_file() or bool(results.row_files())


class RowWriter:
    """Appends the rows of this process to a file of its own.

    Parameters
    ----------
    results : ResultFolder
        Where.
    """

    def __init__(self, results: ResultFolder) -> None:
        self.process = f"{socket.gethostname()}-{os.getpid()}"
        name = f"{self.process}-{secrets.token_hex(4)}.jsonl"
        self._path = results.folder / "rows" / name
        self._torn = False

    def append(self, row: Row) -> None:
        """Write a row, so that it outlives the process and a failure of power.

        Raises
        ------
        PdaStudioError
            If it cannot be written.
        """
        line = json.dumps(vars(row), separators=(",", ":")) + "\n"
        try:
            with self._path.open("ab", buffering=0) as file:
                self._torn, torn = True, self._torn
                data = (b"\n" if torn else b"") + line.encode()
                if file.write(data) != len(data):
                    raise OSError("No space left")
                os.fsync(file.fileno())
                self._torn = False
        except OSError as error:
            reason = error.strerror or str(error)
            raise PdaStudioError(f"Cannot write {self._path}: {reason}.") from error


class KnownRows:
    """What all processes have finished of some jobs, as far as was read.

    Memory is taken at the start, less than 100 bytes for each job.

    Parameters
    ----------
    results : ResultFolder
        Where rows are read.
    images, settings : iterable of str
        The names of images and settings: jobs are all pairs.
    """

    def __init__(
        self, results: ResultFolder, images: Iterable[str], settings: Iterable[str]
    ) -> None:
        self._results = results
        self._read: dict[Path, int] = {}
        self._images = {name: place for place, name in enumerate(images)}
        self._settings = {name: place for place, name in enumerate(settings)}
        self._rows = np.zeros((len(self._images), len(self._settings)), _KNOWN)

    def refresh(self) -> None:
        """Read what was written since."""
        for path in self._results.row_files():
            for _, row in rows_in(path, self._read.get(path, 0), self._read):
                try:
                    place = self._images[row["image"]], self._settings[row["setting"]]
                    state = int(row["size"]), int(row["modified"]), str(row["sha256"])
                    known = (*state, bool(row["error"]), float(row["finished"]))
                    if self._rows[place]["finished"] <= known[-1]:
                        self._rows[place] = known
                except (KeyError, TypeError, ValueError, OverflowError):
                    continue

    def counts(self) -> tuple[int, int]:
        """How many jobs are finished, and how many of these failed."""
        finished = self._rows["finished"] > 0
        return int(finished.sum()), int((finished & self._rows["failed"]).sum())

    def of(self, image: str, setting: str) -> Known | None:
        """What is known of a job."""
        row = self._rows[self._images[image], self._settings[setting]]
        size, modified, sha256, failed, finished = row.item()
        if not finished:
            return None
        return Known(FileState(size, modified, sha256.decode()), failed, finished)


def rows_in(
    path: Path, start: int = 0, read: dict[Path, int] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file with their places in it; lines that are torn or no rows are left out.

    Parameters
    ----------
    path : Path
        A file of rows.
    start : int
        Where to begin.
    read : dict, optional
        Gets, under the path, where the first line begins that is not yet finished.
    """
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        file.seek(start)
        place = start
        for line in file:
            if not line.endswith(b"\n"):
                break
            here, place = place, place + len(line)
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if isinstance(row, dict):
                yield here, row
        if read is not None:
            read[path] = place
