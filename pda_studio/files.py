"""Where files lie, and writing them whole or not at all."""

import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import platformdirs

from pda_studio.errors import PdaStudioError, UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CACHE = "PDA_STUDIO_CACHE"
"""Environment variable: another folder for what can be made anew."""

_NAMED = 32  # characters of a file's name that its temporary neighbour bears: names have a limit
_UNFINISHED = ".unfinished"  # how the temporary neighbours of all files end
_ABANDONED = 60.0  # seconds after which an unfinished file without a lock is nobody's any more
_swept: dict[Path, float] = {}
"""When folders were last searched for abandoned files."""


def cache_folder() -> Path:
    """Where what can be made anew is kept: finished maps, measured speeds."""
    named = os.environ.get(CACHE)
    return Path(named) if named else platformdirs.user_cache_path("pda-studio", appauthor=False)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only once it has been written without an error.

    The bytes go to a temporary neighbour, which replaces `path` at the end; after an exception
    the neighbour is removed and whatever was at `path` before is untouched. A file that was there
    keeps its access rights, and a symbolic link goes on leading to the file that it led to.

    Parameters
    ----------
    path : Path
        Where the file is to appear.

    Yields
    ------
    BinaryIO
        The open temporary file, seekable, in binary mode.

    Raises
    ------
    PdaStudioError
        If the folder is missing or not writable, or the disk is full.
    """
    path = Path(path)
    check_writable(path)
    place = _led_to(path)
    sweep_now_and_then(place.parent)
    try:
        rights = stat.S_IMODE(place.stat().st_mode) & 0o777 if place.exists() else None
        descriptor, temporary = _neighbour(place, 0o666 if rights is None else 0o600)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if rights is not None:
                os.chmod(temporary, rights)
            os.replace(temporary, place)
        except OSError as error:
            raise _cannot_write(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Refuse an output path at once, before hours of work go into what cannot be written.

    Raises
    ------
    PdaStudioError
        If `path` is a folder, its name is too long, or its folder is missing or not writable.
    """
    path = Path(path)
    length, most = len(os.fsencode(path.name)), _longest_name(path.parent)
    if length > most:
        raise PdaStudioError(
            f"Cannot write {path}: its name has {length} bytes; at most {most} are possible."
        )
    if path.is_dir():
        raise PdaStudioError(f"Cannot write {path}: it is a folder; name a file in it.")
    place = _led_to(path)
    if place.is_symlink():
        raise PdaStudioError(f"Cannot write {path}: it is a link that leads back to itself.")
    if place.exists() and not place.is_file():  # replacing a device would take it from everybody
        raise PdaStudioError(f"Cannot write {path}: it is a device or a pipe; name a file.")
    if not place.parent.is_dir():
        raise PdaStudioError(f"Cannot write {path}: the folder {place.parent} does not exist.")
    if not os.access(place.parent, os.W_OK):
        raise PdaStudioError(f"Cannot write {path}: the folder {place.parent} is not writable.")


def sweep_now_and_then(folder: Path) -> None:
    """Delete what killed processes left half written in a folder, at most once a minute.

    A file that a living process writes is locked, and stays.
    """
    now = time.time()
    if now - _swept.get(folder, -_ABANDONED) < _ABANDONED:
        return
    _swept[folder] = now
    try:
        found = [Path(one) for one in os.scandir(folder) if one.name.endswith(_UNFINISHED)]
    except OSError:
        return
    for path in found:
        with suppress(OSError):
            if path.name.startswith(".") and now - path.lstat().st_mtime > _ABANDONED:
                _delete_nobodys(path)


def _neighbour(path: Path, rights: int) -> tuple[int, Path]:
    """Make the temporary file of a path; its lock says that somebody is still writing it."""
    while True:
        name = f".{path.name[:_NAMED]}.{secrets.token_hex(4)}{_UNFINISHED}"
        with suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            descriptor = os.open(path.with_name(name), flags, rights)
            with suppress(OSError):  # some network drives have no locks
                _lock(descriptor)
            return descriptor, path.with_name(name)


def _delete_nobodys(path: Path) -> None:
    """Delete an unfinished file if nobody holds its lock.

    Raises
    ------
    OSError
        If somebody does, or it cannot be deleted.
    """
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        _lock(descriptor)
        if fcntl is not None:
            path.unlink()
    finally:
        os.close(descriptor)
    if fcntl is None:
        path.unlink()  # Windows deletes no file that somebody has open


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _led_to(path: Path) -> Path:
    """The file that a symbolic link leads to, there or not yet; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _longest_name(folder: Path) -> int:
    """How many bytes a file's name in a folder can have."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or no such folder
        return 255


def _cannot_write(path: Path, error: OSError) -> PdaStudioError:
    reason = error.strerror or str(error)
    return PdaStudioError(f"Cannot write {path}: {reason}; nothing was written.")


def check_is_not(output: Path, source: Path, name: str, what: str) -> None:
    """Refuse an output that would replace what it is made from.

    Raises
    ------
    UsageError
        If both are one file.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise UsageError(f"The {name} would replace the {what} {source}: name another file.")
