"""Notes the facts that decide which actions are enabled, each when it changes."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pda_studio.gui.connections import follow
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window.main_window import MainWindow


class Facts(QObject):
    """Follows whatever the context of the actions tells of.

    Parameters
    ----------
    window, session, explainer, opening, saving, studies
        Whose actions are enabled, what is open, what computes maps, what loads, what can undo, and
        what carries out studies.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        explainer: Explainer,
        opening: Opening,
        saving: Saving,
        studies: StudiesController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._registry = window, session, window.registry
        self._explainer, self._opening = explainer, opening
        self._saving, self._studies = saving, studies
        events = session.events
        for signal in (events.image, events.classifier, session.loaded):
            follow(self, signal, self._on_opened)
        for signal in (events.rows, events.columns, events.target, session.selection_changed):
            follow(self, signal, self._on_edited)
        follow(self, session.panel_changed, self._on_panel)
        explainer.progressed.connect(self._note_work)
        studies.progressed.connect(self._note_work)
        opening.loading.connect(self._note_work)
        opening.loaded.connect(self._note_work)
        saving.changed.connect(self._note_history)
        self._on_opened()
        self._note_history()

    def _on_opened(self, *_: object) -> None:
        session = self._session
        image = session.work.image is not None
        ready = image and session.classifier is not None
        self._registry.note(image=image, ready=ready)
        self._window.target_line.more.setEnabled(ready)
        self._on_edited()
        self._note_work()

    def _on_edited(self, *_: object) -> None:
        session, work = self._session, self._session.work
        row, column = session.selected_row, session.selected_column
        self._registry.note(
            rows=len(work.rows),
            columns=len(work.columns),
            combinable=len([one for one in work.columns if not one.method.combines]),
            row=work.rows.index(row),
            column=work.columns.index(column) if column else 0,
            own_target=column is not None and column.target is not None,
            combined=column is not None and column.method.combines,
        )
        self._note_map()

    def _on_panel(self, row: int, key: int) -> None:
        if (row, key) == self._session.selection:
            self._note_map()

    def _note_map(self) -> None:
        session, column = self._session, self._session.selected_column
        made = finer = None
        if column is not None:
            made = session.finished(session.selected_row, column)
            finer = None if made is None else column.method.finer(made)
        self._registry.note(finished=made is not None, refinable=finer is not None)

    def _note_work(self, *_: object) -> None:
        states = {panel.state for panel in self._session.panels.values()}
        self._registry.note(
            busy=self._explainer.busy or self._opening.busy or self._studies.running,
            resumable=self._registry.context.ready and bool(states & {"stopped", "failed"}),
        )

    def _note_history(self) -> None:
        history = self._saving.history
        self._registry.note(can_undo=history.can_undo, can_redo=history.can_redo)
