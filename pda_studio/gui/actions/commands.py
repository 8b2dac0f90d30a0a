"""Everything that can be asked for, gathered for the palette and for the list of keys."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from pda_studio.gui.actions.actions import shortcut
from pda_studio.gui.actions.command import Command
from pda_studio.gui.actions.gestures import gestures
from pda_studio.gui.actions.menus import add_heading, menu_actions, plain
from pda_studio.gui.actions.palette import Palette
from pda_studio.gui.actions.shortcuts_window import ShortcutsWindow
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

_KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890"


class Commands(QObject):
    """Fills the menus of methods and samples, and opens the palette and the list of keys.

    Both read the menu bar each time they open: whatever is in a menu is in them.
    """

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        opening: Opening,
        samples: list[Path],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._classifiers: list[str] = []
        self.palette = Palette(window)
        self.shortcuts = ShortcutsWindow(window)
        actions = window.actions_
        actions.find.triggered.connect(self.open_palette)
        actions.shortcuts.triggered.connect(self.open_shortcuts)
        opening.engine_ready.connect(self._on_engine)
        for path in samples:
            action = actions.samples_menu.addAction(path.stem)
            action.setShortcut(f"Alt+{path.stem}")
            action.triggered.connect(lambda _=False, p=path: opening.open_image(p))

    def open_palette(self) -> None:
        """Let the user find anything by a few letters."""
        self.palette.ask([*self._actions(), *self._classifier_commands(), *self._targets()])

    def open_shortcuts(self) -> None:
        """Show all keys and gestures."""
        actions = [command for command in self._actions() if command.group not in self._lists]
        group = self.tr("Mouse, touchpad and keys on a panel")
        more = [Command(what, group, how) for what, how in gestures()]
        self.shortcuts.show_commands([*actions, *more])

    def _on_engine(self, names: list[str]) -> None:
        from pda_studio.methods import METHODS, by_family

        self._classifiers = names
        menu = self._window.actions_.methods_menu
        menu.setToolTipsVisible(True)
        menu.setSeparatorsCollapsible(False)  # else the first heading is not shown
        keys = iter(_KEYS)
        for family, kinds in by_family(METHODS.values()).items():
            add_heading(menu, family)
            for kind in kinds:
                action = menu.addAction(kind.title)
                action.setToolTip(kind.summary)
                key = next(keys, "")
                if key:
                    action.setShortcut(f"Ctrl+Shift+M, {key}")
                action.triggered.connect(lambda _=False, n=kind.name: self._session.add_column(n))

    def _actions(self) -> Iterator[Command]:
        for titles, action in menu_actions(self._window.menuBar()):
            if titles[-1] in self._lists and not action.isEnabled():
                continue  # it only says that there are none yet
            hint = action.toolTip() if titles[-1] == self._methods else ""
            yield Command(
                plain(action.text()).removesuffix(" …"),
                titles[-1],
                shortcut(action),
                action.trigger,
                action.isEnabled() and action.isVisible(),
                hint,
            )

    @property
    def _lists(self) -> set[str]:
        """Menus that list files."""
        actions = self._window.actions_
        return {plain(menu.title()) for menu in (actions.recent_menu, actions.classifiers_menu)}

    @property
    def _methods(self) -> str:
        return plain(self._window.actions_.methods_menu.title())

    def _classifier_commands(self) -> Iterator[Command]:
        group = self.tr("Classifier")
        for name in self._classifiers:
            yield Command(name, group, run=partial(self._window.classifier_box.choose, name))

    def _targets(self) -> Iterator[Command]:
        group, classifier = self.tr("Target class"), self._session.classifier
        if classifier is None or self._session.work.image is None:
            return
        for index, name in enumerate(classifier.class_names):
            yield Command(name, group, run=partial(self._session.set_target, index))
