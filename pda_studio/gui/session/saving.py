"""Work is never lost: undo and redo, saved files, and what a crash would have taken."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from pda_studio.document.history import History
from pda_studio.document.workspace import Workspace
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.maps.requests import Request
from pda_studio.gui.session.recovery import Recovery
from pda_studio.gui.session.session import Edit, Session
from pda_studio.rendering import Appearance

if TYPE_CHECKING:
    from pda_studio.document.state import State
    from pda_studio.results import Result

_SOON = 1000  # milliseconds from an edit to its autosave


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
    noted = Signal(str)
    """What had to be left out of the workspace that was opened."""
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
        self.recovery = Recovery(settings)
        self._writing = self._again = False  # an autosave, and whether another one is due
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self.autosave)
        follow(self, session.changed, self._on_changed)
        follow(self, session.panel_changed, self._on_panel)

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
        """Read a file of saved work, in the background, and put it in the place of this work.

        A file of the recovery folder is nobody's own: the work keeps the name that it had, and
        without one it is asked for when it is saved.
        """
        if self.recovery.holds(path):
            self._read(path, lambda state: self._show(state, state.file, modified=state.modified))
        else:
            self._read(path, lambda state: self._show(state, path))

    def autosave(self) -> None:
        """Write the workspace where the next start finds it if this one ends badly."""
        if self._writing:
            self._again = True  # once this one is written: of two that wait, the newer is enough
            return
        if self._session.work.image is None or not self.recovery.claim():
            return
        state, path = self._unsaved(), self.recovery.own

        def work() -> None:
            from pda_studio.document.saved import save_state

            save_state(state(), path)

        def done(*_: object) -> None:  # a full disk is told when saving
            again, self._writing, self._again = self._again, False, False
            if again:
                self.autosave()

        self._writing = True
        self._jobs.write(work, done, done)

    def close(self) -> None:
        """Write down what File, Reopen finds: the program shuts down cleanly."""
        from pda_studio.document.saved import save_state

        self._soon.stop()
        if self._session.work.image is not None and self._session.classifier is not None:
            with suppress(OSError, PdaStudioError):  # nobody is there any more to be told
                self.recovery.make_folder()
                save_state(self._unsaved()(), self.recovery.closed)
        self.recovery.end()

    def recover(self, path: Path) -> None:
        """Open what a crash left behind; it belongs to this window now."""

        def show(state: State) -> None:
            self._show(state, state.file, modified=True)
            self.recovery.discard(path)

        self._read(path, show)

    def set_figure(self, values: dict[str, object]) -> None:
        """Keep with the work how a figure of it is laid out."""
        if values != self.figure:
            self.figure = values
            self.modified = True
            self.changed.emit()
            self._autosave_soon()

    # What follows

    def _autosave_soon(self) -> None:
        if not self._soon.isActive():  # not put off by the next edit: that comes along
            self._soon.start()

    def _step(self, work: Workspace | None) -> None:
        if work is not None:
            self._session.edit(work, "restore")
            self.modified = True
            self.changed.emit()

    def _on_changed(self, before: Workspace, after: Workspace) -> None:
        if self._session.last_edit == "edit" and before != after:
            self.history.note(before, after, monotonic())
            self.modified = True
            self.changed.emit()
        self._autosave_soon()

    def _on_panel(self, row: int, column: int) -> None:
        if self._session.panel(row, column).state == "done":
            self._autosave_soon()

    def _read(self, path: Path, done: Callable[[State], None]) -> None:
        def work() -> State:
            from pda_studio.document.saved import load_state

            return load_state(path)

        self._jobs.read(work, done, self.failed.emit)

    def _show(self, state: State, path: Path | None, *, modified: bool = False) -> None:
        with suppress(UsageError):  # of a newer version: shown as the maps before are
            self._display.appearance = Appearance.from_json(state.display)
        self.figure = dict(state.figure)
        self._take(state, "restore")
        self.path = path
        self.begin()
        if modified:
            self.modified = True
            self.changed.emit()
        self.opened.emit(path)
        for note in state.notes:
            self.noted.emit(note)

    def put(self, state: State) -> None:
        """Show other work with its maps, as an edit that can be undone."""
        self._take(state, "edit")

    def _take(self, state: State, how: Edit) -> None:
        """Put work with its maps in the place of what is open."""
        self._session.panels = {}
        restored: dict[tuple[int, int], tuple[Request, Result]] = {}
        for kept in state.maps:
            row, column = state.work.row(kept.row), state.work.column(kept.column)
            image = state.work.image_of(row) if row else None
            if row is None or column is None or image is None or column.method.combines:
                continue
            choice = state.work.choice_of(column)
            request = Request(
                image=image.digest,
                classifier=kept.classifier,
                operations=row.operations,
                crop=choice.crop if choice and row.image is None else None,
                method=column.method,
                target=kept.target,
            )
            restored[row.key, column.key] = request, kept.evidence_map
        self._session.edit(state.work, how)
        for key, (request, evidence_map) in restored.items():
            self._explainer.restore(key, request, evidence_map)

    def _unsaved(self) -> Callable[[], State]:
        """What is open now, with the name of its file, for a file that is not its own."""
        state, file, modified = self.state(), self.path, self.modified
        return lambda: replace(state(), file=file, modified=modified)

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
            from pda_studio.document.state import KeptMap, State

            kept = tuple(
                KeptMap(row, column, request.classifier, request.target, evidence_map)
                for row, column, request, evidence_map in maps
                if request.target is not None
            )
            return State(work, kept, display, figure)

        return made
