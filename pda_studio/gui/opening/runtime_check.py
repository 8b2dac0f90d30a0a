"""How far a converted network is from the runtime that it was made for, on the opened image."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow


class RuntimeCheck(QObject):
    """Compares an ONNX network with onnxruntime, once for each image and classifier."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        opening: Opening,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._box, self._session, self._jobs = window.classifier_box, session, jobs
        self._opening, self._banner = opening, window.banner
        self._job: Job | None = None
        opening.loaded.connect(self._compare)
        for signal in (session.events.image, session.events.classifier):
            follow(self, signal, self._compare)

    def _compare(self, *_: object) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._box.check.hide()
        classifier, image = self._session.classifier, self._session.work.image
        if classifier is None or image is None or classifier.runtime is None:
            return

        def compare() -> float | None:
            return classifier.runtime_difference(classifier.preprocessing.view(image.image))

        self._job = self._jobs.start_short(compare, self._on_compared, self._on_failed)

    def _on_compared(self, apart: float | None) -> None:
        self._job = None
        if apart is None:
            return
        text = self.tr("Outputs are exactly those of onnxruntime")
        if apart:
            text = self.tr("Outputs differ from onnxruntime's by {0} of the largest")
            text = text.format(f"{apart:.1g}")
        self._box.check.setText(text)
        self._box.check.show()

    def _on_failed(self, error: BaseException, details: str) -> None:
        self._job = None
        self._banner.show_message(str(error), details)
