"""The window of results: a filter and an order above the grid, and what is selected below it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.counts import written
from pda_studio.gui.results.result_grid import ResultGrid
from pda_studio.gui.results.results_model import ResultsModel, agreed
from pda_studio.gui.results.thumbnails import Thumbnails
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.sections import rule
from pda_studio.gui.window.style_names import named

_SIZE = (1040, 760)
_SMALLEST = (560, 400)
_REST = 200  # ms without a key, after which the filter is applied


class ResultsWindow(QDialog):
    """Lays out the grid and what belongs to it; it computes and writes nothing."""

    opened = Signal(int)
    """A row of the table is to be inspected."""
    order_wanted = Signal(str, str, bool)
    """A filter, the name of a column, and whether the largest come first."""
    marks_wanted = Signal(list, bool)
    """Rows of the table, and whether they are to be marked."""
    noted = Signal(int, str)
    table_wanted = Signal()
    figure_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setMinimumSize(*_SMALLEST)
        self.resize(*_SIZE)
        self.model = ResultsModel(self)
        self.thumbnails = Thumbnails(self)
        self.grid = ResultGrid(self.model, self.thumbnails)
        self.filter = named(QLineEdit(), "search")
        self.filter.setPlaceholderText(self.tr("Filter: words, agreement<0.3, method:pda …"))
        self.filter.setToolTip(
            self.tr(
                "Words are looked for in names, classes, methods, errors and notes. Columns are"
                " compared with values: confidence<0.5, predicted=“bee eater”, method:pda,"
                " correct=wrong, error!=“”."
            )
            .replace("“", '"')
            .replace("”", '"')
        )
        self.filter.setAccessibleName(self.tr("Filter"))
        self.filter.setClearButtonEnabled(True)
        self.columns = QComboBox()
        self.columns.setAccessibleName(self.tr("Sort by"))
        self.columns.setToolTip(self.tr("Sort by this column"))
        self.descending = named(QToolButton(), "plain")
        self.descending.setCheckable(True)
        self.descending.setText("↑")
        self.descending.setAccessibleName(self.tr("Largest first"))
        self.descending.setToolTip(self.tr("Smallest first; click for the largest first"))
        self.marked_only = QCheckBox(self.tr("Marked"))
        self.marked_only.setToolTip(self.tr("Show what is marked alone"))
        self.export = QPushButton(self.tr("Export marked"))
        self.export.setAutoDefault(False)
        menu = QMenu(self.export)
        menu.addAction(self.tr("Table …"), self.table_wanted.emit)
        menu.addAction(self.tr("Figure …"), self.figure_wanted.emit)
        self.export.setMenu(menu)
        self.problem = named(QLabel(), "refusal")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.count = named(QLabel(), "muted")
        self.empty = named(QLabel(), "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.grid)
        self.pages.addWidget(self.empty)
        self.about = QElidingLabel()
        self.more = named(QElidingLabel(), "muted")
        self.note = QLineEdit()
        self.note.setPlaceholderText(self.tr("Note"))
        self.note.setMinimumWidth(150)
        self.note.setAccessibleName(self.tr("Note on the selected result"))
        self.mark = QCheckBox(self.tr("Mark"))
        self.mark.setToolTip(self.tr("Mark what is selected (M)"))
        self.inspect = QPushButton(self.tr("Inspect"))
        self.inspect.setToolTip(self.tr("Open the selected result in the window (Enter)"))
        self.inspect.setAutoDefault(False)
        self._rest = QTimer(self, singleShot=True, interval=_REST)
        self._noting = -1
        self._lay_out()
        self._connect()
        self.show_selected()

    def _lay_out(self) -> None:
        above = QHBoxLayout()
        above.setContentsMargins(12, 10, 12, 10)
        above.setSpacing(8)
        above.addWidget(self.filter, 1)
        for widget in (self.columns, self.descending, self.marked_only, self.export):
            above.addWidget(widget)
        self.columns.setMaximumWidth(190)
        self.columns.setMinimumContentsLength(8)
        self.columns.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.filter.setMinimumWidth(180)
        said = QHBoxLayout()
        said.setContentsMargins(14, 0, 14, 0)
        said.addWidget(self.problem, 1)
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self.about)
        texts.addWidget(self.more)
        below = QHBoxLayout()
        below.setContentsMargins(14, 8, 12, 10)
        below.setSpacing(10)
        below.addLayout(texts, 3)
        below.addWidget(self.note, 1)
        below.addWidget(self.mark)
        below.addWidget(self.inspect)
        foot = QHBoxLayout()
        foot.setContentsMargins(14, 4, 14, 6)
        foot.addWidget(self.count)
        foot.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(above)
        layout.addLayout(said)
        layout.addWidget(rule())
        layout.addWidget(self.pages, 1)
        layout.addWidget(rule())
        layout.addLayout(below)
        layout.addWidget(rule())
        layout.addLayout(foot)

    def _connect(self) -> None:
        self._rest.timeout.connect(self.want_order)
        self.filter.textEdited.connect(lambda _: self._rest.start())
        self.filter.textChanged.connect(lambda text: None if text else self._rest.start())
        self.filter.returnPressed.connect(self._on_filter)
        self.columns.activated.connect(lambda _: self.want_order())
        self.descending.toggled.connect(self._on_direction)
        self.marked_only.toggled.connect(lambda _: self.want_order())
        self.grid.activated.connect(lambda index: self._open(index.row()))
        self.grid.mark_wanted.connect(self.toggle_marks)
        self.grid.selectionModel().selectionChanged.connect(lambda *_: self.show_selected())
        self.grid.selectionModel().currentChanged.connect(lambda *_: self.show_selected())
        self.mark.clicked.connect(lambda marked: self._mark(marked))
        self.inspect.clicked.connect(lambda: self._open(self.grid.currentIndex().row()))
        self.note.editingFinished.connect(self._on_note)

    # What is shown

    def show_table(self, title: str, columns: list[tuple[str, str]]) -> None:
        """Begin with another table."""
        self.setWindowTitle(title)
        self.filter.clear()
        self.marked_only.setChecked(False)
        self.columns.clear()
        for name, text in columns:
            self.columns.addItem(text, name)
        self.descending.setChecked(False)
        self._rest.stop()
        self.show_problem("")

    def show_order(self, table: Any, order: Any) -> None:
        """Show rows of a table in an order; what was selected stays so, if it is among them."""
        at = self.current
        self.model.show(table, order)
        place = max(self.model.place_of(at), 0) if at >= 0 else 0
        if len(order):
            self.select(place)
        self.pages.setCurrentIndex(0 if len(order) else 1)
        self.empty.setText(
            self.tr("Nothing is marked: select results and press M.")
            if self.marked_only.isChecked() and not self.filter.text()
            else self.tr("No result matches the filter.")
        )
        self.show_problem("")
        self.show_count()
        self.show_selected()

    def show_problem(self, text: str) -> None:
        """Say what is wrong with the filter; "" if nothing is."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_count(self) -> None:
        """Say how many results there are, and how many are shown and marked."""
        table = self.model.table
        if table is None:
            self.count.clear()
            return
        shown, whole = len(self.model.order), len(table)
        said = f"{whole:,}" if shown == whole else self.tr("{0} of {1}").format(shown, f"{whole:,}")
        one = self.tr("result") if table.computed else self.tr("image")
        many = self.tr("results") if table.computed else self.tr("images")
        marked = self.tr("{0} marked").format(table.marks.count)
        self.count.setText(f"{said} {one if whole == 1 else many} · {marked}")
        self.export.setEnabled(bool(table.marks.count))

    @property
    def current(self) -> int:
        """The row of the table that is selected; -1 if none is."""
        place = self.grid.currentIndex().row()
        return int(self.model.order[place]) if 0 <= place < len(self.model.order) else -1

    @property
    def selected(self) -> list[int]:
        """All rows of the table that are selected."""
        places = sorted(index.row() for index in self.grid.selectedIndexes())
        return [int(self.model.order[place]) for place in places]

    def select(self, place: int) -> None:
        """Select what stands in a place, and bring it into sight."""
        index = self.model.index(place)
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.grid.selectionModel().setCurrentIndex(index, flag)
        self.grid.scrollTo(index)

    def show_selected(self) -> None:
        """Say what is selected, with its mark and note."""
        at, table = self.current, self.model.table
        for widget in (self.note, self.mark, self.inspect):
            widget.setEnabled(at >= 0)
        if at < 0 or table is None:
            for label in (self.about, self.more):
                label.setText("")
                label.setToolTip("")
            self.note.clear()
            self.mark.setChecked(False)
            return
        row = table.row(at)
        cell = self.model.cell(at)
        said = ", ".join(filter(None, (cell.prediction, cell.confidence)))
        said = self.tr("predicted {0}").format(said) if said else ""
        named_as = self.tr("label {0}").format(row["label"]) if row["label"] else ""
        self.about.setText(" · ".join(filter(None, (row["image"], said, named_as))))
        about = row["target"] and self.tr("evidence for {0}").format(row["target"])
        agrees = self._agreement(row)
        parts = (row["error"], cell.method, row["classifier"], agrees, about, _largest(row))
        self.more.setText(" · ".join(filter(None, parts)))
        for label in (self.about, self.more):  # a small window has not room for all of it
            label.setToolTip(label.text().replace(" · ", "\n"))
        self.mark.setChecked(cell.marked)
        if self._noting != at or not self.note.hasFocus():
            self.note.setText(row["note"])
        self._noting = at

    def _agreement(self, row: dict[str, Any]) -> str:
        """How far the map agrees with the image's others, as panels tell it."""
        if row["overlap"] is None:
            return ""
        said = agreed(row["agreement"]) or "r –"
        return self.tr("agreement {0}").format(f"{said}, top 5 %: {100 * row['overlap']:.0f} %")

    # What the user does

    def want_order(self) -> None:
        """Ask for the rows that the filter and the order say."""
        self._rest.stop()
        text = self.filter.text()
        if self.marked_only.isChecked():
            text = f"marked=1 {text}"
        name = str(self.columns.currentData() or "image")
        self.order_wanted.emit(text, name, self.descending.isChecked())

    def toggle_marks(self) -> None:
        """Mark all that is selected; if all of it is marked, take the marks away."""
        table, rows = self.model.table, self.selected
        if table is not None and rows:
            jobs = table.column("job")
            self.marks_wanted.emit(rows, not all(table.marks.is_marked(jobs[at]) for at in rows))

    def _mark(self, marked: bool) -> None:
        self.marks_wanted.emit(self.selected or [self.current], marked)

    def _on_filter(self) -> None:
        self.want_order()
        self.grid.setFocus()

    def _on_direction(self, largest_first: bool) -> None:
        self.descending.setText("↓" if largest_first else "↑")
        self.descending.setToolTip(
            self.tr("Largest first; click for the smallest first")
            if largest_first
            else self.tr("Smallest first; click for the largest first")
        )
        self.want_order()

    def _open(self, place: int) -> None:
        if 0 <= place < len(self.model.order):
            self.opened.emit(int(self.model.order[place]))

    def _on_note(self) -> None:
        if self._noting >= 0:
            self.noted.emit(self._noting, self.note.text().strip())


def _largest(row: dict[str, Any]) -> str:
    """Where the strongest evidence lies, in the map's unit."""
    if row["largest"] is None:
        return ""
    smallest, largest = written(row["smallest"], ".2g"), written(row["largest"], ".2g")
    return f"{smallest} … {largest} {row['unit']}"
