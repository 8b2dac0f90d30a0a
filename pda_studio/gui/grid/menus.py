"""Actions on the selected column and the selected row, and their ⋯ menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, QPoint

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.actions.action import COLUMN, METHOD, ROW, Action, Context, Menu, ready
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory
from pda_studio.methods.combined import Combined

USE = Menu(QT_TRANSLATE_NOOP("menus", "Use this classifier"), COLUMN.at(20), data=True)
COMPARE = Menu(
    QT_TRANSLATE_NOOP("menus", "Compare with, in a new column"), COLUMN.at(21), data=True
)
_USE_OTHER = Menu(QT_TRANSLATE_NOOP("menus", "Others"), USE.at(10), data=True)
_COMPARE_OTHER = Menu(QT_TRANSLATE_NOOP("menus", "Others"), COMPARE.at(10), data=True)


class GridMenus(QObject):
    """Declares the actions on columns and rows, and opens their menus where ⋯ was clicked."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        opening: Opening,
        dialogs: Dialogs,
        memory: Memory,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._opening, self._dialogs, self._memory = opening, dialogs, memory
        window.grid.column_menu_wanted.connect(self.open_column_menu)
        window.grid.row_menu_wanted.connect(self.open_row_menu)
        self._declare_columns()
        self._declare_rows()

    def open_column_menu(self, key: int, place: QPoint) -> None:
        """Select a column and open the menu of what can be done with it."""
        self._session.select(self._session.selection[0], key)
        self._window.registry.menu(COLUMN).popup(place)

    def open_row_menu(self, key: int, place: QPoint) -> None:
        """Select a row and open the menu of what can be done with it."""
        self._session.select(key, self._session.selection[1])
        self._window.registry.menu(ROW).popup(place)

    def _declare_columns(self) -> None:
        session, registry = self._session, self._window.registry

        def on_column(edit: Callable[[int], object]) -> Callable[[], None]:
            def run() -> None:
                column = session.selected_column
                if column is not None:
                    edit(column.key)

            return run

        registry.add(
            Action(
                "duplicate-column",
                self.tr("Duplicate column"),
                on_column(session.columns.duplicate),
                place=COLUMN.at(10),
                shortcut="Ctrl+Shift+N",
                enabled=ready,
            ),
            Action(
                "move-left",
                self.tr("Move column left"),
                on_column(lambda key: session.columns.move(key, -1)),
                place=COLUMN.at(11),
                shortcut="Ctrl+Shift+PgUp",
                enabled=lambda context: context.column > 0,
            ),
            Action(
                "move-right",
                self.tr("Move column right"),
                on_column(lambda key: session.columns.move(key, 1)),
                place=COLUMN.at(12),
                shortcut="Ctrl+Shift+PgDown",
                enabled=lambda context: context.column + 1 < context.columns,
            ),
            Action(
                "common-target",
                self.tr("Explain the same target as the others"),
                on_column(lambda key: session.columns.set_target(key, None)),
                place=COLUMN.at(22),
                shortcut="Ctrl+Shift+A",
                enabled=lambda context: context.own_target,
            ),
            Action(
                "remove-column",
                self.tr("Remove column"),
                on_column(session.columns.remove),
                place=COLUMN.at(30),
                shortcut="Ctrl+Shift+W",
                enabled=lambda context: context.columns > 1,
            ),
            Action(
                "combine",
                self.tr("Add the mean of all columns"),
                lambda: session.columns.add(Combined()),
                place=METHOD.at(11),
                shortcut="Ctrl+M",
                enabled=lambda context: context.ready and context.combinable > 1,
            ),
        )
        for menu, other, name, key, use in (
            (USE, _USE_OTHER, "use", "Ctrl+Alt+U", self._use),
            (COMPARE, _COMPARE_OTHER, "compare", "Ctrl+Alt+C", self._compare),
        ):
            registry.add_list(menu, partial(self._recent, use))
            registry.add_list(other, partial(self._others, use))
            registry.add(
                Action(
                    f"{name}-weights",
                    self.tr("Weights from a file …"),
                    partial(self._dialogs.choose_other_weights, use),
                    place=menu.at(20),
                    shortcut=key,
                    enabled=_has_method,
                )
            )

    def _declare_rows(self) -> None:
        session = self._session

        def on_row(edit: Callable[[int], object]) -> Callable[[], object]:
            return lambda: edit(session.selected_row.key)

        self._window.registry.add(
            Action(
                "duplicate-row",
                self.tr("Duplicate row"),
                on_row(session.rows.duplicate),
                place=ROW.at(10),
                shortcut="Ctrl+Alt+N",
                enabled=ready,
            ),
            Action(
                "move-up",
                self.tr("Move row up"),
                on_row(lambda key: session.rows.move(key, -1)),
                place=ROW.at(11),
                shortcut="Alt+Up",
                enabled=lambda context: context.row > 1,
            ),
            Action(
                "move-down",
                self.tr("Move row down"),
                on_row(lambda key: session.rows.move(key, 1)),
                place=ROW.at(12),
                shortcut="Alt+Down",
                enabled=lambda context: 0 < context.row < context.rows - 1,
            ),
            Action(
                "remove-row",
                self.tr("Remove row"),
                on_row(session.rows.remove),
                place=ROW.at(20),
                shortcut="Ctrl+Shift+Backspace",
                enabled=lambda context: context.row > 0,
            ),
        )

    def _recent(self, use: Callable[[ClassifierChoice], None]) -> Iterator[Action]:
        """The classifiers opened last."""
        session, column = self._session, self._session.selected_column
        now = session.work.choice_of(column) if column else None
        for choice in dict.fromkeys([*session.classifiers, *self._memory.classifiers]):
            yield Action(
                choice.described,
                choice.described,
                partial(use, choice),
                checked=choice == now,
                enabled=_has_method if choice != now else _never,
            )

    def _others(self, use: Callable[[ClassifierChoice], None]) -> Iterator[Action]:
        """All classifiers by their names."""
        for name in self._opening.names:
            yield Action(name, name, partial(use, ClassifierChoice(name)), enabled=_has_method)

    def _use(self, choice: ClassifierChoice) -> None:
        column = self._session.selected_column
        if column is not None:
            same = choice == self._session.work.classifier
            self._session.columns.set_classifier(column.key, None if same else choice)

    def _compare(self, choice: ClassifierChoice) -> None:
        column = self._session.selected_column
        if column is not None:
            same = choice == self._session.work.classifier
            self._session.columns.duplicate(
                column.key, classifier=None if same else choice, target=None
            )


def _has_method(context: Context) -> bool:
    return context.ready and not context.combined


def _never(context: Context) -> bool:
    return False
