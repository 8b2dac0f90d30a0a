"""The registry of a window's actions: menus, toolbar and searches are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import cast

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu, QWidgetAction

from pda_studio.gui.actions.action import Action, Context, Menu, Place, always
from pda_studio.gui.actions.command import Command
from pda_studio.gui.actions.toolbar import ToolBar
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper

_Entry = tuple[int, str, QAction]
"""Position, the heading it stands under, and the action or submenu."""


class Actions(QObject):
    """All actions of one window, by name; `add` takes a declaration from anywhere.

    Attributes
    ----------
    toolbar : ToolBar
        The tools, in the order of their positions.
    context : Context
        What decided last which actions are enabled.
    """

    def __init__(self, window: QMainWindow, theme: ThemeKeeper) -> None:
        super().__init__(window)
        self._window, self._theme = window, theme
        self.context = Context()
        self.toolbar = ToolBar(window, theme)
        self._actions: dict[str, QAction] = {}
        self._menus: dict[Menu, QMenu] = {}
        self._entries: dict[Menu, list[_Entry]] = {}
        self._lists: dict[Menu, Callable[[], Iterable[Action]]] = {}
        self._exclusive: dict[str, QActionGroup] = {}
        self._conditions: dict[Callable[[Context], bool], list[QAction]] = {}
        self._read: dict[Callable[[Context], bool], set[str]] = {}  # by each condition, last

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def find(self, name: str) -> QAction | None:
        """An action by its name, if it is declared by now."""
        return self._actions.get(name)

    def add(self, *actions: Action, heading: str = "") -> None:
        """Take declarations; they are in menus, toolbar, palette and the list of keys from now on.

        Parameters
        ----------
        *actions : Action
            What can be done.
        heading : str
            What they stand under in their menus.

        Raises
        ------
        ValueError
            If there is an action of this name.
        """
        changed: dict[Menu, None] = {}
        for action in actions:
            made = self._make(action)
            for place in action.places:
                self._put(place, made, heading)
                changed[place.menu] = None
            if action.tool:
                drop = self.menu(action.drop) if action.drop else None
                self.toolbar.put(action, made, drop)
        for menu in changed:
            self._fill(menu)

    def add_list(self, menu: Menu, make: Callable[[], Iterable[Action]]) -> None:
        """Fill a menu with what `make` gives each time it opens, before what else is in it."""
        self._lists[menu] = make
        self.menu(menu).aboutToShow.connect(lambda: self._fill(menu))

    def menu(self, menu: Menu) -> QMenu:
        """The menu that was made of a declaration."""
        if menu not in self._menus:
            made = QMenu(_title(menu), self._window)
            made.setToolTipsVisible(True)
            made.setSeparatorsCollapsible(False)  # else a heading at the top is not shown
            self._menus[menu] = made
            self._entries[menu] = []
            if menu.place is not None:
                self._put(menu.place, made.menuAction())
                self._fill(menu.place.menu)
            elif menu.bar:
                bar = self._window.menuBar()
                later = [m for m in self._menus if m.bar > menu.bar]
                before = min(later, key=lambda m: m.bar, default=None)
                if before is None:
                    bar.addMenu(made)
                else:
                    bar.insertMenu(self._menus[before].menuAction(), made)
        return self._menus[menu]

    def note(self, **facts: object) -> None:
        """Note facts of the context, by name: the actions that they concern are enabled or not."""
        changed = set(facts.items()) - vars(self.context).items()
        if not changed:
            return
        self.context = replace(self.context, **facts)  # type: ignore[arg-type]
        names = set(dict(changed))
        for condition, actions in self._conditions.items():
            if names.isdisjoint(self._read[condition]):
                continue  # the answer is the same
            enabled = self._decided(condition)
            for action in actions:
                action.setEnabled(enabled)

    def _decided(self, condition: Callable[[Context], bool]) -> bool:
        """What a condition says now, noting the facts that it looks at."""
        reader = _Reader(self.context)
        enabled = condition(cast(Context, reader))
        self._read[condition] = reader.read
        return enabled

    def commands(self, *, lists: bool = True) -> Iterator[Command]:
        """All actions as they are searched and read, menu by menu; each of them once.

        Parameters
        ----------
        lists : bool
            Whether also what lists hold now, as the images that were opened last.
        """
        seen: set[QAction] = set()
        roots = [m for m in self._menus if m.bar] + [
            m for m in self._menus if not m.bar and m.place is None
        ]
        for menu in sorted(roots, key=lambda m: m.bar or 1000):
            yield from self._commands(menu, seen, lists)

    def _commands(self, menu: Menu, seen: set[QAction], lists: bool) -> Iterator[Command]:
        outer = menu.place.menu if menu.place else menu
        title = plain(_title(outer if menu.data and outer.data else menu))
        if lists and menu in self._lists:
            for one in self._lists[menu]():
                if one.run is not None:
                    run, enabled = one.run, one.enabled(self.context)
                    yield Command(one.title, title, "", run, enabled, one.help, data=True)
        submenus = {made.menuAction(): inner for inner, made in self._menus.items()}
        for _, _, action in sorted(self._entries[menu], key=_position):
            if action in submenus:
                yield from self._commands(submenus[action], seen, lists)
            elif action not in seen:
                seen.add(action)
                yield Command(
                    plain(action.text()).removesuffix(" …"),
                    title,
                    shortcut(action),
                    action.trigger,
                    action.isEnabled(),
                    action.toolTip() if menu.data or action.whatsThis() else "",
                    data=menu.data and menu not in self._lists,
                )

    def _make(self, action: Action) -> QAction:
        if action.name in self._actions:
            raise ValueError(f"There are two actions of the name {action.name}.")
        listed = bool(action.run or action.toggled)
        made = QAction(action.title, self._window if listed else self.toolbar)
        made.setObjectName(action.name)
        made.setShortcut(QKeySequence(action.shortcut))
        made.setToolTip(tooltip(made, action.help or plain(action.title).removesuffix(" …")))
        made.setWhatsThis(action.help)
        if action.icon:
            self._theme.set_icon(made, action.icon)
        if action.toggled is not None:
            made.setCheckable(True)
            made.setChecked(action.checked)
            made.toggled.connect(action.toggled)
        if action.exclusive:
            group = self._group(action.exclusive)
            group.addAction(made)
            if action.checked:  # one of them always is
                group.setExclusionPolicy(QActionGroup.ExclusionPolicy.Exclusive)
        if action.run is not None:
            run = action.run
            made.triggered.connect(lambda _=False: run())
        made.setEnabled(self._decided(action.enabled))
        if action.enabled is not always:
            self._conditions.setdefault(action.enabled, []).append(made)
        self._actions[action.name] = made
        return made

    def _group(self, name: str) -> QActionGroup:
        if name not in self._exclusive:
            group = self._exclusive[name] = QActionGroup(self)
            group.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
        return self._exclusive[name]

    def _put(self, place: Place, action: QAction, heading: str = "") -> None:
        self.menu(place.menu)
        self._entries[place.menu].append((place.position, heading, action))

    def _fill(self, menu: Menu) -> None:
        """Put everything into a menu that belongs there, in its order."""
        made = self._menus[menu]
        for action in made.actions():
            made.removeAction(action)
            if action.parent() is made:  # a line, a heading, an entry of a list
                action.deleteLater()
        for one in self._lists[menu]() if menu in self._lists else ():
            made.addAction(self._listed(one, made))
        earlier, headed = None, ""
        for position, heading, action in sorted(self._entries[menu], key=_position):
            if heading and heading != headed:
                _add_heading(made, heading)
            elif (earlier is not None and position // 10 != earlier) or (
                earlier is None and made.actions()
            ):
                made.addSeparator()
            earlier, headed = position // 10, heading
            made.addAction(action)

    def _listed(self, one: Action, made: QMenu) -> QAction:
        action = QAction(one.title.replace("&", "&&"), made)
        action.setToolTip(one.help)
        action.setEnabled(one.enabled(self.context) and one.run is not None)
        if one.checked:
            action.setCheckable(True)
            action.setChecked(True)
        if one.run is not None:
            run = one.run
            action.triggered.connect(lambda _=False: run())
        return action


class _Reader:
    """A context that notes which of its facts are read."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self._context, name)


def shortcut(action: QAction) -> str:
    """An action's shortcut as people read it, or an empty text."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def tooltip(action: QAction, help: str) -> str:
    """What helps with an action, and its shortcut."""
    keys = shortcut(action)
    return f"{help} ({keys})" if keys else help


def plain(text: str) -> str:
    """A menu's or an action's text without the mark of its letter key."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _title(menu: Menu) -> str:
    return QCoreApplication.translate("menus", str(menu.title))


def _position(entry: _Entry) -> int:
    return entry[0]


def _add_heading(menu: QMenu, text: str) -> None:
    """Put a heading over the actions that are added next; it counts as a separator."""
    heading = QWidgetAction(menu)
    heading.setSeparator(True)
    heading.setDefaultWidget(named(QLabel(text), "heading"))
    menu.addAction(heading)
