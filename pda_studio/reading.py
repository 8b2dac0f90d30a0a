"""Reading files that anybody may have made: whatever is wrong with one is one sentence about it."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pda_studio.errors import PdaStudioError, UsageError

_DEEPEST = 32  # lists within lists: what the program writes has five
_LONGEST_JSON = 1 << 24  # bytes
_MOST_ENTRIES = 10_000
_LONGEST_DIRECTORY = 1 << 22  # bytes of an archive's table of contents


@contextmanager
def refused_as(damaged: str, file: object) -> Iterator[None]:
    """Turn whatever a reader raises into one sentence.

    Readers of others raise errors of almost any type over a damaged file, and that a name or a
    value in it is none of ours makes it damaged, too. An error of our own that says more passes.

    Parameters
    ----------
    damaged : str
        What is said of a file that is not what it should be: a whole sentence, with the remedy.
    file : object
        What the file is called where it cannot be read at all.

    Raises
    ------
    PdaStudioError
        In the place of any other error.
    """
    try:
        yield
    except UsageError as error:
        raise PdaStudioError(damaged) from error
    except PdaStudioError:
        raise
    except MemoryError as error:
        raise PdaStudioError(
            f"Cannot read {file}: it takes more memory than there is; use another computer, or"
            " another file."
        ) from error
    except OSError as error:
        # Pillow and others raise some of their own; a place that a cut file lacks is invalid.
        if error.errno in (None, EINVAL):
            raise PdaStudioError(damaged) from error
        raise PdaStudioError(f"Cannot read {file}: {error.strerror or error}.") from error
    except Exception as error:
        raise PdaStudioError(damaged) from error


def json_of(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises
    ------
    ValueError
        If it is no JSON, too long, or nested deeper than anything that the program writes.
    """
    if len(text) > _LONGEST_JSON:
        raise ValueError("too long a text")
    try:
        told = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    level = [told]
    for _ in range(_DEEPEST):
        level = [
            value
            for one in level
            if isinstance(one, dict | list)
            for value in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return told
    raise ValueError("nested too deep")


def open_archive(file: BinaryIO, most: int) -> zipfile.ZipFile:
    """Open a zip archive as NumPy and we write them.

    Parameters
    ----------
    file : BinaryIO
        The archive, seekable.
    most : int
        Bytes that it may hold, unpacked.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If it is damaged, has more or larger entries than it may, or packs them in another way.
    """
    _check_directory(file)
    archive = zipfile.ZipFile(file)
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > most:
        raise ValueError("too many or too large entries")
    if any(e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for e in entries):
        raise ValueError("packed in another way")  # which may unpack to any size at once
    return archive


def entry_of(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The bytes of an entry; no more are unpacked than the archive says that it has.

    Raises
    ------
    KeyError, ValueError, zipfile.BadZipFile, zlib.error
        If there is none, it has more than `most` bytes, or it is damaged.
    """
    size = archive.getinfo(name).file_size
    if size > most:
        raise ValueError(f"{name} is too large")
    with archive.open(name) as entry:
        data = entry.read(size)  # a whole read would unpack all, whatever the size says
    if len(data) != size:
        raise ValueError(f"{name} is too short")
    return data


def arrays_of(file: BinaryIO, most: int) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz archive of at most this many bytes, unpacked.

    Raises
    ------
    Exception
        Of almost any type, if it is damaged.
    """
    open_archive(file, most)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _check_directory(file: BinaryIO) -> None:
    """Refuse a long table of contents before all of it becomes objects.

    Raises
    ------
    ValueError
        If it is longer than ours ever are.
    """
    size = file.seek(0, 2)
    file.seek(max(size - (1 << 16) - 22 - 20, 0))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    file.seek(0)
    if at < 0:
        return  # no archive: its reader says so
    length = int.from_bytes(end[at + 12 : at + 16], "little")
    # Only archives of more than 4 GB or 65,535 entries need the table of the longer kind.
    is_long = end[max(at - 20, 0) : at].startswith(b"PK\x06\x07")
    if length > _LONGEST_DIRECTORY or (is_long and size < 1 << 32):
        raise ValueError("too long a table of contents")
