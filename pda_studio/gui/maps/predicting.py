"""What must be known before a map can be requested: what each classifier predicts of each row."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from pda_studio.document.model_input import classifier_of_row
from pda_studio.document.operations import changed
from pda_studio.document.workspace import ClassifierChoice, Column, Row
from pda_studio.errors import Cancelled
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps.requests import Prediction, PredictionKey
from pda_studio.gui.session.session import Session
from pda_studio.targets import ClassTarget


class Predicting(QObject):
    """Lets the classifiers of all columns predict the rows, and knows why some cannot."""

    failed = Signal(object, str)
    """An exception and its traceback."""
    lacking = Signal(object)
    """A ClassifierChoice that a column uses and that is not loaded."""
    changed = Signal()
    """A row cannot be predicted, or a classifier not be loaded."""

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._under_way: set[tuple[object, ...]] = set()
        self._refused: dict[PredictionKey, tuple[str, str]] = {}
        self._unloadable: dict[ClassifierChoice, str] = {}

    @property
    def busy(self) -> bool:
        """Whether a row is being predicted."""
        return bool(self._under_way)

    def refuse(self, choice: ClassifierChoice, why: str) -> None:
        """Tell that a classifier cannot be loaded: the panels that use it fail."""
        self._unloadable[choice] = why
        self.changed.emit()

    def refusal(self, row: Row, column: Column) -> tuple[str, str]:
        """Why a panel's row cannot be predicted, and the traceback; "" and "" if it can."""
        session = self._session
        choice, target = session.work.choice_of(column), session.target_of(column)
        if choice is None:
            return "", ""
        derived = None if isinstance(target, ClassTarget) else target
        for key in (PredictionKey(row.key, choice, derived), PredictionKey(row.key, choice)):
            if key in self._refused:
                return self._refused[key]
        return self._unloadable.get(choice, ""), ""

    def forgive(self, row: int | None = None, choice: ClassifierChoice | None = None) -> None:
        """Try again what was refused: everything, or a row by one classifier."""
        if row is None:
            self._refused.clear()
            self._unloadable.clear()
            return
        self._refused = {
            key: why
            for key, why in self._refused.items()
            if (key.row, key.classifier) != (row, choice)
        }
        if choice is not None:
            self._unloadable.pop(choice, None)

    def ask_for_classifiers(self) -> None:
        """Tell which classifiers are used and not loaded."""
        session = self._session
        for loaded in session.classifiers:
            self._unloadable.pop(loaded, None)
        used = [session.work.classifier, *map(session.work.choice_of, session.work.columns)]
        for choice in dict.fromkeys(used):
            known = choice in session.classifiers or choice in self._unloadable
            if choice is not None and not known:
                self.lacking.emit(choice)

    def predict(self) -> None:
        """Predict the rows that have not been predicted; forget what is needed no more."""
        needed = list(self._session.needed_predictions())
        for key in needed:
            if key not in self._session.predictions:
                self._predict_row(key)
        self._refused = {key: why for key, why in self._refused.items() if key in needed}

    def _predict_row(self, key: PredictionKey) -> None:
        session = self._session
        row, classifier = session.work.row(key.row), session.classifiers.get(key.classifier)
        image = session.work.image_of(row) if row else None
        if row is None or image is None or classifier is None:
            return
        of = (key, classifier, image, row.operations)
        if of in self._under_way or key in self._refused:
            return
        self._under_way.add(of)

        def predict() -> Prediction:
            from pda_studio.results import Subject
            from pda_studio.store.network_code import network_code

            view = changed(image.image, row.operations, current)
            size = image.image.width, image.image.height
            subject = Subject.of(view, classifier_of_row(classifier, row, *size), key.target)
            with suppress(ValueError):  # traced here: no forward pass may run meanwhile
                network_code(subject.classifier.network)
            return Prediction(subject, view.width, view.height)

        def current() -> bool:
            now = session.work.row(key.row)
            return (
                now is not None
                and (session.work.image_of(now), now.operations) == (image, row.operations)
                and session.classifiers.get(key.classifier) is classifier
            )

        def done(prediction: Prediction) -> None:
            self._under_way.discard(of)
            if current():
                session.put_prediction(key, prediction)

        def failed(error: BaseException, details: str) -> None:
            self._under_way.discard(of)
            if isinstance(error, Cancelled):
                self.predict()  # it may be wanted again by now
            elif current():
                self._refused[key] = str(error), details
                self.failed.emit(error, details)
                self.changed.emit()

        self._jobs.start_short(predict, done, failed)
