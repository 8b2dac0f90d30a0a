"""Actions on the image: rotate, flip and crop it; each adds a row."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QRectF
from PySide6.QtGui import QKeySequence

from pda_studio.document.operations import Crop, Flip, Operation, Rotate
from pda_studio.gui.actions.action import ANGLES, FILE, IMAGE, Action, ready
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

_ANGLES = {
    -15: "Ctrl+Shift+Left",
    -10: "Alt+Shift+Left",
    -5: "Alt+Left",
    5: "Alt+Right",
    10: "Alt+Shift+Right",
    15: "Ctrl+Shift+Right",
}
_LEAST = 4  # pixels of a cropped image's sides


class ImageActions(QObject):
    """Declares the actions that rotate, flip and crop the selected row's image."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._dialogs = window, session, dialogs
        window.grid.framed.connect(self.crop)
        self._declare()

    def transform(self, operation: Operation) -> None:
        """Add a row with the selected image rotated, flipped or cropped."""
        if self._session.work.image is not None:
            self._session.rows.transform(operation)

    def crop(self, key: int, frame: QRectF) -> None:
        """Crop a row's image to a frame drawn on it, in pixels of the image."""
        if self._window.registry["model-input-crop"].isChecked():
            return  # the frame is that of the model input
        self._window.registry["crop"].setChecked(False)
        prediction = self._session.prediction(key)
        if prediction is None:
            return
        left, top = max(round(frame.left()), 0), max(round(frame.top()), 0)
        width = max(min(round(frame.right()), prediction.width) - left, _LEAST)
        height = max(min(round(frame.bottom()), prediction.height) - top, _LEAST)
        self._session.select(key, self._session.selection[1])
        left, top = min(left, prediction.width - width), min(top, prediction.height - height)
        self.transform(Crop(left, top, width, height))

    def _declare(self) -> None:
        transform, session = self.transform, self._session
        self._window.registry.add(
            Action(
                "rotate-left",
                self.tr("Rotate left"),
                partial(transform, Rotate(-90)),
                place=IMAGE.at(10),
                shortcut="Ctrl+L",
                icon="rotate-left",
                tool=30,
                enabled=ready,
            ),
            Action(
                "rotate-right",
                self.tr("Rotate right"),
                partial(transform, Rotate(90)),
                place=IMAGE.at(11),
                shortcut="Ctrl+R",
                icon="rotate-right",
                tool=31,
                drop=ANGLES,
                enabled=ready,
            ),
            *(
                Action(
                    f"rotate-{angle}",
                    self._title(angle),
                    partial(transform, Rotate(angle)),
                    place=ANGLES.at(10),
                    shortcut=key,
                    enabled=ready,
                )
                for angle, key in _ANGLES.items()
            ),
            Action(
                "rotate",
                self.tr("Rotate by any angle …"),
                self._rotate_by_any_angle,
                place=(IMAGE.at(13), ANGLES.at(11)),
                shortcut="Ctrl+Alt+R",
                enabled=ready,
            ),
            Action(
                "flip-horizontal",
                self.tr("Flip left–right"),
                partial(transform, Flip("horizontal")),
                place=IMAGE.at(14),
                shortcut="Ctrl+H",
                icon="flip-horizontal",
                tool=32,
                enabled=ready,
            ),
            Action(
                "flip-vertical",
                self.tr("Flip top–bottom"),
                partial(transform, Flip("vertical")),
                place=IMAGE.at(15),
                shortcut="Ctrl+J",
                icon="flip-vertical",
                tool=33,
                enabled=ready,
            ),
            Action(
                "crop",
                self.tr("Crop"),
                toggled=self._window.grid.set_framing,
                place=IMAGE.at(16),
                shortcut="Ctrl+K",
                icon="crop",
                tool=34,
                help=self.tr("Crop: drag a frame on the whole image"),
                exclusive="drag",
                enabled=ready,
            ),
            Action(
                "reset",
                self.tr("Remove all views"),
                session.rows.reset,
                place=IMAGE.at(20),
                shortcut="Ctrl+Backspace",
                icon="reset",
                tool=36,
                enabled=lambda context: context.rows > 1,
            ),
            Action(
                "close-image",
                self.tr("Close image"),
                partial(session.open_image, None),
                place=FILE.at(60),
                shortcut=QKeySequence.StandardKey.Close,
                enabled=ready,
            ),
        )

    def _title(self, angle: int) -> str:
        way = self.tr("clockwise") if angle > 0 else self.tr("counter-clockwise")
        return self.tr("Rotate {0}° {1}").format(abs(angle), way)

    def _rotate_by_any_angle(self) -> None:
        self._dialogs.choose_angle(lambda angle: self.transform(Rotate(angle)))
