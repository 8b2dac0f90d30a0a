"""The selected column: its method, its parameters, what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from pda_studio.document.workspace import Column
from pda_studio.gui.connections import follow
from pda_studio.gui.methods.method_list import MethodList
from pda_studio.gui.methods.parameter_row import ParameterRow
from pda_studio.gui.session.session import Session
from pda_studio.gui.targets.layers import Layers
from pda_studio.gui.window.sections import Section
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper
from pda_studio.methods import Method
from pda_studio.rendering import panel_styles
from pda_studio.results import Result


class MethodBox(Section):
    """Edits the selected column; parameters that play no part are not shown."""

    finest_wanted = Signal()
    layers_wanted = Signal()
    """A layer can be chosen, and those of the open classifier are not known yet."""
    sweep_wanted = Signal(str)
    """The maps of many values of a parameter."""

    def __init__(self, session: Session, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.heading.setText(self.tr("Method"))
        self._session = session
        self.methods = MethodList()
        self.methods.setAccessibleName(self.tr("Method"))
        self.methods.activated.connect(self._on_method)
        self.summary = named(QLabel(), "muted")
        self.summary.setWordWrap(True)
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.body.addWidget(self.methods)
        self.body.addWidget(self.summary)
        self._styles = self._make_styles(theme)
        self.setEnabled(False)  # until there is a column with its parameters
        self._rows: dict[str, ParameterRow] = {}
        self._kind: object = None
        self._offered: list[Result | None] | None = None
        self._layers: Layers | None = None
        self._layers_for: object = None
        self.cost = named(QLabel(), "muted")
        self.cost.setWordWrap(True)
        self.finest = named(QPushButton(), "link")
        self.finest.setCursor(Qt.CursorShape.PointingHandCursor)
        self.finest.clicked.connect(self.finest_wanted)
        self.body.addWidget(self.cost)
        self.body.addWidget(self.finest)
        follow(self, session.events.columns, self._on_changed)
        follow(self, session.loaded, self._on_changed)
        follow(self, session.selection_changed, self.show_column)
        follow(self, session.panel_changed, self._on_panel)

    @property
    def rows(self) -> dict[str, ParameterRow]:
        """The widgets of the parameters, by name."""
        return self._rows

    def offer_methods(self, families: Mapping[str, list[tuple[str, str, str]]]) -> None:
        """Offer methods, each by its name, title and summary, under their families' headings."""
        self.methods.offer(families)
        self.show_column()

    def show_cost(self, text: str, finest: str) -> None:
        """Show what the map costs, and what the finest one would."""
        self.cost.setText(text)
        self.cost.setVisible(bool(text))
        self.finest.setText(finest)
        self.finest.setVisible(bool(finest))

    def show_column(self) -> None:
        """Show the selected column."""
        session, column = self._session, self._session.selected_column
        classifier = session.classifier_of(column) if column else None
        if column is None or classifier is None:
            return
        if not column.suited:
            return
        self.setEnabled(True)
        method = column.method
        if type(method) is not self._kind:
            self._make_rows(type(method))
        self.methods.setCurrentIndex(self.methods.findData(method.name))
        self.summary.setText(method.summary)
        self.summary.setToolTip(method.citation)
        inactive, bounds = method.inactive(), method.bounds(classifier.shorter_side)
        for name, row in self._rows.items():
            row.setVisible(name not in inactive)
            wanted = getattr(method, name), bounds.get(name, (None, None))
            if wanted != row.shown:
                row.show_value(*wanted)
        for style, button in self._styles.items():
            button.setChecked(style == column.style)
        self._offer_styles()
        if {name for name, row in self._rows.items() if row.layer} - inactive:
            self._ask_for_layers()

    def offer_layers(self, layers: Layers) -> None:
        """Offer the layers of the selected column's classifier."""
        self._layers = layers
        for row in self._rows.values():
            if row.layer is not None:
                row.layer.offer(layers)

    def _on_panel(self, row: int, key: int) -> None:
        if key == self._session.selection[1]:
            self._offer_styles()

    def _offer_styles(self) -> None:
        """Offer the styles for which at least one of the column's maps has what they need."""
        session, column = self._session, self._session.selected_column
        if column is None:
            return
        found = [session.panel(row.key, column.key).evidence for row in session.work.rows]
        if found == self._offered:
            return
        self._offered = found
        for name, style in panel_styles().items():
            if style.needs:
                had = [getattr(one, style.needs, None) is not None for one in found]
                self._styles[name].setEnabled(any(had))

    def _ask_for_layers(self) -> None:
        column = self._session.selected_column
        classifier = self._session.classifier_of(column) if column else None
        if self._layers_for is not classifier:
            self._layers_for = classifier
            self.layers_wanted.emit()

    def _on_changed(self, *_: object) -> None:
        self.show_column()

    def _make_styles(self, theme: ThemeKeeper) -> dict[str, QToolButton]:
        group = QButtonGroup(self)
        grid = QGridLayout()  # side by side, four do not fit a narrow column
        grid.setSpacing(4)
        buttons: dict[str, QToolButton] = {}
        for style in panel_styles().values():
            button = named(QToolButton(), "segment")
            button.setText(style.title)
            button.setToolTip(style.help)
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(15, 15))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            theme.set_icon(button, style.icon)
            button.clicked.connect(lambda _=False, name=style.name: self._on_style(name))
            group.addButton(button)
            grid.addWidget(button, len(buttons) // 2, len(buttons) % 2)
            buttons[style.name] = button
        self.body.addLayout(grid)
        return buttons

    def _make_rows(self, kind: type[Method]) -> None:
        self._kind = kind
        for row in self._rows.values():
            self.body.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = {}
        at = self.body.indexOf(self.cost)
        for offset, known in enumerate(kind.parameters()):
            row = ParameterRow(known)
            row.edited.connect(self._on_edited)
            if known.is_number:
                row.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
                row.customContextMenuRequested.connect(
                    lambda point, row=row: self._open_menu(row, point)
                )
            self.body.insertWidget(at + offset, row)
            self._rows[known.name] = row
        if self._layers is not None:
            self.offer_layers(self._layers)

    def _open_menu(self, row: ParameterRow, point: QPoint) -> None:
        """What else than another value a number's slider offers."""
        menu = QMenu(row)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(
            self.tr("Sweep {0} …").format(row.parameter.label),
            lambda: self.sweep_wanted.emit(row.parameter.name),
        )
        menu.popup(row.mapToGlobal(point))

    def _column(self) -> Column | None:
        return self._session.selected_column

    def _on_method(self, index: int) -> None:
        column = self._column()
        if column is not None:
            self._session.columns.set_method(column.key, self.methods.itemData(index))

    def _on_style(self, style: str) -> None:
        column = self._column()
        if column is not None:
            self._session.columns.set_style(column.key, style)

    def _on_edited(self, name: str, value: object) -> None:
        column = self._column()
        if column is not None:
            self._session.columns.configure(column.key, **{name: value})
