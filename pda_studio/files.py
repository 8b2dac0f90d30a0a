"""Where files lie, and writing them whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import platformdirs

from pda_studio.errors import PdaStudioError

CACHE = "PDA_STUDIO_CACHE"
"""Environment variable: another folder for what can be made anew."""

_NAMED = 32  # characters of a file's name that its temporary neighbour bears: names have a limit


def cache_folder() -> Path:
    """Where what can be made anew is kept: finished maps, measured speeds."""
    named = os.environ.get(CACHE)
    return Path(named) if named else platformdirs.user_cache_path("pda-studio", appauthor=False)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only once it has been written without an error.

    The bytes go to a temporary neighbour, which replaces `path` at the end; after an exception
    the neighbour is removed and whatever was at `path` before is untouched.

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
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:_NAMED]}.", dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files private
            os.replace(temporary, path)
        except OSError as error:
            raise _cannot_write(path, error) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
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
    if not path.parent.is_dir():
        raise PdaStudioError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise PdaStudioError(f"Cannot write {path}: the folder {path.parent} is not writable.")


def _longest_name(folder: Path) -> int:
    """How many bytes a file's name in a folder can have."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or no such folder
        return 255


def _cannot_write(path: Path, error: OSError) -> PdaStudioError:
    reason = error.strerror or str(error)
    return PdaStudioError(f"Cannot write {path}: {reason}; nothing was written.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
