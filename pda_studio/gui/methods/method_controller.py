"""The method box: offers methods and layers, and makes finer maps."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from pda_studio.document.workspace import Column
from pda_studio.gui.actions.action import METHOD, Action
from pda_studio.gui.actions.registry import tooltip
from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.methods.usable_methods import UsableMethods
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.targets.layers import Layers, layers_of
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.methods import COMBINING, METHODS, Method, by_family


class MethodController(QObject):
    """Connects the method box with the selected column."""

    failed = Signal(object, str)

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        opening: Opening,
        jobs: Jobs,
        usable: UsableMethods,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._box, self._session, self._jobs = window.method_box, session, jobs
        self._registry, self._usable = window.registry, usable
        usable.found.connect(self._on_usable)
        for event in (session.events.classifier, session.loaded):
            follow(self, event, self._on_usable)
        for event in (session.events.columns, session.selection_changed):
            follow(self, event, self._mark)
        self._box.finest_wanted.connect(self._on_finest)
        window.grid.finer_wanted.connect(self._on_finer)
        window.registry.add(
            Action(
                "refine-map",
                self.tr("Refine the map"),
                self._on_finer,
                place=METHOD.at(32),
                shortcut="Ctrl+Shift+R",
                help=self.tr(
                    "Go on with a levelled map to the next tolerance: 5 %, 2 %, then the exact map."
                    " No window is scored twice."
                ),
                enabled=lambda context: context.ready and context.refinable,
            )
        )
        self._box.layers_wanted.connect(self._on_layers_wanted)
        opening.engine_ready.connect(self._on_engine)

    def _on_engine(self, _: list[str]) -> None:
        families = by_family([*METHODS.values(), *COMBINING.values()])
        self._box.offer_methods(
            {
                family: [(kind.name, kind.title, kind.summary) for kind in kinds]
                for family, kinds in families.items()
            }
        )
        self._on_usable()

    def _on_usable(self, *_: object) -> None:
        """Say what cannot be added beside the selected column, and mark what cannot be chosen."""
        reasons = self._usable.reasons(self._session.classifier)
        self._registry.note(unusable=frozenset(reasons))
        for name, kind in METHODS.items():
            if (action := self._registry.find(f"add-{name}")) is not None:
                action.setToolTip(reasons.get(name) or tooltip(action, kind.summary))
        self._mark()

    def _mark(self, *_: object) -> None:
        """Mark what cannot be chosen for the selected column."""
        session, column = self._session, self._session.selected_column
        self._box.methods.mark(
            self._usable.reasons(session.classifier_of(column) if column else None)
        )

    def _on_finest(self) -> None:
        column = self._session.selected_column
        self._take(column, column.method.finest() if column is not None else None)

    def _on_finer(self) -> None:
        session, column = self._session, self._session.selected_column
        made = session.finished(session.selected_row, column) if column is not None else None
        if column is not None and made is not None:
            self._take(column, column.method.finer(made))

    def _take(self, column: Column | None, method: Method | None) -> None:
        if column is not None and method is not None:
            self._session.columns.set_method(column.key, method)

    def _on_layers_wanted(self) -> None:
        column = self._session.selected_column
        classifier = self._session.classifier_of(column) if column else None
        if classifier is None:
            return

        def done(layers: Layers) -> None:
            now = self._session.selected_column
            if now is not None and self._session.classifier_of(now) is classifier:
                self._box.offer_layers(layers)

        self._jobs.start_short(lambda: layers_of(classifier), done, self.failed.emit)
