"""Drawing a digit: the digit classifier sees it, and explains itself, while the pen moves."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from PySide6.QtCore import QObject, QTimer

from pda_studio.document.workspace import ClassifierChoice, SourceImage
from pda_studio.gui.actions.action import FILE, Action
from pda_studio.gui.opening.canvas import CanvasWindow
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

_TICK = 25  # ms
_PATIENCE = 0.8  # seconds that a map may take until the next drawing is shown all the same
_CLASSIFIER = "digits"


class DigitDrawing(QObject):
    """Shows the canvas and takes over what is drawn, as fast as maps are finished.

    The first stroke opens a new image; what follows changes that image alone, so that the
    target, the methods and the variants stay.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        opening: Opening,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._opening = window, session, opening
        self.canvas = CanvasWindow(window)
        self.canvas.canvas.changed.connect(self._on_changed)
        window.registry.add(
            Action(
                "draw-digit",
                self.tr("Draw a digit …"),
                self.open,
                place=FILE.at(13),
                shortcut="Ctrl+D",
                icon="pen",
            )
        )
        self._drawn: SourceImage | None = None
        self._waiting = False
        self._shown_at = 0.0
        self._tick = QTimer(self, interval=_TICK)
        self._tick.timeout.connect(self._on_tick)

    def open(self) -> None:
        """Show the canvas; let the digit classifier look at it."""
        choice = self._opening.choice
        if choice is not None and choice.name != _CLASSIFIER:
            self._opening.use_classifier(ClassifierChoice(_CLASSIFIER))
        self.canvas.show()
        self.canvas.raise_()
        self.canvas.activateWindow()

    def stop(self) -> None:
        """Take over nothing more: the window is closing."""
        self._tick.stop()
        self.canvas.close()

    def _on_changed(self) -> None:
        self._waiting = True
        if not self._tick.isActive():
            self._tick.start()
            self._on_tick()

    def _on_tick(self) -> None:
        if not self._waiting:
            self._tick.stop()
            return
        shown = self._session.work.image is not self._drawn or self._session.all_finished()
        if shown or monotonic() - self._shown_at > _PATIENCE:
            self._waiting = False
            self._shown_at = monotonic()
            self._show()

    def _show(self) -> None:
        work = self._session.work
        image = SourceImage.of(self.tr("Drawing"), self.canvas.canvas.pixels)
        goes_on = self._drawn is not None and work.image is self._drawn
        self._drawn = image
        if goes_on:
            self._session.edit(replace(work, image=image))
        else:
            self._session.open_image(image)
