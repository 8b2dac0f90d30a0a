"""The predictions of the selected row, and what is explained in place of a class of them."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from pda_studio.document.operations import described
from pda_studio.gui.connections import follow
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.targets import ClassTarget, OutputTarget, name_of

_SETTLING = 200  # ms


class PredictionsController(QObject):
    """Lists what the open classifier predicts of the selected row; a click makes it the target."""

    def __init__(self, window: MainWindow, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._settling = QTimer(self, singleShot=True, interval=_SETTLING)
        self._settling.timeout.connect(self._list)
        window.predictions.chosen.connect(session.set_target)
        events = session.events
        for signal in (events.image, events.classifier, events.rows, events.target):
            follow(self, signal, self._show)
        for other in (session.loaded, session.predictions_changed, session.selection_changed):
            follow(self, other, self._show)

    def _show(self, *_: object) -> None:
        session, row = self._session, self._session.selected_row
        heading = self.tr("Predictions")
        if row.operations:
            heading += f": {described(row.operations)}"
        self._window.predictions_heading.setText(heading)
        self._window.predictions_heading.setToolTip(heading)
        if session.prediction(row.key) or session.work.image is None:
            self._settling.stop()
            self._list()
        elif not self._settling.isActive():
            self._settling.start()  # the list stays a moment: the new one may be there by then

    def _list(self) -> None:
        session = self._session
        prediction = session.prediction(session.selected_row.key)
        target, classifier = session.target, session.classifier
        in_list = target if isinstance(target, ClassTarget | OutputTarget) else None
        self._window.predictions.show_predictions(
            classifier,
            prediction.subject if prediction else None,
            in_list.index if in_list else None,
        )
        names = classifier.class_names if classifier else ()
        self._window.target_line.show_target(
            "" if in_list or target is None else name_of(target, names)
        )
