"""A widget on which grips along an axis are dragged."""

from __future__ import annotations

from typing import Generic, TypeVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

Grip = TypeVar("Grip", bound=str)


class GripWidget(QWidget, Generic[Grip]):
    """Takes, moves and releases grips with the mouse; how they look is its children's."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._held: Grip | None = None
        self._near: Grip | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a grip."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self._grip_at(event.position())
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the grip that is held; show which one could be."""
        if self._held is not None:
            self._move(self._held, self._value(event.position().x()))
            return
        self._near = self._grip_at(event.position())
        self.setCursor(Qt.CursorShape.SplitHCursor if self._near else Qt.CursorShape.ArrowCursor)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Release the grip: the axis may follow."""
        if self._held is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held = None
            self._on_released()

    def leaveEvent(self, event: object) -> None:
        """No grip is near any more."""
        self._near = None
        self.update()

    def _grip_at(self, position: QPointF) -> Grip | None:
        """The grip that a press there takes."""
        raise NotImplementedError

    def _value(self, x: float) -> float:
        """The value of the axis at a place, in pixels from the left."""
        raise NotImplementedError

    def _move(self, grip: Grip, value: float) -> None:
        """Bring a grip to a value."""
        raise NotImplementedError

    def _on_released(self) -> None:
        """Let the axis follow."""
        raise NotImplementedError
