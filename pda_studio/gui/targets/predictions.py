"""What the classifier says: the most likely classes as bars; a click makes one the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QColor, QPainter, QPalette, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.targets.search_box import SearchBox
from pda_studio.gui.window import numbers as words

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.results import Subject

_SHOWN = 20
_LINE = 34
_Index = QModelIndex | QPersistentModelIndex
_NUMBER = Qt.ItemDataRole.UserRole
_CLASS = Qt.ItemDataRole.UserRole + 1
_TARGET = Qt.ItemDataRole.UserRole + 2
_SHARE = Qt.ItemDataRole.UserRole + 3


class _Predictions(QStandardItemModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._lines: list[tuple[int, str, float]] = []
        self._target: int | None = None
        self._probabilities = True

    def show(
        self, lines: list[tuple[int, str, float]], target: int | None, probabilities: bool
    ) -> None:
        """Show classes; where only the target is another one, the list stays where it is."""
        if lines and (lines, probabilities) == (self._lines, self._probabilities):
            for row, line in enumerate(lines):
                if (line[0] == target) != (line[0] == self._target):
                    self.item(row).setData(line[0] == target, _TARGET)
            self._target = target
            return
        self._lines, self._target, self._probabilities = lines, target, probabilities
        self.clear()
        for line in lines:
            self.appendRow(self._item(*line))

    def _item(self, index: int, name: str, value: float) -> QStandardItem:
        item = QStandardItem(name)
        item.setEditable(False)
        exact = f"{100 * value:.3g} %" if self._probabilities else f"{value:.6g}"
        number = words.percentage(value) if self._probabilities else words.plain(value)
        item.setToolTip(f"{name}: {exact}")
        item.setData(f"{name}, {number}", Qt.ItemDataRole.AccessibleTextRole)
        item.setData(index, _CLASS)
        item.setData(number, _NUMBER)
        item.setData(value if self._probabilities else None, _SHARE)
        item.setData(index == self._target, _TARGET)
        return item


class _Bars(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, _LINE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        palette, area = option.palette, option.rect.adjusted(2, 1, -2, -1)
        is_target = bool(index.data(_TARGET))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        accent = palette.color(QPalette.ColorRole.Highlight)
        if is_target or option.state & QStyle.StateFlag.State_MouseOver:
            ground = QColor(accent)
            ground.setAlphaF(0.16 if is_target else 0.07)
            painter.setBrush(ground)
            painter.drawRoundedRect(area, 4, 4)
        inner = area.adjusted(8, 3, -8, -3)
        font = painter.font()
        font.setBold(is_target)
        painter.setFont(font)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        number = index.data(_NUMBER)
        width = painter.fontMetrics().horizontalAdvance(number)
        text = QRect(inner.left(), inner.top(), inner.width(), inner.height() - 7)
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(text, flags | Qt.AlignmentFlag.AlignRight, number)
        name = painter.fontMetrics().elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, inner.width() - width - 8
        )
        painter.drawText(text, flags | Qt.AlignmentFlag.AlignLeft, name)
        share = index.data(_SHARE)
        if share is not None:  # a plain value is no part of anything
            bar = QRect(inner.left(), inner.bottom() - 4, inner.width(), 4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.Mid))
            painter.drawRoundedRect(bar, 2, 2)
            if share > 0.004:
                bar.setWidth(max(round(bar.width() * share), 4))
                painter.setBrush(accent)
                painter.drawRoundedRect(bar, 2, 2)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(accent)
            painter.drawRoundedRect(area, 4, 4)
        painter.restore()


class PredictionList(QWidget):
    """The 20 most likely classes, and a search among all others."""

    chosen = QtSignal(int)
    menu_wanted = QtSignal(int, QPoint)
    """A class, and where on the screen a menu of what can be asked about it should open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _Predictions(self)
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Bars(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setAccessibleName(self.tr("Predictions: choose the target class"))
        self.list.setObjectName("bare")
        self.list.clicked.connect(self._on_chosen)
        self.list.activated.connect(self._on_chosen)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._on_menu)
        self.list.setToolTip(self.tr("Click a class to explain it; right-click for more"))
        self.others = SearchBox()
        self.others.setToolTip(self.tr("Explain any class: type a part of its name"))
        self.others.setAccessibleName(self.tr("Target class"))
        self.others.activated.connect(self.chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.others)
        self._names: tuple[str, ...] = ()
        self._shown: tuple[object, object, object] | None = None

    def show_predictions(
        self, classifier: Classifier | None, subject: Subject | None, target: int | None
    ) -> None:
        """Show what the classifier says of an image."""
        if (classifier, subject, target) == self._shown:
            return
        self._shown = classifier, subject, target
        names = classifier.class_names if classifier else ()
        lines: list[tuple[int, str, float]] = []
        if subject is not None and len(subject.predictions) == len(names):
            shown = (-subject.predictions).argsort(kind="stable")[:_SHOWN].tolist()
            if target is not None and target not in shown:
                shown.append(target)
            lines = [(i, names[i], float(subject.predictions[i])) for i in shown]
        self._model.show(lines, target, classifier is None or classifier.has_probabilities)
        if names != self._names:
            self._names = names
            self.others.clear()
            self.others.addItems(list(names))  # type: ignore[no-untyped-call]
        self.others.setEnabled(bool(lines))
        self.others.setVisible(len(names) > _SHOWN)
        self.others.setCurrentIndex(-1 if target is None else target)

    def _on_menu(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        if index.isValid():
            self.menu_wanted.emit(index.data(_CLASS), self.list.viewport().mapToGlobal(place))

    def _on_chosen(self, index: QModelIndex) -> None:
        self.chosen.emit(index.data(_CLASS))
