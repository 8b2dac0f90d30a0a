"""A folder of entries: bytes by key, with checksums, bounded: the least recently used go first.

Any number of processes may use one folder at once: an entry appears whole or not at all, and one
that is gone or damaged is not there.
"""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.reading import json_of

_log = logging.getLogger(__name__)

_ENTRY = re.compile(r"[0-9a-f]{64}\.map")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}.*")  # as written_whole names them
_ABANDONED = 3600.0  # seconds after which an unfinished file is nobody's any more
_LONGEST_HEAD = 1000


@dataclass(frozen=True)
class Entry:
    """What was kept under a key, and when (seconds since 1970)."""

    data: bytes
    made: float


class Entries:
    """The entries of one folder, which is made when something is first kept.

    Parameters
    ----------
    folder : Path
        Where they lie; other files in it are left alone.
    limit : int
        Bytes that all of them together may take; 0 keeps and finds nothing.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._warned = False

    @property
    def largest(self) -> int:
        """Bytes that one entry may take: a larger one would drive out too many others."""
        return self.limit // 4

    def find(self, key: str) -> Entry | None:
        """Read an entry; one that is not as it was written is deleted, and is not there."""
        path = self._path(key)
        if not self.limit or not path.exists():
            return None
        try:
            if path.stat().st_size > self.largest:
                raise ValueError("too large")
            head, _, data = path.read_bytes().partition(b"\n")
            if len(head) > _LONGEST_HEAD:
                raise ValueError("no head")
            told = json_of(head)
            made = float(told["made"])
            if told != _head(key, made, data):
                raise ValueError("another key, or damaged")
        except FileNotFoundError:  # another process was quicker to delete it
            return None
        except Exception as error:  # damage, of whatever kind
            _log.debug("A damaged entry is discarded: %s (%r)", path, error)
            self.discard(key)
            return None
        return Entry(data, made)

    def touch(self, key: str) -> None:
        """Note that an entry was of use: it goes later."""
        now = time.time_ns()  # finer than the clock that the file system itself uses
        with suppress(OSError):
            os.utime(self._path(key), ns=(now, now))

    def keep(self, key: str, data: bytes | memoryview) -> bool:
        """Write an entry, and delete the least recently used ones where it needs their room.

        Returns
        -------
        bool
            Whether it is there now. A full disk or a folder that cannot be written is told once,
            in the log, and is no error: everything works without the cache.
        """
        made = time.time()
        head = json.dumps(_head(key, made, data)).encode() + b"\n"
        size = len(head) + len(data)
        if size > self.largest:
            return False
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the user's images
            self._make_room(size)
            with written_whole(self._path(key)) as file:
                file.write(head)
                file.write(data)
        except (OSError, PdaStudioError) as error:
            if not self._warned:
                self._warned = True
                _log.warning("Maps are not kept in the cache. %s", error)
            return False
        return True

    def discard(self, key: str) -> None:
        """Delete an entry, if it can be."""
        _delete(self._path(key))

    def usage(self) -> tuple[int, int]:
        """How many entries there are, and how many bytes they take."""
        sizes = [size for _, size, _ in self._listed(_ENTRY)]
        return len(sizes), sum(sizes)

    def clear(self) -> tuple[int, int]:
        """Delete all entries; returns how many and how many bytes they took."""
        self._sweep()
        deleted = [size for path, size, _ in self._listed(_ENTRY) if _delete(path)]
        return len(deleted), sum(deleted)

    def _make_room(self, size: int) -> None:
        """Delete the least recently used entries until one of this size fits in."""
        self._sweep()
        oldest_first = sorted(self._listed(_ENTRY), key=lambda entry: entry[2])
        held = sum(size for _, size, _ in oldest_first)
        for path, bytes_, _ in oldest_first:
            if held + size <= self.limit:
                return
            if _delete(path):
                held -= bytes_

    def _sweep(self) -> None:
        """Delete what a process that was killed left half written."""
        for path, _, modified in self._listed(_UNFINISHED):
            if time.time() - modified > _ABANDONED:
                _delete(path)

    def _listed(self, pattern: re.Pattern[str]) -> Iterator[tuple[Path, int, float]]:
        """Path, size and time of the last use of all files whose names fit."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                if pattern.fullmatch(path.name):
                    with suppress(OSError):  # deleted in the meantime
                        status = path.stat()
                        yield path, status.st_size, status.st_mtime

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.map"


def _head(key: str, made: float, data: bytes | memoryview) -> dict[str, object]:
    """What stands in an entry's first line; the checksum covers the rest of it, too."""
    digest = hashlib.sha256(f"{key} {made!r}\n".encode())
    digest.update(data)
    return {"key": key, "made": made, "checksum": digest.hexdigest()}


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # in use elsewhere, gone already, or not ours to delete
        return False
    return True
