"""Hints for a newcomer, and for whoever shows a photograph to the digit classifier."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pda_studio.gui.actions.action import HELP, Action
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory

_SMALL = 64  # pixels: an image with a longer side than this is hardly a single digit


class HintsController(QObject):
    """Shows the first steps over the example until they are closed, once and for all.

    Parameters
    ----------
    window, session, opening, memory
        Where hints are shown, what they are about, what opens it, and whether they were closed
        for good.
    newcomer : bool
        Whether the window starts with the example.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        opening: Opening,
        memory: Memory,
        newcomer: bool,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._memory = window, session, memory
        opening.image_opened.connect(self._on_opened)
        opening.loaded.connect(self._on_opened)
        window.hints.closed.connect(self._on_closed)
        window.banner.action.connect(self._on_banner_action)
        window.registry.add(
            Action(
                "hints",
                self.tr("First steps"),
                window.hints.show,
                place=HELP.at(11),
                shortcut="Ctrl+F1",
            )
        )
        if newcomer and not memory.hints_closed:
            window.hints.show()

    def show_hint(self) -> None:
        """Say what there is to say about the open image and its classifier."""
        image, choice = self._session.work.image, self._session.work.classifier
        if image is None or choice is None:
            return
        if choice.name == "digits" and min(image.pixels.shape[:2]) > _SMALL:
            self._window.banner.show_message(
                self.tr(
                    "The classifier “digits” knows handwritten digits only: choose another one for"
                    " this image, or drop its weights here."
                ),
                action=self.tr("Choose a classifier"),
            )

    def _on_opened(self, *_: object) -> None:
        self._window.banner.hide()
        self.show_hint()

    def _on_banner_action(self) -> None:
        names = self._window.classifier_box.names
        names.setFocus()
        names.showPopup()

    def _on_closed(self) -> None:
        self._window.hints.hide()
        self._memory.hints_closed = True
        self._memory.save()
