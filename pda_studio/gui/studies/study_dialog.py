"""The dialog of a study: its parameters, its progress, and what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pda_studio.errors import UsageError
from pda_studio.gui.methods.parameter_row import ParameterRow
from pda_studio.gui.studies.figure_view import FigureView
from pda_studio.gui.studies.study_figure import StudyFigure
from pda_studio.gui.window.style_names import named
from pda_studio.studies import Study, StudyResult, Table

if TYPE_CHECKING:
    from pda_studio.figures.image_places import ImagePlace

_SIZE = (1000, 660)
_SHARE = 0.92  # of a small screen
_FORM = 340
_TABLE = 200  # pixels of height that a table takes at most, unless it is dragged
_AROUND = 16  # of them for its frame and a scroll bar


class StudyDialog(QDialog):
    """Edits the parameters of a study, and shows what it finds while it is carried out.

    Parameters
    ----------
    kind : type of Study
        The declaration that the form is made from.
    parent : QWidget, optional
        The window.
    """

    run_wanted = Signal(object)
    """A study with the parameters of the form."""
    stop_wanted = Signal()
    table_wanted = Signal()
    figure_wanted = Signal()
    columns_wanted = Signal()
    image_wanted = Signal(object)
    """The file of an image that the figure shows."""

    def __init__(self, kind: type[Study], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self._images: list[Path | None] = []
        self.values: dict[str, Any] = {one.name: one.default for one in kind.parameters()}
        self.setWindowTitle(self.tr("Study: {0}").format(kind.title))
        self.resize(QSize(*_SIZE).boundedTo(self.screen().availableSize() * _SHARE))
        self._halves_moved = False
        self.rows = {one.name: ParameterRow(one) for one in kind.parameters()}
        self.about = _wrapped("muted")
        self.effort = _wrapped("muted")
        self.problem = _wrapped("refusal")
        self.run_button = QPushButton(self.tr("Run"))
        self.run_button.setDefault(True)
        self.run_button.clicked.connect(self._on_run)
        self.stop_button = QPushButton(self.tr("Stop"))
        self.stop_button.setAutoDefault(False)
        self.stop_button.clicked.connect(self.stop_wanted)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress of the study"))
        self.doing = _wrapped("muted")
        self.sentence = _wrapped("title")
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figure = named(StudyFigure(), "muted")
        self.figure.image_wanted.connect(self._on_image)
        self._figure_room = FigureView(self.figure)
        self.table = _made_table(self.tr("Table of the study"))
        self.notes = _wrapped("muted")
        self.run_button.setToolTip(self.tr("Carry the study out with these settings."))
        self.stop_button.setToolTip(self.tr("Stop; what is known so far stays."))
        self.save_table = QPushButton(self.tr("Save table …"))
        self.save_table.setToolTip(self.tr("All numbers as comma-separated values."))
        self.save_figure = QPushButton(self.tr("Save figure …"))
        self.save_figure.setToolTip(self.tr("As PDF, SVG, PNG or TIFF."))
        self.take_columns = QPushButton(self.tr("Show in the window"))
        self.take_columns.setToolTip(
            self.tr("Puts these maps beside the columns of the window, where they can be changed.")
        )
        self.take_columns.clicked.connect(self.columns_wanted)
        self.save_table.clicked.connect(self.table_wanted)
        self.save_figure.clicked.connect(self.figure_wanted)
        for row in self.rows.values():
            row.edited.connect(self._on_edited)
        self._lay_out()
        self.show_running(False)
        self._show_values()
        self.run_button.setFocus()

    def _lay_out(self) -> None:
        form = QWidget()
        left = QVBoxLayout(form)
        left.setContentsMargins(0, 0, 12, 0)
        left.setSpacing(8)
        summary = _wrapped("")
        summary.setText(self.kind.summary)
        citation = _wrapped("muted")
        citation.setText(self.kind.citation)
        for widget in (summary, self.about, *self.rows.values(), self.effort, self.problem):
            left.addWidget(widget)
        left.addStretch(1)
        left.addWidget(citation)
        citation.setVisible(bool(self.kind.citation))
        scrolled = QScrollArea()
        scrolled.setFrameShape(QScrollArea.Shape.NoFrame)
        scrolled.setWidgetResizable(True)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setWidget(form)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button)
        buttons.addWidget(self.stop_button)
        side = QWidget()
        side.setFixedWidth(_FORM)
        beside = QVBoxLayout(side)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(scrolled, 1)
        beside.addWidget(self.bar)
        beside.addWidget(self.doing)
        beside.addLayout(buttons)
        self._halves = QSplitter(Qt.Orientation.Vertical)
        self._halves.addWidget(self._figure_room)
        self._halves.addWidget(self.table)
        self._halves.setSizes([_SIZE[1] - _TABLE, _TABLE])
        self._halves.setStretchFactor(0, 1)
        self._halves.setChildrenCollapsible(False)
        self._halves.splitterMoved.connect(self._on_halves_moved)
        found = QWidget()
        right = QVBoxLayout(found)
        right.setContentsMargins(12, 0, 0, 0)
        right.addWidget(self.sentence)
        right.addWidget(self._halves, 1)
        right.addWidget(self.notes)
        saving = QHBoxLayout()
        saving.addStretch(1)
        for button in (self.take_columns, self.save_table, self.save_figure):
            button.setAutoDefault(False)
            saving.addWidget(button)
        right.addLayout(saving)
        layout = QHBoxLayout(self)
        layout.addWidget(side)
        layout.addWidget(found, 1)

    def take_values(self, values: Mapping[str, object]) -> None:
        """Take values of some parameters, as if they had been typed."""
        for name, value in values.items():
            self._on_edited(name, value)

    def show_inputs(self, text: str) -> None:
        """Say what the study will be carried out on."""
        self.about.setText(text)
        self.about.setVisible(bool(text))

    def show_running(self, running: bool, *, stopped: bool = False) -> None:
        """Show that the study is carried out, or is not; one that was stopped may be resumed."""
        self.run_button.setText(self.tr("Resume") if stopped else self.tr("Run"))
        now, then = self.run_button, self.stop_button
        if running:
            now, then = then, now
        now.setEnabled(True)
        if then.hasFocus():
            now.setFocus()  # else disabling would hand the keyboard to whatever comes next
        then.setEnabled(False)
        for row in self.rows.values():
            row.setEnabled(not running)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)
        if not running:
            self.doing.clear()

    def show_progress(self, done: int, total: int, doing: str, left: str = "") -> None:
        """Show how far the study has come, and how long the rest takes."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.doing.setText(" · ".join(filter(None, (doing, left))))

    def show_problem(self, text: str) -> None:
        """Say why the study was not carried out; "" if nothing is wrong."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_result(
        self,
        result: StudyResult | None,
        figure: QImage | None,
        places: Sequence[ImagePlace] = (),
    ) -> None:
        """Show what is known, with the places of images in the figure; None for nothing."""
        self._images = list(result.images) if result else []
        self.sentence.setText(result.sentence if result else "")
        self.notes.setText("\n".join(result.notes) if result else "")
        self.notes.setVisible(bool(self.notes.text()))
        self.figure.show_image(figure)
        self._figure_room.make_room(figure)
        self.figure.show_places(
            list(places), [path.name if path else None for path in self._images]
        )
        rows = self.table.rowCount()
        _fill(self.table, result.table if result else None)
        if self.table.rowCount() != rows and not self._halves_moved:
            self._share_height()
        for button in (self.save_table, self.save_figure):
            button.setEnabled(result is not None)
        self.take_columns.setVisible(bool(result and result.columns))

    def _share_height(self) -> None:
        """Give a short table what its rows take, and the figure the rest."""
        table, whole = self.table, sum(self._halves.sizes())
        lines = table.rowCount() * table.verticalHeader().defaultSectionSize()
        around = table.horizontalHeader().sizeHint().height() + _AROUND
        high = min(lines + around, _TABLE, whole // 2)
        self._halves.setSizes([whole - high, high])

    def _on_halves_moved(self) -> None:
        self._halves_moved = True

    def reject(self) -> None:
        """Stop what runs and close, by Escape or the cross: nobody would see what it finds."""
        self.stop_wanted.emit()
        super().reject()

    def _on_image(self, place: int) -> None:
        self.image_wanted.emit(self._images[place])

    def _on_edited(self, name: str, value: object) -> None:
        self.values[name] = value
        self.run_button.setText(self.tr("Run"))
        self._show_values()

    def _show_values(self) -> None:
        for name, row in self.rows.items():
            row.show_value(self.values[name], (row.parameter.minimum, row.parameter.maximum))
        self.show_problem("")
        self.effort.setText(self.kind.model_construct(**self.values).effort())

    def _on_run(self) -> None:
        given = {name: value for name, value in self.values.items() if value is not None}
        missing = [row.parameter.label for name, row in self.rows.items()
                   if row.parameter.required and name not in given]  # fmt: skip
        if missing:
            self.show_problem(self.tr("Choose: {0}.").format(", ".join(missing)))
            return
        try:
            study = self.kind.of_values(given)
        except UsageError as error:
            self.show_problem(str(error))
            return
        self.show_problem("")
        self.run_wanted.emit(study)


def image_of_figure(pixels: np.ndarray[Any, Any]) -> QImage:
    """A figure's pixels (H, W, 4) uint8 as Qt's image."""
    whole = np.ascontiguousarray(pixels)
    height, width = whole.shape[:2]
    form = QImage.Format.Format_RGBA8888
    return QImage(whole.data, width, height, 4 * width, form).copy()


def _wrapped(name: str) -> QLabel:
    label = named(QLabel(), name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _made_table(name: str) -> QTableWidget:
    table = QTableWidget()
    table.setAccessibleName(name)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
    table.setShowGrid(False)
    return table


def _with_minus(text: str) -> str:
    """A number with a minus sign in place of a hyphen."""
    return f"−{text[1:]}" if text[:1] == "-" and text[1:2].isdigit() else text


def _fill(widget: QTableWidget, table: Table | None) -> None:
    widget.setVisible(table is not None)
    if table is None:
        widget.setRowCount(0)
        return
    widget.setColumnCount(len(table.columns))
    widget.setHorizontalHeaderLabels([column.title for column in table.columns])
    widget.setRowCount(len(table.rows))
    for index, column in enumerate(table.columns):
        alone = column.key == table.group and len({row[index] for row in table.rows}) == 1
        unknown = all(row[index] is None for row in table.rows)
        # What is the same in all rows, or known in none, needs no column.
        widget.setColumnHidden(index, alone or (unknown and bool(table.rows)))
    for place, row in enumerate(table.rows):
        for index, (column, value) in enumerate(zip(table.columns, row, strict=True)):
            item = QTableWidgetItem(_with_minus(column.text(value)))
            if column.format != "text":
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            widget.setItem(place, index, item)
