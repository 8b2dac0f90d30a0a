"""The windows over a pixel: which there are, what replaced one, the scores without it."""

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

from pda_studio.gui.inspector.comparison import Comparison
from pda_studio.gui.inspector.inspection import PixelWindows
from pda_studio.gui.inspector.patches import Patch, Samples
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.style_names import named

_LINE = 22
_FOR, _AGAINST = QColor(150, 14, 38), QColor(20, 80, 140)
_Index = QModelIndex | QPersistentModelIndex
_WINDOW, _VALUE, _LIMIT, _PLACE = (Qt.ItemDataRole.UserRole + at for at in range(4))


class _Windows(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.pixel: PixelWindows | None = None
        self.over: list[int] = []

    def rowCount(self, parent: _Index | None = None) -> int:
        return len(self.over)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.pixel is None or self.pixel.windows is None:
            return None
        windows, number = self.pixel.windows, self.over[index.row()]
        value, limit = float(windows.values[number]), abs(float(windows.values[self.over[0]]))
        rectangle = windows.rectangle(number)
        place = f"{rectangle.left}, {rectangle.top}"
        known = {_WINDOW: number, _VALUE: value, _LIMIT: limit or 1.0, _PLACE: place}
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return words.evidence(value, limit or 1.0)
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return self.tr("{0} {1}: {2}×{3} pixels from x {4}, y {5}").format(
                    words.evidence(value, limit or 1.0),
                    windows.unit, rectangle.width, rectangle.height, rectangle.left, rectangle.top,
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
    """Shows a pixel."""

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
        self.sampled = QWidget()
        self.samples_caption = named(QElidingLabel(), "caption")
        font = self.samples_caption.font()
        font.setPixelSize(11)
        self.samples_caption.setFont(font)
        sampled = QVBoxLayout(self.sampled)
        sampled.setContentsMargins(0, 0, 0, 0)
        sampled.setSpacing(2)
        sampled.addWidget(self.samples, 1)
        sampled.addWidget(self.samples_caption)
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
        images.addWidget(self.sampled, 2)
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

    def show_pixel(self, pixel: PixelWindows) -> None:
        """Show a pixel's windows and the chosen one."""
        self._show_list(pixel)
        removal = pixel.removal
        sampled = removal is not None and len(removal.infills) > 1
        self.infill.setVisible(not sampled)
        self.sampled.setVisible(sampled)
        if removal is None:
            self.original.show_pixels(None)
            self.infill.show_pixels(None)
            self.summary.setText("")
            self.comparison.show_scores()
            return
        names = pixel.of.subject.scored.class_names
        self.original.show_pixels(removal.original)
        if sampled:
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
        self.comparison.show_scores(names, removal.before, removal.after, removal.target)
        self.summary.setText(self.comparison.summary(names, removal))

    def _show_list(self, pixel: PixelWindows) -> None:
        model = self._windows
        same = model.pixel is not None and model.pixel.windows is pixel.windows
        if (
            not same
            or model.pixel is None
            or (model.pixel.column, model.pixel.row)
            != (
                pixel.column,
                pixel.row,
            )
        ):
            model.beginResetModel()
            model.pixel, model.over = pixel, pixel.over
            model.endResetModel()
        model.pixel = pixel
        if pixel.chosen in model.over:
            index = model.index(model.over.index(pixel.chosen), 0)
            if index != self.list.currentIndex():
                selection = self.list.selectionModel()
                selection.blockSignals(True)
                self.list.setCurrentIndex(index)
                selection.blockSignals(False)
                self.list.viewport().update()
        known = len(model.over)
        if pixel.windows is None:
            text = self.tr("Computing …")
        elif known < pixel.total:
            text = self.tr("{0} of {1} windows").format(known, pixel.total)
        elif pixel.windows.summed:
            text = self.tr("{0} blocks, sum in {1}").format(known, pixel.windows.unit)
        elif known == 1:
            text = self.tr("1 window, in {0}").format(pixel.windows.unit)
        else:
            text = self.tr("{0} windows, in {1}").format(known, pixel.windows.unit)
        self.heading.setText(text)
        self.heading.setToolTip(self.tr("Their evidence, and where their upper left corner lies"))

    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.data(_WINDOW))
