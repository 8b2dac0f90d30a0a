"""Chooses a method from a list under headings."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

_Index = QModelIndex | QPersistentModelIndex
_HEADING, _SUMMARY = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
_LINE, _HEADING_LINE = 23, 29  # pixels
_MARGIN, _INDENT = 8, 18
_LINES = 34  # of the list, at once


class MethodList(QComboBox):
    """All methods, family by family; a heading cannot be chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(_Lines(self))
        self.setMaxVisibleItems(_LINES)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def offer(self, families: Mapping[str, list[tuple[str, str, str]]]) -> None:
        """Offer methods, each by its name, title and summary, under their families."""
        self.clear()
        for family, methods in families.items():
            self.addItem(family)
            at = self.count() - 1
            self.setItemData(at, True, _HEADING)
            self.setItemData(at, Qt.ItemFlag.NoItemFlags.value, Qt.ItemDataRole.UserRole - 1)
            for name, title, summary in methods:
                self.addItem(title, name)
                self.setItemData(self.count() - 1, summary, Qt.ItemDataRole.ToolTipRole)
                self.setItemData(self.count() - 1, summary, _SUMMARY)

    def mark(self, reasons: Mapping[str, str]) -> None:
        """Let methods not be chosen, given by name with the reason, which is their tooltip."""
        for at in range(self.count()):
            if self.itemData(at, _HEADING):
                continue
            reason = reasons.get(self.itemData(at), "")
            flags = Qt.ItemFlag.NoItemFlags.value if reason else None  # None: as they are usually
            self.setItemData(at, flags, Qt.ItemDataRole.UserRole - 1)
            shown = reason or self.itemData(at, _SUMMARY)
            self.setItemData(at, shown, Qt.ItemDataRole.ToolTipRole)


class _Lines(QStyledItemDelegate):
    """Writes headings in bold, and sets in what is under them."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw a line of the list."""
        line = QStyleOptionViewItem(option)
        self.initStyleOption(line, index)
        text, line.text = line.text, ""
        heading = bool(index.data(_HEADING))
        if not heading:
            style = line.widget.style()
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, line, painter, line.widget)
        selected = bool(line.state & QStyle.StateFlag.State_Selected) and not heading
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        font = QFont(line.font)
        if heading:
            font.setWeight(QFont.Weight.DemiBold)
        place = line.rect.adjusted(
            _MARGIN if heading else _INDENT, 6 if heading else 0, -_MARGIN, 0
        )
        painter.save()
        painter.setFont(font)
        usable = heading or bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
        group = QPalette.ColorGroup.Active if usable else QPalette.ColorGroup.Disabled
        painter.setPen(line.palette.color(group, role))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Room for a heading and a little over it, or for a method."""
        width = option.fontMetrics.horizontalAdvance(str(index.data() or ""))
        return QSize(width + _INDENT + 16, _HEADING_LINE if index.data(_HEADING) else _LINE)
