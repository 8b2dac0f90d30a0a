"""Who works on what: locks that end with their process, however it ends.

A claim is a lock on one byte of one file, at the place that the name's hash says. The operating
system gives it up when the process ends, also by `kill -9`, and network drives pass it between
machines (POSIX locks; NFS and Lustre have them). Nothing is left behind to be cleared up.
"""

import errno
import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

_log = logging.getLogger(__name__)
_PLACES = 2**31 - 2  # as far as Windows locks bytes
_threads = threading.Lock()
"""Locks of files keep processes apart, not the threads of one."""
_HELD_ELSEWHERE = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class Claims:
    """The claims of this process on the work in one folder; ask `claims_in` for them.

    Locks of a process end when it closes the file anywhere: it is opened once, and stays open.

    Parameters
    ----------
    path : Path
        The file whose bytes are locked; it stays empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        self._held: set[int] = set()
        self._guard = threading.Lock()
        self._index = threading.Lock()

    def claim(self, name: str) -> bool:
        """Claim a piece of work; False if somebody else has it, in this process or another."""
        place = _place(name)
        with self._guard:
            if place in self._held or not self._lock(place, wait=False):
                return False
            self._held.add(place)
            return True

    def release(self, name: str) -> None:
        """Give a piece of work up that was claimed."""
        place = _place(name)
        with self._guard:
            if place in self._held:
                self._held.remove(place)
                self._unlock(place)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else is in here."""
        with self._index:
            self._lock(0, wait=True)
            try:
                yield
            finally:
                self._unlock(0)

    def close(self) -> None:
        """Give everything up, and close the file."""
        os.close(self._file)

    def _lock(self, place: int, wait: bool) -> bool:
        try:
            if fcntl is not None:
                how = fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)
                fcntl.lockf(self._file, how, 1, place)
            else:
                os.lseek(self._file, place, os.SEEK_SET)
                how = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK
                msvcrt.locking(self._file, how, 1)
        except OSError as error:
            if error.errno in _HELD_ELSEWHERE:
                return False
            _log.warning(
                "%s lies on a drive without locks: let no two processes work on the same part.",
                self._path.parent,
            )
        return True

    def _unlock(self, place: int) -> None:
        try:
            if fcntl is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            else:
                os.lseek(self._file, place, os.SEEK_SET)
                msvcrt.locking(self._file, msvcrt.LK_UNLCK, 1)
        except OSError:  # a drive without locks
            return


@cache
def claims_in(folder: Path) -> Claims:
    """The claims of this process on the work in a folder, an absolute path."""
    return Claims(folder / "claims")


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Wait until nobody else, in this process or another, is in here with a file of this name.

    Raises
    ------
    OSError
        If the file is not there and cannot be made.
    """
    with _threads:
        claims = Claims(path)
        try:
            with claims.alone():
                yield
        finally:
            claims.close()


def _place(name: str) -> int:
    """The byte of a name; where two names share one, whoever comes second merely waits."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return 1 + int.from_bytes(digest[:8], "big") % _PLACES
