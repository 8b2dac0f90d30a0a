"""Where Tab leads: through the window as it is read, the grid of panels being one stop."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QWidget

from pda_studio.gui.grid.image_view import ImageView

_SAME_LINE = 8  # pixels between the middles of widgets that stand beside one another


def tab_stops(areas: Iterable[QWidget], entry: QWidget | None) -> list[QWidget]:
    """Everything that takes the focus, one area after the other, each line by line.

    Parameters
    ----------
    areas : iterable of QWidget
        Parts of the window, in the order in which they are read.
    entry : QWidget, optional
        The one panel that Tab leads to: arrows lead from there to the others.
    """
    stops: list[QWidget] = []
    for area in areas:
        inside = [widget for widget in area.findChildren(QWidget) if _takes_focus(widget)]
        wanted = [one for one in inside if not isinstance(one, ImageView) or one is entry]
        stops += _read(area, wanted)
    return stops


def move_focus(stops: list[QWidget], now: QWidget | None, forwards: bool) -> bool:
    """Give the focus to the stop after, or before, the one that has it; whether there is one."""
    if not stops:
        return False
    while now is not None and now not in stops:  # a part of a stop, or of nothing
        now = now.parentWidget()
    if now is None:
        place = 0 if forwards else -1
    else:
        place = (stops.index(now) + (1 if forwards else -1)) % len(stops)
    reason = Qt.FocusReason.TabFocusReason if forwards else Qt.FocusReason.BacktabFocusReason
    stops[place].setFocus(reason)
    _show(stops[place])
    return True


def _takes_focus(widget: QWidget) -> bool:
    by_tab = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
    return bool(by_tab and widget.isVisible() and widget.isEnabled() and not widget.focusProxy())


def _read(area: QWidget, widgets: list[QWidget]) -> list[QWidget]:
    """Sort from top to bottom, and within a line from left to right."""
    middles = {widget: widget.mapTo(area, widget.rect().center()) for widget in widgets}
    lines: list[list[QWidget]] = []
    for widget in sorted(widgets, key=lambda one: middles[one].y()):
        if lines and middles[widget].y() - middles[lines[-1][0]].y() <= _SAME_LINE:
            lines[-1].append(widget)
        else:
            lines.append([widget])
    return [widget for line in lines for widget in sorted(line, key=lambda one: middles[one].x())]


def _show(widget: QWidget) -> None:
    """Scroll to where the widget is seen."""
    outer = widget.parentWidget()
    while outer is not None:
        if isinstance(outer, QScrollArea):
            outer.ensureWidgetVisible(widget, 16, 16)
        outer = outer.parentWidget()
