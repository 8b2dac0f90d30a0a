"""The windows over a pixel: which there are, what stood in for one, what was said without it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from pda_studio.gui.inspector.comparison import Comparison
from pda_studio.gui.inspector.inspection import PixelWindows
from pda_studio.gui.inspector.patches import Patch, Samples
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.style_names import named

_LINE = 22
_FOR, _AGAINST = QColor(150, 14, 38), QColor(20, 80, 140)
_Index = QModelIndex | QPersistentModelIndex
_WINDOW, _VALUE, _LIMIT, _PLACE = (Qt.ItemDataRole.UserRole + at for at in range(4))


class _Windows(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.spot: PixelWindows | None = None
        self.over: list[int] = []

    def rowCount(self, parent: _Index | None = None) -> int:
        return len(self.over)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.spot is None or self.spot.windows is None:
            return None
        windows, number = self.spot.windows, self.over[index.row()]
        value, limit = float(windows.values[number]), abs(float(windows.values[self.over[0]]))
        box = windows.box(number)
        place = f"{box.left}, {box.top}"
        known = {_WINDOW: number, _VALUE: value, _LIMIT: limit or 1.0, _PLACE: place}
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return words.evidence(value, limit or 1.0)
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return self.tr("{0} {1}: {2}×{3} pixels from x {4}, y {5}").format(
                    words.evidence(value, limit or 1.0),
                    windows.unit, box.width, box.height, box.left, box.top,
                )  # fmt: skip
        return known.get(role)


class _Values(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, _LINE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        palette, area = option.palette, option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = palette.color(QPalette.ColorRole.Highlight)
        if option.state & QStyle.StateFlag.State_Selected:
            ground = QColor(accent)
            ground.setAlphaF(0.18)
            painter.setPen(accent if option.state & QStyle.StateFlag.State_HasFocus else ground)
            painter.setBrush(ground)
            painter.drawRoundedRect(area.adjusted(1, 1, -2, -2), 4, 4)
        swatch = area.adjusted(8, 6, 0, -6)
        swatch.setWidth(swatch.height())
        value, limit = index.data(_VALUE), index.data(_LIMIT)
        colour = QColor(_FOR if value > 0 else _AGAINST)
        colour.setAlphaF(min(abs(value) / limit, 1.0))
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(Qt.GlobalColor.white)
        painter.drawRect(swatch)
        painter.setBrush(colour)
        painter.drawRect(swatch)
        text = area.adjusted(26, 0, -8, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignLeft, str(index.data()))
        place, metrics = index.data(_PLACE), painter.fontMetrics()
        if metrics.horizontalAdvance(f"{index.data()}  {place}") <= text.width():
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(text, middle | Qt.AlignmentFlag.AlignRight, place)
        painter.restore()


class WindowPage(QWidget):
    """Shows a spot."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._windows = _Windows(self)
        self.heading = named(QElidingLabel(), "muted")
        self.list = named(QListView(), "bare")
        self.list.setModel(self._windows)
        self.list.setItemDelegate(_Values(self.list))
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(self.tr("Windows over the pixel, the strongest first"))
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.original = Patch(self.tr("Original"))
        self.infill = Patch(self.tr("Infill"))
        self.samples = Samples()
        self.drawn = QWidget()
        self.samples_caption = named(QElidingLabel(), "caption")
        font = self.samples_caption.font()
        font.setPixelSize(11)
        self.samples_caption.setFont(font)
        drawn = QVBoxLayout(self.drawn)
        drawn.setContentsMargins(0, 0, 0, 0)
        drawn.setSpacing(2)
        drawn.addWidget(self.samples, 1)
        drawn.addWidget(self.samples_caption)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.comparison = Comparison()
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.heading)
        left.addWidget(self.list, 1)
        images = QHBoxLayout()
        images.setSpacing(8)
        images.addWidget(self.original, 1)
        images.addWidget(self.infill, 1)
        images.addWidget(self.drawn, 2)
        middle = QVBoxLayout()
        middle.setSpacing(4)
        middle.addLayout(images, 1)
        middle.addWidget(self.summary)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 2, 8, 8)
        layout.setSpacing(14)
        layout.addLayout(left, 3)
        layout.addLayout(middle, 5)
        layout.addWidget(self.comparison, 4)

    def show_spot(self, spot: PixelWindows) -> None:
        """Show a pixel's windows and the one that is looked at."""
        self._show_list(spot)
        removal = spot.removal
        drawn = removal is not None and len(removal.infills) > 1
        self.infill.setVisible(not drawn)
        self.drawn.setVisible(drawn)
        if removal is None:
            self.original.show_pixels(None)
            self.infill.show_pixels(None)
            self.summary.setText("")
            self.comparison.show_answers()
            return
        names = spot.of.subject.scored.class_names
        self.original.show_pixels(removal.original)
        if drawn:
            hidden = not removal.before.has_probabilities
            text = self.tr("{0} samples, the activation with each")
            if not hidden:
                text = self.tr("{0} samples, P with each")
            self.samples_caption.setText(text.format(len(removal.infills)))
            limit = float(abs(removal.of_each).max()) or 1.0
            self.samples.show_samples(
                removal.infills,
                [
                    words.evidence(value, limit) if hidden else words.percentage(value)
                    for value in removal.of_each.tolist()
                ],
            )
        else:
            self.infill.show_pixels(removal.infills[0])
        self.comparison.show_answers(names, removal.before, removal.after, removal.target)
        self.summary.setText(self.comparison.told(names, removal))

    def _show_list(self, spot: PixelWindows) -> None:
        model = self._windows
        same = model.spot is not None and model.spot.windows is spot.windows
        if (
            not same
            or model.spot is None
            or (model.spot.column, model.spot.row)
            != (
                spot.column,
                spot.row,
            )
        ):
            model.beginResetModel()
            model.spot, model.over = spot, spot.over
            model.endResetModel()
        model.spot = spot
        if spot.chosen in model.over:
            index = model.index(model.over.index(spot.chosen), 0)
            if index != self.list.currentIndex():
                selection = self.list.selectionModel()
                selection.blockSignals(True)
                self.list.setCurrentIndex(index)
                selection.blockSignals(False)
                self.list.viewport().update()
        known = len(model.over)
        if spot.windows is None:
            text = self.tr("Looking …")
        elif known < spot.total:
            text = self.tr("{0} of {1} windows").format(known, spot.total)
        elif spot.windows.summed:
            text = self.tr("{0} blocks, sum in {1}").format(known, spot.windows.unit)
        elif known == 1:
            text = self.tr("1 window, in {0}").format(spot.windows.unit)
        else:
            text = self.tr("{0} windows, in {1}").format(known, spot.windows.unit)
        self.heading.setText(text)
        self.heading.setToolTip(self.tr("Their evidence, and where their upper left corner lies"))

    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.data(_WINDOW))
