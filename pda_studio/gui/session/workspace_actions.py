"""Actions on the workspace: undo and redo, its file, and what an earlier run left."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence

from pda_studio.gui.actions.action import EDIT, FILE, Action, Context
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow


class WorkspaceActions(QObject):
    """Declares what can be done with the workspace as a whole, and offers recovery.

    Parameters
    ----------
    window, session, saving, opening, dialogs
        Where messages appear, what is open, what undoes and writes, what loads, and what chooses
        files.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        saving: Saving,
        opening: Opening,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._saving, self._opening = saving, opening
        self._begun = self._opened = False
        opening.loaded.connect(self._on_loaded)
        saving.opened.connect(self._on_opened)
        saving.noted.connect(window.banner.show_message)
        keys = QKeySequence.StandardKey
        window.registry.add(
            Action(
                "undo",
                self.tr("Undo"),
                saving.undo,
                place=EDIT.at(10),
                shortcut=keys.Undo,
                icon="undo",
                tool=20,
                enabled=lambda context: context.can_undo,
            ),
            Action(
                "redo",
                self.tr("Redo"),
                saving.redo,
                place=EDIT.at(11),
                shortcut=keys.Redo,
                icon="redo",
                tool=21,
                enabled=lambda context: context.can_redo,
            ),
            Action(
                "open-workspace",
                self.tr("Open workspace …"),
                dialogs.choose_workspace,
                place=FILE.at(40),
                shortcut="Ctrl+Alt+W",
            ),
            Action(
                "reopen",
                self.tr("Reopen last workspace"),
                self.reopen,
                place=FILE.at(41),
                shortcut="Ctrl+Shift+T",
            ),
            Action(
                "save",
                self.tr("Save workspace"),
                dialogs.save_workspace,
                place=FILE.at(42),
                shortcut=keys.Save,
                enabled=_has_image,
            ),
            Action(
                "save-as",
                self.tr("Save workspace as …"),
                dialogs.choose_workspace_file,
                place=FILE.at(43),
                shortcut="Ctrl+Shift+S",
                enabled=_has_image,
            ),
        )

    def reopen(self) -> None:
        """Open what was open when the program was closed last."""
        path = self._saving.recovery.last
        if path is None:
            self._window.banner.show_message(self.tr("There is no workspace from last time yet."))
        else:
            self._saving.open(path)

    def offer_recovery(self) -> None:
        """Offer the newest workspace of a window that did not shut down cleanly."""
        left = self._saving.recovery.left_behind()
        if left:
            newest, *older = left
            for path in older:
                self._saving.recovery.discard(path)
            self._window.banner.show_message(
                self.tr("Did not shut down cleanly. Restore the last workspace?"),
                action=self.tr("Restore"),
                does=lambda: self._saving.recover(newest),
            )

    def _on_loaded(self) -> None:
        """Begin, once the first classifier is loaded: nothing before it can be undone."""
        if not self._begun and self._session.classifier is not None:
            self._begun = True
            if not self._opened:
                self._saving.begin()
            self.offer_recovery()

    def _on_opened(self, path: Path | None) -> None:
        self._opened = True
        self._opening.give_way()
        self._window.banner.hide()
        if path is not None:
            self._window.strip.show_idle(self.tr("Opened {0}").format(path.name))


def _has_image(context: Context) -> bool:
    return context.image
