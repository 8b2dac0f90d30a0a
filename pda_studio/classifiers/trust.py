"""Files that hold programs are opened only once somebody has said that they are trusted."""

import hashlib
import json
from pathlib import Path

import platformdirs

from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.reading import json_of, refused_as

_BLOCK = 1 << 22


class NeedsTrust(PdaStudioError):
    """A file that must be run to be opened, before anybody has said that it may be.

    Attributes
    ----------
    path : Path
        The file.
    what : str
        What it holds, as “a pickled network”.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path.name} holds {what}: to open it is to run it, and it may do whatever you may do"
            " on this computer. If you trust where it comes from, say so with --trust (command"
            " line) or trust=True (Python)."
        )
        self.path, self.what = path, what


def check_trusted(path: Path, what: str, trust: bool = False) -> None:
    """Pass if a file's content is trusted, or is to be from now on.

    Raises
    ------
    NeedsTrust
        If it is not.
    """
    if trust:
        remember(path)
    elif fingerprint(path) not in trusted():
        raise NeedsTrust(path, what)


def remember(path: Path) -> None:
    """Trust a file's content from now on, wherever it lies."""
    known = {**trusted(), fingerprint(path): str(path.resolve())}
    _write(known)


def withdraw(path: Path) -> bool:
    """Trust a file no longer, by its content and its place; returns whether it was trusted."""
    known, place = trusted(), str(path.resolve())
    digest = fingerprint(path) if path.is_file() else ""
    kept = {one: where for one, where in known.items() if one != digest and where != place}
    if len(kept) < len(known):
        _write(kept)
    return len(kept) < len(known)


def withdraw_all() -> int:
    """Trust no file any more; returns how many were trusted."""
    count = len(trusted())
    if count:
        _write({})
    return count


def trusted() -> dict[str, str]:
    """Where files lay when they were trusted, by the hash of their content."""
    if not _file().is_file():
        return {}
    damaged = f"{_file()} is damaged: delete it, and trust files anew."
    with refused_as(damaged, _file()):
        stored = json_of(_file().read_bytes())
        if not isinstance(stored, dict):
            raise ValueError("no object")
        return {str(key): str(value) for key, value in stored.items()}


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's content (hex)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _file() -> Path:
    return platformdirs.user_config_path("pda-studio", appauthor=False) / "trusted.json"


def _write(known: dict[str, str]) -> None:
    _file().parent.mkdir(parents=True, exist_ok=True)
    with written_whole(_file()) as file:
        file.write(json.dumps(known, indent=1).encode())
