"""The palette and the window of keys: both list the registry of actions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject

from pda_studio.gui.actions.action import (
    FILE,
    HELP,
    METHODS,
    VIEW,
    Action,
    Context,
    Menu,
    ready,
)
from pda_studio.gui.actions.command import Command
from pda_studio.gui.actions.gestures import gestures
from pda_studio.gui.actions.palette import Palette
from pda_studio.gui.actions.shortcuts_window import ShortcutsWindow
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow

SAMPLES = Menu(QT_TRANSLATE_NOOP("menus", "Sample digits"), FILE.at(23), data=True)
_KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890"


class Commands(QObject):
    """Declares the actions of methods and samples; opens the palette and the window of keys."""

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
        window.resized.connect(self.palette.place)
        self.shortcuts = ShortcutsWindow(window)
        opening.engine_ready.connect(self._on_engine)
        window.registry.add(
            Action(
                "find",
                self.tr("Find anything …"),
                self.open_palette,
                place=VIEW.at(10),
                shortcut="Ctrl+Shift+P",
            ),
            Action(
                "shortcuts",
                self.tr("Keys and gestures"),
                self.open_shortcuts,
                place=HELP.at(10),
                shortcut="F1",
            ),
            Action(
                "add-method",
                self.tr("Add method"),
                place=(),
                icon="plus",
                tool=50,
                label=self.tr("Add method"),
                drop=METHODS,
                help=self.tr("Put another method beside the others"),
                enabled=ready,
            ),
            *(
                Action(
                    f"sample-{path.stem}",
                    path.stem,
                    partial(opening.open_image, path),
                    place=SAMPLES.at(number),
                    shortcut=f"Alt+{path.stem}",
                )
                for number, path in enumerate(samples)
            ),
        )

    def open_palette(self) -> None:
        """Let the user find anything by a few letters."""
        declared = list(self._window.registry.commands())
        self.palette.open(
            [
                *(command for command in declared if not command.data),
                *self._classifier_commands(),
                *self._targets(),
                *(command for command in declared if command.data),
            ]
        )

    def open_shortcuts(self) -> None:
        """Show all keys and gestures."""
        group = self.tr("Mouse, touchpad and keys on a panel")
        more = [Command(what, group, how) for what, how in gestures()]
        self.shortcuts.show_commands([*self._window.registry.commands(lists=False), *more])

    def _on_engine(self, names: list[str]) -> None:
        from pda_studio.methods import METHODS as METHOD_KINDS
        from pda_studio.methods import by_family

        self._classifiers = names
        keys = iter(_KEYS)
        for number, (family, kinds) in enumerate(by_family(METHOD_KINDS.values()).items()):
            self._window.registry.add(
                *(
                    Action(
                        f"add-{kind.name}",
                        kind.title,
                        partial(self._session.columns.add, kind.name),
                        place=METHODS.at(number * 10),
                        shortcut=f"Ctrl+Shift+M, {key}" if (key := next(keys, "")) else "",
                        help=kind.summary,
                        enabled=partial(_usable, kind.name),
                    )
                    for kind in kinds
                ),
                heading=family,
            )

    def _classifier_commands(self) -> Iterator[Command]:
        group = self.tr("Classifier")
        for name in self._classifiers:
            choose = partial(self._window.classifier_box.choose, name)
            yield Command(name, group, run=choose, data=True)

    def _targets(self) -> Iterator[Command]:
        group, classifier = self.tr("Target class"), self._session.classifier
        if classifier is None or self._session.work.image is None:
            return
        for index, name in enumerate(classifier.class_names):
            set_target = partial(self._session.set_target, index)
            yield Command(name, group, run=set_target, data=True)


def _usable(method: str, context: Context) -> bool:
    return method not in context.unusable
