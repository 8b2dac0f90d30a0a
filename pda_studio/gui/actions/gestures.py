"""Fingers on a touchpad or a screen, and what mouse and keys do on a panel, in words."""

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtGui import QNativeGestureEvent
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QWidget


def pinched(event: QEvent, view: QWidget) -> tuple[float, QPointF] | None:
    """How much a pinch enlarges, and where on the view it is; None if it is no pinch.

    A touchpad tells of native gestures, a touch screen of touches that Qt makes a gesture of.
    """
    if isinstance(event, QNativeGestureEvent):
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            return max(1 + event.value(), 0.1), event.position()
        return None
    if isinstance(event, QGestureEvent):
        pinch = event.gesture(Qt.GestureType.PinchGesture)
        if isinstance(pinch, QPinchGesture):
            event.accept(pinch)
            centre = view.mapFromGlobal(pinch.centerPoint().toPoint())
            return pinch.scaleFactor(), QPointF(centre)
    return None


def gestures() -> list[tuple[str, str]]:
    """What mouse and keys do on a panel: what it does, and how."""
    translate = QCoreApplication.translate
    return [
        (translate("gestures", "Zoom around the pointer"), translate("gestures", "Wheel")),
        (translate("gestures", "Zoom with two fingers"), translate("gestures", "Pinch")),
        (translate("gestures", "Move the image"), translate("gestures", "Drag")),
        (
            translate("gestures", "Show the whole image again"),
            translate("gestures", "Double click"),
        ),
        (
            translate("gestures", "Select a panel and look behind the pixel"),
            translate("gestures", "Click"),
        ),
        (
            translate("gestures", "Move the pixel that is pointed at, with Ctrl ten at a time"),
            translate("gestures", "Shift and arrow keys"),
        ),
        (
            translate("gestures", "Prediction behind the pixel that is pointed at"),
            translate("gestures", "Enter"),
        ),
        (translate("gestures", "Select the panel beside it"), translate("gestures", "Arrow keys")),
        (
            translate("gestures", "See the image without the map, as long as it is held"),
            translate("gestures", "H or Space"),
        ),
        (
            translate("gestures", "Draw the frame to crop to"),
            translate("gestures", "Crop, then drag"),
        ),
        (
            translate("gestures", "Draw the region to take out"),
            translate("gestures", "Remove region, then drag"),
        ),
        (translate("gestures", "Leave Crop or Remove region"), translate("gestures", "Esc")),
        (
            translate("gestures", "Open images, a folder, or weights"),
            translate("gestures", "Drop"),
        ),
        (translate("gestures", "Go to the next control"), translate("gestures", "Tab")),
    ]
