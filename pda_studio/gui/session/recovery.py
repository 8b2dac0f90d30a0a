"""Files of a workspace that nobody has saved: what a crash leaves, and what was open last."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QLockFile, QSettings, QStandardPaths

from pda_studio.document.workspace import SUFFIX

_ABANDONED = 3600.0  # seconds after which a hidden file is nobody's any more


class Recovery:
    """A folder of autosaved workspaces: one a window, and the last one that was closed.

    Attributes
    ----------
    own : Path
        Where this window's workspace is autosaved.
    closed : Path
        Where the workspace of the window closed last lies.
    """

    def __init__(self, settings: QSettings) -> None:
        self._folder = _folder(settings)
        self._lock: QLockFile | None = None
        self.own = self._folder / f"{uuid4().hex}{SUFFIX}"
        self.closed = self._folder / f"last{SUFFIX}"

    @property
    def last(self) -> Path | None:
        """What was open when the program was closed last."""
        return self.closed if self.closed.is_file() else None

    def holds(self, path: Path) -> bool:
        """Whether a file is one of these, which no user has named."""
        with suppress(OSError):
            return path.resolve().parent == self._folder.resolve()
        return False

    def claim(self) -> bool:
        """Tell other windows that this one is alive; whether that can be told."""
        self.make_folder()
        if self._lock is None:
            self._lock = QLockFile(str(self.own.with_suffix(".lock")))
            self._lock.setStaleLockTime(0)
        return self._lock.isLocked() or self._lock.tryLock(0)

    def make_folder(self) -> None:
        """Make the folder, if it can be made; it holds the user's images, for nobody else."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)  # also one that an earlier version made

    def left_behind(self) -> list[Path]:
        """What was open in windows that did not shut down cleanly; the newest first."""
        self._sweep()
        found = []
        with suppress(OSError):
            for path in self._folder.glob(f"*{SUFFIX}"):
                if path not in (self.own, self.closed) and _nobodys(path):
                    found.append(path)
        return sorted(found, key=_age)

    def _sweep(self) -> None:
        """Delete what a killed process left half written: whole copies of a workspace."""
        for path in self._folder.glob(".*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()

    def discard(self, path: Path) -> None:
        """Delete what a crash left behind."""
        for one in (path, path.with_suffix(".lock")):
            with suppress(OSError):
                one.unlink(missing_ok=True)

    def end(self) -> None:
        """Delete this window's file: it shuts down cleanly."""
        with suppress(OSError):
            self.own.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.unlock()


def _folder(settings: QSettings) -> Path:
    """The folder beside settings in a file of their own, or where programs keep data."""
    if settings.format() == QSettings.Format.IniFormat:
        return Path(settings.fileName()).parent / "recovery"
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    return Path(place) / "recovery"


def _nobodys(path: Path) -> bool:
    """Whether the window that autosaved a file is gone."""
    lock = QLockFile(str(path.with_suffix(".lock")))
    lock.setStaleLockTime(0)
    if not lock.tryLock(0):
        return False
    lock.unlock()
    return True


def _age(path: Path) -> float:
    with suppress(OSError):
        return -path.stat().st_mtime
    return 0.0
