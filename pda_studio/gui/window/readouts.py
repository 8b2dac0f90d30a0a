"""What the window tells beside the panels: predictions, costs, progress, what can be done now."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from pda_studio.document.operations import described
from pda_studio.document.workspace import SourceImage
from pda_studio.gui.actions.action import Context
from pda_studio.gui.composer.exporting import Exporting
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Key, Session
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.results import EvidenceMap
from pda_studio.targets import ClassTarget, OutputTarget, name_of

_SETTLING = 200  # ms


class Readouts(QObject):
    """Follows the session and shows what has changed."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        display: Display,
        viewport: Viewport,
        *,
        explainer: Explainer,
        exporting: Exporting,
        opening: Opening,
        saving: Saving,
        studies: StudiesController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._display, self._viewport = display, viewport
        self._explainer, self._exporting = explainer, exporting
        self._opening, self._saving, self._studies = opening, saving, studies
        opening.loaded.connect(self.show_page)
        saving.changed.connect(self.show_file)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLING)
        self._settling.timeout.connect(self._show_none)
        self._explainer.progressed.connect(self.show_progress)
        studies.progressed.connect(self.show_progress)
        events = session.events
        follow(self, events.image, self._on_image)
        for signal in (events.image, events.rows, events.columns, events.target, session.loaded):
            follow(self, signal, self._on_changed)
        follow(self, session.predictions_changed, self._show_predictions)
        follow(self, session.selection_changed, self._on_selection)
        follow(self, session.panel_changed, self._on_panel)
        follow(self, viewport.events.crosshair, self._show_readout)
        follow(self, display.events.appearance, self._show_scale)
        self.show_file()

    def _show_scale(self, *_: object) -> None:
        """Let fixed scales start where the largest map of each unit ends; show the selected map."""
        session, appearance = self._session, self._display.appearance
        if appearance.scale == "fixed":
            largest: dict[str, float] = {}
            for one in (panel.shown for panel in session.panels.values()):
                if not isinstance(one, EvidenceMap):
                    continue
                largest[one.unit] = max(largest.get(one.unit, 0.0), float(f"{one.limit:.3g}"))
            if not largest.keys() <= appearance.limits.keys():
                self._display.change(limits={**largest, **appearance.limits})
                return  # and come back
        column = session.selected_column
        key = session.selected_row.key, column.key if column else -1
        shown = session.panel(*key).shown
        self._window.display_box.show_map(
            shown if isinstance(shown, EvidenceMap) else None,
            self._window.grid.limit(key),
            [column.style for column in session.work.columns],
        )

    def _on_image(self, image: SourceImage | None) -> None:
        self.show_page()
        if image is None:
            self._viewport.crosshair = None
            if not self._window.banner.details.toPlainText():
                self._window.banner.hide()
        self.show_file()

    def _on_changed(self, *_: object) -> None:
        self._show_predictions()
        self._show_scale()
        self.show_progress()

    def _on_selection(self) -> None:
        self._show_predictions()
        self._show_scale()
        self.show_actions()
        self.show_progress()

    def _on_panel(self, *_: object) -> None:
        self.show_actions()
        self._show_scale()
        self._show_readout()

    def show_file(self) -> None:
        """Tell which file the work is in, whether it is up to date, and what can be undone."""
        image, saving = self._session.work.image, self._saving
        parts = [image.name] if image else []
        if saving.path is not None:
            parts.append(f"{saving.path.name}[*]")
        self._window.setWindowTitle(" – ".join([*parts, "PDA Studio"]))
        self._window.setWindowModified(saving.path is not None and saving.modified)
        self.show_actions()

    def show_page(self) -> None:
        """Show the grid, the invitation, or that the engine is starting."""
        window, work = self._window, self._session.work
        if work.image is None:
            ready = self._session.classifier is not None
            window.pages.setCurrentWidget(window.welcome if ready else window.starting)
        else:
            window.pages.setCurrentWidget(window.grid)
        window.inspector.set_useful(work.image is not None)

    def _show_predictions(self) -> None:
        row = self._session.selected_row
        heading = self.tr("Predictions")
        if row.operations:
            heading += f": {described(row.operations)}"
        self._window.predictions_heading.setText(heading)
        self._window.predictions_heading.setToolTip(heading)
        if self._session.prediction(row.key) or self._session.work.image is None:
            self._settling.stop()
            self._list_predictions()
        elif not self._settling.isActive():
            self._settling.start()  # the list stays a moment: the new one may be there by then
        self._show_cost()

    def _show_none(self) -> None:
        self._list_predictions()
        self._show_cost()

    def _list_predictions(self) -> None:
        prediction = self._session.prediction(self._session.selected_row.key)
        target, classifier = self._session.target, self._session.classifier
        in_list = target if isinstance(target, ClassTarget | OutputTarget) else None
        self._window.predictions.show_predictions(
            classifier,
            prediction.subject if prediction else None,
            in_list.index if in_list else None,
        )
        names = classifier.class_names if classifier else ()
        self._window.asked.show_target("" if in_list or target is None else name_of(target, names))

    def show_actions(self, *_: object) -> None:
        """Enable what makes sense now."""
        session, history = self._session, self._saving.history
        work, column = session.work, session.selected_column
        registry = self._window.registry
        ready = work.image is not None and session.classifier is not None
        states = {panel.state for panel in session.panels.values()}
        registry.update(
            Context(
                image=work.image is not None,
                ready=ready,
                can_undo=history.can_undo,
                can_redo=history.can_redo,
                rows=len(work.rows),
                columns=len(work.columns),
                combinable=sum(not one.method.combines for one in work.columns),
                row=[row.key for row in work.rows].index(session.selected_row.key),
                column=[one.key for one in work.columns].index(column.key) if column else 0,
                own_target=column is not None and column.target is not None,
                combined=column is not None and column.method.combines,
                busy=self._explainer.busy or self._opening.busy or self._studies.running,
                resumable=ready and bool(states & {"stopped", "failed"}),
                finished=self._exporting.selected_map() is not None,
            )
        )
        self._window.asked.more.setEnabled(ready)

    def show_progress(self) -> None:
        """Tell what runs, how far it is, how fast, and how long it will take."""
        strip, explainer, session = self._window.strip, self._explainer, self._session
        self._show_cost()
        self.show_actions()
        if explainer.current is None:
            self._show_study()
            return
        row, key = explainer.current
        panel, column = session.panel(row, key), session.work.column(key)
        if column is None:
            return
        title = column.method.title
        if explainer.previewing:
            strip.show_progress(self.tr("{0} · preview").format(title), None)
            return
        left = explainer.seconds_left()
        remaining = "" if left is None else self.tr("{0} left").format(words.duration(left))
        if panel.stage or not panel.total:
            said = " · ".join(filter(None, (title, panel.stage, remaining)))
            strip.show_progress(said, panel.done / panel.total if panel.total else None)
            return
        parts = [title, f"{words.count(panel.done)} of {words.count(panel.total)}"]
        rate = explainer.costs.rate_of((row, key))
        if rate:
            parts.append(self.tr("{0} forward passes per second").format(words.count(rate)))
        if remaining:
            parts.append(remaining)
        waiting = sum(one.state == "waiting" for one in session.panels.values())
        if waiting:
            parts.append(self.tr("{0} more waiting").format(waiting))
        strip.show_progress(" · ".join(parts), panel.done / panel.total)

    def _show_study(self) -> None:
        """Show how far the study is, if there is one; nothing else runs."""
        task, strip = self._studies.task, self._window.strip
        if task is None:
            strip.show_idle("")
            return
        parts = [self.tr("Study: {0}").format(task.title), task.place]
        strip.show_progress(" · ".join(filter(None, parts)), task.progress)

    def _show_cost(self) -> None:
        session, explainer = self._session, self._explainer
        column = session.selected_column
        box = self._window.method_box
        if column is None or not column.suited:
            box.show_cost("", "")
            return
        key = session.selected_row.key, column.key
        cost = explainer.costs.cost(key)
        if cost is None:
            if not self._settling.isActive():
                box.show_cost("", "")
            return
        finest, text = explainer.costs.finest(key), ""
        if finest is not None and finest[1] > 1:
            changed = column.method.changed_in(finest[0])
            text = f"{', '.join(changed)}: {self._costs(finest[1], key)}"
        lines = [
            self.tr("This map: {0}").format(self._costs(cost, key)),
            explainer.costs.warning(key),
        ]
        box.show_cost("\n".join(filter(None, lines)), text)

    def _costs(self, cost: int, key: Key) -> str:
        text = (
            self.tr("1 forward pass")
            if cost == 1
            else self.tr("{0} forward passes").format(words.count(cost))
        )
        seconds = self._explainer.costs.seconds(cost, key)
        if seconds is None or cost == 1:
            return text
        return self.tr("{0}, about {1}").format(text, words.duration(seconds))

    def _show_readout(self, *_: object) -> None:
        """Tell the pixel that is pointed at and the selected map's value there."""
        pixel, strip = self._viewport.crosshair, self._window.strip
        if pixel is None:
            strip.readout.setText("")
            return
        column = self._session.selected_column
        panel = column and self._window.grid.maps.get((self._session.selected_row.key, column.key))
        value = panel.bar.text if panel else ""
        at = panel.views[0].pixel if panel else None
        where = f"x {at[0]}, y {at[1]}" if at else ""
        strip.readout.setText(f"{where}:  {value}" if value else where)
