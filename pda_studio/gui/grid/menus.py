"""What can be done with a column or a row of the grid: its menu."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu

from pda_studio.document.workspace import COMBINED, ClassifierChoice, Column
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory


class GridMenus(QObject):
    """Opens the menus of columns and rows, and tells the session what was chosen."""

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

    def open_column_menu(self, key: int, place: QPoint) -> None:
        """Offer what can be done with a column."""
        session, column = self._session, self._session.work.column(key)
        if column is None:
            return
        menu = self._menu()
        duplicate = menu.addAction(self.tr("Duplicate"))
        duplicate.triggered.connect(lambda: session.duplicate_column(key))
        keys = [one.key for one in session.work.columns]
        left = menu.addAction(self.tr("Move left"))
        left.setEnabled(key != keys[0])
        left.triggered.connect(lambda: session.move_column(key, -1))
        right = menu.addAction(self.tr("Move right"))
        right.setEnabled(key != keys[-1])
        right.triggered.connect(lambda: session.move_column(key, 1))
        menu.addSeparator()
        self._offer_classifiers(menu, column)
        if column.target is not None:
            same = menu.addAction(self.tr("Ask the same as the others"))
            same.triggered.connect(lambda: session.ask_in_column(key, None))
        menu.addSeparator()
        remove = menu.addAction(self.tr("Remove"))
        remove.setEnabled(len(keys) > 1)
        remove.triggered.connect(lambda: session.remove_column(key))
        menu.popup(place)

    def open_row_menu(self, key: int, place: QPoint) -> None:
        """Offer what can be done with a row."""
        session = self._session
        keys = [row.key for row in session.work.rows]
        menu = self._menu()
        duplicate = menu.addAction(self.tr("Duplicate"))
        duplicate.triggered.connect(lambda: session.duplicate_row(key))
        up = menu.addAction(self.tr("Move up"))
        up.setEnabled(keys.index(key) > 1)
        up.triggered.connect(lambda: session.move_row(key, -1))
        down = menu.addAction(self.tr("Move down"))
        down.setEnabled(key != keys[-1])
        down.triggered.connect(lambda: session.move_row(key, 1))
        menu.addSeparator()
        remove = menu.addAction(self.tr("Remove"))
        remove.triggered.connect(lambda: session.remove_row(key))
        menu.popup(place)

    def _offer_classifiers(self, menu: QMenu, column: Column) -> None:
        """Offer the classifiers opened lately, and all others by their names."""
        session, key = self._session, column.key
        ask = menu.addMenu(self.tr("Ask this classifier"))
        beside = menu.addMenu(self.tr("Compare with, in a new column"))
        choices = dict.fromkeys([*session.classifiers, *self._memory.classifiers])
        ask.setEnabled(column.method != COMBINED)
        beside.setEnabled(column.method != COMBINED)
        current = session.work.choice_of(column)
        for choice in choices:
            text = choice.described
            action = ask.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice == current)
            action.triggered.connect(lambda _=False, c=choice: self._ask_in(key, c))
            other = beside.addAction(text)
            other.setEnabled(choice != current)
            other.triggered.connect(lambda _=False, c=choice: self._compare(key, c))
        for one, slot in ((ask, self._ask_in), (beside, self._compare)):
            one.addSeparator()
            more = one.addMenu(self.tr("Others"))
            for name in self._opening.names:
                action = more.addAction(name)
                action.triggered.connect(
                    lambda _=False, n=name, s=slot: s(key, ClassifierChoice(n))
                )
            file = one.addAction(self.tr("Weights from a file …"))
            file.triggered.connect(
                lambda _=False, s=slot: self._dialogs.ask_for_another(lambda c: s(key, c))
            )

    def _ask_in(self, key: int, choice: ClassifierChoice) -> None:
        same = choice == self._session.work.classifier
        self._session.use_in_column(key, None if same else choice)

    def _compare(self, key: int, choice: ClassifierChoice) -> None:
        same = choice == self._session.work.classifier
        self._session.duplicate_column(key, classifier=None if same else choice, target=None)

    def _menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu
