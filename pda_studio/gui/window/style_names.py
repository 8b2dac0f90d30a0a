"""Names that the style sheet knows widgets by."""

from typing import TypeVar

from PySide6.QtWidgets import QWidget

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str) -> W:
    """Give a widget a name of the style sheet, and return it."""
    widget.setObjectName(name)
    return widget
