"""What a user can do: one declaration an action, with its place, its key and its condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP
from PySide6.QtGui import QKeySequence


@dataclass(frozen=True)
class Context:
    """What decides which actions are enabled: the open workspace in a few plain facts.

    Attributes
    ----------
    image : bool
        An image is open.
    ready : bool
        An image and a classifier are open.
    can_undo, can_redo : bool
        There is an edit to undo, or to redo.
    rows, columns : int
        How many the grid has.
    combinable : int
        Columns whose mean can be taken: all but those that are means.
    row, column : int
        Which of them are selected, from 0.
    own_target, combined : bool
        The selected column has a target of its own; it combines the other columns.
    busy : bool
        A map is computed, a study is carried out, or a classifier is loaded.
    resumable : bool
        A panel was stopped, or failed.
    finished : bool
        The selected panel shows its finished map.
    refinable : bool
        A finer map can go on from the selected panel's.
    unusable : frozenset of str
        Names of the methods that cannot explain the open classifier.
    """

    image: bool = False
    ready: bool = False
    can_undo: bool = False
    can_redo: bool = False
    rows: int = 1
    columns: int = 1
    combinable: int = 1
    row: int = 0
    column: int = 0
    own_target: bool = False
    combined: bool = False
    busy: bool = False
    resumable: bool = False
    finished: bool = False
    refinable: bool = False
    unusable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """A place in a menu.

    Attributes
    ----------
    menu : Menu
        The menu.
    position : int
        Where in it: small numbers come first, and a line separates one ten from the next.
    """

    menu: Menu
    position: int


@dataclass(frozen=True)
class Menu:
    """A menu, declared once; it is made when something is put into it.

    Attributes
    ----------
    title : object
        Its title, a text marked by `QT_TRANSLATE_NOOP` in the context "menus".
    place : Place, optional
        The menu that it opens from.
    bar : int
        Its position in the menu bar; 0 for a menu that opens elsewhere.
    data : bool
        It lists things, as images and classes: they come after the actions in the palette.
    """

    title: object
    place: Place | None = None
    bar: int = 0
    data: bool = False

    def at(self, position: int) -> Place:
        """A place in this menu."""
        return Place(self, position)


def always(context: Context) -> bool:
    """Whether an action is enabled that always is."""
    return True


def ready(context: Context) -> bool:
    """Whether an image and a classifier are open."""
    return context.ready


@dataclass(frozen=True)
class Action:
    """Something that a user can do, declared once.

    Menus, toolbar, palette and the window of keys are made from these declarations.

    Attributes
    ----------
    name : str
        By which the program finds it; unique.
    title : str
        What it does, as the menu shows it.
    run : callable, optional
        Does it. Without `run` and `toggled`, it opens the menu in `drop`.
    toggled : callable, optional
        Takes whether it is on: the action is checkable.
    place : Place or tuple of Place
        Where it stands in menus; the first one names its group in the palette.
    shortcut : str or QKeySequence.StandardKey
        Its key.
    icon : str
        Name of a drawing in `resources/icons`.
    tool : int
        Its position in the toolbar, where a line separates one ten from the next; 0: none.
    label : str
        A short text beside its icon in the toolbar.
    drop : Menu, optional
        The menu that opens beside its button in the toolbar.
    help : str
        One sentence more, for the tooltip.
    exclusive : str
        Of the actions with the same word here, one is on at most.
    checked : bool
        Whether it is on at first.
    enabled : callable
        Whether it is enabled, by the context.
    """

    name: str
    title: str
    run: Callable[[], object] | None = None
    toggled: Callable[[bool], object] | None = None
    place: Place | tuple[Place, ...] = ()
    shortcut: str | QKeySequence.StandardKey = ""
    icon: str = ""
    tool: int = 0
    label: str = ""
    drop: Menu | None = None
    help: str = ""
    exclusive: str = ""
    checked: bool = False
    enabled: Callable[[Context], bool] = always

    @property
    def places(self) -> tuple[Place, ...]:
        """All its places in menus."""
        return (self.place,) if isinstance(self.place, Place) else self.place


FILE = Menu(QT_TRANSLATE_NOOP("menus", "&File"), bar=10)
EDIT = Menu(QT_TRANSLATE_NOOP("menus", "&Edit"), bar=20)
IMAGE = Menu(QT_TRANSLATE_NOOP("menus", "&Image"), bar=30)
METHOD = Menu(QT_TRANSLATE_NOOP("menus", "&Method"), bar=40)
VIEW = Menu(QT_TRANSLATE_NOOP("menus", "&View"), bar=60)
HELP = Menu(QT_TRANSLATE_NOOP("menus", "&Help"), bar=70)
ANGLES = Menu(QT_TRANSLATE_NOOP("menus", "Rotate by a small angle"), IMAGE.at(12))
METHODS = Menu(QT_TRANSLATE_NOOP("menus", "Add method"), METHOD.at(10))
COLUMN = Menu(QT_TRANSLATE_NOOP("menus", "Column"), EDIT.at(20))
ROW = Menu(QT_TRANSLATE_NOOP("menus", "Row"), EDIT.at(21))
