"""What the classifier says with and without something: a pair of bars for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from pda_studio.gui.window import numbers as words

if TYPE_CHECKING:
    from pda_studio.inspection import ClassScores, Removal

_LINE = 32
_SHOWN = 5
_NAME = 48  # pixels that a name needs at least
_Index = QModelIndex | QPersistentModelIndex
_CLASS = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class _Line:
    name: str
    before: float
    after: float
    limit: float
    is_target: bool
    gained: bool
    hidden: bool

    def words(self, value: float) -> str:
        return words.evidence(value, self.limit) if self.hidden else words.percentage(value)


class _Classes(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines: list[_Line] = []

    def rowCount(self, parent: _Index | None = None) -> int:
        return len(self.lines)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.lines[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return line.name
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                said = self.tr("{0}: {1} before, {2} after").format(
                    line.name, line.words(line.before), line.words(line.after)
                )
                return said + (self.tr(", gained most") if line.gained else "")
            case _ if role == _CLASS:
                return line
        return None


class _Pairs(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, _LINE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        line: _Line = index.data(_CLASS)
        palette, area = option.palette, option.rect.adjusted(2, 1, -6, -1)
        accent = palette.color(QPalette.ColorRole.Highlight)
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(12)
        font.setBold(line.is_target)
        painter.setFont(font)
        text = QRect(area.left(), area.top(), area.width(), 16)
        middle = Qt.AlignmentFlag.AlignVCenter
        metrics = painter.fontMetrics()
        after = line.words(line.after)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignRight, after)
        text.setRight(text.right() - metrics.horizontalAdvance(after))
        before = f"{line.words(line.before)} → "
        if metrics.horizontalAdvance(before) + _NAME > text.width():
            before = ""  # the grey bar tells it
        painter.setPen(muted)
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignRight, before)
        text.setRight(text.right() - metrics.horizontalAdvance(before) - 6)
        mark = "▲ " if line.gained else ""
        painter.setPen(accent)
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignLeft, mark)
        text.setLeft(text.left() + metrics.horizontalAdvance(mark))
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        name = metrics.elidedText(line.name, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(Qt.PenStyle.NoPen)
        for top, value, colour in ((17, line.before, muted), (22, line.after, accent)):
            bar = QRect(area.left(), area.top() + top, area.width(), 4)
            ground = QColor(palette.color(QPalette.ColorRole.Mid))
            ground.setAlphaF(0.55)
            painter.fillRect(bar, ground)
            part = min(abs(value) / line.limit, 1.0) if line.limit else 0.0
            if part > 0.002:
                bar.setWidth(max(round(bar.width() * part), 2))
                painter.fillRect(bar, colour)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(accent)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(option.rect.adjusted(0, 0, -1, -1), 3, 3)
        painter.restore()


class Comparison(QListView):
    """The likeliest classes before (grey) and after (coloured); ▲ marks what gained most."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bare")
        self._classes = _Classes(self)
        self.setModel(self._classes)
        self.setItemDelegate(_Pairs(self))
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(self.tr("Classes before and after"))

    def sizeHint(self) -> QSize:
        """Room for five classes."""
        return QSize(220, _SHOWN * _LINE)

    def minimumSizeHint(self) -> QSize:
        """Room for two classes."""
        return QSize(150, 2 * _LINE)

    def show_scores(
        self,
        names: Sequence[str] = (),
        before: ClassScores | None = None,
        after: ClassScores | None = None,
        target: int = 0,
    ) -> None:
        """Show the scores of two images beside each other, or nothing."""
        model = self._classes
        model.beginResetModel()
        model.lines = []
        if before is not None and after is not None:
            from pda_studio.inspection import likeliest, most_gained

            gained = most_gained(before, after)
            hidden = not before.has_probabilities
            ends = [abs(float(one.values[target])) for one in (before, after)]
            model.lines = [
                _Line(
                    name=names[index],
                    before=float(before.values[index]),
                    after=float(after.values[index]),
                    limit=(max(ends) or 1.0) if hidden else 1.0,
                    is_target=index == target,
                    gained=index == gained,
                    hidden=hidden,
                )
                for index in likeliest(before, after, target, _SHOWN)
            ]
        model.endResetModel()

    def summary(self, names: Sequence[str], removal: Removal) -> str:
        """One sentence on what a removal did, and to which class most of it went."""
        target = names[removal.target]
        both = (removal.before, removal.after)
        if not removal.before.has_probabilities:
            change = removal.evidence("logit")
            limit = max(abs(float(one.values[removal.target])) for one in both)
            size = words.signed(abs(change), limit or 1.0, "", 3)
            text = self.tr("Without it the {0} falls by {1}.")
            if change < 0:
                text = self.tr("Without it the {0} rises by {1}.")
            return text.format(removal.before.unit, size)
        bits = removal.evidence("log-odds")
        text = self.tr("Without it “{0}” loses {1} bits")
        if bits < 0:
            text = self.tr("Without it “{0}” gains {1} bits")
        text = text.format(target, f"{abs(bits):.2f}")
        if removal.gained is not None and removal.gained != removal.target:
            text += self.tr("; “{0}” gains most").format(names[removal.gained])
        return text + "."
