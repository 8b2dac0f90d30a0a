"""The form about the open classifier's file: predictions while it is edited, and its answers."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from pda_studio.gui.actions.action import FILE, Action
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.answers_dialog import AnswersDialog
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

if TYPE_CHECKING:
    from pda_studio.classifiers.spec import ClassifierSpec


def _work() -> Any:
    """What the engine does, once it is there: the window is there before."""
    return import_module("pda_studio.gui.opening.answers_work")


_NAMED = 5  # files; of more, the number is told


class AnswersController(QObject):
    """Opens the form, and carries out what it says."""

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
        self._window, self._session = window, session
        self._opening, self._jobs = opening, jobs
        self._job: Job | None = None
        self.dialog: AnswersDialog | None = None
        opening.unsure.connect(self.open)
        window.registry.add(
            Action(
                "answers",
                self.tr("Input and output of the classifier …"),
                self.open,
                place=FILE.at(33),
                shortcut="Ctrl+Shift+I",
                help=self.tr("How its input is made, what its outputs are, names of classes"),
            )
        )

    @property
    def _file(self) -> Path | None:
        """The open classifier's file; None of one that is known without it."""
        choice = self._session.work.classifier
        if choice is None:
            return None
        if choice.is_file:
            return Path(choice.name)
        named = choice.weights not in (None, "default", "random")
        return Path(str(choice.weights)) if named else None

    def open(self) -> None:
        """Open the form about the open classifier."""
        classifier, file = self._session.classifier, self._file
        if classifier is None or file is None:
            self._window.banner.show_message(
                self.tr(
                    "Input and output of this classifier are known: open a file of your own first."
                )
            )
            return
        work = _work()
        known, labels = work.known(classifier), work.output_labels()
        dialog = AnswersDialog(file, known, labels, classifier.fits, self._window)
        dialog.edited.connect(lambda spec: self._predict(file, spec))
        dialog.answered.connect(lambda spec: self._keep(file, spec))
        dialog.files_chosen.connect(self._keep_for)
        dialog.architecture_chosen.connect(lambda name: self._show_as(file, name))
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        dialog.open()

    def _predict(self, file: Path, spec: ClassifierSpec) -> None:
        image = self._session.work.image
        if image is None:
            return

        def predict() -> list[str]:
            lines: list[str] = _work().predictions(file, spec, image.image)
            return lines

        if self._job is not None:
            self._job.cancel()
        self._job = self._jobs.start_short(predict, self._on_predicted, self._on_failed)

    def _show_as(self, file: Path, architecture: str) -> None:
        """Let the form show the input and output of another network."""

        def done(spec: ClassifierSpec) -> None:
            self._job = None
            if self.dialog is not None:
                self.dialog.show_spec(spec)

        if self._job is not None:
            self._job.cancel()
        self._job = self._jobs.start_short(
            lambda: _work().known_as(file, architecture), done, self._on_failed
        )

    def _on_predicted(self, lines: list[str]) -> None:
        self._job = None
        if self.dialog is not None:
            self.dialog.show_predictions(lines)

    def _on_failed(self, error: BaseException, details: str) -> None:
        self._job = None
        if self.dialog is not None:
            self.dialog.show_problem(str(error))

    def _on_finished(self, *_: Any) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = self.dialog = None

    def _keep_for(self, files: list[Path], spec: ClassifierSpec) -> None:
        """Write the same answers for other files, and say where."""

        def done(found: tuple[list[str], list[str], list[str]]) -> None:
            beside, elsewhere, refused = found
            sentences = []
            if beside:
                said = self.tr("Written beside the files: {0}.")
                sentences.append(said.format(_listed(beside)))
            if elsewhere:
                said = self.tr("Nothing can be written beside {0}: written into the settings.")
                sentences.append(said.format(_listed(elsewhere)))
            if self.dialog is not None:
                self.dialog.show_written(" ".join([*sentences, *refused[:_NAMED]]))

        self._jobs.read(lambda: _work().keep_for(files, spec), done, self._opening.failed.emit)

    def _keep(self, file: Path, spec: ClassifierSpec) -> None:
        """Write the answers beside the file, and open it anew with them."""

        def write() -> None:
            _work().keep(file, spec)

        def done(_: object) -> None:
            self._opening.open_file(file)

        self._jobs.read(write, done, self._opening.failed.emit)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" … (+ {more})" if more > 0 else "")
