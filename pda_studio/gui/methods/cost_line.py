"""What the selected column's map costs, below its parameters."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from pda_studio.gui.connections import follow
from pda_studio.gui.maps.costs import Estimate
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.session.session import Session
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.main_window import MainWindow

_SETTLING = 200  # ms


class CostLine(QObject):
    """Tells forward passes and seconds, again when the speed is measured anew."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        explainer: Explainer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._box, self._session, self._costs = window.method_box, session, explainer.costs
        self._shown: Estimate | None = None
        self._settling = QTimer(self, singleShot=True, interval=_SETTLING)
        self._settling.timeout.connect(self._show_none)
        events = session.events
        for signal in (events.image, events.rows, events.columns, events.target):
            follow(self, signal, self._show)
        for other in (session.loaded, session.predictions_changed, session.selection_changed):
            follow(self, other, self._show)
        follow(self, self._costs.rates_changed, self._show)

    def _show(self, *_: object) -> None:
        session, column = self._session, self._session.selected_column
        if column is None or not column.suited or column.method.combines:
            self._show_none()
            return
        estimate = self._costs.estimate(session.selected_row, column)
        if estimate is None:
            if not self._settling.isActive():
                self._settling.start()  # the line stays a moment: it may be known by then
            return
        self._settling.stop()
        if estimate == self._shown:
            return
        self._shown = estimate
        finest, method = "", estimate.finest
        if method is not None and estimate.finest_passes > 1:
            changed = ", ".join(column.method.changed_in(method))
            # Two lines: one is wider than the box.
            finest = f"{changed}:\n{self._text(estimate.finest_passes, estimate.rate)}"
        passes = self._text(estimate.passes, estimate.rate)
        lines = [self.tr("This map: {0}").format(passes), estimate.warning]
        self._box.show_cost("\n".join(filter(None, lines)), finest)

    def _show_none(self) -> None:
        self._shown = None
        self._box.show_cost("", "")

    def _text(self, passes: int, rate: float | None) -> str:
        if passes == 1:
            return self.tr("1 forward pass")
        text = self.tr("{0} forward passes").format(words.count(passes))
        if not rate:
            return text
        return self.tr("{0}, about {1}").format(text, words.duration(passes / rate))
