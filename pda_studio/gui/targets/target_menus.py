"""Asking something else: another class, why one rather than another, a hidden unit."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu

from pda_studio.document.workspace import Column
from pda_studio.gui.actions.action import METHOD, Action, Menu, ready
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.gui.targets.unit_dialog import UnitDialog
from pda_studio.gui.targets.units import LayerMaps, UnitLayer, layer_maps, unit_layers
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.images import shown_pixels
from pda_studio.targets import ClassTarget, ContrastTarget, Target, UnitTarget, name_of

TARGET = Menu(QT_TRANSLATE_NOOP("menus", "Target"))
_TOP = 3


class TargetMenus(QObject):
    """Opens the menus and the dialog of targets, and tells the session what was chosen."""

    failed = Signal(object, str)

    def __init__(
        self, window: MainWindow, session: Session, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._jobs = window, session, jobs
        self.dialog: UnitDialog | None = None
        window.predictions.menu_wanted.connect(self.open_class_menu)
        window.target_line.menu_wanted.connect(self.open_menu)
        window.target_line.taken_back.connect(lambda: session.set_target(None))
        window.registry.add(
            Action(
                "contrast",
                self.tr("Why this class rather than the next likeliest"),
                self.ask_second,
                place=(METHOD.at(20), TARGET.at(10)),
                shortcut="Ctrl+Shift+D",
                enabled=ready,
            ),
            Action(
                "hidden-unit",
                self.tr("Hidden unit …"),
                self.open_units,
                place=(METHOD.at(21), TARGET.at(11)),
                shortcut="Ctrl+U",
                enabled=ready,
            ),
            Action(
                "top-classes",
                self.tr("Three likeliest classes before and after the softmax"),
                self.show_top_classes,
                place=(METHOD.at(22), TARGET.at(20)),
                shortcut="Ctrl+T",
                enabled=ready,
            ),
        )

    def open_class_menu(self, index: int, place: QPoint) -> None:
        """Offer what can be asked about a class of the list."""
        target = self._session.target
        menu = self._menu()
        self._offer(menu, ClassTarget(index))
        if isinstance(target, ClassTarget) and target.index != index:
            menu.addSeparator()
            self._offer(menu, ContrastTarget(target.index, index))
        menu.popup(place)

    def open_menu(self, place: QPoint) -> None:
        """Offer all that can be asked besides the classes of the list."""
        self._window.registry.menu(TARGET).popup(place)

    def ask_second(self) -> None:
        """Ask why the class that is asked about rather than the next likeliest one."""
        session = self._session
        prediction, target = session.prediction(session.work.rows[0].key), session.target
        if prediction is None:
            return
        likely = (-prediction.subject.predictions).argsort(kind="stable").tolist()
        first = target.index if isinstance(target, ClassTarget) else likely[0]
        second = next((index for index in likely if index != first), None)
        if second is not None:
            session.set_target(ContrastTarget(first, second))

    def show_top_classes(self) -> None:
        """Put the three likeliest classes side by side, before and after the softmax.

        Zintgraf et al., Fig. 7: what speaks for a class by its logit speaks for other classes,
        too, as long as the softmax has not set them against one another.
        """
        session, chosen = self._session, self._session.selected_column
        prediction = session.prediction(session.work.rows[0].key)
        if prediction is None or chosen is None:
            return
        if not _compares(chosen):
            chosen = next(filter(_compares, session.work.columns), None) or session.columns.add(
                "efficient-pda"
            )
        likely = (-prediction.subject.predictions).argsort(kind="stable")[:_TOP].tolist()
        columns: list[Column] = []
        for difference in ("logit", "probability"):
            for index in likely:
                columns.append(
                    Column(
                        key=-1,
                        method=chosen.method.model_copy(update={"difference": difference}),
                        style=chosen.style,
                        target=ClassTarget(int(index)),
                        classifier=chosen.classifier,
                        suited=chosen.suited,
                    )
                )
        session.columns.replace_all(tuple(columns))

    def open_units(self) -> None:
        """Let a hidden unit be chosen, of the selected column's classifier."""
        session, column = self._session, self._session.selected_column
        classifier = session.classifier_of(column) if column else session.classifier
        if classifier is None:
            return
        if self.dialog is None:
            self.dialog = UnitDialog(self._window)
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.destroyed.connect(self._on_dialog_gone)
            self.dialog.layer_wanted.connect(self._on_layer_wanted)
            self.dialog.chosen.connect(self._on_chosen)
        dialog = self.dialog

        def done(layers: list[UnitLayer]) -> None:
            if self.dialog is dialog:
                dialog.show_layers(classifier.name, layers)

        self._jobs.start_short(lambda: unit_layers(classifier), done, self.failed.emit)
        dialog.show()
        dialog.raise_()

    def _on_dialog_gone(self) -> None:
        self.dialog = None

    def _on_layer_wanted(self, layer: str) -> None:
        session, column, dialog = self._session, self._session.selected_column, self.dialog
        classifier = session.classifier_of(column) if column else session.classifier
        prediction = session.prediction(session.selected_row.key, column)
        if classifier is None or prediction is None or dialog is None:
            return
        view = prediction.subject.view

        def done(maps: LayerMaps) -> None:
            if self.dialog is dialog:
                dialog.show_maps(maps, shown_pixels(view))

        self._jobs.start_short(lambda: layer_maps(classifier, view, layer), done, self.failed.emit)

    def _on_chosen(self, target: UnitTarget, beside: bool) -> None:
        self.ask(target, beside=beside)

    def ask(self, target: Target, *, beside: bool) -> None:
        """Explain a target in all columns that have none of their own, or in a new one."""
        session, column = self._session, self._session.selected_column
        if beside and column is not None:
            session.columns.duplicate(column.key, target=target)
        else:
            session.set_target(target)

    def _menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _offer(self, menu: QMenu, target: Target) -> None:
        """Offer to explain a target, in all columns or in a new one."""
        classifier = self._session.classifier
        name = name_of(target, classifier.class_names if classifier else ())
        for text, beside in (
            (self.tr("Why {0}?"), False),
            (self.tr("Why {0}? In a new column"), True),
        ):
            action = menu.addAction(text.format(name))
            action.triggered.connect(lambda _=False, b=beside: self.ask(target, beside=b))


def _compares(column: Column) -> bool:
    """Whether a column's method lets choose what is compared."""
    return "difference" in type(column.method).model_fields
