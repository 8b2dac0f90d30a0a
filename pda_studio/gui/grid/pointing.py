"""Pixels that are clicked and regions that are drawn on the grid, and what is outlined there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QPolygonF

from pda_studio.document.operations import Matrix
from pda_studio.gui.grid.geometry import moved_point
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.inspector.inspection import Marks, own_matrix
from pda_studio.gui.session.session import Key, Session

Views = Callable[[], list[tuple[Key, ImageView]]]
"""All views with their panels' keys; an input belongs to the selected column."""


class Pointing(QObject):
    """Speaks of pixels as a panel's network sees them, whatever a view shows turned or flipped."""

    picked = Signal(object, object)
    """A panel's key, and a point in pixels of the first row's input."""
    framed = Signal(object, QRectF)
    """A panel's key, and a region in pixels of what its network sees."""

    def __init__(self, session: Session, views: Views, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._views = session, views
        self._marks: Marks | None = None

    def attach(self, key: Callable[[], Key], view: ImageView) -> None:
        """Hear of a view."""
        view.picked.connect(lambda: self.picked.emit(key(), view.state.crosshair))

    def frame(self, key: Key, view: ImageView, frame: QRectF) -> None:
        """Tell of a frame that was drawn on a view as a region of its panel's input."""
        matrix = own_matrix(self._session, key) @ np.linalg.inv(view.from_first)
        self.framed.emit(key, _polygon(matrix, frame).boundingRect())

    def show_marks(self, marks: Marks | None) -> None:
        """Outline places in all views of a panel's row, and nowhere else."""
        self._marks = marks
        for key, view in self._views():
            if marks is None or key[0] != marks.key[0]:
                view.show_marks([])
                continue
            matrix = view.from_first @ np.linalg.inv(own_matrix(self._session, marks.key))
            frames = [QRectF(box.left, box.top, box.width, box.height) for box in marks.rectangles]
            view.show_marks([_polygon(matrix, frame) for frame in frames])

    def refresh(self) -> None:
        """Outline the same places anew: there are other views, or they show something else."""
        self.show_marks(self._marks)


def _polygon(matrix: Matrix, frame: QRectF) -> QPolygonF:
    corners = (frame.topLeft(), frame.topRight(), frame.bottomRight(), frame.bottomLeft())
    return QPolygonF([QPointF(*moved_point(matrix, at.x(), at.y())) for at in corners])
