"""Finished maps on the disk, found again by what they were made of.

A map's key is a hash of everything that it depends on: the image as the network sees it, the
classifier, the method with the parameters that play a part, and the program. Nothing in it is a
name that could come to mean something else, so that no map is ever out of date.
"""

import hashlib
import io
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

import pda_studio
from pda_studio.errors import PdaStudioError
from pda_studio.files import cache_folder
from pda_studio.methods import Method
from pda_studio.results import Result, Subject
from pda_studio.store.entries import Entries
from pda_studio.store.maps import MOST_BYTES, packed, read_map
from pda_studio.store.network_code import network_code

_log = logging.getLogger(__name__)

SIZE = "PDA_STUDIO_CACHE_SIZE"
"""Environment variable: how many megabytes the maps may take together; 0 keeps none."""

_FORMAT = 2  # of keys and entries: raise it when either comes to mean something else
_MEGABYTES = 2000
_MOST_READ = 1 << 30  # bytes of a folder that are read for a key; with more, maps are not kept
_ENGINE = (
    "attribution",
    "classifiers",
    "methods",
    "pda",
    "images",
    "results.py",
    "described.py",
    "targets.py",
    "diagnostics.py",
)


@dataclass(frozen=True)
class CacheEntry:
    """A map in the cache: how it is made, and the keys under which it may lie, its own first.

    Without any key, as where a file that counts cannot be read, nothing is found and kept.
    """

    method: Method
    subject: Subject
    keys: tuple[str, ...]

    @classmethod
    def of(cls, method: Method, subject: Subject) -> "CacheEntry":
        """Work out the keys; this reads the files and folders that the parameters name."""
        try:
            return cls(method, subject, tuple(_keys(method, subject)))
        except (OSError, TypeError, ValueError) as error:
            _log.debug("A map cannot be looked up: %r", error)
            return cls(method, subject, ())


@dataclass(frozen=True)
class CacheHit:
    """A map from the cache, and when it was made."""

    evidence_map: Result
    made: datetime

    def __str__(self) -> str:
        return (
            f"from the cache (computed in {self.evidence_map.seconds:.1f} s"
            f" on {self.made:%Y-%m-%d})"
        )


class DiskCache:
    """Finished maps in the user's cache folder.

    Parameters
    ----------
    folder : Path, optional
        Another folder.
    limit : int, optional
        Bytes that the maps may take together; 0 switches the cache off.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        self.entries = Entries(
            folder or cache_folder() / "maps", _limit() if limit is None else limit
        )

    def find(self, wanted: CacheEntry) -> CacheHit | None:
        """Find the map of an entry, as it was kept or drawn anew from window scores."""
        for key in wanted.keys:
            entry = self.entries.find(key)
            if entry is None:
                continue
            try:
                kept = read_map(io.BytesIO(entry.data), key)
                drawn = wanted.method.redrawn(kept, wanted.subject)
            except KeyError:  # a whole map, but of another class
                continue
            except PdaStudioError as error:
                _log.debug("A damaged map is discarded: %s", error)
                self.entries.discard(key)
                continue
            self.entries.touch(key)
            return CacheHit(drawn, datetime.fromtimestamp(entry.made))
        return None

    def keep(self, wanted: CacheEntry, evidence_map: Result) -> bool:
        """Keep the answer, if it is complete; returns whether it is kept."""
        if not self.entries.limit or not wanted.keys or not evidence_map.complete:
            return False
        if CacheEntry.of(wanted.method, wanted.subject).keys != wanted.keys:
            return False  # a file was changed during the work: nobody knows what was read
        data = packed(evidence_map, scores=True)
        return len(data) <= MOST_BYTES and self.entries.keep(wanted.keys[0], data)


def _limit() -> int:
    text = os.environ.get(SIZE, "").strip()
    if text and not (text.isascii() and text.isdigit()):
        _log.warning("%s must be a whole number of megabytes, not “%s”.", SIZE, text)
        text = ""
    return int(text or _MEGABYTES) * 1_000_000


def subject_in_key(subject: Subject) -> dict[str, Any]:
    """What a subject and the program are in a key, but for the target, as JSON values."""
    classifier, view = subject.classifier, subject.view
    values = {
        **program_in_key(),
        "view": [view.shape, hashlib.sha256(view.tobytes()).hexdigest()],
        "classifier": classifier.name,
        "fingerprint": classifier.fingerprint,
        # Weights alone do not tell everything: not the strides of a network's layers, and not
        # what its forward pass does with them.
        "network": repr(classifier.network),
        "code": network_code(classifier.network),
        "preprocessing": classifier.preprocessing.model_dump(mode="json", exclude_none=True),
        "settings": classifier.settings.model_dump(mode="json"),
        "device": classifier.device.type,
        "batch": subject.batch,
    }
    if subject.limits is not None:  # the same view may come of other values
        values["limits"] = [subject.limits.black, subject.limits.white]
    return values


def program_in_key() -> dict[str, Any]:
    """What the program is in every key, as JSON values."""
    return {"format": _FORMAT, "program": code_of(_ENGINE), "torch": torch.__version__}


def hashed(values: dict[str, Any]) -> str:
    """A key of JSON values; of paths among them, what lies there counts."""
    text = json.dumps(values, sort_keys=True, default=_content)
    return hashlib.sha256(text.encode()).hexdigest()


def _keys(method: Method, subject: Subject) -> Iterator[str]:
    common = {**subject_in_key(subject), "method": method.name}
    for values in method.sources(subject):
        yield hashed({**common, "values": values})


@lru_cache(maxsize=8)
def code_of(names: tuple[str, ...]) -> str:
    """The program's version; with these parts' source, so that a work in progress counts, too."""
    digest = hashlib.sha256(pda_studio.__version__.encode())
    home = Path(pda_studio.__file__).parent
    for name in names:
        for path in sorted([home / name, *(home / name).rglob("*.py")]):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _content(value: object) -> Any:
    """What stands in a key for a file or a folder: what is in it, wherever it lies."""
    if not isinstance(value, Path):
        raise TypeError(f"{value!r} has no place in a key")
    if value.is_file():
        return _digest(value)
    # The order counts, not the names: methods go through a folder in the order of its names.
    files = sorted(path for path in value.rglob("*") if path.is_file())
    if not files or sum(path.stat().st_size for path in files) > _MOST_READ:
        raise ValueError(f"{value} is missing, empty, or too large to be read for a key")
    return [_digest(path) for path in files]


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of_version(
        path.resolve(), status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


@lru_cache(maxsize=4096)
def _digest_of_version(path: Path, *_: int) -> str:
    """SHA-256 of a file, read once for each size and time of change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
