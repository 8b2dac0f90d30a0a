"""Reading the menu bar: what it holds, wherever it came from; and headings in menus."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu, QMenuBar, QWidgetAction

from pda_studio.gui.window.style_names import named


def menu_actions(bar: QMenuBar) -> Iterator[tuple[tuple[str, ...], QAction]]:
    """Every action of the menu bar with the titles of the menus that lead to it.

    Menus that are filled when they open are filled first.
    """
    for top in bar.actions():
        menu = top.menu()
        if isinstance(menu, QMenu):
            yield from _within(menu, (plain(menu.title()),))


def _within(menu: QMenu, titles: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], QAction]]:
    menu.aboutToShow.emit()
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _within(inner, (*titles, plain(inner.title())))
        elif not action.isSeparator():
            yield titles, action


def add_heading(menu: QMenu, text: str) -> None:
    """Put a heading over the actions that are added next; it counts as a separator."""
    heading = QWidgetAction(menu)
    heading.setSeparator(True)
    heading.setDefaultWidget(named(QLabel(text), "heading"))
    menu.addAction(heading)


def plain(text: str) -> str:
    """A menu's or an action's text without the mark of its letter key."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")
