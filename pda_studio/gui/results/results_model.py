"""Results in their chosen order, for a view of Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from pda_studio.counts import written

if TYPE_CHECKING:  # it imports pyarrow
    from pda_studio.batch.table import ResultTable

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Cell(NamedTuple):
    """What is written below a thumbnail.

    Attributes
    ----------
    name, prediction, confidence : str
        The image, and what the classifier says of it.
    method : str
        What explains it.
    classifier : str
        What is explained, where the table holds results of several.
    agreement : str
        How far its map agrees with the others of the image; "" where there are none.
    error : str
        Why there is no map.
    correct : str
        "correct" or "wrong", where the label names a class.
    marked, noted : bool
        Whether it is marked, and has a note.
    """

    name: str
    prediction: str
    confidence: str
    method: str
    classifier: str
    agreement: str
    error: str
    correct: str
    marked: bool
    noted: bool


class ResultsModel(QAbstractListModel):
    """The rows of a table that a filter lets through, in an order.

    Attributes
    ----------
    table : ResultTable or None
        Whose rows they are.
    order : (M,) int64
        Their indices in the table.
    several : bool
        Whether they are of several classifiers.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table: ResultTable | None = None
        self.order: NDArray[np.int64] = np.empty(0, np.int64)
        self.several = False
        self._places: dict[int, int] | None = None

    def show(self, table: ResultTable | None, order: NDArray[np.int64]) -> None:
        """Show these rows of a table."""
        self.beginResetModel()
        if table is not self.table:
            self.several = table is not None and len(set(table.column("classifier"))) > 1
        self.table, self.order, self._places = table, order, None
        self.endResetModel()

    def place_of(self, at: int) -> int:
        """Where a row of the table stands; -1 if it is filtered out."""
        if self._places is None:
            self._places = {int(one): place for place, one in enumerate(self.order)}
        return self._places.get(at, -1)

    def changed(self, at: int) -> None:
        """Tell that something about a row of the table is new."""
        place = self.place_of(at)
        if place >= 0:
            index = self.index(place)
            self.dataChanged.emit(index, index)

    def cell(self, at: int) -> Cell:
        """What is written about a row of the table."""
        table = self.table
        assert table is not None
        job, confidence = table.column("job")[at], table.column("confidence")[at]
        says = "" if confidence is None else _confidence(confidence)
        return Cell(
            name=table.column("image")[at].rpartition("/")[2],
            prediction=table.column("predicted")[at],
            confidence=says,
            method=table.column("title")[at] or table.column("method")[at],
            classifier=table.column("classifier")[at] if self.several else "",
            agreement=agreed(table.column("agreement")[at]),
            error=table.column("error")[at],
            correct=table.column("correct")[at],
            marked=table.marks.is_marked(job),
            noted=bool(table.marks.note(job)),
        )

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """How many rows are shown."""
        return 0 if parent.isValid() else len(self.order)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A row in words, for tooltips and for who cannot see it."""
        if not index.isValid() or self.table is None:
            return None
        at = int(self.order[index.row()])
        if role == Qt.ItemDataRole.ToolTipRole:
            cell = self.cell(at)
            agrees = self.tr("agreement with the image's other maps: {0}").format(cell.agreement)
            lines = (
                self.table.column("image")[at],
                " · ".join(filter(None, (cell.method, cell.classifier))),
                agrees if cell.agreement else "",
                cell.error,
            )
            return "\n".join(filter(None, lines))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            cell = self.cell(at)
            mark = self.tr("marked") if cell.marked else ""
            agrees = self.tr("agreement {0}").format(cell.agreement) if cell.agreement else ""
            named = cell.name, cell.prediction, cell.confidence, cell.method, cell.classifier
            said = (*named, agrees, cell.error, mark)
            return ", ".join(filter(None, said))
        return None


def agreed(correlation: float | None) -> str:
    """A mean correlation with other maps, as panels write it; "" where there is none."""
    return "" if correlation is None else f"r {written(correlation)}"


def _confidence(value: float) -> str:
    """A probability in percent; another output as it is."""
    if not 0 <= value <= 1:
        return f"{value:.3g}"
    return f"{100 * value:.0f} %" if value >= 0.01 else "< 1 %"
