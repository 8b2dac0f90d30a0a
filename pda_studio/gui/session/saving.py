"""Work is never lost: undo and redo, saved files, and what a crash would have taken."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from PySide6.QtCore import QLockFile, QObject, QSettings, QStandardPaths, QTimer, Signal

from pda_studio.document.history import History
from pda_studio.document.workspace import COMBINED, SUFFIX, Workspace
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.display.display import Display
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.maps.panel_state import PanelState, Request, as_text
from pda_studio.gui.session.session import Session
from pda_studio.rendering import Appearance

if TYPE_CHECKING:
    from pda_studio.document.saved import State

_LAST = f"last{SUFFIX}"
_PAUSE = 4000  # milliseconds without an edit, after which the work is kept


class Saving(QObject):
    """Follows the edits of a session and keeps them, in memory and in files.

    Attributes
    ----------
    path : Path or None
        The file that the work was saved in or opened from.
    modified : bool
        Whether it was edited since.
    """

    changed = Signal()
    """What can be undone, the file, or whether it is up to date."""
    saved = Signal(object)
    opened = Signal(object)
    failed = Signal(object, str)

    def __init__(
        self,
        session: Session,
        display: Display,
        explainer: Explainer,
        jobs: Jobs,
        settings: QSettings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._display = session, display
        self._explainer, self._jobs = explainer, jobs
        self.history = History()
        self.path: Path | None = None
        self.modified = False
        self.figure: dict[str, object] = {}
        """How a figure of this work is laid out; kept with it."""
        self._folder = _folder(settings)
        self._own = self._folder / f"{uuid4().hex}{SUFFIX}"
        self._lock: QLockFile | None = None
        self._idle = QTimer(self, singleShot=True, interval=_PAUSE)
        self._idle.timeout.connect(self.keep)
        session.changed.connect(self._on_changed)
        session.panel_changed.connect(self._on_panel)

    def forget(self) -> None:
        """Hear nothing more: the window is closing."""
        self._session.changed.disconnect(self._on_changed)
        self._session.panel_changed.disconnect(self._on_panel)
        self._idle.stop()

    # Undo

    def undo(self) -> None:
        """Take the last edit back."""
        self._step(self.history.undo(self._session.work))

    def redo(self) -> None:
        """Do again what was taken back."""
        self._step(self.history.redo(self._session.work))

    def begin(self) -> None:
        """Take what is open as the beginning: nothing before it can be undone."""
        self.history.clear()
        self.modified = False
        self.changed.emit()

    # Files

    def save(self, path: Path) -> None:
        """Write the work into a file, in the background."""
        state = self.state()

        def work() -> Path:
            from pda_studio.document.saved import save_state

            save_state(state(), path)
            return path

        def done(path: Path) -> None:
            self.path = path
            self.modified = self._session.work is not saved_work
            self.changed.emit()
            self.saved.emit(path)

        saved_work = self._session.work
        self._jobs.write(work, done, self.failed.emit)

    def open(self, path: Path) -> None:
        """Read a file of saved work, in the background, and put it in the place of this work."""
        self._read(path, lambda state: self._show(state, path))

    def keep(self) -> None:
        """Write the work where the next start finds it if this one ends badly."""
        if self._session.work.image is None or not self._lock_own():
            return
        state, path = self.state(), self._own

        def work() -> None:
            from pda_studio.document.saved import save_state

            save_state(state(), path)

        self._jobs.write(work, lambda _: None, lambda *_: None)  # a full disk is told when saving

    def keep_for_next_time(self) -> None:
        """Write down what File, Reopen finds: the program comes to its end as it should."""
        from pda_studio.document.saved import save_state

        if self._session.work.image is not None and self._session.classifier is not None:
            with suppress(OSError, PdaStudioError):  # nobody is there any more to be told
                self._folder.mkdir(parents=True, exist_ok=True)
                save_state(self.state()(), self._folder / _LAST)
        with suppress(OSError):
            self._own.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.unlock()

    @property
    def last(self) -> Path | None:
        """What was open when the program was closed last."""
        path = self._folder / _LAST
        return path if path.is_file() else None

    def left_behind(self) -> list[Path]:
        """What was open in windows that did not come to their end; the newest first."""
        found = []
        with suppress(OSError):
            for path in self._folder.glob(f"*{SUFFIX}"):
                if path not in (self._own, self._folder / _LAST) and _nobodys(path):
                    found.append(path)
        return sorted(found, key=_age)

    def recover(self, path: Path) -> None:
        """Open what a crash left behind; it belongs to this window now."""

        def show(state: State) -> None:
            self._show(state, None)
            self.modified = True
            self.changed.emit()
            self.discard(path)

        self._read(path, show)

    def discard(self, path: Path) -> None:
        """Delete what a crash left behind."""
        for one in (path, path.with_suffix(".lock")):
            with suppress(OSError):
                one.unlink(missing_ok=True)

    def set_figure(self, values: dict[str, object]) -> None:
        """Keep with the work how a figure of it is laid out."""
        if values != self.figure:
            self.figure = values
            self.modified = True
            self.changed.emit()
            self._idle.start()

    # What follows

    def _step(self, work: Workspace | None) -> None:
        if work is not None:
            self._session.restore(work)
            self.modified = True
            self.changed.emit()

    def _on_changed(self, before: Workspace, after: Workspace) -> None:
        if self._session.last_edit == "edit" and before != after:
            self.history.note(before, after, monotonic())
            self.modified = True
            self.changed.emit()
        self._idle.start()

    def _on_panel(self, row: int, column: int) -> None:
        if self._session.panel(row, column).state == "done":
            self._idle.start()

    def _read(self, path: Path, done: Callable[[State], None]) -> None:
        def work() -> State:
            from pda_studio.document.saved import load_state

            return load_state(path)

        self._jobs.read(work, done, self.failed.emit)

    def _show(self, state: State, path: Path | None) -> None:
        self._session.panels = {}
        shown: dict[tuple[int, int], PanelState] = {}
        for kept in state.maps:
            row, column = state.work.row(kept.row), state.work.column(kept.column)
            image = state.work.image_of(row) if row else None
            if row is None or column is None or image is None or column.method == COMBINED:
                continue
            request = Request(
                image=image.digest,
                classifier=kept.classifier,
                operations=row.operations,
                method=column.method,
                parameters=as_text(column.parameters or {}),
                target=kept.target,
            )
            self._explainer.take(request, kept.evidence_map)
            key = row.key, column.key
            shown[key] = PanelState("waiting", evidence=kept.evidence_map, answers=request)
        with suppress(UsageError):  # of a newer version: shown as the maps before are
            self._display.appearance = Appearance.from_json(state.display)
        self.figure = dict(state.figure)
        self._session.restore(state.work)
        for key, panel in shown.items():  # to look at while the classifier is being loaded
            self._session.put_panel(*key, panel)
        self.path = path
        self.begin()
        self.opened.emit(path)

    def state(self) -> Callable[[], State]:
        """What is open now, as the background thread makes a state of it."""
        session, display, figure = (
            self._session,
            self._display.appearance.as_json(),
            dict(self.figure),
        )
        work, maps = session.work, []
        for row in work.rows:
            for column in work.columns:
                evidence_map, request = session.finished(row, column), session.request(row, column)
                if evidence_map is not None and request is not None and request.target is not None:
                    maps.append((row.key, column.key, request, evidence_map))

        def made() -> State:
            from pda_studio.document.saved import KeptMap, State

            kept = tuple(
                KeptMap(row, column, request.classifier, request.target, evidence_map)
                for row, column, request, evidence_map in maps
                if request.target is not None
            )
            return State(work, kept, display, figure)

        return made

    def _lock_own(self) -> bool:
        """Tell other windows that this one is alive."""
        if self._lock is None:
            with suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = QLockFile(str(self._own.with_suffix(".lock")))
            self._lock.setStaleLockTime(0)
        return self._lock.isLocked() or self._lock.tryLock(0)


def _folder(settings: QSettings) -> Path:
    """Where work is kept: beside settings in a file of their own, or where programs keep data."""
    if settings.format() == QSettings.Format.IniFormat:
        return Path(settings.fileName()).parent / "recovery"
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    return Path(place) / "recovery"


def _nobodys(path: Path) -> bool:
    """Whether the window that kept a file is gone."""
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
