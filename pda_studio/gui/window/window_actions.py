"""Actions on the window itself: its theme, full screen, and its end."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from pda_studio.gui.actions.action import FILE, HELP, VIEW, Action
from pda_studio.gui.display.display import Theme
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.theme import ThemeKeeper


class WindowActions(QObject):
    """Declares what can be done with the window.

    Parameters
    ----------
    window, theme, dialogs
        The window, its colours, and what tells about the program.
    """

    def __init__(
        self,
        window: MainWindow,
        theme: ThemeKeeper,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._theme = window, theme
        titles: dict[Theme, tuple[str, str]] = {
            "system": (self.tr("Follow the system"), "Ctrl+B, S"),
            "light": (self.tr("Light"), "Ctrl+B, L"),
            "dark": (self.tr("Dark"), "Ctrl+B, D"),
        }
        window.registry.add(
            *(
                Action(
                    f"theme-{name}",
                    title,
                    toggled=partial(self._choose, name),
                    place=VIEW.at(30),
                    shortcut=key,
                    exclusive="theme",
                    checked=name == theme.theme,
                )
                for name, (title, key) in titles.items()
            ),
            Action(
                "full-screen",
                self.tr("Full screen"),
                toggled=self._fill_screen,
                place=VIEW.at(42),
                shortcut="F11",
            ),
            Action(
                "quit",
                self.tr("Quit"),
                window.close,
                place=FILE.at(61),
                shortcut="Ctrl+Q",
            ),
            Action(
                "about",
                self.tr("About PDA Studio"),
                dialogs.about,
                place=HELP.at(12),
                shortcut="Shift+F1",
            ),
        )

    def _choose(self, name: Theme, on: bool) -> None:
        if on:
            self._theme.choose(name)

    def _fill_screen(self, full: bool) -> None:
        if full:
            self._window.showFullScreen()
        else:
            self._window.showNormal()
