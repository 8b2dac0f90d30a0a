"""The classifier box: chooses, loads and describes the open classifier."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.connections import follow
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.window import numbers
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory


class ClassifierController(QObject):
    """Connects the classifier box with what loads classifiers.

    Parameters
    ----------
    start : ClassifierChoice
        What is loaded at the start, unless a workspace was opened by then.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        opening: Opening,
        saving: Saving,
        dialogs: Dialogs,
        memory: Memory,
        start: ClassifierChoice,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._box, self._session = window.classifier_box, session
        self._opening, self._memory, self._start = opening, memory, start
        box = self._box
        box.name_chosen.connect(self._on_name)
        box.wanted.connect(opening.use_classifier)
        box.file_wanted.connect(dialogs.choose_weights)
        box.stopped.connect(opening.stop)
        opening.engine_ready.connect(self._on_engine)
        opening.loading.connect(box.show_loading)
        opening.loaded.connect(self._on_loaded)
        opening.described.connect(box.show_about)
        saving.opened.connect(self.show)
        follow(self, session.events.classifier, self._on_classifier)

    def show(self, *_: object) -> None:
        """Show the open classifier and a few facts of it."""
        classifier, facts = self._session.classifier, ""
        if classifier is not None:
            height, width = classifier.input_size
            facts = self.tr("{0} · {1} px · {2}").format(
                numbers.outputs(len(classifier.class_names), classifier.output),
                f"{width}" if width == height else f"{width} × {height}",
                "CPU" if classifier.device.type == "cpu" else "GPU",
            )
        self._box.show_open(self._session.work.classifier, facts)

    def _on_engine(self, names: list[str]) -> None:
        self._box.offer_names(names)
        if self._opening.choice is None:  # a workspace that was opened meanwhile has its own
            self._opening.use_classifier(self._start)

    def _on_name(self, name: str) -> None:
        if name == "digits":
            self._opening.use_classifier(ClassifierChoice(name))
        else:
            self._opening.describe(name)

    def _on_loaded(self) -> None:
        choice = self._session.work.classifier
        if choice is not None:
            self._memory.add_classifier(choice)
        self.show()

    def _on_classifier(self, choice: ClassifierChoice | None) -> None:
        if self._session.last_edit == "restore":
            self.show()
