"""A problem as text for whoever is to mend it, without where the user keeps files."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("PySide6-Essentials", "torch", "torchvision", "numpy")
_ROOTS = ("site-packages", "pda_studio")  # from here on, a path tells of a program, not of a user
_QUOTED = re.compile(r'(?P<open>["“‘\'])(?P<path>(?:~|[A-Za-z]:)?[\\/][^"”’\'\n]*)(?=["”’\'])')
_BARE = re.compile(r"(?<![\w.:/\\])(?P<path>(?:~|[A-Za-z]:)?[\\/][^\s\"“”‘’'<>|,;()]+)")


def report(message: str, details: str, facts: Mapping[str, str], paths: Iterable[Path] = ()) -> str:
    """Write a problem down with all that is needed to repeat it.

    Parameters
    ----------
    message, details : str
        What went wrong, and the traceback; "" if there is none.
    facts : Mapping
        What was asked: classifier, method, parameters and the like.
    paths : iterable of Path
        Files of the user's; only their names are written.
    """
    lines = [message, ""]
    lines += [f"{name}: {value}" for name, value in {**facts, **versions()}.items() if value]
    if details:
        lines += ["", details.strip()]
    return without_paths("\n".join(lines), paths) + "\n"


def versions() -> dict[str, str]:
    """The program's version, Python's, of the libraries that matter, and the system."""
    from PySide6.QtCore import qVersion

    found = {"PDA Studio": _version("pda-studio"), "Python": platform.python_version()}
    found["Qt"] = qVersion()
    found |= {name: _version(name) for name in _PACKAGES}
    found["System"] = platform.platform()
    return found


def without_paths(text: str, paths: Iterable[Path] = ()) -> str:
    """The text with the names of files in the place of their paths.

    What lies within this program or an installed library keeps its path from there on.
    """
    for path in sorted(map(str, paths), key=len, reverse=True):
        text = text.replace(path, re.split(r"[\\/]", path)[-1])
    home = str(Path.home())
    if len(home) > 1:
        text = text.replace(home, "~")
    text = _QUOTED.sub(lambda found: found["open"] + _shortened(found["path"]), text)
    return _BARE.sub(lambda found: _shortened(found["path"]), text)


def _shortened(path: str) -> str:
    parts = [part for part in re.split(r"[\\/]", path) if part]
    for root in _ROOTS:
        if root in parts[:-1]:
            return "/".join(parts[len(parts) - parts[::-1].index(root) - 1 :])
    return parts[-1] if parts else path


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a program that was put together without its metadata
        return "unknown"
