"""The grid of thumbnails: a list of Qt in columns that fill its width."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from pda_studio.gui.results.result_delegate import ResultDelegate
from pda_studio.gui.results.results_model import ResultsModel
from pda_studio.gui.results.thumbnails import Thumbnails

_AHEAD = 2  # lines above and below what is in sight, whose thumbnails are read too


class ResultGrid(QListView):
    """Shows results; Enter opens one, M marks what is selected."""

    mark_wanted = Signal()
    looked_at = Signal(list)
    """The rows of the table that are in sight, once the view rests."""

    def __init__(
        self, model: ResultsModel, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._results, self._thumbnails = model, thumbnails
        self.setModel(model)
        self.setItemDelegate(ResultDelegate(model, thumbnails, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Results"))
        self._rest = QTimer(self, singleShot=True, interval=0)
        self._rest.timeout.connect(self._look)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._rest.start())
        model.modelReset.connect(self._fit)  # cells have one line more or less
        model.modelReset.connect(self._rest.start)
        thumbnails.read.connect(model.changed)
        self._fit()

    def visible_rows(self, ahead: int = 0) -> list[int]:
        """The rows of the table that are in sight, from top to bottom; those in sight first."""
        cell, count = self.gridSize(), len(self._results.order)
        across = max(self.viewport().width() // max(cell.width(), 1), 1)
        top = self.verticalScrollBar().value() // cell.height()
        bottom = (self.verticalScrollBar().value() + self.viewport().height()) // cell.height()
        lines = [*range(top, bottom + 1)]
        lines += [one for step in range(ahead) for one in (bottom + 1 + step, top - 1 - step)]
        places = [line * across + at for line in lines if line >= 0 for at in range(across)]
        return [int(self._results.order[place]) for place in places if place < count]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Mark with M; all other keys move and select as in every list."""
        if event.key() == Qt.Key.Key_M and not event.modifiers():
            self.mark_wanted.emit()
            event.accept()
            return
        super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters search nothing: the filter does."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the columns fill the width."""
        self._fit()
        super().resizeEvent(event)
        self._rest.start()

    def _fit(self) -> None:
        delegate = self.itemDelegate()
        assert isinstance(delegate, ResultDelegate)
        # A line that is exactly as wide as the view is broken before its last cell.
        least, width = delegate.least, self.viewport().width() - 1
        across = max(width // least.width(), 1)
        size = QSize(max(width // across, least.width()), least.height())
        if size != self.gridSize():
            self.setGridSize(size)

    def _look(self) -> None:
        if self._results.table is not None:
            self._thumbnails.want(self.visible_rows(_AHEAD))
            self.looked_at.emit(self.visible_rows())
